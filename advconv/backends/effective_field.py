"""The effective receptive field: how much each pixel weighs in the middle of the last map, by its gradient.

After Luo, Li, Urtasun, Zemel, "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks",
NIPS 2016, section 2: a gradient of 1 at one position of a map and 0 at all others is propagated back to the image.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from advconv.analysis.measure import Measures
from advconv.backends.node_runs import outputs, runs
from advconv.geometry import Shape
from advconv.graph import Graph
from advconv.layers.pointwise import GroupNorm

Mass = NDArray[np.float64]
"""Over the rows and columns of the image, not negative, with the sum 1."""


class Target(NamedTuple):
    """The middle position of a last map. `box`: the first and last row and column that it depends on, in pixels.

    The box may reach beyond the image, onto padding; it is None if the theoretical field is unknown.
    """

    node: int
    name: str
    shape: Shape
    image: Shape
    box: tuple[tuple[int, int], tuple[int, int]] | None

    @property
    def position(self) -> tuple[int, int]:
        return self.shape.middle

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of the box."""
        if self.box is None:
            return None
        (top, bottom), (left, right) = self.box
        return bottom - top + 1, right - left + 1

    @property
    def half_size(self) -> float | None:
        """The radius of the box: the larger distance of its outermost pixels from its centre."""
        return None if self.size is None else (max(self.size) - 1) / 2

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column of the middle of the box; of an unknown one, the place of the position on the image."""
        if self.box is not None:
            (top, bottom), (left, right) = self.box
            return (top + bottom) / 2, (left + right) / 2
        sides = zip(self.position, self.image.size, self.shape.size, strict=True)
        row, column = ((place + 0.5) * pixels / positions - 0.5 for place, pixels, positions in sides)
        return row, column

    def square(self, radius: float) -> tuple[int, int]:
        """Height and width of the pixels at most `radius` from the centre, on an image without borders."""
        height, width = (floor(middle + radius) - ceil(middle - radius) + 1 for middle in self.centre)
        return height, width

    @property
    def distances(self) -> NDArray[np.float64]:
        """The distance of each pixel from the centre: the larger one of that in rows and that in columns."""
        rows, columns = (
            np.abs(np.arange(pixels) - middle) for pixels, middle in zip(self.image.size, self.centre, strict=True)
        )
        distances: NDArray[np.float64] = np.maximum(rows[:, None], columns[None, :])
        return distances

    @property
    def inside(self) -> NDArray[np.bool_]:
        """The pixels of the box."""
        inside = np.zeros(self.image.size, dtype=bool)
        if self.box is not None:
            (top, bottom), (left, right) = self.box
            inside[max(0, top) : bottom + 1, max(0, left) : right + 1] = True
        return inside


def targets(measures: Measures) -> list[Target]:
    """The middle position of each map that defines the receptive field of the network."""
    return [_target(measures, index) for index in measures.last_maps.maps]


def _target(measures: Measures, index: int) -> Target:
    node, reaches = measures.graph.nodes[index], measures.reaches[index]
    box = None
    if not any(reach.unknown for reach in reaches):
        rows, columns = (
            (reach.jump * place + reach.first, reach.jump * place + reach.last)
            for reach, place in zip(reaches, node.shape.middle, strict=True)
        )
        box = rows, columns
    return Target(index, node.origin.label, node.shape, measures.graph.input, box)


def sees_beyond(measures: Measures, target: Target) -> str:
    """What lets a map depend on pixels outside of its box: gates, or norms over all positions; empty if nothing."""
    behind, ahead = set[int](), [target.node]
    while ahead:
        index = ahead.pop()
        if index not in behind:
            behind.add(index)
            ahead += measures.graph.nodes[index].inputs
    has_norms = any(isinstance(measures.graph.nodes[index].layer, GroupNorm) for index in behind)
    has_gates = any(reach.gated for reach in measures.reaches[target.node])
    return " and ".join(["gates"] * has_gates + ["group or layer norms"] * has_norms)


@dataclass(frozen=True)
class EffectiveField:
    """The masses of a target in one or several networks of the same architecture, at least one."""

    target: Target
    masses: tuple[Mass, ...]

    @cached_property
    def mass(self) -> Mass:
        """Their mean."""
        mean: Mass = np.mean(self.masses, axis=0)
        return mean

    @cached_property
    def radii(self) -> list[float]:
        """All distances of pixels from the centre, from the smallest to that of the last pixel that has a mass.

        They go on to the border of the box, as far as it is within the image.
        """
        counted = self.target.inside | (self.mass > 0)
        return [float(radius) for radius in np.unique(self.target.distances[counted])]

    def share(self, radius: float) -> float:
        """The share of the mass in the square of the pixels at most `radius` from the centre."""
        return float(self.mass[self.target.distances <= radius].sum())

    def spread(self, radius: float) -> float | None:
        """The standard deviation of that share over the networks; None of a single one."""
        if len(self.masses) == 1:
            return None
        return float(np.std([mass[self.target.distances <= radius].sum() for mass in self.masses], ddof=1))

    def radius_of(self, share: float) -> float:
        """The smallest radius whose square has this share of the mass, from 0 to 1."""
        # A sum of all masses may be 1 only up to rounding.
        return next((radius for radius in self.radii if self.share(radius) >= share), self.radii[-1])

    @property
    def outside(self) -> float | None:
        """The share outside of the box; None if that is unknown."""
        return None if self.target.box is None else float(self.mass[~self.target.inside].sum())


MAX_BYTES_AT_ONCE = 2**29
"""Of what autograd saves for one batch of images."""


def masses(measures: Measures, module: nn.Module, targets: Sequence[Target], images: Tensor) -> list[Mass | None]:
    """The mass of each target, None where no gradient reaches the image; `images`: (count, channels, height, width).

    It is |d sum_c y[c, middle] / d x|, where c runs over the channels of the map, averaged over the images and their
    channels and divided by its sum; in float64, where the gradients of deep networks do not underflow. The module is
    in evaluation mode: a batch norm in training mode mixes all positions of all images. Raises RuntimeError.
    """
    module = module.double().eval().requires_grad_(False)
    graph = Graph(measures.graph.nodes[: max(target.node for target in targets) + 1])
    calls = runs(graph, module)
    sums = [np.zeros(measures.graph.input.size) for _ in targets]
    # The measured memory is that of float32.
    at_once = max(1, MAX_BYTES_AT_ONCE // (2 * measures.memory.training + 1))
    for batch in torch.split(images.double(), at_once):
        x = batch.requires_grad_()
        values = outputs(graph, calls, x)
        for total, target in zip(sums, targets, strict=True):
            row, column = target.position
            middle = values[target.node][:, :, row, column].sum()
            (gradient,) = torch.autograd.grad(middle, x, retain_graph=True)
            total += gradient.abs().sum(dim=(0, 1)).numpy()
    return [_normalised(total) for total in sums]


def _normalised(total: NDArray[np.float64]) -> Mass | None:
    """Divided by its sum. Raises RuntimeError if that is not finite."""
    if not np.isfinite(total.sum()):
        raise RuntimeError("the gradient is not finite")
    return total / total.sum() if total.any() else None
