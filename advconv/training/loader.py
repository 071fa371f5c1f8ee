"""Batches of augmented images, loaded by worker processes into a ring buffer in shared memory."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from advconv.training.augment import Augment
from advconv.training.data import ImageSet, share_memory
from advconv.training.ranks import Rank, local_world_size
from advconv.training.workers import Task, WorkerPool, WorkerTimeout


class BatchPlan(NamedTuple):
    """Which images make up which batch. `batch_size` is the one of all processes together."""

    dataset_size: int
    batch_size: int
    epochs: int
    seed: int
    process: Rank = Rank()

    @property
    def steps_per_epoch(self) -> int:
        """Full batches; the images that are left over differ from epoch to epoch."""
        return max(1, self.dataset_size // self.batch_size)

    @property
    def total_steps(self) -> int:
        return self.epochs * self.steps_per_epoch

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The indices of the images in the order of an epoch, which depends only on (seed, epoch)."""
        return np.random.default_rng((self.seed, epoch)).permutation(self.dataset_size)


Batch = tuple[Tensor, Tensor]
"""Images, uint8 (batch, height, width, channels), and labels (batch)."""


class BatchSampler:
    """The epoch of each batch and the indices of this process's images in it, from a step to the end of training."""

    def __init__(self, plan: BatchPlan, start_step: int) -> None:
        self.plan, self.start_step = plan, start_step

    def __iter__(self) -> Iterator[tuple[int, NDArray[np.int64]]]:
        rank, world_size = self.plan.process
        first_epoch, first_step = divmod(self.start_step, self.plan.steps_per_epoch)
        for epoch in range(first_epoch, self.plan.epochs):
            order = self.plan.order(epoch)
            for step in range(first_step if epoch == first_epoch else 0, self.plan.steps_per_epoch):
                start = step * self.plan.batch_size
                yield epoch, order[start : start + self.plan.batch_size][rank::world_size]

    def __len__(self) -> int:
        return self.plan.total_steps - self.start_step


class LoadTask(NamedTuple):
    """Images of one batch, and where to write them: into a slot of the ring buffer, from position `start` on."""

    epoch: int
    indices: NDArray[np.int64]
    slot: int
    start: int


class LoadSampler:
    """All batches, each cut into `parts` tasks and assigned the next slot; yields (number of the batch, task)."""

    def __init__(self, batches: BatchSampler, parts: int, slots: int) -> None:
        self.batches, self.parts, self.slots = batches, parts, slots

    def __iter__(self) -> Iterator[tuple[int, LoadTask]]:
        for number, (epoch, batch) in enumerate(self.batches):
            starts = np.linspace(0, len(batch), self.parts + 1, dtype=np.int64)
            for start, end in pairwise(starts.tolist()):
                yield number, LoadTask(epoch, batch[start:end], number % self.slots, start)


class AugmentedDataset:
    """Writes augmented images into a ring buffer (slots, batch, height, width, channels) in shared memory."""

    def __init__(self, images: Tensor, augment: Augment, buffer: Tensor) -> None:
        self.images, self.augment, self.buffer = images, augment, buffer

    def load(self, task: LoadTask) -> None:
        images, batch = self.images.numpy(), self.buffer[task.slot].numpy()
        for position, index in enumerate(task.indices.tolist(), task.start):
            batch[position] = self.augment(images[index], task.epoch, index)


class WorkerTasks:
    """The tasks of one of several workers: every `workers`-th one, in the order of the batches."""

    def __init__(self, sampler: LoadSampler, dataset: AugmentedDataset, worker: int, workers: int) -> None:
        self.sampler, self.dataset, self.worker, self.workers = sampler, dataset, worker, workers

    def __iter__(self) -> Iterator[Task]:
        for number, task in islice(self.sampler, self.worker, None, self.workers):
            yield Task(number, partial(self.dataset.load, task))


PREFETCH = 4
"""Batches that each worker loads ahead while a GPU computes; on a CPU, batches that are loaded at a time."""


def default_workers() -> int:
    """One processor for the training, the others for its workers, divided by the processes of the machine.

    At least two if there are two processors: training on a CPU waits while images are loaded, and two workers load
    them in half the time.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    available = processors // local_world_size()
    return max(min(2, processors), min(16, available - 1))


def buffer_slots(device: str, workers: int) -> int:
    """The number of batches in the ring buffer."""
    return 2 * PREFETCH if device == "cpu" else PREFETCH * workers + 3


@contextmanager
def load_batches(
    data: ImageSet,
    augment: Augment,
    plan: BatchPlan,
    start_step: int,
    workers: int,
    device: str,
    report: Callable[[str], None],
    is_stopping: Callable[[], bool] = lambda: False,
) -> Iterator[Iterator[Batch]]:
    """The batches of a training from a step on; a batch is overwritten once the next one has been requested.

    With 0 workers, or without enough shared memory (which is reported), this process loads them itself. After a
    stop request the iterator ends instead of waiting for a worker that hangs. Leaving the context ends the workers.
    """
    slots = buffer_slots(device, workers)
    buffer = torch.empty((slots, plan.batch_size // plan.process.world_size, *data.images.shape[1:]), dtype=torch.uint8)
    if not share_memory(buffer) and workers:
        report(
            f"less than {buffer.nbytes / 1e6:,.0f} MB of shared memory are free, so images are loaded without workers"
        )
        workers = 0
    alternates = device == "cpu" and workers > 0
    sampler = LoadSampler(BatchSampler(plan, start_step), workers if alternates else 1, slots)
    dataset = AugmentedDataset(data.images, augment, buffer)
    tasks: list[Iterable[Task]] = [WorkerTasks(sampler, dataset, worker, workers) for worker in range(workers)]
    with WorkerPool(tasks, is_stopping) as pool:
        loading = _load_inline(sampler, dataset)
        if workers:
            loading = _load_between_steps(sampler, pool) if alternates else _load_ahead(sampler, pool)
        yield _batches(loading, sampler, buffer, data.labels, report)


def _batches(
    loading: Iterator[None], sampler: LoadSampler, buffer: Tensor, labels: Tensor, report: Callable[[str], None]
) -> Iterator[Batch]:
    for number, (_, batch) in enumerate(sampler.batches):
        try:
            next(loading)
        except WorkerTimeout as problem:
            if sampler.batches.plan.process.world_size > 1:
                # The other processes are in a step that this one cannot take.
                raise
            report(str(problem))
            return
        yield buffer[number % sampler.slots], labels[torch.from_numpy(batch)]


def _load_inline(sampler: LoadSampler, dataset: AugmentedDataset) -> Iterator[None]:
    """Loads in this process. Like the next two functions it yields each time another batch is in the buffer."""
    for _, task in sampler:
        dataset.load(task)
        yield


def _load_between_steps(sampler: LoadSampler, pool: WorkerPool) -> Iterator[None]:
    """All workers load `PREFETCH` batches while training waits, and none while it computes.

    Training on a CPU uses all processors, and each of its threads waits for one that a worker slows down.
    """
    for number in range(len(sampler.batches)):
        if number % PREFETCH == 0:
            last = min(number + PREFETCH, len(sampler.batches)) - 1
            for worker in pool.workers:
                worker.request(last)
            pool.wait(last, pool.workers)
        yield


def _load_ahead(sampler: LoadSampler, pool: WorkerPool) -> Iterator[None]:
    """Each worker loads `PREFETCH` batches before they are needed, while the device computes."""
    ahead = PREFETCH * len(pool.workers)
    for worker in pool.workers:
        worker.request(ahead - 1)
    for number in range(len(sampler.batches)):
        worker = pool.workers[number % len(pool.workers)]
        worker.request(number + ahead - 1)
        pool.wait(number, [worker])
        yield
