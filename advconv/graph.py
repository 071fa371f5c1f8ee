"""The typed graph: layers at their places, with inputs and shapes."""

import linecache
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from advconv.geometry import INT64_MAX, Shape
from advconv.layers.base import Layer, ShapeError
from advconv.layers.dense import Input
from advconv.layers.merge import Multiply
from advconv.text.finding import Finding, Path, Refused
from advconv.text.source import Source, Span

MAX_LAYERS = 10_000
"""A merge of n paths counts as n - 1 layers, whatever it is made of."""

MAX_NAMES = 5_000_000
"""Characters in the names of all layers. The names of all that is around a layer stand in its own."""


class Row(NamedTuple):
    """Where layers come from: a row of the YAML, or a line of Python.

    `label` is its name in messages (`C1[0]`), `block` where tables file it (`C3/near`), `kind` the block's word,
    `path` its place in the document, `line` that in a Python file.
    """

    label: str
    block: str
    kind: str
    path: Path = ()
    line: Span | None = None

    @property
    def place(self) -> Path | Span:
        return self.line or self.path


def line_of_caller() -> Span:
    """The line of Python outside of this module that is being run."""
    frame = sys._getframe()
    while frame.f_back and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    name = frame.f_code.co_filename
    source = Source(name, "".join(linecache.getlines(name)))
    return source.line(frame.f_lineno)


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

    # Each edit gives a graph whose shapes are inferred from there on, and raises ShapeError where a layer does not fit.

    def replace(self, index: int, layer: Layer) -> "Graph":
        """Another layer at `index`."""
        nodes = list(self.nodes)
        nodes[index] = nodes[index]._replace(layer=layer)
        return _inferred(nodes, index)

    def rewire(self, index: int, inputs: tuple[int, ...]) -> "Graph":
        """Other inputs, which stand before it. Raises ValueError where one does not."""
        if not all(0 <= source < index for source in inputs):
            raise ValueError(f"node {index} can read the nodes before it, not {inputs}")
        nodes = list(self.nodes)
        nodes[index] = nodes[index]._replace(inputs=inputs)
        return _inferred(nodes, index)

    def insert(self, after: int, name: str, layer: Layer, row: Row | None = None) -> "Graph":
        """A layer behind node `after`, read by what read that. Raises ValueError for a name that is taken."""
        name = f"{name}()" if layer.is_function else name
        if any(node.name == name for node in self.nodes):
            raise ValueError(f"there is a node {name} already")
        new = Node(name, layer, (after,), self.nodes[after].shape, row or made_here(name, layer))
        moved = [node._replace(inputs=tuple(i + (i >= after) for i in node.inputs)) for node in self.nodes[after + 1 :]]
        return _inferred([*self.nodes[: after + 1], new, *moved], after + 1)

    def delete(self, index: int) -> "Graph":
        """Without a node of one input, which is read in its place. Raises ValueError for a node that has not one."""
        if len(self.nodes[index].inputs) != 1:
            raise ValueError(f"{self.nodes[index].name} has {len(self.nodes[index].inputs)} inputs, not one")
        (source,) = self.nodes[index].inputs
        moved = [
            node._replace(inputs=tuple(source if i == index else i - (i > index) for i in node.inputs))
            for node in self.nodes[index + 1 :]
        ]
        return _inferred([*self.nodes[:index], *moved], index)


def _inferred(nodes: list[Node], start: int) -> Graph:
    """The graph of nodes whose shapes may be others from `start` on."""
    for place in range(start, len(nodes)):
        node = nodes[place]
        shape = node.layer.output([nodes[source].shape for source in node.inputs])
        if shape != node.shape:
            nodes[place] = node._replace(shape=shape)
    return Graph(tuple(nodes))


def made_here(name: str, layer: Layer) -> Row:
    """What made a layer that no row asked for: the line of Python that is being run."""
    return Row(name.removesuffix("()"), name.split(".")[0], layer.kind, line=line_of_caller())


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

    def add(self, name: str, layer: Layer, inputs: tuple[int, ...], row: Row | None = None) -> int:
        """Appends a layer and gives its index. Raises ShapeError where it does not fit, Refused at a limit."""
        row = row or made_here(name, layer)
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
    return Refused(Finding("AC119", row.place, message, help, at_key=True))


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


def open_modules(graph: Graph) -> frozenset[str]:
    """The modules that cannot be called as one, so that what is around them calls their children.

    Those are the ones that do not run at one go, that read several values from outside, or of whose values others than
    the last are read outside. What a file says has none.
    """
    names = tuple(node.name for node in graph.nodes)
    return _open_modules(names, tuple(node.inputs for node in graph.nodes))


@lru_cache(maxsize=4)
def _open_modules(names: tuple[str, ...], inputs: tuple[tuple[int, ...], ...]) -> frozenset[str]:
    around = [modules_around(name.rpartition(".")[0]) for name in names]
    places: dict[str, list[int]] = {}
    for index, modules in enumerate(around):
        for module in modules:
            places.setdefault(module, []).append(index)
    found = {module for module, inside in places.items() if inside[-1] - inside[0] + 1 != len(inside)}
    read: dict[str, int] = {}
    for index, sources in enumerate(inputs):
        for source in sources:
            entered = [module for module in around[index] if module not in around[source]]
            found |= {module for module in entered if read.setdefault(module, source) != source}
            left = [module for module in around[source] if module not in around[index]]
            found |= {module for module in left if places[module][-1] != source}
    return frozenset(found)


@lru_cache(maxsize=1000)
def modules_around(module: str) -> tuple[str, ...]:
    """A module and those around it, the outermost first: `C1.0 -> C1, C1.0`; none for the network itself."""
    steps = module.split(".") if module else []
    return tuple(".".join(steps[:depth]) for depth in range(1, len(steps) + 1))
