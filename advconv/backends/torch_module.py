"""The graph as a torch.nn.Module, nested as the YAML is."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advconv.backends.plan import Leaf, Section, Step, last_reads, plan
from advconv.graph import Graph
from advconv.layers.base import Call

SPACES = {"nn": nn, "F": F, "torch": torch}


def build(graph: Graph) -> nn.Module:
    """The module of a graph, on the CPU, in training mode, freshly initialised by torch.

    It takes pictures of shape (batch, channels, height, width). Its parameters are named by block, row name or index,
    and role: `C1.0.conv.weight`.
    """
    return module_of(plan(graph))


def module_of(part: Section | Leaf) -> nn.Module:
    if isinstance(part, Leaf):
        return cast(nn.Module, target(part.call)(*part.call.arguments, **dict(part.call.options)))
    children = OrderedDict((name, module_of(child)) for name, child in part.children.items())
    return nn.Sequential(children) if part.is_sequence else Steps(children, part.steps)


def target(call: Call) -> Callable[..., Any]:
    """The constructor or function of torch that a call names."""
    space, _, name = call.target.partition(".")
    # Annotated, not cast: older versions of torch.compile stumble over a cast in a forward pass.
    found: Callable[..., Any] = getattr(SPACES[space], name)
    return found


def apply(call: Call, inputs: list[Tensor]) -> Tensor:
    """The result of a function of torch."""
    function, options = target(call), dict(call.options)
    given = [inputs] if call.packed else inputs
    value: Tensor = function(*given, *call.arguments, **options)
    return value


class Steps(nn.Module):
    """A module whose forward is a list of steps: children and functions of torch, each on values that are there.

    A value is released after the last step that reads it.
    """

    def __init__(self, children: "OrderedDict[str, nn.Module]", steps: tuple[Step, ...]) -> None:
        super().__init__()
        for name, child in children.items():
            self.add_module(name, child)
        last = last_reads(steps)
        # Attributes begin with an underscore, which no name of a child does.
        self._steps = [
            (callee, inputs, [value for value in set(inputs) if last[value] == number])
            for number, (callee, inputs) in enumerate(steps)
        ]

    def forward(self, x: Tensor) -> Tensor:
        values: list[Any] = [x]
        for callee, inputs, done in self._steps:
            given = [values[index] for index in inputs]
            values.append(self._child(callee)(*given) if not isinstance(callee, Call) else apply(callee, given))
            for index in done:
                values[index] = None
        result: Tensor = values[-1]
        return result

    def _child(self, names: tuple[str, ...]) -> nn.Module:
        """A child, or one that a child holds."""
        module: nn.Module = self
        for name in names:
            module = module._modules[name]  # type: ignore[assignment]
        return module
