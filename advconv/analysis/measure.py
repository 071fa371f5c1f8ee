"""All measurements of a graph."""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from advconv.analysis.cost import costs, total, weight_bytes
from advconv.analysis.memory import Memory, memory
from advconv.analysis.receptive_field import NO_FLOW, Flow, LastMaps, Reaches, ReceptiveField, flow, last_maps, reaches
from advconv.geometry import INT64_MAX
from advconv.graph import Graph, Node
from advconv.layers.base import Cost


class Measures:
    """The tables of a graph, with an entry for each node, and the totals of the network; computed on first use.

    `known`: tables of the first nodes, from the measures of another graph.
    """

    def __init__(self, graph: Graph, known: "Known | None" = None) -> None:
        self.graph = graph
        self.known = known or Known()

    def of_first(self, count: int) -> "Known":
        """The tables of the first nodes, as far as they have been computed."""
        found = self.__dict__
        ungated_inputs, pooled = found.get("flow", NO_FLOW)
        first = Flow(ungated_inputs[:count], pooled[:count])
        return Known(first, found.get("reaches", [])[:count], found.get("costs", [])[:count])

    @cached_property
    def flow(self) -> Flow:
        return flow(self.graph, self.known.flow)

    @cached_property
    def reaches(self) -> list[Reaches]:
        return reaches(self.graph, self.flow.ungated_inputs, self.known.reaches)

    @cached_property
    def costs(self) -> list[Cost]:
        return costs(self.graph, self.known.costs)

    @cached_property
    def memory(self) -> Memory:
        return memory(self.graph, self.costs)

    @cached_property
    def total(self) -> Cost:
        return total(self.costs)

    @property
    def weights(self) -> int:
        """Bytes."""
        return weight_bytes(self.total.params)

    @cached_property
    def last_maps(self) -> LastMaps:
        return last_maps(self.graph, self.flow)

    @property
    def receptive_field(self) -> ReceptiveField:
        """The receptive field of the network: that of its last maps before the first global pooling."""
        return ReceptiveField.of(*(self.reaches[index] for index in self.last_maps.maps))

    @property
    def receptive_field_through_pooling(self) -> ReceptiveField | None:
        """The same with the global pooling counted as a window like any other; None if there is none."""
        poolings = self.last_maps.poolings
        return ReceptiveField.of(*(self.reaches[index] for index in poolings)) if poolings else None


class Known(NamedTuple):
    """Tables of the first nodes of a graph."""

    flow: Flow = NO_FLOW
    reaches: Sequence[Reaches] = ()
    costs: Sequence[Cost] = ()


def measure(graph: Graph) -> Measures:
    """All tables of a graph, computed now."""
    found = Measures(graph)
    _ = found.reaches, found.memory, found.total
    return found


def overflow(measures: Measures) -> tuple[Node, str] | None:
    """The first node at which a count no longer fits in 64 bits, and which count."""
    whole = measures.weights, measures.total.macs, measures.memory.training, measures.memory.eager
    if max(whole) <= INT64_MAX:
        return None
    params = macs = saved = 0
    for index, node in enumerate(measures.graph.nodes):
        params, macs = params + measures.costs[index].params, macs + measures.costs[index].macs
        saved += measures.memory.saved[index]
        counts = {
            "the weights in bytes": weight_bytes(params),
            "the MACs": macs,
            "the memory in bytes": max(saved, measures.memory.eager_live[index]),
        }
        for what, count in counts.items():
            if count > INT64_MAX:
                return node, what
    return None
