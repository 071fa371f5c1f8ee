"""Progressive resizing: the size of the training images in each step, and whether a network takes the smaller ones."""

from advconv.analysis.cost import costs
from advconv.geometry import Shape
from advconv.graph import Graph
from advconv.language.elaborate import elaborate
from advconv.language.recipe import GROWTH
from advconv.language.spec import ArchSpec, ValidPart
from advconv.text.finding import Finding

MULTIPLE = 4
"""Sizes are multiples of so many pixels, so that there are few of them."""


def size_at(size: tuple[int, int], initial_scale: float, progress: float) -> tuple[int, int]:
    """Height and width of the images when this part of the steps is done.

    >>> [size_at((32, 32), 0.5, progress) for progress in (0, 0.4, 0.8)]
    [(16, 16), (24, 24), (32, 32)]
    """
    if initial_scale == 1 or progress >= GROWTH:
        return size
    scale = initial_scale + (1 - initial_scale) * progress / GROWTH
    height, width = (min(side, max(1, round(side * scale / MULTIPLE)) * MULTIPLE) for side in size)
    return height, width


def resizing_findings(spec: ArchSpec, graph: Graph) -> list[Finding]:
    """Why the network cannot be trained on the smallest images of `initial_scale`, if it cannot."""
    size = size_at(graph.input.size, spec.train.initial_scale, 0.0)
    if size == graph.input.size:
        return []
    smaller, problems = elaborate(ValidPart(spec), Shape(graph.input.channels, *size))
    reason = problems[0].message if problems else _other_weights(graph, smaller) if smaller else ""
    if not reason:
        return []
    message = f"the first steps have {size[0]}x{size[1]} images, which the network cannot take: {reason}"
    help = "use a larger scale, or `gap` before the first `linear`"
    return [Finding("AC506", ("train", "initial_scale"), message, help)]


def _other_weights(graph: Graph, smaller: Graph) -> str:
    """The first layer whose weights have another size on smaller images; empty if there is none."""
    for node, whole, cost in zip(graph.nodes, costs(graph), costs(smaller), strict=False):
        if whole.params != cost.params:
            return f"{node.origin.label} would have {cost.params:,} parameters instead of {whole.params:,}"
    return ""
