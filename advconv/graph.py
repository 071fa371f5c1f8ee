"""The typed graph: named layers with their inputs and shapes."""

import linecache
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import chain
from typing import NamedTuple

from advconv.geometry import INT64_MAX, Shape
from advconv.layers.base import Layer, ShapeError
from advconv.layers.dense import Input
from advconv.layers.merge import Multiply
from advconv.text.finding import Finding, Path, Refused
from advconv.text.source import Source, Span

MAX_LAYERS = 10_000
"""A merge of n paths counts as n - 1 layers, however it is built."""

MAX_NAMES = 5_000_000
"""Characters in the names of all layers; a name includes those of the enclosing modules."""


class Origin(NamedTuple):
    """Where layers come from: a row of the YAML, or a line of Python.

    `label` is its name in messages (`C1[0]`), `block` its group in tables (`C3/near`), `kind` the kind of its block,
    `path` its path in the document, `line` its line in a Python file.
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
    """The line of Python that called this module."""
    frame = sys._getframe()
    while frame.f_back and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    name = frame.f_code.co_filename
    source = Source(name, "".join(linecache.getlines(name)))
    return source.line(frame.f_lineno)


class Node(NamedTuple):
    """A named layer. `inputs` are indices of earlier nodes.

    `name` is its path among modules (`C1.0.conv`); a function of torch is not a module, and its name ends in `()`,
    which no name from a user can (`C1.0.add()`).
    """

    name: str
    layer: Layer
    inputs: tuple[int, ...]
    shape: Shape
    origin: Origin


@dataclass(frozen=True)
class Graph:
    """Nodes in topological order; the first is the image, the last the output."""

    nodes: tuple[Node, ...]

    @property
    def input(self) -> Shape:
        return self.nodes[0].shape

    @property
    def output(self) -> Shape:
        return self.nodes[-1].shape

    def input_shapes(self, node: Node) -> list[Shape]:
        return [self.nodes[index].shape for index in node.inputs]

    @cached_property
    def _by_type(self) -> dict[type[Layer], list[int]]:
        found: dict[type[Layer], list[int]] = {}
        for index, node in enumerate(self.nodes):
            found.setdefault(type(node.layer), []).append(index)
        return found

    def indices_of(self, *kinds: type) -> list[int]:
        """The nodes whose layer is of one of these types, in order."""
        found = [indices for kind, indices in self._by_type.items() if issubclass(kind, kinds)]
        return found[0] if len(found) == 1 else sorted(chain.from_iterable(found))

    @cached_property
    def consumers(self) -> list[list[int]]:
        """For each node the nodes that read it."""
        readers: list[list[int]] = [[] for _ in self.nodes]
        for index, node in enumerate(self.nodes):
            for source in node.inputs:
                readers[source].append(index)
        return readers

    @cached_property
    def is_gate(self) -> list[bool]:
        """Whether each node reaches the output only as a gate: broadcast over a larger map, or times its input.

        The second is what a gate looks like on a map of one position.
        """
        found = [True] * len(self.nodes)
        found[-1] = False
        for index in range(len(self.nodes) - 1, 0, -1):
            node = self.nodes[index]
            for source in full_inputs(self.nodes, node) if not found[index] else ():
                found[source] = found[source] and _weighs_its_input(self, node, source)
        return found

    # Each edit returns a new graph with its shapes inferred again, and raises ShapeError if a layer does not fit.

    def replace(self, index: int, layer: Layer) -> "Graph":
        """Another layer at `index`."""
        nodes = list(self.nodes)
        nodes[index] = nodes[index]._replace(layer=layer)
        return _inferred(nodes, index)

    def rewire(self, index: int, inputs: tuple[int, ...]) -> "Graph":
        """Other inputs for a node. Raises ValueError if one does not come before it."""
        if not all(0 <= source < index for source in inputs):
            raise ValueError(f"node {index} can read the nodes before it, not {inputs}")
        nodes = list(self.nodes)
        nodes[index] = nodes[index]._replace(inputs=inputs)
        return _inferred(nodes, index)

    def insert(self, after: int, name: str, layer: Layer, origin: Origin | None = None) -> "Graph":
        """A layer after node `after`, which takes over its readers. Raises ValueError for a name that is taken."""
        name = f"{name}()" if layer.is_function else name
        if any(node.name == name for node in self.nodes):
            raise ValueError(f"there is a node {name} already")
        new = Node(name, layer, (after,), self.nodes[after].shape, origin or made_here(name, layer))
        moved = [node._replace(inputs=tuple(i + (i >= after) for i in node.inputs)) for node in self.nodes[after + 1 :]]
        return _inferred([*self.nodes[: after + 1], new, *moved], after + 1)

    def delete(self, index: int) -> "Graph":
        """Without a node, whose readers read its input. Raises ValueError for a node without exactly one input."""
        if len(self.nodes[index].inputs) != 1:
            raise ValueError(f"{self.nodes[index].name} has {len(self.nodes[index].inputs)} inputs, not one")
        (source,) = self.nodes[index].inputs
        moved = [
            node._replace(inputs=tuple(source if i == index else i - (i > index) for i in node.inputs))
            for node in self.nodes[index + 1 :]
        ]
        return _inferred([*self.nodes[:index], *moved], index, source)


def _inferred(nodes: list[Node], start: int, *changed: int) -> Graph:
    """The graph with the shapes of node `start`, and of all that read a changed one, inferred again."""
    found = set(changed)
    for place in range(start, len(nodes)):
        node = nodes[place]
        if place > start and found.isdisjoint(node.inputs):
            continue
        shape = node.layer.output([nodes[source].shape for source in node.inputs])
        if shape != node.shape:
            nodes[place] = node._replace(shape=shape)
            found.add(place)
    return Graph(tuple(nodes))


def made_here(name: str, layer: Layer) -> Origin:
    """The origin of a layer added in Python: the calling line."""
    return Origin(name.removesuffix("()"), name.split(".")[0], layer.kind, line=line_of_caller())


@dataclass(slots=True)
class Draft:
    """A graph under construction."""

    nodes: list[Node] = field(default_factory=list)
    layers: int = 0
    characters: int = 0
    strides: list[tuple[int, int]] = field(default_factory=list)

    def start(self, shape: Shape, origin: Origin | None = None) -> int:
        origin = origin or Origin("input", "", "input", line=line_of_caller())
        self.nodes.append(Node("input", Input(shape), (), shape, origin))
        return 0

    def add(self, name: str, layer: Layer, inputs: tuple[int, ...], origin: Origin | None = None) -> int:
        """Appends a layer and returns its index. Raises ShapeError if it does not fit, Refused at a limit."""
        origin = origin or made_here(name, layer)
        self._check_limits(name, len(inputs), origin)
        shape = layer.output([self.nodes[index].shape for index in inputs])
        if shape.elements > INT64_MAX:
            raise ShapeError("AC209", f"a {shape} map has more values than fit in 64 bits", "make it smaller")
        self.nodes.append(Node(f"{name}()" if layer.is_function else name, layer, inputs, shape, origin))
        return len(self.nodes) - 1

    def _check_limits(self, name: str, inputs: int, origin: Origin) -> None:
        self.layers += max(1, inputs - 1)
        self.characters += len(name)
        if self.layers > MAX_LAYERS:
            raise _too_large(origin, f"the network has more than {MAX_LAYERS:,} layers", "repeat fewer rows")
        if self.characters > MAX_NAMES:
            message = f"the names of the layers have more than {MAX_NAMES:,} characters in total"
            raise _too_large(origin, message, "use shorter names, nest less, or repeat fewer rows")

    def strides_between(self, start: int, end: int) -> tuple[int, int]:
        """The product of the strides from `start` to `end`; of parallel paths, the largest on each axis.

        All paths to `end` lead through `start`, so it is the ratio of their strides from the image.
        """
        for node in self.nodes[len(self.strides) : end + 1]:
            self.strides.append(self._strides_to(node))
        before, after = self.strides[start], self.strides[end]
        return after[0] // before[0], after[1] // before[1]

    def _strides_to(self, node: Node) -> tuple[int, int]:
        """The product of the strides from the image to a node."""
        paths = [
            (self.strides[source], node.layer.windows(self.nodes[source].shape))
            for source in full_inputs(self.nodes, node)
        ]
        return (
            max((height * vertical.stride for (height, _), (vertical, _) in paths), default=1),
            max((width * horizontal.stride for (_, width), (_, horizontal) in paths), default=1),
        )


def _too_large(origin: Origin, message: str, help: str) -> Refused:
    return Refused(Finding("AC119", origin.place, message, help, at_key=True))


def full_inputs(nodes: Sequence[Node], node: Node) -> tuple[int, ...]:
    """The inputs of a node, of a merge without those that are broadcast over the others."""
    if len(node.inputs) < 2:
        return node.inputs
    return tuple(source for source in node.inputs if nodes[source].shape.size == node.shape.size)


def _weighs_its_input(graph: Graph, node: Node, source: int) -> bool:
    """Whether one input of a product is computed from the other alone."""
    if node.shape.size != (1, 1) or not isinstance(node.layer, Multiply):
        return False
    (other,) = set(node.inputs) - {source} or {len(graph.nodes)}
    while source > other and len(graph.nodes[source].inputs) == 1:
        (source,) = graph.nodes[source].inputs
    return source == other


Names = tuple[str, ...]
Inputs = tuple[tuple[int, ...], ...]


def names_and_inputs(graph: Graph) -> tuple[Names, Inputs]:
    """What the modules of a graph depend on, which is the same in many variants of a network."""
    return tuple(node.name for node in graph.nodes), tuple(node.inputs for node in graph.nodes)


@lru_cache(maxsize=4)
def open_modules(names: Names, inputs: Inputs) -> frozenset[str]:
    """Modules that no single call can run; the enclosing module calls their children instead.

    Their layers are not contiguous, or they read several values from outside, or a value other than their last is read
    outside. A network from a file has none.
    """
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
    """A module and its enclosing modules, the outermost first: `C1.0 -> C1, C1.0`; none for the network itself."""
    steps = module.split(".") if module else []
    return tuple(".".join(steps[:depth]) for depth in range(1, len(steps) + 1))
