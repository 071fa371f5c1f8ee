"""Parameters, MACs and weights."""

from collections.abc import Sequence

from advconv.graph import Graph
from advconv.layers.base import FLOAT_BYTES, Cost

MACS_CONVENTION = "bias and norm not counted"


def costs(graph: Graph, known: Sequence[Cost] = ()) -> list[Cost]:
    """Parameters and MACs of each node, for one image; `known`: those of the first nodes."""
    new = graph.nodes[len(known) :]
    return [*known, *(node.layer.cost(graph.input_shapes(node), node.shape) for node in new)]


def total(table: list[Cost]) -> Cost:
    return Cost(sum(cost.params for cost in table), sum(cost.macs for cost in table))


def weight_bytes(params: int) -> int:
    """Parameters in float32. Running statistics of batch norms are buffers, not weights, and not counted."""
    return params * FLOAT_BYTES
