"""Batches of augmented pictures, made by workers while the network trains."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from advconv.training.augment import Augment
from advconv.training.data import Pictures, shared
from advconv.training.workers import Task, Unanswered, Workers


class Share(NamedTuple):
    """The part of each batch that one of several processes trains on."""

    rank: int = 0
    of: int = 1


class Plan(NamedTuple):
    """Which pictures make which batch. `batch_size` is that of all processes together."""

    pictures: int
    batch_size: int
    epochs: int
    seed: int
    share: Share = Share()

    @property
    def steps(self) -> int:
        """Batches in an epoch. Pictures that do not fill the last one wait for another epoch's order."""
        return max(1, self.pictures // self.batch_size)

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The pictures in the order of an epoch, shuffled by (seed, epoch) alone."""
        return np.random.default_rng((self.seed, epoch)).permutation(self.pictures)


Batch = tuple[Tensor, Tensor]
"""Bytes (batch, height, width, channels) and classes (batch)."""


class Batches:
    """The epoch and the pictures of each batch, from one step of the training to its end."""

    def __init__(self, plan: Plan, start: int) -> None:
        self.plan, self.start = plan, start

    def __iter__(self) -> Iterator[tuple[int, NDArray[np.int64]]]:
        rank, of = self.plan.share
        first, skipped = divmod(self.start, self.plan.steps)
        for epoch in range(first, self.plan.epochs):
            order = self.plan.order(epoch)
            for step in range(skipped if epoch == first else 0, self.plan.steps):
                yield epoch, order[step * self.plan.batch_size : (step + 1) * self.plan.batch_size][rank::of]

    def __len__(self) -> int:
        return self.plan.epochs * self.plan.steps - self.start


class Part(NamedTuple):
    """The images of a part of a batch, and where they go: into a place on the shelf, from `start` on."""

    epoch: int
    pictures: NDArray[np.int64]
    place: int
    start: int


class Works:
    """All batches in parts, each batch in the next place of the shelf; batches are counted from 0."""

    def __init__(self, batches: Batches, parts: int, places: int) -> None:
        self.batches, self.parts, self.places = batches, parts, places

    def __iter__(self) -> Iterator[tuple[int, Part]]:
        for number, (epoch, batch) in enumerate(self.batches):
            starts = np.linspace(0, len(batch), self.parts + 1, dtype=np.int64)
            for start, end in pairwise(starts.tolist()):
                yield number, Part(epoch, batch[start:end], number % self.places, start)


class Drawing:
    """Draws images onto a shelf of batches (places, batch, height, width, channels) in memory that all share."""

    def __init__(self, images: Tensor, augment: Augment, shelf: Tensor) -> None:
        self.images, self.augment, self.shelf = images, augment, shelf

    def __call__(self, part: Part) -> None:
        images, batch = self.images.numpy(), self.shelf[part.place].numpy()
        for place, index in enumerate(part.pictures.tolist(), part.start):
            batch[place] = self.augment(images[index], part.epoch, index)


class Tasks:
    """What one of several workers draws: every so many parts, in the order of the batches."""

    def __init__(self, works: Works, draw: Drawing, worker: int, of: int) -> None:
        self.works, self.draw, self.worker, self.of = works, draw, worker, of

    def __iter__(self) -> Iterator[Task]:
        for number, part in islice(self.works, self.worker, None, self.of):
            yield Task(number, partial(self.draw, part))


AHEAD = 4
"""How many batches each worker makes before they are asked for, beside a device that computes on its own; on a CPU, how
many are made at once."""


def default_workers() -> int:
    """One processor for the training, the others for its pictures, shared by the processes of one machine.

    Two at least: where training on a CPU waits for its pictures, two workers draw them in half the time.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    here = processors // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(min(2, processors), min(16, here - 1))


def shelf_places(device: str, workers: int) -> int:
    """How many batches lie ready at once."""
    return 2 * AHEAD if device == "cpu" else AHEAD * workers + 3


@contextmanager
def batches(
    pictures: Pictures,
    augment: Augment,
    plan: Plan,
    start: int,
    workers: int,
    device: str,
    say: Callable[[str], None],
    is_ending: Callable[[], bool] = lambda: False,
) -> Iterator[Iterator[Batch]]:
    """The batches of a training from a step on. Each is there until the next one is asked for.

    The workers that make them end with the context. Once the training `is_ending`, a batch that they do not make is
    not waited for: there is no further one. With 0 workers they are made where they are asked for; so they are, and
    `say` is told, where shared memory is short.
    """
    takes_turns, places = device == "cpu", shelf_places(device, workers)
    shelf = torch.empty((places, plan.batch_size // plan.share.of, *pictures.images.shape[1:]), dtype=torch.uint8)
    if not shared(shelf) and workers:
        say(f"no {shelf.nbytes / 1e6:,.0f} MB of shared memory are free, so pictures are made without workers")
        workers = 0
    works = Works(Batches(plan, start), workers if takes_turns and workers else 1, places)
    draw = Drawing(pictures.images, augment, shelf)
    with Workers([Tasks(works, draw, worker, workers) for worker in range(workers)], is_ending) as pool:
        drawn = _alone(works, draw) if not workers else _in_turn(works, pool) if takes_turns else _ahead(works, pool)
        yield _stream(drawn, works, shelf, pictures.labels, say)


def _stream(
    drawn: Iterator[None], works: Works, shelf: Tensor, labels: Tensor, say: Callable[[str], None]
) -> Iterator[Batch]:
    for number, (_, batch) in enumerate(works.batches):
        try:
            next(drawn)
        except Unanswered as problem:
            if works.batches.plan.share.of > 1:
                # The other processes are in the step that this one cannot take.
                raise
            say(str(problem))
            return
        yield shelf[number % works.places], labels[torch.from_numpy(batch)]


def _alone(works: Works, draw: Drawing) -> Iterator[None]:
    """Comes back when the next batch is drawn, as do the other two."""
    for _, part in works:
        draw(part)
        yield


def _in_turn(works: Works, pool: Workers) -> Iterator[None]:
    """Some batches are drawn while the training waits for them, by all workers together, and none while it computes.

    Training on a CPU uses all processors, and each of its threads waits for one that a worker holds up.
    """
    for number in range(len(works.batches)):
        if number % AHEAD == 0:
            last = min(number + AHEAD, len(works.batches)) - 1
            for worker in pool.workers:
                worker.ask(last)
            pool.wait(last, pool.workers)
        yield


def _ahead(works: Works, pool: Workers) -> Iterator[None]:
    """Each worker draws `AHEAD` batches before they are needed."""
    ahead = AHEAD * len(pool.workers)
    for worker in pool.workers:
        worker.ask(ahead - 1)
    for number in range(len(works.batches)):
        worker = pool.workers[number % len(pool.workers)]
        worker.ask(number + ahead - 1)
        pool.wait(number, [worker])
        yield
