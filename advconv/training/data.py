"""The pictures of a data set, as bytes in memory that workers share."""

import math
from contextlib import suppress
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from advconv.geometry import Shape
from advconv.training.errors import TrainingError


class DataError(TrainingError):
    """Pictures that are not there or cannot be read; the text says which and where."""


class Pictures(NamedTuple):
    """`images` are bytes (count, height, width, channels), `labels` their classes (count)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def some(self, indices: Tensor) -> "Pictures":
        return Pictures(self.images[indices], self.labels[indices])


class DataSets(NamedTuple):
    """What is trained on, what is held out of that, and what is tested on; `mean` and `std` are of 0 to 1."""

    train: Pictures
    validation: Pictures | None
    test: Pictures
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]


class Loaded(NamedTuple):
    """A data set as its files have it; `notes` say what was done to images or left out, a line each."""

    train: Pictures
    test: Pictures
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()


def split(loaded: Loaded, held_out: int, limit: int | None, seed: int) -> DataSets:
    """Holds pictures out of the training set at random, and measures what is left. Raises DataError."""
    train = first(loaded.train, limit)
    if held_out >= len(train):
        raise DataError(f"val_split holds {held_out:,} of {len(train):,} training pictures out, which leaves none")
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    validation = train.some(order[:held_out]) if held_out else None
    kept = train.some(order[held_out:].sort().values) if held_out else train
    mean, std = _statistics(kept.images)
    # Where that cannot be, workers that are forked share pages all the same.
    shared(kept.images)
    return DataSets(kept, validation, first(loaded.test, limit), loaded.classes, mean, std)


def shared(tensor: Tensor) -> bool:
    """Puts a tensor where other processes can read and write it; a container may have too little of such memory."""
    with suppress(RuntimeError):
        tensor.share_memory_()  # type: ignore[no-untyped-call]
        return True
    return False


def first(pictures: Pictures, limit: int | None) -> Pictures:
    return Pictures(pictures.images[:limit], pictures.labels[:limit])


def _statistics(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, 0 to 1, from whole numbers, so the same on any machine."""
    means, deviations = [], []
    for channel in range(images.shape[-1]):
        counts = enumerate(torch.bincount(images[..., channel].flatten(), minlength=256).tolist())
        moments = [(count, count * level, count * level**2) for level, count in counts]
        count, total, squares = (sum(column) for column in zip(*moments, strict=True))
        means.append(total / (255 * count))
        # A channel without contrast stays as it is.
        deviations.append(math.sqrt(count * squares - total**2) / (255 * count) or 1.0)
    return tuple(means), tuple(deviations)


def resized(pictures: Pictures, size: Shape) -> Pictures:
    if pictures.images.shape[1:3] == size.size:
        return pictures
    images = torch.empty((len(pictures), *size.size, pictures.images.shape[3]), dtype=torch.uint8)
    for image, smaller in zip(images.numpy(), pictures.images.numpy(), strict=True):
        image[:] = resize(smaller, size)
    return Pictures(images, pictures.labels)


def resize(image: NDArray[np.uint8], size: Shape) -> NDArray[np.uint8]:
    """A picture in another size; averaged where it shrinks, so that nothing is skipped."""
    shrinks = image.shape[0] * image.shape[1] > size.height * size.width
    resized = cv2.resize(
        image, (size.width, size.height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return resized.reshape(size.height, size.width, -1).astype(np.uint8)
