"""Names that users give, beside those of torch's modules, of Python, and of our own roles."""

import builtins
import keyword
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from advconv.backends.evidence import verify
from tests.build import arch, checked, measured
from tests.strategies import LAW
from tests.test_laws import one_thread

BARE = {"norm": "none", "activation": "none"}


def conv(name: str, channels: int = 4) -> dict[str, Any]:
    return {"conv": {"out_channels": channels, "name": name} | BARE}


@pytest.mark.parametrize("merge", ["add", "multiply", "concat"])
@pytest.mark.parametrize("name", ["add", "add_2", "multiply", "concat", "steps", "x", "y", "nn", "torch", "F", "out"])
def test_a_path_may_have_the_name_of_what_merges_it(merge: str, name: str) -> None:
    paths = {"far": [{"conv": 4}], name: [{"conv": 4}], "same": []}

    assert failing(measured({"branches": {"merge": merge, "paths": paths}})) == []


def test_a_row_may_have_the_name_of_a_function_beside_it() -> None:
    head = ["gap", {"dropout": {"dropout": 0.1, "name": "fc_flatten"}}, {"linear": {"out_features": 4, "name": "fc"}}]
    found = measured({"pointwise": 4}, *head)

    assert str(found.graph.output) == "4"
    assert failing(found) == []


@pytest.mark.parametrize("name", ["flatten", "steps", "input", "output", "named", "Net", "print", "Tensor"])
def test_a_block_may_have_the_name_of_what_closes_the_network(name: str) -> None:
    data = arch("gap", classes=4) | {"network": {name: [conv(name)], "O": [{"pointwise": 4}, "gap"]}}
    last = arch(classes=4) | {"network": {"C1": [conv(name)], name: [{"pointwise": 4}, "gap"]}}

    for network in (data, last):
        found = checked(network).measures
        assert found is not None
        assert failing(found) == []


ROLES = (
    "input flatten add add_2 multiply concat layers shortcut map gate steps conv norm act pad pool x y z y1 out".split()
)
OURS = "Net named nn torch F Tensor OrderedDict Residual Branches modules forward _steps _modules".split()
NAMES = st.sampled_from(
    sorted({*dir(nn.Sequential()), *ROLES, *OURS, *keyword.kwlist, *keyword.softkwlist, *dir(builtins)})
)
PLACES = ("block", "row", "path", "residual", "linear")


@LAW
@given(st.fixed_dictionaries(dict.fromkeys(PLACES, NAMES)), st.sampled_from(["add", "multiply", "concat"]))
def test_any_name_builds_and_agrees_or_is_refused_at_its_place(names: dict[str, str], merge: str) -> None:
    paths = {"other": [conv(names["row"])], names["path"]: [conv(names["row"]), "depthwise"]}
    rows = [
        conv(names["row"]),
        {"branches": {"merge": merge, "paths": paths, "name": names["path"]}},
        {"residual": {"layers": [conv(names["residual"], 8)], "name": names["residual"]}},
        "gap",
        {"linear": {"out_features": 4, "name": names["linear"]}},
    ]
    found = checked(arch(classes=4) | {"network": {names["block"]: rows, "end": [{"dropout": 0.1}]}})
    refused = [diagnostic for diagnostic in found.diagnostics if diagnostic.severity == "error"]

    if found.measures is not None:
        with one_thread():
            assert failing(found.measures) == []
    else:
        assert {diagnostic.code for diagnostic in refused} <= {"AC115", "AC116"}
        for diagnostic in refused:
            line = found.source.lines[diagnostic.start.line - 1]
            assert any(name in line[diagnostic.start.column - 1 :] for name in names.values())


def failing(measures: Any) -> list[Any]:
    """The claims about the built module and its source that do not hold."""
    return [claim for claim in verify(measures) if not claim.holds]
