"""Checked architectures as SARIF 2.1.0, which code-scanning services read."""

from collections.abc import Iterable, Iterator
from typing import Any

from advconv.check import Checked
from advconv.report.data import separated
from advconv.report.diagnostics import SARIF_LEVELS, as_sarif
from advconv.rules import RULES
from advconv.rules.record import Rule
from advconv.text.visible import json_text


def sarif_report(checked: Iterable[Checked]) -> str:
    """One run with a rule for each code and a result for each diagnostic (OASIS SARIF 2.1.0)."""
    return "\n".join(sarif_lines(checked))


def sarif_lines(checked: Iterable[Checked]) -> Iterator[str]:
    """The same one line at a time, one for each result."""
    driver = {"name": "advconv", "rules": [_rule(rule) for rule in RULES]}
    tool = json_text({"driver": driver})
    yield f'{{"version": "2.1.0", "runs": [{{"tool": {tool}, "columnKind": "unicodeCodePoints", "results": ['
    results = (as_sarif(found, item.source.name) for item in checked for found in item.diagnostics)
    yield from separated(json_text(result, None) for result in results)
    yield "]}]}"


def _rule(rule: Rule) -> dict[str, Any]:
    texts = {"shortDescription": {"text": rule.title}, "fullDescription": {"text": rule.what}}
    level = {"defaultConfiguration": {"level": SARIF_LEVELS.get(rule.severity, rule.severity)}}
    return {"id": rule.code} | texts | {"help": {"text": f"advconv explain {rule.code}"}} | level
