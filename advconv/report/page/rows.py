"""The rows of a network as the page shows them: what each is called, which family it belongs to, and its numbers."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from advconv.analysis.measure import Measures
from advconv.geometry import Window
from advconv.graph import Graph, Node
from advconv.layers.conv import Convolution
from advconv.layers.dense import Linear
from advconv.layers.merge import Merge, Multiply
from advconv.layers.pool import AdaptiveAvgPool2d, Pool2d
from advconv.report.data import rows as measured_rows
from advconv.text.finding import Path

MAX_ROWS = 400
"""Rows that are drawn and listed; a page of more would exceed its size, and nobody would read it."""


MAX_LABEL = 80
"""Characters of a label on the page: a file may contain a name of a megabyte."""


def shortened(text: str, room: int) -> str:
    """A text of at most `room` characters, without its middle if it is longer.

    >>> shortened("C1[0].layers[0]", 8)
    'C1[…s[0]'
    """
    if len(text) <= room:
        return text
    kept = room - 1
    return f"{text[: kept // 2]}…{text[len(text) - (kept - kept // 2) :]}"


class Family(NamedTuple):
    """A kind of row, which has a colour. `name` is its class in the style sheet."""

    name: str
    title: str
    includes: Callable[[Graph, Sequence[Node]], bool]


class Row(NamedTuple):
    """A row of the network, repeats unrolled. `nodes` are the indices of its layers, `last` that of its output.

    `detail` is its window in short: `3x3 /2 d2 g4`. The numbers are those of `advconv check --format json`.
    """

    number: int
    label: str
    block: str
    kind: str
    detail: str
    family: Family
    nodes: tuple[int, ...]
    path: Path
    output: str
    params: int
    macs: int
    memory: int

    @property
    def name(self) -> str:
        """Its label as it is shown."""
        return shortened(self.label, MAX_LABEL)

    @property
    def last(self) -> int:
        return self.nodes[-1]


def rows(measures: Measures) -> list[Row]:
    """The rows in the order in which they are first reached."""
    graph, places = measures.graph, dict[str, list[int]]()
    for index, node in enumerate(graph.nodes):
        places.setdefault(node.origin.label, []).append(index)
    return [
        _row(graph, number, data, places[data["row"]]) for number, data in enumerate(measured_rows(measures)[:MAX_ROWS])
    ]


def _row(graph: Graph, number: int, data: dict[str, Any], places: list[int]) -> Row:
    nodes = [graph.nodes[index] for index in places]
    family = next(family for family in FAMILIES if family.includes(graph, nodes))
    block, kind, path = data["block"], data["kind"], nodes[0].origin.path
    numbers = data["output"], data["params"], data["macs"], data["memory"]
    return Row(number, data["row"], block, kind, _detail(graph, nodes), family, tuple(places), path, *numbers)


def _detail(graph: Graph, nodes: Sequence[Node]) -> str:
    """The window of the first layer of a row that has one, and the groups of a convolution."""
    if _is_gate(graph, nodes):
        return ""
    for node in nodes:
        if isinstance(node.layer, Convolution | Pool2d):
            x = graph.input_shapes(node)[0]
            over_height, over_width = node.layer.windows(x)
            parts = [f"{over_height.kernel_size}x{over_width.kernel_size}"]
            parts += _unless_one("/", over_height, over_width, "stride")
            parts += _unless_one("d", over_height, over_width, "dilation")
            groups = node.layer.groups_for(x) if isinstance(node.layer, Convolution) else 1
            return " ".join([*parts, *([f"g{groups}"] if groups > 1 else [])])
        if isinstance(node.layer, AdaptiveAvgPool2d):
            return "global"
    return ""


def _unless_one(sign: str, over_height: Window, over_width: Window, field: str) -> list[str]:
    height, width = getattr(over_height, field), getattr(over_width, field)
    if height == width:
        return [f"{sign}{height}"] if height > 1 else []
    return [f"{sign}{height}x{width}"]


def _is_gate(graph: Graph, nodes: Sequence[Node]) -> bool:
    """A row that multiplies a map by what it has computed from it."""
    return isinstance(nodes[-1].layer, Multiply) and not isinstance(nodes[0].layer, Merge)


def _is_a(*kinds: type) -> Callable[[Graph, Sequence[Node]], bool]:
    return lambda graph, nodes: any(isinstance(node.layer, kinds) for node in nodes)


def _has_convolution(trait: Callable[[Convolution, Graph, Node], bool]) -> Callable[[Graph, Sequence[Node]], bool]:
    def includes(graph: Graph, nodes: Sequence[Node]) -> bool:
        return any(isinstance(node.layer, Convolution) and trait(node.layer, graph, node) for node in nodes)

    return includes


FAMILIES = (
    Family("gate", "gate", _is_gate),
    Family(
        "depthwise",
        "depthwise",
        _has_convolution(lambda layer, graph, node: layer.is_depthwise(graph.input_shapes(node)[0])),
    ),
    Family("dilated", "dilated", _has_convolution(lambda layer, graph, node: layer.is_dilated)),
    Family("strided", "strided", _has_convolution(lambda layer, graph, node: max(layer.stride) > 1)),
    Family("pointwise", "1x1", _has_convolution(lambda layer, graph, node: layer.kernel_size == (1, 1))),
    Family("conv", "convolution", _is_a(Convolution)),
    Family("pool", "pooling", _is_a(Pool2d, AdaptiveAvgPool2d)),
    Family("linear", "linear", _is_a(Linear)),
    Family("merge", "merge", _is_a(Merge)),
    Family("other", "other", lambda graph, nodes: True),
)
"""The first that includes a row is its family."""
