"""All measurements of a graph."""

from typing import NamedTuple

from advconv.analysis.cost import costs, total, weight_bytes
from advconv.analysis.memory import Memory, memory
from advconv.analysis.receptive_field import Flow, LastMaps, Reaches, ReceptiveField, flow, last_maps, reaches
from advconv.geometry import INT64_MAX
from advconv.graph import Graph, Node
from advconv.layers.base import Cost


class Measures(NamedTuple):
    """The tables of a graph, with an entry for each node, and the totals of the network."""

    graph: Graph
    flow: Flow
    reaches: list[Reaches]
    costs: list[Cost]
    memory: Memory
    total: Cost

    @property
    def weights(self) -> int:
        """Bytes."""
        return weight_bytes(self.total.params)

    @property
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


def measure(graph: Graph) -> Measures:
    found, table = flow(graph), costs(graph)
    return Measures(graph, found, reaches(graph, found.ungated_inputs), table, memory(graph, table), total(table))


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
