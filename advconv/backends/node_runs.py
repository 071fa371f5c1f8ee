"""Runs a graph node by node in torch, with the layers of the built module."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from advconv.backends.torch_module import apply
from advconv.graph import Graph, Node

NodeRun = Callable[..., Tensor]


def random_image(graph: Graph, dtype: torch.dtype = torch.float32) -> Tensor:
    shape = graph.input
    return torch.rand(1, shape.channels, shape.height, shape.width, dtype=dtype)


def runs(graph: Graph, module: nn.Module) -> list[NodeRun]:
    """The callable of each node: a child of the module by its name, or a function of torch."""
    return [nn.Identity(), *(_run(graph, node, module) for node in graph.nodes[1:])]


def _run(graph: Graph, node: Node, module: nn.Module) -> NodeRun:
    call = node.layer.torch(graph.input_shapes(node))
    return module.get_submodule(node.name) if call.is_module else lambda *inputs: apply(call, list(inputs))


def outputs(graph: Graph, runs: list[NodeRun], x: Tensor) -> list[Tensor]:
    """The output of every node."""
    values = [x]
    for node, run in zip(graph.nodes[1:], runs[1:], strict=True):
        values.append(run(*(values[source] for source in node.inputs)))
    return values
