"""Which pixels a position depends on, by the gradients of the built layers."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from advconv.analysis.receptive_field import flow
from advconv.backends.node_runs import NodeRun, outputs, random_image
from advconv.backends.plan import Leaf
from advconv.backends.torch_module import apply, module_of
from advconv.geometry import Shape
from advconv.graph import Graph, Node
from advconv.layers.base import Layer, ShapeError
from advconv.layers.dense import Input, Pad
from advconv.layers.merge import Add, Multiply
from advconv.layers.pointwise import Activation, Dropout, Norm
from advconv.layers.pool import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d

MAX_STRIP_LENGTH = 10**7
"""Pixels of a strip that surely fits in memory."""


def strip_for(graph: Graph, index: int, axis: int, length: int) -> Graph | None:
    """The network up to a node on a strip one pixel wide and at least `length` long; None if no length fits its merges.

    Across the strip each window is one pixel wide: the receptive field along one axis does not depend on the other.
    """
    if length > MAX_STRIP_LENGTH:
        return None
    ungated_inputs = flow(graph).ungated_inputs
    nodes = [
        _on_strip(graph, node, ungated_inputs[number], axis) for number, node in enumerate(graph.nodes[: index + 1])
    ]
    for size in range(length, length + 64):
        shape = Shape(graph.input.channels, *((size, 1) if axis == 0 else (1, size)))
        try:
            return Graph(tuple(nodes)).replace(0, Input(shape))
        except ShapeError:
            continue
    return None


def _on_strip(graph: Graph, node: Node, inputs: tuple[int, ...], axis: int) -> Node:
    """The node on a strip along one axis; `inputs` are its inputs without gates.

    Gates are bypassed: on a strip they may be as long as the gated map.
    """
    if len(inputs) == 1 < len(node.inputs):
        return node._replace(layer=Activation(), inputs=inputs)
    if len(inputs) < len(node.inputs):
        return node._replace(inputs=inputs)
    if isinstance(node.layer, AdaptiveAvgPool2d) and graph.input_shapes(node)[0].size == (1, 1):
        # On a longer strip it would read all positions.
        return node._replace(layer=AvgPool2d((1, 1), (1, 1)))
    return node._replace(layer=_narrowed(node.layer, 1 - axis))


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


def support(graph: Graph, axis: int, position: int) -> tuple[int, int]:
    """The first and last pixel along an axis with a gradient, for a position of the last map along that axis.

    In float64, with positive weights scaled by fan-in, averages for maxima, sums for products, linear activations, and
    no norms: a gradient passes wherever a value can have an effect.
    """
    x = random_image(graph, torch.float64).requires_grad_()
    values = outputs(graph, [_with_unit_gradient(_transparent(graph, node)) for node in graph.nodes], x)
    line = values[-1][0].sum(dim=(0, 2 - axis))
    (gradient,) = torch.autograd.grad(line[position], x)
    seen = gradient[0].sum(dim=(0, 2 - axis)).nonzero().flatten()
    return int(seen[0]), int(seen[-1])


def _with_unit_gradient(run: NodeRun) -> NodeRun:
    """Binarises the gradient after the node: only its support counts, and it would underflow in deep networks."""

    def unit_gradient(*inputs: Tensor) -> Tensor:
        value = run(*inputs)
        if value.requires_grad:
            value.register_hook(lambda gradient: (gradient != 0).to(gradient.dtype))  # type: ignore[no-untyped-call]
        return value

    return unit_gradient


def _transparent(graph: Graph, node: Node) -> NodeRun:
    """The node if it is linear and positive, else a replacement with the same support that passes a gradient."""
    layer, shapes = node.layer, graph.input_shapes(node)
    if isinstance(layer, Input | Activation | Dropout | Norm):
        return nn.Identity()
    if isinstance(layer, MaxPool2d):
        return nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding, layer.ceil_mode)
    if isinstance(layer, Multiply):
        layer = Add()
    if isinstance(layer, Pad):
        layer = replace(layer, value=0.0)
    call = layer.torch(shapes)
    return _positive(module_of(Leaf(call, 0))) if call.is_module else lambda *inputs: apply(call, list(inputs))


def _positive(module: nn.Module) -> nn.Module:
    """Equal positive weights whose sum is 1 for each output, and no bias."""
    module = module.double().requires_grad_(False)
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.constant_(module.weight, 1 / module.weight[0].numel())
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    return module
