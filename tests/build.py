"""Networks in one line, and the torch calls that they name."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import yaml
from torch import Tensor, nn

from advconv.analysis.measure import Measures
from advconv.backends.torch_module import apply, target
from advconv.check import Checked, check
from advconv.geometry import Shape
from advconv.graph import Graph
from advconv.layers.base import Call
from advconv.rules.diagnostics import Diagnostic
from advconv.rules.record import Severity
from advconv.text.source import Source

Module = Callable[..., Tensor]


def arch(*rows: Any, input: Sequence[int] = (4, 16, 16), **sections: Any) -> dict[str, Any]:
    """An architecture with these rows in its one block."""
    return {"advconv": 1, "name": "t", "input": list(input), "network": {"C1": list(rows)}} | sections


def checked(data: dict[str, Any], image: Shape | None = None) -> Checked:
    return check(Source("t.yaml", yaml.safe_dump(data, sort_keys=False)), image)


def measured(*rows: Any, input: Sequence[int] = (4, 16, 16), **sections: Any) -> Measures:
    """The measures of rows that must fit."""
    found = checked(arch(*rows, input=input, **sections))
    assert found.measures is not None, found.diagnostics
    return found.measures


def graph(*rows: Any, input: Sequence[int] = (4, 16, 16), **sections: Any) -> Graph:
    return measured(*rows, input=input, **sections).graph


def codes(*rows: Any, input: Sequence[int] = (4, 16, 16), **sections: Any) -> list[str]:
    """What is found, without advice on the architecture (AC3..)."""
    return [code for code in _codes(arch(*rows, input=input, **sections)) if not code.startswith("AC3")]


def advice(*rows: Any, input: Sequence[int] = (4, 16, 16), **sections: Any) -> list[str]:
    """The codes of the advice on an architecture."""
    return [code for code in _codes(arch(*rows, input=input, **sections)) if code.startswith("AC3")]


def _codes(data: dict[str, Any]) -> list[str]:
    return [diagnostic.code for diagnostic in checked(data).diagnostics]


def faults(checked: Checked) -> list[Diagnostic]:
    """Errors and warnings, without information."""
    return [found for found in checked.diagnostics if found.severity is not Severity.INFORMATION]


def from_call(call: Call) -> Module:
    """A module of torch, or a function of the inputs."""
    if call.is_module:
        return cast(Module, target(call)(*call.arguments, **dict(call.options)))
    return lambda *inputs: apply(call, list(inputs))


def numel(module: Module) -> int:
    return sum(p.numel() for p in module.parameters()) if isinstance(module, nn.Module) else 0
