"""The rules for architectures: planted faults are found where they are, and mended ones are not reported."""

import json
from typing import Any

import pytest

from advconv.analysis.view import GraphView
from advconv.check import Checked, check, lint
from advconv.rules import BY_CODE, RULES
from advconv.rules.record import LintInput, Severity
from advconv.text.source import Source
from tests.build import faults
from tests.faults import PLANTED, whole

COMMENTS = {"AC350", "AC351"}

FEW, MANY = range(20), range(20, 200)


def text_checked(data: dict[str, Any]) -> Checked:
    found = check(Source("t.yaml", json.dumps(data)))
    assert found.measures is not None, (data, found.diagnostics)
    return found


def is_planted(data: Any, path: Any) -> bool:
    """Whether a finding is about the planted row, or about another section."""
    if path[0] != "network":
        return True
    for step in path:
        if isinstance(data, dict) and step not in data:
            return False
        data = data[step]
    return isinstance(data, dict) and data.get("name") == "planted"


def test_every_rule_for_architectures_has_planted_faults() -> None:
    assert {rule.code for rule in RULES if rule.code.startswith("AC3")} == PLANTED.keys() | COMMENTS


@pytest.mark.parametrize("seeds", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"])
@pytest.mark.parametrize("code", PLANTED)
def test_planted_faults_are_found_in_their_rows_and_nothing_else_is(code: str, seeds: range) -> None:
    for seed in seeds:
        data, _ = whole(code, seed)
        found = text_checked(data)
        assert found.spec is not None
        assert found.measures is not None
        findings = lint(LintInput(found.spec.input, found.spec, GraphView(found.measures)))
        places = [is_planted(data, each.path) for each in findings if each.code == code]

        assert places, (seed, data)
        assert all(places), (seed, data)
        if code != "AC302":
            warned = {code} if BY_CODE[code].severity is Severity.WARNING else set()
            assert {each.code for each in faults(found)} == warned, (seed, data)


@pytest.mark.parametrize("seeds", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"])
@pytest.mark.parametrize("code", PLANTED)
def test_mended_networks_have_no_finding(code: str, seeds: range) -> None:
    for seed in seeds:
        _, mended = whole(code, seed)
        found = text_checked(mended)

        assert faults(found) == [], (seed, mended)
        assert code not in [each.code for each in found.diagnostics], (seed, mended)
