"""Memory that torch allocates while a network runs, counted in the storages of its tensors."""

import weakref
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from advconv.backends.node_runs import random_image, runs
from advconv.graph import Graph


class Storages(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Weak references to the tensors that torch operations return."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.made: list[weakref.ref[Tensor]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        made = result if isinstance(result, tuple | list) else (result,)
        self.made += [weakref.ref(tensor) for tensor in made if isinstance(tensor, Tensor)]
        return result

    def live(self) -> list[Tensor]:
        return [tensor for tensor in (made() for made in self.made) if tensor is not None]


def live_bytes(graph: Graph, module: nn.Module) -> int:
    """The peak of the live storages after each node, if each output is freed after its last reader."""
    nodes = runs(graph, module.eval())
    last_reader = {source: index for index, node in enumerate(graph.nodes) for source in node.inputs}
    ours = own_storages(module)
    peak = 0
    with torch.no_grad(), Storages() as storages:
        values: dict[int, Tensor] = {0: random_image(graph)}
        for index, node in enumerate(graph.nodes):
            if index:
                values[index] = nodes[index](*(values[source] for source in node.inputs))
            peak = max(peak, storage_bytes(storages.live(), ours))
            values = {key: value for key, value in values.items() if last_reader.get(key, len(graph.nodes)) > index}
    return peak


class PeakBytes(Storages):  # type: ignore[no-untyped-call]
    """The peak of the bytes of tensors created under it, after each operation, without `excluded` storages."""

    def __init__(self, excluded: set[int]) -> None:
        super().__init__()
        self.excluded, self.peak = excluded, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = super().__torch_dispatch__(func, types, args, kwargs)
        self.made = [made for made in self.made if made() is not None]
        self.peak = max(self.peak, storage_bytes(self.live(), self.excluded))
        return result


def eager_bytes(graph: Graph, module: nn.Module) -> int:
    """The peak of the live storages while the module runs in torch's eager mode."""
    storages = PeakBytes(own_storages(module))
    with torch.no_grad(), storages:
        module.eval()(random_image(graph))
    return storages.peak


def own_storages(module: nn.Module) -> set[int]:
    """The addresses of parameters and buffers."""
    return {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers())}


def storage_bytes(tensors: list[Tensor], excluded: set[int]) -> int:
    """Each storage once, without those that start at `excluded` addresses."""
    sizes = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(size for address, size in sizes.items() if address not in excluded)


def saved_bytes(graph: Graph, module: nn.Module) -> int:
    """Bytes that autograd saves in a forward pass in training mode, without parameters and buffers."""
    ours = own_storages(module)
    saved: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        saved.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module.train()(random_image(graph))
    return storage_bytes(saved, ours)
