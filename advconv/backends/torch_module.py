"""The graph as a torch.nn.Module with the nesting of the YAML."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advconv.backends.plan import ForwardCall, Leaf, ModulePlan, last_reads, plan
from advconv.graph import Graph
from advconv.layers.base import Call

SPACES = {"nn": nn, "F": F, "torch": torch}


def build(graph: Graph) -> nn.Module:
    """The module of a graph, on the CPU, in training mode, freshly initialised by torch.

    It takes images of shape (batch, channels, height, width). Its parameters are named by block, row name or index,
    and role: `C1.0.conv.weight`.
    """
    return module_of(plan(graph))


def initialised(graph: Graph, seed: int) -> nn.Module:
    """The module with the weights that a training with this seed starts from; sets the seed of torch."""
    torch.manual_seed(seed)
    return build(graph)


def module_of(planned: ModulePlan | Leaf) -> nn.Module:
    if isinstance(planned, Leaf):
        return cast(nn.Module, target(planned.call)(*planned.call.arguments, **dict(planned.call.options)))
    children = OrderedDict((name, module_of(child)) for name, child in planned.children.items())
    return nn.Sequential(children) if planned.is_sequence else Steps(children, planned.calls)


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
    """A module whose forward pass is a list of calls of children and of torch functions on earlier values.

    A value is released after the last call that reads it.
    """

    def __init__(self, children: "OrderedDict[str, nn.Module]", calls: tuple[ForwardCall, ...]) -> None:
        super().__init__()
        for name, child in children.items():
            self.add_module(name, child)
        last = last_reads(calls)
        # Names of children never begin with an underscore.
        self._calls = [
            (callee, inputs, [value for value in set(inputs) if last[value] == number])
            for number, (callee, inputs) in enumerate(calls)
        ]

    def forward(self, x: Tensor) -> Tensor:
        values: list[Any] = [x]
        for callee, inputs, done in self._calls:
            given = [values[index] for index in inputs]
            values.append(self._child(callee)(*given) if not isinstance(callee, Call) else apply(callee, given))
            for index in done:
                values[index] = None
        result: Tensor = values[-1]
        return result

    def _child(self, names: tuple[str, ...]) -> nn.Module:
        """A child, or a descendant by its names."""
        module: nn.Module = self
        for name in names:
            module = module._modules[name]  # type: ignore[assignment]
        return module
