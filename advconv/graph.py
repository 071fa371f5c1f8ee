"""The typed graph: layers at their places, with inputs and shapes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from advconv.geometry import INT64_MAX, Shape
from advconv.layers.base import Layer, ShapeError
from advconv.layers.dense import Input
from advconv.source import Path

MAX_LAYERS = 100_000


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
    """A layer at a place. `name` is its path among modules; `inputs` are indices of earlier nodes."""

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


class TooManyLayers(Exception):
    """The limit of a graph is reached at a row."""

    def __init__(self, row: Row) -> None:
        self.row = row


@dataclass(slots=True)
class Draft:
    """A graph while it grows."""

    nodes: list[Node] = field(default_factory=list)

    def start(self, shape: Shape) -> int:
        self.nodes.append(Node("input", Input(shape), (), shape, Row("input", "", "input", ("input",))))
        return 0

    def add(self, name: str, layer: Layer, inputs: tuple[int, ...], row: Row) -> int:
        """Appends a layer and gives its index. Raises ShapeError where it does not fit, TooManyLayers at the limit."""
        if len(self.nodes) > MAX_LAYERS:
            raise TooManyLayers(row)
        shape = layer.output([self.nodes[index].shape for index in inputs])
        if shape.elements > INT64_MAX:
            raise ShapeError("AC209", f"a {shape} map has more values than 64 bits can count", "make it smaller")
        self.nodes.append(Node(name, layer, inputs, shape, row))
        return len(self.nodes) - 1

    def strides_between(self, start: int, end: int) -> tuple[int, int]:
        """The product of the strides on the way from `start` to `end`, along the main inputs."""
        height = width = 1
        while end != start:
            node = self.nodes[end]
            end = main_input(self.nodes, end)
            over_height, over_width = node.layer.windows(self.nodes[end].shape)
            height, width = height * over_height.stride, width * over_width.stride
        return height, width


def main_input(nodes: Sequence[Node], index: int) -> int:
    """The input that a node's map comes from: where paths meet, the first that is not spread over the others."""
    node = nodes[index]
    return next((source for source in node.inputs if nodes[source].shape.size == node.shape.size), node.inputs[0])


def gates(graph: Graph) -> list[bool]:
    """For each node whether it reaches the output only spread over a larger map."""
    is_gate = [True] * len(graph.nodes)
    is_gate[-1] = False
    for index in range(len(graph.nodes) - 1, 0, -1):
        node = graph.nodes[index]
        for source in node.inputs:
            is_spread = len(node.inputs) > 1 and graph.nodes[source].shape.size != node.shape.size
            if not is_gate[index] and not is_spread:
                is_gate[source] = False
    return is_gate


def consumers(graph: Graph) -> list[list[int]]:
    """For each node the nodes that read it."""
    readers: list[list[int]] = [[] for _ in graph.nodes]
    for index, node in enumerate(graph.nodes):
        for source in node.inputs:
            readers[source].append(index)
    return readers


def main_path(graph: Graph) -> list[bool]:
    """For each node whether every way from the picture to the output leads through it."""
    reach = 0
    on_path = []
    last_use = [max(readers, default=len(graph.nodes)) for readers in consumers(graph)]
    for index in range(len(graph.nodes)):
        on_path.append(reach <= index)
        reach = max(reach, last_use[index])
    return on_path
