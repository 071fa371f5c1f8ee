"""Checked architectures as SARIF 2.1.0, which code-scanning services read."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from advconv.check import Checked
from advconv.report.data import plain_text, separated
from advconv.text.diagnostics import CODES, Diagnostic
from advconv.text.visible import json_text


def sarif_report(checked: Iterable[Checked]) -> str:
    """One run with a rule for each code and a result for each diagnostic (OASIS SARIF 2.1.0)."""
    return "\n".join(sarif_lines(checked))


def sarif_lines(checked: Iterable[Checked]) -> Iterator[str]:
    """The same a line at a time, one for each result."""
    driver = {"name": "advconv", "rules": [_rule(code, title) for code, title in CODES.items()]}
    tool = json_text({"driver": driver})
    yield f'{{"version": "2.1.0", "runs": [{{"tool": {tool}, "columnKind": "unicodeCodePoints", "results": ['
    results = (_result(item.source.name, found) for item in checked for found in item.diagnostics)
    yield from separated(json_text(result, None) for result in results)
    yield "]}]}"


def _rule(code: str, title: str) -> dict[str, Any]:
    return {"id": code, "shortDescription": {"text": title}, "help": {"text": f"advconv explain {code}"}}


def _result(file: str, diagnostic: Diagnostic) -> dict[str, Any]:
    span = diagnostic.span
    end = span.column + span.width
    region = {"startLine": span.line, "startColumn": span.column, "endColumn": end}
    place = {"artifactLocation": {"uri": _uri(file)}} | ({} if span.option else {"region": region})
    fields = {"ruleId": diagnostic.code, "ruleIndex": list(CODES).index(diagnostic.code), "level": diagnostic.severity}
    return fields | {"message": {"text": plain_text(diagnostic)}, "locations": [{"physicalLocation": place}]}


def _uri(file: str) -> str:
    """A relative path stays relative, with what a URI cannot hold escaped."""
    from urllib.parse import quote

    return Path(file).as_uri() if Path(file).is_absolute() else quote(os.fsencode(Path(file).as_posix()))
