"""The typed graph: layers at their places, with inputs and shapes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from advconv.geometry import INT64_MAX, Shape
from advconv.layers.base import Layer, ShapeError
from advconv.layers.dense import Input
from advconv.layers.merge import Multiply
from advconv.text.finding import Finding, Path, Refused

MAX_LAYERS = 10_000
"""A merge of n paths counts as n - 1 layers, whatever it is made of."""

MAX_NAMES = 5_000_000
"""Characters in the names of all layers. The names of all that is around a layer stand in its own."""


class Row(NamedTuple):
    """A row of the YAML, as all its layers know it.

    `label` is its name in messages (`C1[0]`), `block` where tables file it (`C3/near`), `kind` the block's word,
    `path` its place in the document.
    """

    label: str
    block: str
    kind: str
    path: Path


class Node(NamedTuple):
    """A layer at a place. `inputs` are indices of earlier nodes.

    `name` is its path among modules (`C1.0.conv`); a function of torch is no module, its name ends in `()`, which no
    name that a user writes can have (`C1.0.add()`).
    """

    name: str
    layer: Layer
    inputs: tuple[int, ...]
    shape: Shape
    row: Row


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in an order in which they can run; the first is the picture, the last the output."""

    nodes: tuple[Node, ...]

    @property
    def input(self) -> Shape:
        return self.nodes[0].shape

    @property
    def output(self) -> Shape:
        return self.nodes[-1].shape

    def input_shapes(self, node: Node) -> list[Shape]:
        return [self.nodes[index].shape for index in node.inputs]

    def with_layer(self, index: int, layer: Layer) -> "Graph":
        """The graph with another layer at `index`, shapes inferred anew. Raises ShapeError where one does not fit."""
        nodes = list(self.nodes)
        nodes[index] = nodes[index]._replace(layer=layer)
        for place in range(index, len(nodes)):
            node = nodes[place]
            shape = node.layer.output([nodes[source].shape for source in node.inputs])
            if shape != node.shape:
                nodes[place] = Node(node.name, node.layer, node.inputs, shape, node.row)
        return Graph(tuple(nodes))


@dataclass(slots=True)
class Draft:
    """A graph while it grows."""

    nodes: list[Node] = field(default_factory=list)
    layers: int = 0
    characters: int = 0
    strides: list[tuple[int, int]] = field(default_factory=list)

    def start(self, shape: Shape) -> int:
        self.nodes.append(Node("input", Input(shape), (), shape, Row("input", "", "input", ("input",))))
        return 0

    def add(self, name: str, layer: Layer, inputs: tuple[int, ...], row: Row) -> int:
        """Appends a layer and gives its index. Raises ShapeError where it does not fit, Refused at a limit."""
        self._hold_limits(name, len(inputs), row)
        shape = layer.output([self.nodes[index].shape for index in inputs])
        if shape.elements > INT64_MAX:
            raise ShapeError("AC209", f"a {shape} map has more values than 64 bits can count", "make it smaller")
        self.nodes.append(Node(f"{name}()" if layer.is_function else name, layer, inputs, shape, row))
        return len(self.nodes) - 1

    def _hold_limits(self, name: str, inputs: int, row: Row) -> None:
        self.layers += max(1, inputs - 1)
        self.characters += len(name)
        if self.layers > MAX_LAYERS:
            raise _too_large(row, f"the network has more than {MAX_LAYERS:,} layers", "repeat fewer rows")
        if self.characters > MAX_NAMES:
            message = f"the names of the layers have more than {MAX_NAMES:,} characters in all"
            raise _too_large(row, message, "use shorter names, nest less, or repeat fewer rows")

    def strides_between(self, start: int, end: int) -> tuple[int, int]:
        """The product of the strides on the way from `start` to `end`; where paths meet, the largest on each axis.

        All ways to `end` lead through `start`, so it is what the strides from the image to each come to.
        """
        for node in self.nodes[len(self.strides) : end + 1]:
            self.strides.append(self._strides_to(node))
        (height, width), (high, wide) = self.strides[start], self.strides[end]
        return high // height, wide // width

    def _strides_to(self, node: Node) -> tuple[int, int]:
        """Those from the image."""
        ways = [(self.strides[source], self.nodes[source].shape) for source in full_inputs(self.nodes, node)]
        over = [(way, node.layer.windows(shape)) for way, shape in ways]
        return (
            max((height * high.stride for (height, _), (high, _) in over), default=1),
            max((width * wide.stride for (_, width), (_, wide) in over), default=1),
        )


def _too_large(row: Row, message: str, help: str) -> Refused:
    return Refused(Finding("AC119", row.path, message, help, at_key=True))


def full_inputs(nodes: Sequence[Node], node: Node) -> tuple[int, ...]:
    """The inputs that a node's map comes from: where paths meet, those that are not spread over the others."""
    if len(node.inputs) < 2:
        return node.inputs
    return tuple(source for source in node.inputs if nodes[source].shape.size == node.shape.size)


def gates(graph: Graph) -> list[bool]:
    """For each node whether it reaches the output only as a gate: spread over a larger map, or weighing its own input.

    The second is what the first becomes on a map of one position.
    """
    is_gate = [True] * len(graph.nodes)
    is_gate[-1] = False
    for index in range(len(graph.nodes) - 1, 0, -1):
        node = graph.nodes[index]
        for source in full_inputs(graph.nodes, node) if not is_gate[index] else ():
            is_gate[source] = is_gate[source] and _weighs_its_input(graph, node, source)
    return is_gate


def _weighs_its_input(graph: Graph, node: Node, source: int) -> bool:
    """Whether one input of a product is made of the other alone."""
    if not isinstance(node.layer, Multiply) or node.shape.size != (1, 1):
        return False
    (other,) = set(node.inputs) - {source} or {len(graph.nodes)}
    while source > other and len(graph.nodes[source].inputs) == 1:
        (source,) = graph.nodes[source].inputs
    return source == other


def consumers(graph: Graph) -> list[list[int]]:
    """For each node the nodes that read it."""
    readers: list[list[int]] = [[] for _ in graph.nodes]
    for index, node in enumerate(graph.nodes):
        for source in node.inputs:
            readers[source].append(index)
    return readers
