"""torchinfo's table of networks however deep they are nested."""

from typing import Any

import pytest
from hypothesis import assume, given, settings

from advconv.analysis.measure import Measures
from advconv.report.torchinfo import LEVELS, torchinfo
from tests import build
from tests.strategies import LAW, archs


def nested(levels: int) -> list[Any]:
    """Rows inside rows: a convolution below so many residuals, branches and repetitions in turn."""
    rows: list[Any] = [{"conv": 4}]
    for level in range(levels):
        outer: list[dict[str, Any]] = [
            {"residual": rows},
            {"branches": {"merge": "add", "paths": {"near": rows, "far": [{"conv": 4}]}}},
            {"repeat": {"times": 2, "layers": rows}} if level < 6 else {"residual": rows},
        ]
        rows = [outer[level % 3]]
    return rows


def convolutions(measures: Measures) -> int:
    return sum(node.layer.kind == "Conv2d" for node in measures.graph.nodes)


@pytest.mark.parametrize("levels", [0, 1, 2, 3, 6, 20])
def test_every_convolution_is_in_the_table_at_any_depth(levels: int) -> None:
    measures = build.measured(*nested(levels))
    table = torchinfo(measures)

    assert table.count("─Conv2d") == convolutions(measures)
    assert f"Total params: {measures.total.params:,}\n" in table


def test_a_table_of_many_levels_is_soon_there() -> None:
    """torchinfo's time doubles with each level; for this network it would take hours."""
    measures = build.measured(*nested(30))
    deepest = max(line.count("│") for line in torchinfo(measures).splitlines())

    assert max(node.name.count(".") for node in measures.graph.nodes) > 40
    assert deepest < LEVELS


@settings(LAW, max_examples=30)
@given(archs())
def test_the_table_counts_the_parameters_of_any_network(data: dict[str, Any]) -> None:
    measures = build.checked(data).measures
    assume(measures is not None)
    assert measures is not None

    assert f"Total params: {measures.total.params:,}\n" in torchinfo(measures)
