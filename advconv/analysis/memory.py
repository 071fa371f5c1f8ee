"""Memory for one picture in float32, nothing computed in place."""

from collections.abc import Callable
from typing import NamedTuple

from advconv.graph import Graph, Node, consumers
from advconv.layers.base import FLOAT_BYTES


class Memory(NamedTuple):
    """Bytes. `live`: the outputs that exist while a node runs; `kept`: what autograd newly holds because of it.

    `inference` is the peak of the live outputs, `training` the sum of what is kept. Parameters, gradients and
    buffers come on top of both.
    """

    live: list[int]
    kept: list[int]

    @property
    def inference(self) -> int:
        return max(self.live)

    @property
    def training(self) -> int:
        return sum(self.kept)


def memory(graph: Graph) -> Memory:
    return Memory(_live(graph), _kept(graph))


def _live(graph: Graph) -> list[int]:
    """Outputs in graph order, each freed after its last use. Views and idle layers hold their input's storage."""
    owner = _owners(graph, lambda node: node.layer.is_view or node.layer.is_idle_at_inference)
    last_use = [0] * len(graph.nodes)
    for index, readers in enumerate(consumers(graph)):
        last_use[owner[index]] = max(last_use[owner[index]], *readers, index)
    last_use[owner[-1]] = len(graph.nodes)
    now, live, freed = 0, [], [0] * (len(graph.nodes) + 1)
    for index, node in enumerate(graph.nodes):
        if owner[index] == index:
            now += node.shape.elements * FLOAT_BYTES
            freed[last_use[index]] += node.shape.elements * FLOAT_BYTES
        live.append(now)
        now -= freed[index]
    return live


def _kept(graph: Graph) -> list[int]:
    """Each storage once, where a gradient has to flow; parameters and buffers are not counted."""
    owner = _owners(graph, lambda node: node.layer.is_view)
    grads: list[bool] = []
    held: set[int] = set()
    kept = []
    for index, node in enumerate(graph.nodes):
        shapes = graph.input_shapes(node)
        needs = [grads[source] for source in node.inputs]
        grads.append(any(needs) or node.layer.cost(shapes, node.shape).params > 0)
        if not grads[-1]:
            kept.append(0)
            continue
        keeps = node.layer.keeps(shapes, node.shape, needs)
        storages = {owner[source] for source, used in zip(node.inputs, keeps.inputs, strict=False) if used}
        storages |= {owner[index]} if keeps.output else set()
        new = sum(graph.nodes[storage].shape.elements for storage in storages - held)
        held |= storages
        kept.append(new * FLOAT_BYTES + keeps.own_bytes)
    return kept


def _owners(graph: Graph, shares: Callable[[Node], bool]) -> list[int]:
    """For each node the node whose storage its output is."""
    owner: list[int] = []
    for index, node in enumerate(graph.nodes):
        owner.append(owner[node.inputs[0]] if node.inputs and shares(node) else index)
    return owner
