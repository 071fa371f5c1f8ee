"""Memory for one picture in float32, nothing computed in place."""

from itertools import zip_longest
from typing import NamedTuple

from advconv.graph import Graph, consumers, modules_around, open_modules
from advconv.layers.base import FLOAT_BYTES, Cost


class Memory(NamedTuple):
    """Bytes at each node. Parameters, gradients and buffers come on top.

    `live`: the outputs that exist while it runs, each freed after its last reader. `held`: what exists in torch's eager
    mode, where a module holds its input until it returns. `kept`: what autograd newly holds because of it.
    """

    live: list[int]
    held: list[int]
    kept: list[int]

    @property
    def inference(self) -> int:
        """The peak in a runtime that frees each output after its last reader."""
        return max(self.live)

    @property
    def eager(self) -> int:
        """The peak of `module(x)` in torch's eager mode, without gradients."""
        return max(self.held)

    @property
    def training(self) -> int:
        """What autograd holds when the forward pass has ended."""
        return sum(self.kept)


def memory(graph: Graph, costs: list[Cost]) -> Memory:
    owner = _owners(graph, [node.layer.is_view or node.layer.is_idle_at_inference for node in graph.nodes])
    last_use = [0] * len(graph.nodes)
    for index, readers in enumerate(consumers(graph)):
        last_use[owner[index]] = max(last_use[owner[index]], *readers, index)
    last_use[owner[-1]] = len(graph.nodes)
    sizes = [node.shape.elements * FLOAT_BYTES if owner[i] == i else 0 for i, node in enumerate(graph.nodes)]
    held = _existing(sizes, _last_holds(graph, owner, last_use))
    extra = [node.layer.dropped_bytes(node.shape) for node in graph.nodes]
    return Memory(_existing(sizes, last_use), [a + b for a, b in zip(held, extra, strict=True)], _kept(graph, costs))


def _existing(sizes: list[int], last_use: list[int]) -> list[int]:
    """Bytes that exist while each node runs, each storage of `sizes` from its node to its last use."""
    now, found, freed = 0, [], [0] * (len(sizes) + 1)
    for index, size in enumerate(sizes):
        now += size
        freed[last_use[index]] += size
        found.append(now)
        now -= freed[index]
    return found


def _last_holds(graph: Graph, owner: list[int], last_use: list[int]) -> list[int]:
    """Where each storage is released in eager mode: behind the modules that read it; the image at the end.

    A module of several layers is called with its input, so Python holds that until the call returns.
    """
    modules = [node.name.rpartition(".")[0] for node in graph.nodes]
    ends: dict[str, int] = {}
    for index, (module, following) in enumerate(zip_longest(modules, modules[1:])):
        if module != following:
            ends |= dict.fromkeys(modules_around(module), index)
    last, opened = list(last_use), open_modules(graph)
    last[0] = len(graph.nodes)
    for index, node in enumerate(graph.nodes):
        for source in node.inputs:
            if modules[source] != modules[index]:
                own = modules_around(modules[source])
                called = (module for module in modules_around(modules[index]) if module not in opened)
                entered = next((module for module in called if module not in own), None)
                last[owner[source]] = max(last[owner[source]], index if entered is None else ends[entered])
    return last


def _kept(graph: Graph, costs: list[Cost]) -> list[int]:
    """Each storage once, where a gradient has to flow; parameters and buffers are not counted."""
    owner = _owners(graph, [node.layer.is_view for node in graph.nodes])
    grads: list[bool] = []
    stored: set[int] = set()
    kept = []
    for index, node in enumerate(graph.nodes):
        needs = [grads[source] for source in node.inputs]
        grads.append(any(needs) or costs[index].params > 0)
        if not grads[-1]:
            kept.append(0)
            continue
        keeps = node.layer.keeps(graph.input_shapes(node), node.shape, needs)
        maps = [source for source, is_kept in zip(node.inputs, keeps.inputs, strict=False) if is_kept]
        kept.append(keeps.own_bytes)
        for place in (*maps, index) if keeps.output else maps:
            if owner[place] not in stored:
                stored.add(owner[place])
                kept[-1] += graph.nodes[place].shape.elements * FLOAT_BYTES
    return kept


def _owners(graph: Graph, shares: list[bool]) -> list[int]:
    """For each node the node whose storage its output is."""
    owner: list[int] = []
    for index, node in enumerate(graph.nodes):
        owner.append(owner[node.inputs[0]] if node.inputs and shares[index] else index)
    return owner
