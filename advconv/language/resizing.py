"""Progressive resizing: the sizes of the training images, and whether a network takes the smaller ones."""

from advconv.geometry import Shape
from advconv.graph import Graph
from advconv.language.recipe import GROWTH
from advconv.language.spec import ArchSpec
from advconv.layers.base import ShapeError
from advconv.text.finding import Finding

STAGES = 8
"""Images grow so many times at most."""

MULTIPLE = 4
"""Smaller sizes are multiples of so many pixels, which networks with strides take better than others."""

Size = tuple[int, int]
"""Height and width."""


def size_at(size: Size, initial_scale: float, progress: float) -> Size:
    """The size of the images when this part of the steps is done.

    >>> [size_at((32, 32), 0.5, progress) for progress in (0, 0.4, 0.8)]
    [(16, 16), (24, 24), (32, 32)]
    """
    return _size_in(int(progress / GROWTH * STAGES), size, initial_scale)


def _size_in(stage: int, size: Size, initial_scale: float) -> Size:
    if initial_scale == 1 or stage >= STAGES:
        return size
    scale = initial_scale + (1 - initial_scale) * stage / STAGES
    height, width = (min(side, max(1, round(side * scale / MULTIPLE)) * MULTIPLE) for side in size)
    return height, width


def resizing_findings(spec: ArchSpec, graph: Graph) -> list[Finding]:
    """Why the network of a file cannot be trained on the smaller images of its recipe, if it cannot."""
    if not (reason := why_not_smaller(graph, spec.train.initial_scale)):
        return []
    help = "use a larger scale, or `gap` before the first `linear`"
    return [Finding("AC506", ("train", "initial_scale"), reason, help)]


def why_not_smaller(graph: Graph, initial_scale: float) -> str:
    """Why the module of a graph cannot run on the smaller images of a recipe; empty if it can."""
    sizes = (_size_in(stage, graph.input.size, initial_scale) for stage in range(STAGES))
    for height, width in dict.fromkeys(sizes):
        if reason := _why_not(graph, Shape(graph.input.channels, height, width)):
            return f"training has images of {height}x{width}, which the network cannot take: {reason}"
    return ""


def _why_not(graph: Graph, image: Shape) -> str:
    """The first layer that does not fit on an image, or needs other weights for it; empty if there is none."""
    shapes = [image]
    for node in graph.nodes[1:]:
        inputs = [shapes[source] for source in node.inputs]
        try:
            shapes.append(node.layer.output(inputs))
        except ShapeError as error:
            return f"{node.origin.label}: {error.finding.message}"
        before = node.layer.cost(graph.input_shapes(node), node.shape).params
        if (params := node.layer.cost(inputs, shapes[-1]).params) != before:
            return f"{node.origin.label} would have {params:,} parameters instead of {before:,}"
    if graph.output.flat and shapes[-1] != graph.output:
        return f"its output would be {shapes[-1]} instead of {graph.output}"
    return ""
