"""Memory for one image in float32, nothing computed in place."""

from collections.abc import Collection
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple

from advconv.graph import Graph, Inputs, Names, modules_around, names_and_inputs, open_modules
from advconv.layers.base import FLOAT_BYTES, Cost


class Memory(NamedTuple):
    """Bytes at each node. Parameters, gradients and buffers are not included.

    `live`: the outputs that exist while it runs, each freed after its last reader. `eager_live`: the same in torch's
    eager mode, in which a module's input exists until the module returns. `saved`: bytes that autograd additionally
    saves at this node.
    """

    live: list[int]
    eager_live: list[int]
    saved: list[int]

    @property
    def inference(self) -> int:
        """The peak in a runtime that frees each output after its last reader."""
        return max(self.live)

    @property
    def eager(self) -> int:
        """The peak of `module(x)` in torch's eager mode, without gradients."""
        return max(self.eager_live)

    @property
    def training(self) -> int:
        """What autograd has saved when the forward pass ends."""
        return sum(self.saved)


def memory(graph: Graph, costs: list[Cost]) -> Memory:
    sizes = [node.shape.elements * FLOAT_BYTES for node in graph.nodes]
    owner = _owners(graph, [node.layer.is_view or node.layer.is_identity_at_inference for node in graph.nodes])
    owned = [size if owner[index] == index else 0 for index, size in enumerate(sizes)]
    last_use = [*range(len(sizes))]
    for index, node in enumerate(graph.nodes):
        for source in node.inputs:
            last_use[owner[source]] = index
    last_use[owner[-1]] = len(sizes)
    eager_live = _existing(owned, _last_use_in_eager_mode(graph, owner, last_use))
    extra = [node.layer.temporary_bytes(node.shape) for node in graph.nodes]
    live = [a + b for a, b in zip(eager_live, extra, strict=True)]
    return Memory(_existing(owned, last_use), live, _saved(graph, costs, sizes))


def _existing(sizes: list[int], last_use: list[int]) -> list[int]:
    """Bytes that exist while each node runs, each storage of `sizes` from its node to its last use."""
    now, found, freed = 0, [], [0] * (len(sizes) + 1)
    for index, size in enumerate(sizes):
        now += size
        freed[last_use[index]] += size
        found.append(now)
        now -= freed[index]
    return found


def _last_use_in_eager_mode(graph: Graph, owner: list[int], last_use: list[int]) -> list[int]:
    """The node after which eager mode frees each storage: the end of the outermost module called with it.

    Python keeps the input of a module alive until the call returns; the image is freed at the end.
    """
    last = list(last_use)
    last[0] = len(graph.nodes)
    for source, end in _calls(*names_and_inputs(graph)):
        last[owner[source]] = max(last[owner[source]], end)
    return last


@lru_cache(maxsize=4)
def _calls(names: Names, inputs: Inputs) -> list[tuple[int, int]]:
    """For each call of a module, the node that it is called with, and the last node inside."""
    modules = [name.rpartition(".")[0] for name in names]
    ends, opened = _module_ends(modules), open_modules(names, inputs)
    edges = ((source, modules[index]) for index, sources in enumerate(inputs) for source in sources)
    calls = ((source, _entered_module(modules[source], module, opened)) for source, module in edges)
    return [(source, ends[entered]) for source, entered in calls if entered]


def _module_ends(modules: list[str]) -> dict[str, int]:
    """The last node of each module, from the module of each node."""
    ends: dict[str, int] = {}
    for index, (module, following) in enumerate(zip_longest(modules, modules[1:])):
        if module != following:
            ends |= dict.fromkeys(modules_around(module), index)
    return ends


def _entered_module(source: str, module: str, opened: Collection[str]) -> str | None:
    """The outermost module that is called between a node in `source` and its reader in `module`, if any."""
    if source == module:
        return None
    own = modules_around(source)
    called = (around for around in modules_around(module) if around not in opened)
    return next((around for around in called if around not in own), None)


def _saved(graph: Graph, costs: list[Cost], sizes: list[int]) -> list[int]:
    """Bytes that each node saves: each storage once, if a gradient flows; parameters and buffers are not counted."""
    owner = _owners(graph, [node.layer.is_view for node in graph.nodes])
    grads: list[bool] = []
    stored: set[int] = set()
    saved = []
    for index, node in enumerate(graph.nodes):
        needs = [grads[source] for source in node.inputs]
        grads.append(any(needs) or costs[index].params > 0)
        if not grads[-1]:
            saved.append(0)
            continue
        saves = node.layer.saved_for_backward(graph.input_shapes(node), node.shape, needs)
        places = [source for source, is_saved in zip(node.inputs, saves.inputs, strict=False) if is_saved]
        if saves.output:
            places.append(index)
        saved.append(saves.own_bytes)
        for place in places:
            if owner[place] not in stored:
                stored.add(owner[place])
                saved[-1] += sizes[place]
    return saved


def _owners(graph: Graph, shares: list[bool]) -> list[int]:
    """For each node, the node that owns the storage of its output."""
    owner: list[int] = []
    for index, node in enumerate(graph.nodes):
        owner.append(owner[node.inputs[0]] if node.inputs and shares[index] else index)
    return owner
