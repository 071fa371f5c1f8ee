"""All that is measured of a graph, together."""

from typing import NamedTuple

from advconv.analysis.cost import costs, total, weight_bytes
from advconv.analysis.memory import Memory, memory
from advconv.analysis.receptive_field import Field, Reaches, last_maps, reaches
from advconv.geometry import INT64_MAX
from advconv.graph import Graph, Node
from advconv.layers.base import Cost


class Measures(NamedTuple):
    """The tables of a graph, an entry for each node, and what follows for the whole network."""

    graph: Graph
    reaches: list[Reaches]
    costs: list[Cost]
    memory: Memory
    total: Cost

    @property
    def weights(self) -> int:
        """Bytes."""
        return weight_bytes(self.total.params)

    @property
    def field(self) -> Field:
        """The receptive field of the network: that of its last map with more than one position."""
        return Field.of(*(self.reaches[index] for index in last_maps(self.graph)))

    @property
    def field_through_pooling(self) -> Field:
        """The field of the output, the last pooling counted as a window like any other."""
        return Field.of(self.reaches[-1])


def measure(graph: Graph) -> Measures:
    table = costs(graph)
    return Measures(graph, reaches(graph), table, memory(graph), total(table))


def overflow(measures: Measures) -> tuple[Node, str] | None:
    """The first node with which a count would no longer fit in 64 bits."""
    params = macs = kept = 0
    for index, node in enumerate(measures.graph.nodes):
        params, macs = params + measures.costs[index].params, macs + measures.costs[index].macs
        kept += measures.memory.kept[index]
        counts = {
            "the weights in bytes": weight_bytes(params),
            "the MACs": macs,
            "the memory in bytes": max(kept, measures.memory.live[index]),
        }
        for what, count in counts.items():
            if count > INT64_MAX:
                return node, what
    return None
