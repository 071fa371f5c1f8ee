"""The graph as nested modules: the children of each module, and the calls of its forward pass."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from advconv.graph import Graph, names_and_inputs, open_modules
from advconv.layers.base import Call


class ForwardCall(NamedTuple):
    """A call in the forward pass of a module: of a child by its names, or of a function.

    `inputs` number the values of the module: 0 is its input, i + 1 the result of its call i.
    """

    callee: "tuple[str, ...] | Call"
    inputs: tuple[int, ...]


def last_reads(calls: tuple[ForwardCall, ...]) -> list[int]:
    """For each value of a module the last call that reads it; for its output, the number of calls."""
    last = [0] * (len(calls) + 1)
    for number, call in enumerate(calls):
        for value in call.inputs:
            last[value] = number
    last[-1] = len(calls)
    return last


@dataclass(frozen=True, slots=True)
class ModulePlan:
    """A module with children. `last` is the node of the graph that computes its output.

    `is_open`: it has no forward pass of its own, and the enclosing module calls its children; values pass between them
    and other modules beside its input and output.
    """

    path: tuple[str, ...]
    kind: str
    last: int
    children: "dict[str, ModulePlan | Leaf]"
    calls: tuple[ForwardCall, ...] = ()
    is_open: bool = False

    @property
    def is_sequence(self) -> bool:
        """Whether each call is of a child with the result of the call before, or there is no forward pass."""
        return self.is_open or all(
            not isinstance(call.callee, Call) and len(call.callee) == 1 and call.inputs == (number,)
            for number, call in enumerate(self.calls)
        )


class Leaf(NamedTuple):
    """A module of torch at a node of the graph."""

    call: Call
    node: int


class PlannedCall(NamedTuple):
    """A call whose inputs are not yet numbered, and the nodes of the graph that it runs."""

    callee: "tuple[str, ...] | Call"
    nodes: list[int]


def plan(graph: Graph) -> ModulePlan:
    """The whole network as a module whose children are the named blocks. Any acyclic graph has a plan."""
    return _module(graph, open_modules(*names_and_inputs(graph)), (), list(range(1, len(graph.nodes))), source=0)


def _module(graph: Graph, opened: frozenset[str], path: tuple[str, ...], nodes: list[int], source: int) -> ModulePlan:
    """The nodes below a path, which read one value from outside: `source`."""
    children: dict[str, ModulePlan | Leaf] = {}
    values, calls = {source: 0}, list[ForwardCall]()
    for callee, inside in sorted(_calls(graph, opened, path, nodes, children), key=lambda call: call.nodes):
        inputs = graph.nodes[inside[0]].inputs if isinstance(callee, Call) else _outside(graph, inside)
        calls.append(ForwardCall(callee, tuple(values[index] for index in inputs)))
        values[inside[-1]] = len(calls)
    return ModulePlan(path, _kind(graph, path, nodes), nodes[-1], children, tuple(calls))


def _kind(graph: Graph, path: tuple[str, ...], nodes: list[int]) -> str:
    return graph.nodes[nodes[-1]].origin.kind if len(path) > 1 else ""


def _calls(
    graph: Graph,
    opened: frozenset[str],
    path: tuple[str, ...],
    nodes: list[int],
    children: "dict[str, ModulePlan | Leaf]",
    above: tuple[str, ...] = (),
) -> Iterator[PlannedCall]:
    """The calls below a path, for open modules those of their children; fills `children` with the modules."""
    for name, inside in _by_child(graph, path, nodes).items():
        node, below = graph.nodes[inside[0]], (*path, name)
        if node.name.count(".") + 1 == len(below):
            call = node.layer.torch(graph.input_shapes(node))
            if call.is_module:
                children[name] = Leaf(call, inside[0])
            yield PlannedCall((*above, name) if call.is_module else call, inside)
        elif ".".join(below) not in opened:
            (source,) = _outside(graph, inside)
            children[name] = _module(graph, opened, below, inside, source)
            yield PlannedCall((*above, name), inside)
        else:
            members: dict[str, ModulePlan | Leaf] = {}
            yield from _calls(graph, opened, below, inside, members, (*above, name))
            kind = _kind(graph, below, inside)
            children[name] = ModulePlan(below, kind, inside[-1], members, is_open=True)


def _by_child(graph: Graph, path: tuple[str, ...], nodes: list[int]) -> dict[str, list[int]]:
    """The nodes below a path by the name of the child that they belong to."""
    groups: dict[str, list[int]] = {}
    for index in nodes:
        groups.setdefault(graph.nodes[index].name.split(".")[len(path)], []).append(index)
    return groups


def _outside(graph: Graph, inside: list[int]) -> list[int]:
    """The nodes outside a group that it reads."""
    own = set(inside)
    return list(dict.fromkeys(source for index in inside for source in graph.nodes[index].inputs if source not in own))
