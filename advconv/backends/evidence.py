"""Verifies a report: every claim is compared with what torch counts, allocates or back-propagates."""

import math
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from advconv.analysis.measure import Measures
from advconv.backends.node_runs import NodeRun, outputs, random_image, runs
from advconv.backends.storages import eager_bytes, live_bytes, saved_bytes
from advconv.backends.support import strip_for, support
from advconv.backends.torch_module import build
from advconv.backends.torch_source import emit
from advconv.geometry import Shape
from advconv.graph import Graph, Node
from advconv.layers.dense import Pad
from advconv.system.process import is_out_of_memory
from advconv.text.visible import first_line

ClaimValue = int | tuple[int, int] | str
"""A number, the first and last pixel of a range, or a text."""


class Claim(NamedTuple):
    """A value of the report and what torch found; `found` is None if torch cannot verify it, and `note` says why."""

    name: str
    claimed: ClaimValue | None
    found: ClaimValue | None
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.found is None or self.found == self.claimed


def verify(measures: Measures) -> list[Claim]:
    """A claim for each number of the report, checked on the CPU with one random image."""
    graph = measures.graph
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            module = build(graph)
            macs_found = macs(graph, module)
        except (RuntimeError, ValueError) as problem:
            if is_out_of_memory(problem):
                raise
            return [Claim("torch builds and runs it", "yes", first_line(problem))]
        return [
            Claim("parameters", measures.total.params, sum(p.numel() for p in module.parameters())),
            Claim("MACs", measures.total.macs, macs_found),
            _shapes_claim(graph, module),
            _finite_claim(graph, module),
            Claim("inference memory, bytes", measures.memory.inference, live_bytes(graph, module)),
            Claim("eager memory, bytes", measures.memory.eager, eager_bytes(graph, module)),
            _training_claim(measures, module),
            *(_field_claim(measures, index, axis) for index in measures.last_maps.maps for axis in (0, 1)),
            _source_claim(measures, module),
        ]


def macs(graph: Graph, module: nn.Module) -> int:
    """Half of the FLOPs that torch's own counter finds in a forward pass."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module.eval()(random_image(graph))
    return int(counter.get_total_flops()) // 2


def _shapes_claim(graph: Graph, module: nn.Module) -> Claim:
    """Every node's shape, from a pass node by node whose output must equal that of the module."""
    x = random_image(graph)
    with torch.no_grad():
        values = outputs(graph, runs(graph, module.eval()), x)
        whole = module(x)
    wrong = [node.name for node, value in zip(graph.nodes, values, strict=True) if node.shape != shape_of(value)]
    found = len(graph.nodes) - len(wrong) if same_bits(values[-1], whole) else "another output"
    return Claim("output shapes, layers", len(graph.nodes), found, f"not {', '.join(wrong[:5])}" if wrong else "")


CLAMP = 1e4


def _finite_claim(graph: Graph, module: nn.Module) -> Claim:
    """Every layer maps finite inputs to finite outputs. Inputs are clamped, since deep networks may overflow."""
    infinite: list[str] = []

    def bounded(node: Node, run: NodeRun) -> NodeRun:
        def layer(*inputs: Tensor) -> Tensor:
            value = run(*inputs)
            # The pad before a max pooling inserts infinities, which the pooling never selects.
            if not isinstance(node.layer, Pad) and not value.isfinite().all():
                infinite.append(node.name)
            return value if isinstance(node.layer, Pad) else value.nan_to_num().clamp(-CLAMP, CLAMP)

        return layer

    bounds = [bounded(node, run) for node, run in zip(graph.nodes, runs(graph, module.eval()), strict=True)]
    with torch.no_grad():
        outputs(graph, bounds, random_image(graph))
    count = len(graph.nodes)
    note = f"not {', '.join(infinite[:5])}" if infinite else ""
    return Claim("finite outputs, layers", count, count - len(infinite), note)


def same_bits(value: Tensor, other: Tensor) -> bool:
    """Equal bit by bit; a NaN equals itself."""
    bits, others = (tensor.contiguous().view(torch.int32) for tensor in (value, other))
    return torch.equal(bits, others)


def shape_of(value: Tensor) -> Shape:
    channels, *size = value.shape[1:]
    return Shape(channels, size[0], size[1]) if size else Shape(channels, flat=True)


def _training_claim(measures: Measures, module: nn.Module) -> Claim:
    name, claimed = "training memory, bytes", measures.memory.training
    try:
        return Claim(name, claimed, saved_bytes(measures.graph, module))
    except ValueError as refusal:
        return Claim(name, claimed, None, f"torch: {refusal}")


def _field_claim(measures: Measures, index: int, axis: int) -> Claim:
    """The first and last pixel that one position of a last map depends on, gates excluded."""
    reach = measures.reaches[index][axis]
    name = f"receptive field over the {('height', 'width')[axis]}, first and last pixel"
    if reach.unknown:
        return Claim(name, None, None, "branches with unequal jumps merge")
    if not reach.jump:
        note = "branches with unequal jumps merge on a 1x1 map; a longer input has no such map, so it is not verified"
        return Claim(name, (reach.first, reach.last), None, note)
    position = max(0, math.ceil(-reach.first / reach.jump))
    first, last = reach.jump * position + reach.first, reach.jump * position + reach.last
    strip = strip_for(measures.graph, index, axis, last + reach.jump + 1)
    if strip is None:
        return Claim(name, (first, last), None, "no input of a suitable length fits the network")
    gates = ", gates excluded" if reach.gated else ""
    note = f"{reach.size} in all, at position {position}{gates}"
    return Claim(name, (first, last), support(strip, axis, position), note)


def _source_claim(measures: Measures, module: nn.Module) -> Claim:
    """The emitted source, executed: the same keys, weights that load strictly both ways, the same output bit by bit."""
    name, claimed = "emitted source", "the module, bit for bit"
    try:
        written = from_source(emit(measures, "verify"))
        written.load_state_dict(module.state_dict(), strict=True)
        module.load_state_dict(written.state_dict(), strict=True)
    except RuntimeError as difference:
        return Claim(name, claimed, str(difference))
    if list(written.state_dict()) != list(module.state_dict()):
        return Claim(name, claimed, "the same keys in another order")
    x = random_image(measures.graph)
    with torch.no_grad():
        same = same_bits(module.eval()(x), written.eval()(x))
    return Claim(name, claimed, claimed if same else "other outputs")


def from_source(source: str) -> nn.Module:
    """The `Net()` of an emitted source, executed unchanged; it is our own."""
    namespace: dict[str, Any] = {"__name__": "advconv_emitted"}
    exec(compile(source, "<advconv emit>", "exec"), namespace)
    return cast(nn.Module, namespace["Net"]())
