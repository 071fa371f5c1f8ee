"""A diagnostic as text, JSON, a GitHub workflow command and a SARIF result."""

import os
from pathlib import Path
from typing import Any

from advconv.rules import RULES
from advconv.rules.diagnostics import Diagnostic
from advconv.rules.record import Severity
from advconv.system.console import PLAIN, Paint
from advconv.text.source import Source, Span
from advconv.text.visible import columns, visible

WIDTH = 120

COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFORMATION: "blue"}

GITHUB_LEVELS = {Severity.INFORMATION: "notice"}
SARIF_LEVELS = {Severity.INFORMATION: "note"}
"""Levels that the two formats name otherwise."""


def as_text(diagnostic: Diagnostic, paint: Paint = PLAIN) -> str:
    """`file:line:column: severity[code] message`, the line with carets under the span, help, and the rows so far.

    Information is the first of these lines alone.
    """
    start = diagnostic.start
    colour = COLOURS[diagnostic.severity]
    label = f"{diagnostic.severity}[{diagnostic.code}]"
    source = diagnostic.source
    location = option_text(diagnostic.option) if source.is_option else f"{source.name}:{start.line}:{start.column}"
    lines = [paint(("bold", location), ": ", (colour, label), f" {diagnostic.message}")]
    if diagnostic.severity is Severity.INFORMATION:
        return lines[0]
    lines += _excerpt(diagnostic, paint, colour)
    if diagnostic.help:
        lines.append(paint(f"{' ' * len(_line_number(diagnostic))} = help: {diagnostic.help}"))
    lines += _trail(diagnostic, paint)
    return "\n".join(lines)


def option_text(option: str) -> str:
    """An option, shortened as the prefix of a message."""
    text = visible(option)
    return text if len(text) <= WIDTH // 2 else f"{text[: WIDTH // 2 - 3]}..."


def _line_number(diagnostic: Diagnostic) -> str:
    """The label of the excerpt; empty for an option, which almost always has one line."""
    return "" if diagnostic.source.is_option else str(diagnostic.start.line)


def _excerpt(diagnostic: Diagnostic, paint: Paint, colour: str) -> list[str]:
    """The source line; a long one is cut around the carets."""
    (number, column, _), end = diagnostic.start, diagnostic.end
    line, at = diagnostic.source.lines[number - 1], column - 1
    # A span of several lines is marked by its first character.
    stop = end.column - 1 if end.line == number else at + 1
    first = max(0, at - WIDTH // 2) if len(line) > WIDTH else 0
    last = first + WIDTH
    if not line[first:last].strip():
        return []
    before, word, rest = (_printable(part) for part in (line[first:at], line[at : min(stop, last)], line[at:last]))
    if len(before + rest) > WIDTH:
        before = before[-WIDTH // 2 :]
    offset, width = columns(before), max(1, columns(word))
    label = _line_number(diagnostic)
    carets = "^" * min(width, max(1, WIDTH - offset))
    excerpt = f"{label} | {(before + rest)[:WIDTH].rstrip()}"
    return [paint(excerpt), paint(f"{' ' * len(label)} | {' ' * offset}", (colour, carets))]


def _printable(text: str) -> str:
    """A part of a line, with tabs as one column."""
    return visible(text.replace("\t", " "))


def _trail(diagnostic: Diagnostic, paint: Paint) -> list[str]:
    if not diagnostic.trail:
        return []
    rows = [("row", "layer", "output"), *(tuple(map(visible, row)) for row in diagnostic.trail)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return ["", *(paint(f"    {row:<{widths[0]}}  {layer:<{widths[1]}}  {shape}") for row, layer, shape in rows)]


def as_data(diagnostic: Diagnostic) -> dict[str, Any]:
    """For JSON. Lines and columns count from 1, offsets in characters from 0."""
    start, end = diagnostic.start, diagnostic.end
    span = {"option": diagnostic.option or None, "line": start.line, "column": start.column}
    span |= {"end_line": end.line, "end_column": end.column, "offset": start.offset, "end_offset": end.offset}
    fields = {"code": diagnostic.code, "severity": diagnostic.severity, "message": diagnostic.message}
    edits = [{"offset": span.start, "end_offset": span.end, "text": text} for span, text in diagnostic.edits]
    more = {"edits": edits, "rows": [list(row) for row in diagnostic.trail]}
    return fields | {"help": diagnostic.help or None} | span | more


def as_github(diagnostic: Diagnostic, file: str) -> str:
    """A workflow command, which GitHub displays at its line of the pull request."""
    start, end = diagnostic.start, diagnostic.end
    span = {"line": start.line, "endLine": end.line, "col": start.column, "endColumn": end.column}
    if start.line != end.line:
        # GitHub accepts columns only for spans within one line.
        span = {"line": start.line, "endLine": end.line}
    fields = {"file": file} | ({} if diagnostic.option else span) | {"title": diagnostic.code}
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in fields.items())
    return (
        f"::{GITHUB_LEVELS.get(diagnostic.severity, diagnostic.severity)} {properties}::{_data(plain_text(diagnostic))}"
    )


def plain_text(diagnostic: Diagnostic) -> str:
    """Message and help; after the option, if the diagnostic is about one and not about the file."""
    option = diagnostic.option
    text = f"{option}: {diagnostic.message}" if option else diagnostic.message
    return text + (f"\nhelp: {diagnostic.help}" if diagnostic.help else "")


def _data(text: str) -> str:
    return visible(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


RULE_INDEX = {rule.code: index for index, rule in enumerate(RULES)}


def as_sarif(diagnostic: Diagnostic, file: str) -> dict[str, Any]:
    """A result (OASIS SARIF 2.1.0, section 3.27), with its edits as a fix (section 3.55)."""
    artifact = {"artifactLocation": {"uri": _uri(file)}}
    region = _region(diagnostic.source, diagnostic.span)
    location = artifact | ({} if diagnostic.option else {"region": region})
    code = diagnostic.code
    fields = {
        "ruleId": code,
        "ruleIndex": RULE_INDEX[code],
        "level": SARIF_LEVELS.get(diagnostic.severity, diagnostic.severity),
    }
    replacements = [
        {"deletedRegion": _region(diagnostic.source, span), "insertedContent": {"text": text}}
        for span, text in (() if diagnostic.option else diagnostic.edits)
    ]
    fixes = {"fixes": [{"artifactChanges": [artifact | {"replacements": replacements}]}]} if replacements else {}
    return fields | {"message": {"text": plain_text(diagnostic)}, "locations": [{"physicalLocation": location}]} | fixes


def _region(source: Source, span: Span) -> dict[str, int]:
    start, end = source.position(span.start), source.position(span.end)
    return {"startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column}


def _uri(file: str) -> str:
    """The URI of a path, percent-encoded; a relative path stays relative."""
    from urllib.parse import quote

    return Path(file).as_uri() if Path(file).is_absolute() else quote(os.fsencode(Path(file).as_posix()))
