"""Comments that silence a rule on a row: `# advconv: ignore[AC301] reason`."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from advconv.rules import BY_CODE
from advconv.rules.selection import Selection
from advconv.text.document import Document, Value
from advconv.text.finding import Edit, Finding
from advconv.text.source import Span

COMMENT = re.compile(
    r"(?:^|(?<=\s))#[ \t]*advconv:[ \t]*ignore\b[ \t]*(?:\[([^\]\n]*)\])?[ \t]*([^\n\r]*)", re.MULTILINE
)


class Ignore(NamedTuple):
    """A comment: its span, the line that it is for, its codes and its reason."""

    span: Span
    line: int
    codes: tuple[str, ...]
    reason: str


def silenced(document: Document, findings: list[Finding], selection: Selection, is_complete: bool) -> list[Finding]:
    """The findings that no comment silences, and those about the comments.

    `is_complete`: whether all rules could run; else nothing is known of a comment that silences nothing.
    """
    ignores = list(_ignores(document))
    if not ignores:
        return findings
    ignored = {(item.line, code) for item in ignores for code in item.codes}
    used = set[tuple[int, str]]()
    kept = []
    for finding in findings:
        hits = {(line, finding.code) for line in _lines(document, finding)} & ignored
        used |= hits
        if not hits:
            kept.append(finding)
    mistakes = (found for item in ignores for found in _mistakes(item, used, selection, is_complete))
    return kept + [found for found in mistakes if selection.includes(BY_CODE[found.code])]


def _lines(document: Document, finding: Finding) -> set[int]:
    """The lines of a finding: its own, and that of its row."""
    spans = [document.span_of(finding)]
    if not isinstance(finding.path, Span):
        spans.append(document.key_span(finding.path))
    return {document.source.position(span.start).line for span in spans}


def _mistakes(item: Ignore, used: set[tuple[int, str]], selection: Selection, is_complete: bool) -> Iterator[Finding]:
    if not item.codes:
        yield Finding("AC351", item.span, "an ignore names no code", "write `# advconv: ignore[AC301] reason`")
    if item.codes and not item.reason:
        yield Finding("AC351", item.span, "an ignore has no reason", "write the reason after the bracket")
    for code in item.codes:
        rule = BY_CODE.get(code)
        if rule is None:
            yield Finding("AC351", item.span, f"there is no rule {code[:20]!r}", "write a code, such as AC301")
        elif not rule.is_optional:
            yield Finding("AC351", item.span, f"{code} is an error and cannot be ignored", "mend it")
        elif is_complete and selection.includes(rule) and (item.line, code) not in used:
            edits = (Edit(item.span, ""),) if len(item.codes) == 1 else ()
            yield Finding("AC350", item.span, f"nothing on this row is {code}", "remove the comment", edits)


def _ignores(document: Document) -> Iterator[Ignore]:
    text = document.source.text
    matches = list(COMMENT.finditer(text)) if "ignore" in text else []
    scalars = sorted((span.start, span.end) for span in _scalars(document.root)) if matches else []
    ends = list(accumulate((end for _, end in scalars), max))
    rows = _next_rows(document.source.lines) if matches else []
    for match in matches:
        before = bisect_right(scalars, (match.start(), len(text)))
        if not before or ends[before - 1] <= match.start():
            codes = tuple(code.strip() for code in (match[1] or "").split(",") if code.strip())
            span = Span(match.start(), match.start() + len(match[0].rstrip()))
            line = document.source.position(match.start()).line
            yield Ignore(span, rows[line - 1], codes, match[2].strip())


def _next_rows(lines: list[str]) -> list[int]:
    """For each line the number of the line that a comment in it is for: itself, or, without content, the next with."""
    rows, row = [], len(lines)
    for number in range(len(lines), 0, -1):
        row = number if lines[number - 1].lstrip()[:1] not in ("", "#") else row
        rows.append(row)
    return rows[::-1]


def _scalars(root: Value) -> Iterator[Span]:
    """The spans of all scalars and keys, in which a `#` begins no comment."""
    ahead = [root]
    while ahead:
        value = ahead.pop()
        yield from value.keys.values()
        ahead += value.children.values()
        if not value.children:
            yield value.span._replace(end=max(value.end, value.span.end))
