"""Augmentation of whole batches on the device, with the parameters of albumentations' transforms."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from advconv.language.augment import Transform
from advconv.language.recipe import Train
from advconv.training.augment import Augment, pipeline
from advconv.training.data import ImageSet, TrainingData
from advconv.training.device import to_device
from advconv.training.errors import computing
from advconv.training.loader import Batch, BatchPlan, BatchSampler
from advconv.training.shapes import Image

if TYPE_CHECKING:
    import albumentations as A


class Step(ABC):
    """One transform of a batch. `draws`: the uniform numbers that it takes for each image, the first for `p`."""

    draws = 1

    @abstractmethod
    def apply(self, images: Tensor, uniform: Tensor) -> Tensor:
        """The transformed images, float (batch, channels, height, width), whole numbers from 0 to 255.

        `uniform`: (batch, draws - 1), from 0 to 1.
        """


class HorizontalFlip(Step):
    """albumentations.HorizontalFlip."""

    def __init__(self, transform: "A.HorizontalFlip") -> None:
        pass

    def apply(self, images: Tensor, uniform: Tensor) -> Tensor:
        return images.flip(3)


class ShiftScaleRotate(Step):
    """albumentations.ShiftScaleRotate: bilinear, with a constant border. The axes are scaled independently."""

    draws = 6

    def __init__(self, transform: "A.ShiftScaleRotate") -> None:
        shift, scale = transform.translate_percent, transform.scale
        self.ranges = [shift["x"], shift["y"], scale["x"], scale["y"], transform.rotate]
        self.fill = transform.fill

    def parameters(self, uniform: Tensor, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
        """Shift in whole pixels (batch, 2) and scale (batch, 2), of x and y, and the angle in radians (batch)."""
        low, high = to_device(torch.tensor(self.ranges, dtype=uniform.dtype), uniform.device).unbind(1)
        drawn = low + uniform * (high - low)
        size = to_device(torch.tensor((width, height), dtype=uniform.dtype), uniform.device)
        return (drawn[:, :2] * size).trunc(), drawn[:, 2:4], drawn[:, 4].deg2rad()

    def apply(self, images: Tensor, uniform: Tensor) -> Tensor:
        height, width = images.shape[2:]
        matrices = inverse_affine(*self.parameters(uniform, height, width), height, width)
        grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
        # OpenCV rounds the colour of the border. That of grid_sample is 0.
        fill = _colour(self.fill, images).round()
        return F.grid_sample(images - fill, grid, align_corners=False).add(fill).round().clamp(0, 255)


def inverse_affine(shift: Tensor, scale: Tensor, angle: Tensor, height: int, width: int) -> Tensor:
    """From positions of the output to positions of the input, both from -1 to 1: (batch, 2, 3).

    The output is the input scaled and rotated around its centre c, then shifted by t: y = c + t + R S (x - c), so
    x - c = S^-1 R^-1 (y - c - t).
    """
    cos, sin = angle.cos(), angle.sin()
    turned = torch.stack([cos, -sin, sin, cos], 1).view(-1, 2, 2) / scale[:, :, None]
    moved = -(turned @ shift[:, :, None])
    half = to_device(torch.tensor((width / 2, height / 2), dtype=shift.dtype), shift.device)
    return torch.cat([turned * half / half[:, None], moved / half[:, None]], 2)


class CoarseDropout(Step):
    """albumentations.CoarseDropout with a constant fill."""

    def __init__(self, transform: "A.CoarseDropout") -> None:
        self.counts = transform.num_holes_range
        self.heights, self.widths = transform.hole_height_range, transform.hole_width_range
        self.fill = transform.fill
        self.draws = 2 + 4 * self.counts[1]

    def holes(self, uniform: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Top, bottom, left and right end of each hole (batch, holes, 4), and whether it is there (batch, holes)."""
        count, most = _integers(uniform[:, 0], *self.counts), self.counts[1]
        tall, wide, down, right = uniform[:, 1:].view(-1, most, 4).unbind(2)
        is_in_pixels = self.heights[1] >= 1
        tall = self._sides(tall, self.heights, height, is_in_pixels)
        wide = self._sides(wide, self.widths, width, is_in_pixels)
        top, left = _integers(down, 0, height - tall), _integers(right, 0, width - wide)
        is_there = torch.arange(most, device=uniform.device) < count[:, None]
        return torch.stack([top, top + tall, left, left + wide], 2), is_there

    @staticmethod
    def _sides(uniform: Tensor, limits: Sequence[float], size: int, is_in_pixels: bool) -> Tensor:
        low, high = limits
        if is_in_pixels:
            return _integers(uniform, int(low), int(min(high, size)))
        return (size * (low + uniform * (high - low))).trunc()

    def apply(self, images: Tensor, uniform: Tensor) -> Tensor:
        height, width = images.shape[2:]
        rows = torch.arange(height, device=images.device)[:, None]
        columns = torch.arange(width, device=images.device)
        ends, is_there = self.holes(uniform, height, width)
        top, bottom, left, right = (end[:, :, None, None] for end in ends.unbind(2))
        inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
        is_lost = (inside & is_there[:, :, None, None]).any(1, keepdim=True)
        # NumPy truncates the colour of a hole.
        return torch.where(is_lost, _colour(self.fill, images).trunc(), images)


ImageAugment = Callable[[Image, int, int], Image]
"""From an image, the epoch and the index of the image."""

STEPS: dict[str, Any] = {step.__name__: step for step in (HorizontalFlip, ShiftScaleRotate, CoarseDropout)}
"""Their names are those of `DEVICE_TRANSFORMS`."""


def _integers(uniform: Tensor, low: int | Tensor, high: int | Tensor) -> Tensor:
    """Whole numbers from `low` to `high`, both included."""
    return (low + (uniform * (high - low + 1)).floor()).clamp(max=high)


def _colour(fill: Any, images: Tensor) -> Tensor:
    """A number for all channels, or one for each, as (channels, 1, 1)."""
    values = to_device(torch.as_tensor(fill, dtype=images.dtype), images.device)
    return values.expand(images.shape[1])[:, None, None]


class DeviceAugment:
    """Augments a batch on its device. The result for an image depends only on (seed, epoch, index of the image)."""

    def __init__(self, pipeline: "A.Compose", seed: int, dataset_size: int) -> None:
        self.steps: list[tuple[float, Step]] = [
            (transform.p, STEPS[type(transform).__name__](transform)) for transform in pipeline.transforms
        ]
        self.seed, self.shape = seed, (dataset_size, sum(step.draws for _, step in self.steps))
        self.epoch, self.table = -1, np.empty(self.shape, np.float32)

    def uniform(self, epoch: int, indices: NDArray[np.int64]) -> Tensor:
        """Uniform numbers from 0 to 1, (images, draws): the rows of a table that is drawn once for each epoch."""
        if epoch != self.epoch:
            self.epoch, self.table = epoch, np.random.default_rng((self.seed, epoch)).random(self.shape, np.float32)
        return torch.from_numpy(self.table[indices])

    def __call__(self, images: Tensor, epoch: int, indices: NDArray[np.int64]) -> Tensor:
        """Images, uint8 (batch, height, width, channels), augmented."""
        uniform = self.uniform(epoch, indices)
        found, first = images.permute(0, 3, 1, 2).float(), 0
        for p, step in self.steps:
            # The indices are found before the numbers go to the device, whose results the host would wait for.
            chosen = (uniform[:, first] < p).nonzero()[:, 0]
            if len(chosen):
                numbers = to_device(uniform[chosen, first + 1 : first + step.draws], images.device)
                chosen = to_device(chosen, images.device)
                found[chosen] = step.apply(found[chosen], numbers)
            first += step.draws
        return found.permute(0, 2, 3, 1).to(torch.uint8)


def image_augment(augment: tuple[Transform, ...], recipe: Train, data: TrainingData) -> ImageAugment:
    """Augments single images as the training does, wherever that is."""
    rows = pipeline(augment, data.mean)
    if recipe.augment_on == "workers":
        return Augment(rows, recipe.seed)
    on_device = DeviceAugment(rows, recipe.seed, len(data.train))
    return lambda image, epoch, index: on_device(torch.from_numpy(image)[None], epoch, np.array([index]))[0].numpy()


def load_batches_on(
    device: torch.device, data: ImageSet, augment: DeviceAugment, plan: BatchPlan, start_step: int
) -> Iterator[Batch]:
    """The batches of a training from a step on, augmented on the device. Raises ComputeError."""
    for epoch, indices in BatchSampler(plan, start_step):
        chosen = torch.from_numpy(indices)
        with computing(f"epoch {epoch + 1}, augmentation"):
            images = augment(to_device(data.images[chosen], device), epoch, indices)
        yield images, data.labels[chosen]
