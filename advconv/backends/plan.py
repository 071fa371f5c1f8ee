"""The graph as nested sections: which children a module has, and in which order it calls them on what."""

from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from advconv.graph import Graph
from advconv.layers.base import Call


class Step(NamedTuple):
    """A call in the forward of a section: of a child by name, or of a function.

    `inputs` are values: 0 is what the section is given, i + 1 what its step i gives.
    """

    callee: "str | Call"
    inputs: tuple[int, ...]


def last_reads(steps: tuple[Step, ...]) -> list[int]:
    """For each value of a section the step that reads it last; for what the section gives, the one behind its end."""
    last = [0] * (len(steps) + 1)
    for number, step in enumerate(steps):
        for value in step.inputs:
            last[value] = number
    last[-1] = len(steps)
    return last


@dataclass(frozen=True, slots=True)
class Section:
    """A module with children. `first` and `last` are the nodes of the graph that it spans."""

    path: tuple[str, ...]
    kind: str
    first: int
    last: int
    children: "dict[str, Section | Leaf]"
    steps: tuple[Step, ...]

    @property
    def is_sequence(self) -> bool:
        """Each step is a child that reads the step before."""
        return all(isinstance(step.callee, str) and step.inputs == (number,) for number, step in enumerate(self.steps))


class Leaf(NamedTuple):
    """A module of torch at a node of the graph."""

    call: Call
    node: int


def plan(graph: Graph) -> Section:
    """The whole network as a section, its children the named blocks."""
    return _section(graph, (), list(range(1, len(graph.nodes))), source=0)


def _section(graph: Graph, path: tuple[str, ...], nodes: list[int], source: int) -> Section:
    """The nodes below a path, which read one value from outside: `source`."""
    values = {source: 0}
    children: dict[str, Section | Leaf] = {}
    steps: list[Step] = []
    depth = len(path)
    for name, group in groupby(nodes, key=lambda index: graph.nodes[index].name.split(".")[depth]):
        inside = list(group)
        outside = dict.fromkeys(i for index in inside for i in graph.nodes[index].inputs if i < inside[0])
        callee, inputs = _callee(graph, (*path, name), inside, list(outside))
        if not isinstance(callee, Call):
            children[name] = callee
        steps.append(Step(callee if isinstance(callee, Call) else name, tuple(values[i] for i in inputs)))
        values[inside[-1]] = len(steps)
    kind = graph.nodes[nodes[-1]].row.kind if depth > 1 else ""
    return Section(path, kind, nodes[0], nodes[-1], children, tuple(steps))


def _callee(
    graph: Graph, path: tuple[str, ...], inside: list[int], outside: list[int]
) -> "tuple[Section | Leaf | Call, list[int]]":
    node = graph.nodes[inside[0]]
    if node.name.count(".") + 1 > len(path):
        (source,) = outside
        return _section(graph, path, inside, source), outside
    call = node.layer.torch(graph.input_shapes(node))
    return (Leaf(call, inside[0]) if call.is_module else call), list(node.inputs)
