"""The graph as nested sections: which children a module has, and in which order it calls them on what."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from advconv.graph import Graph, open_modules
from advconv.layers.base import Call


class Step(NamedTuple):
    """A call in the forward of a section: of a child by its names, or of a function.

    `inputs` are values: 0 is what the section is given, i + 1 what its step i gives.
    """

    callee: "tuple[str, ...] | Call"
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
    """A module with children. `first` and `last` are the nodes of the graph that it spans.

    `is_open`: it holds its children without a forward of its own, and the section around it calls them; so it is where
    values of other sections are read, or read in others, past its input and its output.
    """

    path: tuple[str, ...]
    kind: str
    first: int
    last: int
    children: "dict[str, Section | Leaf]"
    steps: tuple[Step, ...] = ()
    is_open: bool = False

    @property
    def is_sequence(self) -> bool:
        """Each step is a child that reads the step before; or nothing is asked of it but to hold its children."""
        return self.is_open or all(
            not isinstance(step.callee, Call) and len(step.callee) == 1 and step.inputs == (number,)
            for number, step in enumerate(self.steps)
        )


class Leaf(NamedTuple):
    """A module of torch at a node of the graph."""

    call: Call
    node: int


class Part(NamedTuple):
    """What one step of a section calls, and the nodes of the graph that this runs."""

    callee: "tuple[str, ...] | Call"
    nodes: list[int]


def plan(graph: Graph) -> Section:
    """The whole network as a section, its children the named blocks. Any acyclic graph has one."""
    return _section(graph, open_modules(graph), (), list(range(1, len(graph.nodes))), source=0)


def _section(graph: Graph, opened: frozenset[str], path: tuple[str, ...], nodes: list[int], source: int) -> Section:
    """The nodes below a path, which read one value from outside: `source`."""
    children: dict[str, Section | Leaf] = {}
    values, steps = {source: 0}, list[Step]()
    for callee, inside in sorted(_parts(graph, opened, path, nodes, children), key=lambda part: part.nodes):
        inputs = graph.nodes[inside[0]].inputs if isinstance(callee, Call) else _outside(graph, inside)
        steps.append(Step(callee, tuple(values[index] for index in inputs)))
        values[inside[-1]] = len(steps)
    return Section(path, _kind(graph, path, nodes), nodes[0], nodes[-1], children, tuple(steps))


def _kind(graph: Graph, path: tuple[str, ...], nodes: list[int]) -> str:
    return graph.nodes[nodes[-1]].row.kind if len(path) > 1 else ""


def _parts(
    graph: Graph,
    opened: frozenset[str],
    path: tuple[str, ...],
    nodes: list[int],
    children: "dict[str, Section | Leaf]",
    above: tuple[str, ...] = (),
) -> Iterator[Part]:
    """What is called below a path, of open sections their children; the modules become `children`."""
    groups: dict[str, list[int]] = {}
    for index in nodes:
        groups.setdefault(graph.nodes[index].name.split(".")[len(path)], []).append(index)
    for name, inside in groups.items():
        node, below = graph.nodes[inside[0]], (*path, name)
        if node.name.count(".") + 1 == len(below):
            call = node.layer.torch(graph.input_shapes(node))
            if call.is_module:
                children[name] = Leaf(call, inside[0])
            yield Part((*above, name) if call.is_module else call, inside)
        elif ".".join(below) not in opened:
            (source,) = _outside(graph, inside)
            children[name] = _section(graph, opened, below, inside, source)
            yield Part((*above, name), inside)
        else:
            held: dict[str, Section | Leaf] = {}
            yield from _parts(graph, opened, below, inside, held, (*above, name))
            kind = _kind(graph, below, inside)
            children[name] = Section(below, kind, inside[0], inside[-1], held, is_open=True)


def _outside(graph: Graph, inside: list[int]) -> list[int]:
    """The nodes that a group reads and does not have."""
    own = set(inside)
    return list(dict.fromkeys(source for index in inside for source in graph.nodes[index].inputs if source not in own))
