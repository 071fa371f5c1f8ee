"""The proof of a report: each of its claims beside what torch itself counts, holds, or lets a gradient through."""

import math
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import last_maps
from advconv.backends.plan import Leaf
from advconv.backends.torch_module import apply, build, module_of
from advconv.backends.torch_source import emit
from advconv.geometry import Shape
from advconv.graph import Graph, Node
from advconv.layers.base import Layer, ShapeError
from advconv.layers.dense import Input, Pad
from advconv.layers.merge import Add, Multiply
from advconv.layers.pointwise import Activation, Dropout, Norm
from advconv.layers.pool import MaxPool2d

Value = int | tuple[int, int] | str
"""A number, the first and last of a range, or what is no number."""


class Claim(NamedTuple):
    """What the report says and what was found; `found` is None where torch cannot be asked, and `note` says why."""

    name: str
    claimed: Value | None
    found: Value | None
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.found is None or self.found == self.claimed


def verify(measures: Measures) -> list[Claim]:
    """A claim for each thing that the report says of a network, checked on the CPU with one random picture."""
    graph = measures.graph
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = build(graph)
        return [
            Claim("parameters", measures.total.params, sum(p.numel() for p in module.parameters())),
            Claim("MACs", measures.total.macs, macs(graph, module)),
            _shapes_claim(graph, module),
            Claim("inference memory, bytes", measures.memory.inference, live_bytes(graph, module)),
            _training_claim(measures, module),
            *(_field_claim(measures, index, axis) for index in last_maps(graph) for axis in (0, 1)),
            _source_claim(measures, module),
        ]


def picture(graph: Graph, dtype: torch.dtype = torch.float32) -> Tensor:
    shape = graph.input
    return torch.rand(1, shape.channels, shape.height, shape.width, dtype=dtype)


def macs(graph: Graph, module: nn.Module) -> int:
    """Half of what torch's own counter says of a forward pass."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module.eval()(picture(graph))
    return int(counter.get_total_flops()) // 2


Run = Callable[..., Tensor]


def runs(graph: Graph, module: nn.Module) -> list[Run]:
    """What runs each node: a child of the module by its name, or a function of torch."""
    return [nn.Identity(), *(_run(graph, node, module) for node in graph.nodes[1:])]


def _run(graph: Graph, node: Node, module: nn.Module) -> Run:
    call = node.layer.torch(graph.input_shapes(node))
    return module.get_submodule(node.name) if call.is_module else lambda *inputs: apply(call, list(inputs))


def outputs(graph: Graph, runs: list[Run], x: Tensor) -> list[Tensor]:
    """The output of every node."""
    values = [x]
    for node, run in zip(graph.nodes[1:], runs[1:], strict=True):
        values.append(run(*(values[source] for source in node.inputs)))
    return values


def _shapes_claim(graph: Graph, module: nn.Module) -> Claim:
    """Every node's shape, by a pass node by node that must give what the module gives."""
    x = picture(graph)
    with torch.no_grad():
        values = outputs(graph, runs(graph, module.eval()), x)
        whole = module(x)
    wrong = [node.name for node, value in zip(graph.nodes, values, strict=True) if node.shape != shape_of(value)]
    found = len(graph.nodes) - len(wrong) if same_bits(values[-1], whole) else "another output"
    return Claim("output shapes, layers", len(graph.nodes), found, f"not {', '.join(wrong[:5])}" if wrong else "")


def same_bits(value: Tensor, other: Tensor) -> bool:
    """Equal to the bit; what has overflowed to a NaN is equal to itself."""
    bits, others = (tensor.contiguous().view(torch.int32) for tensor in (value, other))
    return torch.equal(bits, others)


def shape_of(value: Tensor) -> Shape:
    channels, *size = value.shape[1:]
    return Shape(channels, size[0], size[1]) if size else Shape(channels, flat=True)


class Storages(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The tensors that operations of torch make, as long as somebody holds them."""

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
    """The peak of the storages that exist when a node has run, each output dropped after its last reader."""
    nodes = runs(graph, module.eval())
    last_reader = {source: index for index, node in enumerate(graph.nodes) for source in node.inputs}
    ours = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    peak = 0
    with torch.no_grad(), Storages() as storages:
        values: dict[int, Tensor] = {0: picture(graph)}
        for index, node in enumerate(graph.nodes):
            if index:
                values[index] = nodes[index](*(values[source] for source in node.inputs))
            peak = max(peak, storage_bytes(storages.live(), ours))
            values = {key: value for key, value in values.items() if last_reader.get(key, len(graph.nodes)) > index}
    return peak


def storage_bytes(tensors: list[Tensor], but: set[int]) -> int:
    """Each storage once, without those that start at the addresses `but`."""
    sizes = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(size for address, size in sizes.items() if address not in but)


def _training_claim(measures: Measures, module: nn.Module) -> Claim:
    name, claimed = "training memory, bytes", measures.memory.training
    try:
        return Claim(name, claimed, saved_bytes(measures.graph, module))
    except ValueError as refusal:
        return Claim(name, claimed, None, f"torch: {refusal}")


def saved_bytes(graph: Graph, module: nn.Module) -> int:
    """What autograd holds after a forward pass in training mode, parameters and buffers apart."""
    ours = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    saved: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        saved.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module.train()(picture(graph))
    return storage_bytes(saved, ours)


def _field_claim(measures: Measures, index: int, axis: int) -> Claim:
    """The first and last pixel that one position of a last map depends on, without the gates."""
    reach = measures.reaches[index][axis]
    name = f"receptive field over the {('height', 'width')[axis]}, first and last pixel"
    if reach.unknown:
        return Claim(name, None, None, "paths of unequal jump meet")
    place = max(0, math.ceil(-reach.first / reach.jump))
    first, last = reach.jump * place + reach.first, reach.jump * place + reach.last
    strip = strip_for(measures.graph, index, axis, last + reach.jump + 1)
    if strip is None:
        return Claim(name, (first, last), None, "no strip of this length fits the network")
    gates = ", without the gates" if reach.whole else ""
    note = f"{reach.size} in all, at position {place}{gates}"
    return Claim(name, (first, last), support(strip, axis, place), note)


def strip_for(graph: Graph, index: int, axis: int, length: int) -> Graph | None:
    """The network up to a node, one pixel broad and at least so long; None where no such length fits its merges.

    Over the breadth each window is one pixel wide: what a position sees along one axis does not depend on the other.
    """
    nodes = [node._replace(layer=_narrowed(node.layer, 1 - axis)) for node in graph.nodes[: index + 1]]
    for size in range(length, length + 64):
        shape = Shape(graph.input.channels, *((size, 1) if axis == 0 else (1, size)))
        try:
            return Graph(tuple(nodes)).with_layer(0, Input(shape))
        except ShapeError:
            continue
    return None


def _narrowed(layer: Layer, axis: int) -> Layer:
    """The layer with windows of one pixel along an axis."""
    if isinstance(layer, Pad):
        return replace(layer, top=0, bottom=0) if axis == 0 else replace(layer, left=0, right=0)
    single = {"kernel_size": 1, "stride": 1, "dilation": 1, "padding": 0}
    pairs = {field: getattr(layer, field) for field in single if hasattr(layer, field)}
    changed = {
        field: (single[field], pair[1]) if axis == 0 else (pair[0], single[field]) for field, pair in pairs.items()
    }
    return replace(layer, **changed) if changed else layer


def support(graph: Graph, axis: int, place: int) -> tuple[int, int]:
    """The first and last pixel along an axis with a gradient, for a position of the last map along that axis.

    In float64, with positive weights scaled by fan-in, the average in place of the maximum, linear activations, and
    neither norms nor gates: a gradient passes wherever a value could.
    """
    x = picture(graph, torch.float64).requires_grad_()
    values = outputs(graph, [_kept_alive(_transparent(graph, node)) for node in graph.nodes], x)
    line = values[-1][0].sum(dim=(0, 2 - axis))
    (gradient,) = torch.autograd.grad(line[place], x)
    seen = gradient[0].sum(dim=(0, 2 - axis)).nonzero().flatten()
    return int(seen[0]), int(seen[-1])


def _kept_alive(run: Run) -> Run:
    """The node with a gradient of 0 or 1 behind it: only where it is counts, and through depth it would vanish."""

    def alive(*inputs: Tensor) -> Tensor:
        value = run(*inputs)
        if value.requires_grad:
            value.register_hook(lambda gradient: (gradient != 0).to(gradient.dtype))  # type: ignore[no-untyped-call]
        return value

    return alive


def _transparent(graph: Graph, node: Node) -> Run:
    """A node as it is where it is linear and positive, else what lets a gradient through."""
    layer, shapes = node.layer, graph.input_shapes(node)
    if isinstance(layer, Input | Activation | Dropout | Norm):
        return nn.Identity()
    if isinstance(layer, MaxPool2d):
        return nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding, layer.ceil_mode)
    if isinstance(layer, Add | Multiply) and len(set(shapes)) > 1:
        largest = max(range(len(shapes)), key=lambda index: shapes[index].elements)
        return lambda *inputs: inputs[largest]
    if isinstance(layer, Pad):
        layer = replace(layer, value=0.0)
    call = layer.torch(shapes)
    return _positive(module_of(Leaf(call, 0))) if call.is_module else lambda *inputs: apply(call, list(inputs))


def _positive(module: nn.Module) -> nn.Module:
    """Weights of one sign whose sum is 1 for each output, and no bias."""
    module = module.double().requires_grad_(False)
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.constant_(module.weight, 1 / module.weight[0].numel())
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    return module


def _source_claim(measures: Measures, module: nn.Module) -> Claim:
    """The emitted source, run: the same keys, weights that load strictly both ways, the same bits out."""
    name, claimed = "emitted source", "the module, bit for bit"
    try:
        written = from_source(emit(measures, "verify"))
        written.load_state_dict(module.state_dict(), strict=True)
        module.load_state_dict(written.state_dict(), strict=True)
    except RuntimeError as difference:
        return Claim(name, claimed, str(difference))
    if list(written.state_dict()) != list(module.state_dict()):
        return Claim(name, claimed, "the same keys in another order")
    x = picture(measures.graph)
    with torch.no_grad():
        same = same_bits(module.eval()(x), written.eval()(x))
    return Claim(name, claimed, claimed if same else "other outputs")


def from_source(source: str) -> nn.Module:
    """The `Net()` of an emitted source, which is ours and run as it stands."""
    namespace: dict[str, Any] = {"__name__": "advconv_emitted"}
    exec(compile(source, "<advconv emit>", "exec"), namespace)
    return cast(nn.Module, namespace["Net"]())
