"""Networks in one line, and torch itself as the judge of what we say about them."""

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
import yaml
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from advconv.analysis.measure import Measures
from advconv.check import Checked, check
from advconv.geometry import Shape
from advconv.graph import Graph, Node
from advconv.layers.base import Call
from advconv.layers.dense import Pad
from advconv.layers.merge import Add, Multiply
from advconv.layers.pointwise import Activation, Dropout, Norm
from advconv.layers.pool import MaxPool2d
from advconv.source import Source

Module = Callable[..., Tensor]


def arch(*rows: Any, input: Sequence[int] = (4, 16, 16), **sections: Any) -> dict[str, Any]:
    """An architecture with these rows in its one block."""
    return {"advconv": 1, "name": "t", "input": list(input), "network": {"C1": list(rows)}} | sections


def checked(data: dict[str, Any], picture: Shape | None = None) -> Checked:
    return check(Source("t.yaml", yaml.safe_dump(data, sort_keys=False)), picture)


def measured(*rows: Any, input: Sequence[int] = (4, 16, 16), **sections: Any) -> Measures:
    """The measures of rows that must fit."""
    found = checked(arch(*rows, input=input, **sections))
    assert found.measures is not None, found.diagnostics
    return found.measures


def graph(*rows: Any, input: Sequence[int] = (4, 16, 16), **sections: Any) -> Graph:
    return measured(*rows, input=input, **sections).graph


def codes(*rows: Any, input: Sequence[int] = (4, 16, 16), **sections: Any) -> list[str]:
    return [diagnostic.code for diagnostic in checked(arch(*rows, input=input, **sections)).diagnostics]


def from_call(call: Call) -> Module:
    """A module of torch, or a function of the inputs."""
    space, _, name = call.target.partition(".")
    target = getattr({"nn": nn, "F": F, "torch": torch}[space], name)
    options = dict(call.options)
    if call.is_module:
        return cast(Module, target(*call.arguments, **options))
    if call.packed:
        return lambda *xs: target(xs, *call.arguments, **options)
    return lambda *xs: target(*xs, *call.arguments, **options)


def modules(graph: Graph, change: Callable[[Node], Module | None] = lambda node: None) -> list[Module]:
    """Each node as torch has it, or as `change` would rather have it."""
    return [change(node) or from_call(node.layer.torch(graph.input_shapes(node))) for node in graph.nodes]


def run(graph: Graph, built: list[Module], x: Tensor) -> list[Tensor]:
    """The output of every node."""
    outputs = [x]
    for node, module in zip(graph.nodes[1:], built[1:], strict=True):
        outputs.append(module(*(outputs[source] for source in node.inputs)))
    return outputs


def numel(module: Module) -> int:
    return sum(p.numel() for p in module.parameters()) if isinstance(module, nn.Module) else 0


def flops(graph: Graph, built: list[Module]) -> int:
    """What torch's own counter says of a forward pass of one picture."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        run(graph, [set_mode(module, training=False) for module in built], picture(graph))
    return int(counter.get_total_flops())


def set_mode(module: Module, training: bool) -> Module:
    return cast(Module, module.train(training)) if isinstance(module, nn.Module) else module


def picture(graph: Graph, dtype: torch.dtype = torch.float32) -> Tensor:
    shape = graph.input
    return torch.rand(1, shape.channels, shape.height, shape.width, dtype=dtype)


def shape_of(output: Tensor) -> Shape:
    channels, *size = output.shape[1:]
    return Shape(channels, size[0], size[1]) if size else Shape(channels, flat=True)


def storage_bytes(tensors: list[Tensor]) -> int:
    """Each storage once."""
    return sum({t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}.values())


def live_bytes(graph: Graph, built: list[Module]) -> int:
    """The peak, over the nodes in order, of the storages whose outputs are still to be read."""
    with torch.no_grad():
        outputs = run(graph, [set_mode(module, training=False) for module in built], picture(graph))
    end = len(outputs) - 1
    peak = 0
    for now in range(len(outputs)):
        later = {source for node in graph.nodes[now:] for source in node.inputs} | {now, end}
        peak = max(peak, storage_bytes([outputs[index] for index in later if index <= now]))
    return peak


def saved_bytes(graph: Graph, built: list[Module]) -> int:
    """What autograd holds after a forward pass in training mode, parameters and buffers apart."""
    ours = {t.data_ptr() for m in built if isinstance(m, nn.Module) for t in (*m.parameters(), *m.buffers())}
    saved: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        saved.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        run(graph, [set_mode(module, training=True) for module in built], picture(graph))
    return storage_bytes([tensor for tensor in saved if tensor.data_ptr() not in ours])


def smooth(node: Node) -> Module | None:
    """What lets a gradient through wherever a value could: linear and positive, an average for a maximum."""
    if isinstance(node.layer, Activation | Dropout | Norm):
        return nn.Identity()
    if isinstance(node.layer, MaxPool2d):
        layer = node.layer
        return nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding, layer.ceil_mode)
    if isinstance(node.layer, Pad):
        sides = (node.layer.left, node.layer.right, node.layer.top, node.layer.bottom)
        return lambda x: F.pad(x, sides)
    return None


def make_positive(built: list[Module]) -> None:
    """Weights of one sign, scaled by fan-in so that depth neither blows up nor vanishes."""
    for module in built:
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.double()
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def without_gates(graph: Graph, node: Node) -> Module | None:
    """Where a map of one position is spread over another, that other alone."""
    sizes = [shape.elements for shape in graph.input_shapes(node)]
    return (lambda *xs: xs[sizes.index(max(sizes))]) if len(set(sizes)) > 1 and isinstance(node.layer, GATES) else None


GATES = (Add, Multiply)


def support(
    graph: Graph, index: int, position: tuple[int, int], gates: bool = True
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The first and last row and column of the picture whose gradient is not zero for a position of a node's map."""
    built = modules(graph, lambda node: smooth(node) or (None if gates else without_gates(graph, node)))
    make_positive(built)
    x = picture(graph, torch.float64).requires_grad_()
    outputs = run(graph, built, x)
    (gradient,) = torch.autograd.grad(outputs[index][0, :, position[0], position[1]].sum(), x)
    rows, columns = (gradient[0].abs().sum(dim=(0, axis)).nonzero().flatten().tolist() for axis in (2, 1))
    return (rows[0], rows[-1]), (columns[0], columns[-1])


def first_inside(jump: int, first: int) -> int:
    """The first position of a map that sees nothing left of the picture."""
    return max(0, math.ceil(-first / jump))
