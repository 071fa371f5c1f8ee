"""Batches of augmented pictures, made by workers while the network trains."""

import gc
import signal
from collections.abc import Iterator
from itertools import islice
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
    """All batches from one step of the training to its end, each in parts; so no epoch waits for its first one."""

    def __init__(self, plan: Plan, start: int, parts: int = 1) -> None:
        self.plan, self.start, self.parts = plan, start, parts

    def __iter__(self) -> Iterator[Keys]:
        rank, of = self.plan.share
        first, skipped = divmod(self.start, self.plan.steps)
        for epoch in range(first, self.plan.epochs):
            order = self.plan.order(epoch)
            for step in range(skipped if epoch == first else 0, self.plan.steps):
                batch = order[step * self.plan.batch_size : (step + 1) * self.plan.batch_size]
                for part in np.array_split(batch[rank::of], self.parts):
                    yield epoch, part

    def __len__(self) -> int:
        return (self.plan.epochs * self.plan.steps - self.start) * self.parts


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


PARTS = {"cpu": 2}
"""In how many parts a batch is made. Where training uses all processors, a worker that takes one of them stops the
others too, which wait for it; two at the same time hold training up for half as long as one after the other."""


def batches(pictures: Pictures, augment: Augment, plan: Plan, start: int, workers: int, device: str) -> Iterator[Batch]:
    """The batches of a training from a step on. With 0 workers they are made where they are asked for."""
    parts = min(PARTS.get(device, 1), max(1, workers))
    loader = DataLoader(
        Augmented(pictures, augment),
        batch_size=None,
        sampler=Batches(plan, start, parts),
        num_workers=workers,
        pin_memory=device == "cuda",
        prefetch_factor=4 if workers else None,
        worker_init_fn=_quiet,
    )
    # Where workers are forked, memory that the garbage collector does not touch stays shared.
    gc.freeze()
    made: Iterator[Batch] = iter(loader)
    gc.unfreeze()
    return made if parts == 1 else _joined(made, parts)


def _joined(made: Iterator[Batch], parts: int) -> Iterator[Batch]:
    while some := list(islice(made, parts)):
        images, labels = zip(*some, strict=True)
        yield torch.cat(images), torch.cat(labels)


def _quiet(worker: int) -> None:
    """A worker makes pictures with one thread, and leaves Ctrl-C and SIGTERM to the process that it works for."""
    cv2.setNumThreads(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
