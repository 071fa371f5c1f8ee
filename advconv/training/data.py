"""Image sets as uint8 tensors in shared memory, and how a data set is split."""

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
    """Images are missing or cannot be read; the text says which and where."""


class ImageSet(NamedTuple):
    """`images`: uint8 (count, height, width, channels). `labels`: int64 (count), indices of classes."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Tensor) -> "ImageSet":
        return ImageSet(self.images[indices], self.labels[indices])

    def first(self, limit: int | None) -> "ImageSet":
        """The first `limit` images, copied so that the others can be freed; None: all of them."""
        if limit is None or limit >= len(self):
            return self
        return ImageSet(self.images[:limit].clone(), self.labels[:limit].clone())


class LoadedData(NamedTuple):
    """A data set as its files have it. `notes`: what was converted or skipped, one line each."""

    train: ImageSet
    test: ImageSet
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()


class TrainingData(NamedTuple):
    """The images of a training. `mean` and `std` are those of `train` by channel, of values from 0 to 1."""

    train: ImageSet
    validation: ImageSet | None
    test: ImageSet
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def split(loaded: LoadedData, validation_size: int, limit: int | None, seed: int) -> TrainingData:
    """Takes random training images out for validation and computes the statistics of the rest. Raises DataError."""
    train = loaded.train.first(limit)
    if validation_size >= len(train):
        raise DataError(
            f"val_split takes {validation_size:,} of {len(train):,} training images for validation, which leaves none"
        )
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    validation = train.subset(order[:validation_size]) if validation_size else None
    rest = train.subset(order[validation_size:].sort().values) if validation_size else train
    mean, std = statistics(rest.images)
    # Without shared memory, workers that are forked share the pages anyway.
    share_memory(rest.images)
    return TrainingData(rest, validation, loaded.test.first(limit), loaded.classes, mean, std)


def share_memory(tensor: Tensor) -> bool:
    """Moves a tensor into shared memory; False if there is too little of it, as in some containers."""
    with suppress(RuntimeError):
        tensor.share_memory_()  # type: ignore[no-untyped-call]
        return True
    return False


def statistics(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, 0 to 1; summed as integers, so equal on every machine."""
    means, deviations = [], []
    for channel in range(images.shape[-1]):
        counts = enumerate(torch.bincount(images[..., channel].flatten(), minlength=256).tolist())
        moments = [(count, count * level, count * level**2) for level, count in counts]
        count, total, squares = (sum(column) for column in zip(*moments, strict=True))
        means.append(total / (255 * count))
        # A constant channel is not scaled.
        deviations.append(math.sqrt(count * squares - total**2) / (255 * count) or 1.0)
    return tuple(means), tuple(deviations)


def resize_all(data: ImageSet, size: Shape) -> ImageSet:
    if data.images.shape[1:3] == size.size:
        return data
    resized = torch.empty((len(data), *size.size, data.images.shape[3]), dtype=torch.uint8)
    for target, image in zip(resized.numpy(), data.images.numpy(), strict=True):
        target[:] = resize(image, size)
    return ImageSet(resized, data.labels)


def resize(image: NDArray[np.uint8], size: Shape) -> NDArray[np.uint8]:
    """Resizes one image; a smaller one averages all pixels."""
    shrinks = image.shape[0] * image.shape[1] > size.height * size.width
    resized = cv2.resize(
        image, (size.width, size.height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return resized.reshape(size.height, size.width, -1).astype(np.uint8)
