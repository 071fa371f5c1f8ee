"""What the worker of the playground calls, in the browser: the check of the editor's text, and its page."""

import json
from collections.abc import Callable
from functools import lru_cache

from advconv.check import Checked, check
from advconv.report.page.document import page
from advconv.report.text import state_text
from advconv.rules.diagnostics import Diagnostic
from advconv.text.source import Source

NAME = "playground.yaml"
"""The name of the editor's text on the page."""


def answer(text: str) -> str:
    """The diagnostics as JSON, with offsets in UTF-16, as JavaScript counts."""
    checked, units = _checked(text), utf16(text)
    data = {
        "name": checked.spec.name if checked.spec else None,
        "state": state_text(checked),
        "ok": checked.ok,
        "constraints": [checked.kept, checked.judged],
        "is_measured": checked.measures is not None,
        "diagnostics": [_data(diagnostic, units) for diagnostic in checked.diagnostics],
    }
    return json.dumps(data)


def report(text: str) -> str:
    """The page of `advconv report`."""
    return page(_checked(text))


@lru_cache(maxsize=1)
def _checked(text: str) -> Checked:
    return check(Source(NAME, text))


def _data(diagnostic: Diagnostic, units: Callable[[int], int]) -> dict[str, object]:
    line, column, _ = diagnostic.start
    edits = [{"from": units(span.start), "to": units(span.end), "text": text} for span, text in diagnostic.edits]
    span = {"from": units(diagnostic.span.start), "to": units(diagnostic.span.end)}
    said = {"code": diagnostic.code, "severity": diagnostic.severity, "line": line, "column": column}
    return said | span | {"message": diagnostic.message, "help": diagnostic.help, "edits": edits}


def utf16(text: str) -> Callable[[int], int]:
    """From offsets in characters to offsets in UTF-16 code units, of which some characters have two.

    >>> [utf16("a😀b")(offset) for offset in range(4)]
    [0, 1, 3, 4]
    """
    if not any(character > "\uffff" for character in text):
        return lambda offset: offset
    return lambda offset: len(text[:offset].encode("utf-16-le", "surrogatepass")) // 2
