"""Batches of augmented pictures, made by workers while the network trains."""

import gc
import signal
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from advconv.training.augment import Augment
from advconv.training.data import Pictures


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


Keys = tuple[int, NDArray[np.int64]]
"""An epoch and the pictures of a batch."""

Batch = tuple[Tensor, Tensor]
"""Bytes (batch, height, width, channels) and classes (batch)."""


class Batches(Sampler[Keys]):
    """All batches from one step of the training to its end, so that no epoch waits for its first one."""

    def __init__(self, plan: Plan, start: int) -> None:
        self.plan, self.start = plan, start

    def __iter__(self) -> Iterator[Keys]:
        rank, of = self.plan.share
        first, skipped = divmod(self.start, self.plan.steps)
        for epoch in range(first, self.plan.epochs):
            order = self.plan.order(epoch)
            for step in range(skipped if epoch == first else 0, self.plan.steps):
                batch = order[step * self.plan.batch_size : (step + 1) * self.plan.batch_size]
                yield epoch, batch[rank::of]

    def __len__(self) -> int:
        return self.plan.epochs * self.plan.steps - self.start


class Augmented(Dataset[Batch]):
    """Whole batches of drawn pictures."""

    def __init__(self, pictures: Pictures, augment: Augment) -> None:
        self.images, self.labels = pictures
        self.augment = augment

    def __getitem__(self, keys: Keys) -> Batch:
        epoch, indices = keys
        pictures = self.images.numpy()
        drawn = np.stack([self.augment(pictures[index], epoch, int(index)) for index in indices])
        return torch.from_numpy(drawn), self.labels[torch.from_numpy(indices)]


def batches(pictures: Pictures, augment: Augment, plan: Plan, start: int, workers: int, pin: bool) -> Iterator[Batch]:
    """The batches of a training from a step on. With 0 workers they are made where they are asked for."""
    loader = DataLoader(
        Augmented(pictures, augment),
        batch_size=None,
        sampler=Batches(plan, start),
        num_workers=workers,
        pin_memory=pin,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_quiet,
    )
    # Where workers are forked, memory that the garbage collector does not touch stays shared.
    gc.freeze()
    started = iter(loader)
    gc.unfreeze()
    return started


def _quiet(worker: int) -> None:
    """A worker makes pictures with one thread, and leaves Ctrl-C and SIGTERM to the process that it works for."""
    cv2.setNumThreads(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
