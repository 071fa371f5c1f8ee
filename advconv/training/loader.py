"""Batches of augmented pictures, made by workers while the network trains."""

import gc
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.multiprocessing import get_context
from torch.utils.data import DataLoader, Dataset, Sampler, get_worker_info

from advconv.training.augment import Augment
from advconv.training.data import Pictures, shared


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


class Work(NamedTuple):
    """Pictures to draw, and where they go: into a place on the shelf, from `start` on. `batch` counts from 0."""

    epoch: int
    pictures: NDArray[np.int64]
    batch: int
    place: int
    start: int


class Works(Sampler[Work]):
    """All batches in parts, each batch in the next place of the shelf."""

    def __init__(self, batches: Batches, parts: int, places: int) -> None:
        self.batches, self.parts, self.places = batches, parts, places

    def __iter__(self) -> Iterator[Work]:
        for number, (epoch, batch) in enumerate(self.batches):
            starts = np.linspace(0, len(batch), self.parts + 1, dtype=np.int64)
            for start, end in pairwise(starts.tolist()):
                yield Work(epoch, batch[start:end], number, number % self.places, start)

    def __len__(self) -> int:
        return len(self.batches) * self.parts


class Drawn(Dataset[int]):
    """Draws pictures onto a shelf of batches (places, batch, height, width, channels) in memory that all share."""

    def __init__(self, images: Tensor, augment: Augment, shelf: Tensor, turns: "Turns | None") -> None:
        self.images, self.augment, self.shelf, self.turns = images, augment, shelf, turns

    def __getitem__(self, work: Work) -> int:
        worker = get_worker_info()
        if worker is not None and self.turns:
            self.turns.wait(worker.id, work.batch)
        pictures, batch = self.images.numpy(), self.shelf[work.place].numpy()
        for place, index in enumerate(work.pictures.tolist(), work.start):
            batch[place] = self.augment(pictures[index], work.epoch, index)
        return work.place


class Turns:
    """Lets workers draw a batch when it is asked for, and not while training computes."""

    def __init__(self, workers: int) -> None:
        self.asked = torch.full((1,), -1).share_memory_()  # type: ignore[no-untyped-call]
        self.calls = [get_context().Semaphore(0) for _ in range(workers)]

    def ask(self, batch: int) -> None:
        self.asked[0] = batch
        for call in self.calls:
            call.release()

    def wait(self, worker: int, batch: int) -> None:
        """Until the batch is asked for; for a second at most, so that nobody waits for a training that has ended."""
        while int(self.asked[0]) < batch and self.calls[worker].acquire(timeout=1):
            pass


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


def batches(
    pictures: Pictures,
    augment: Augment,
    plan: Plan,
    start: int,
    workers: int,
    device: str,
    say: Callable[[str], None],
) -> Iterator[Batch]:
    """The batches of a training from a step on. Each is there until the next one is asked for.

    With 0 workers they are made where they are asked for; so they are, and `say` is told, where shared memory is short.
    Training on a CPU uses all processors, and each of its threads waits for one that a worker holds up. So there the
    workers draw some batches together, a part each, while the training waits for them, and none while it computes.
    """
    takes_turns, places = device == "cpu", shelf_places(device, workers)
    shelf = torch.empty((places, plan.batch_size // plan.share.of, *pictures.images.shape[1:]), dtype=torch.uint8)
    if not shared(shelf) and workers:
        say(f"no {shelf.nbytes / 1e6:,.0f} MB of shared memory are free, so pictures are made without workers")
        workers = 0
    planned = Batches(plan, start)
    turns = Turns(workers) if takes_turns and workers else None
    works = Works(planned, workers if turns else 1, places)
    with warnings.catch_warnings():
        # More workers than processors are the user's wish.
        warnings.filterwarnings("ignore", message="This DataLoader will create")
        loader = DataLoader(
            Drawn(pictures.images, augment, shelf, turns),
            batch_size=None,
            sampler=works,
            num_workers=workers,
            prefetch_factor=AHEAD if workers else None,
            worker_init_fn=_quiet,
        )
        # Where workers are forked, memory that the garbage collector does not touch stays shared.
        gc.freeze()
        made = iter(loader)
        gc.unfreeze()
    numbered = enumerate(planned)
    while group := list(islice(numbered, AHEAD if turns else 1)):
        if turns:
            turns.ask(group[-1][0])
        # All of a group before the first is trained on: each worker has come to rest by then.
        ready = [[next(made) for _ in range(works.parts)][-1] for _ in group]
        for place, (_, (_, batch)) in zip(ready, group, strict=True):
            yield shelf[place], pictures.labels[torch.from_numpy(batch)]


def _quiet(worker: int) -> None:
    """A worker makes pictures with one thread, and leaves Ctrl-C and SIGTERM to the process that it works for."""
    cv2.setNumThreads(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
