"""A diagnostic in each format: for people, as JSON, for GitHub, for SARIF."""

import os
from pathlib import Path
from typing import Any

from advconv.rules import RULES
from advconv.rules.diagnostics import Diagnostic
from advconv.rules.record import Severity
from advconv.system.console import PLAIN, Paint
from advconv.text.visible import columns, visible

WIDTH = 120


def as_text(diagnostic: Diagnostic, paint: Paint = PLAIN) -> str:
    """`file:line:column: severity[code] message`, the line with a caret under the word, help, and the rows so far."""
    start = diagnostic.start
    colour = "red" if diagnostic.severity is Severity.ERROR else "yellow"
    label = f"{diagnostic.severity}[{diagnostic.code}]"
    source = diagnostic.source
    place = option_text(diagnostic.option) if source.is_option else f"{source.name}:{start.line}:{start.column}"
    lines = [paint(("bold", place), ": ", (colour, label), f" {diagnostic.message}")]
    lines += _excerpt(diagnostic, paint, colour)
    if diagnostic.help:
        lines.append(paint(f"{' ' * len(_line_number(diagnostic))} = help: {diagnostic.help}"))
    lines += _trail(diagnostic, paint)
    return "\n".join(lines)


def option_text(option: str) -> str:
    """An option, short enough to stand before a message."""
    text = visible(option)
    return text if len(text) <= WIDTH // 2 else f"{text[: WIDTH // 2 - 3]}..."


def _line_number(diagnostic: Diagnostic) -> str:
    """An option has one line, or hardly ever more."""
    return "" if diagnostic.source.is_option else str(diagnostic.start.line)


def _excerpt(diagnostic: Diagnostic, paint: Paint, colour: str) -> list[str]:
    """The source line, cut around the caret where it is long."""
    (number, column, _), end = diagnostic.start, diagnostic.end
    line, at = diagnostic.source.lines[number - 1], column - 1
    # Of what goes on in further lines, the first character.
    behind = end.column - 1 if end.line == number else at + 1
    first = max(0, at - WIDTH // 2) if len(line) > WIDTH else 0
    last = first + WIDTH
    if not line[first:last].strip():
        return []
    before, word, rest = (_printable(part) for part in (line[first:at], line[at : min(behind, last)], line[at:last]))
    if len(before + rest) > WIDTH:
        before = before[-WIDTH // 2 :]
    offset, width = columns(before), max(1, columns(word))
    label = _line_number(diagnostic)
    carets = "^" * min(width, max(1, WIDTH - offset))
    excerpt = f"{label} | {(before + rest)[:WIDTH].rstrip()}"
    return [paint(excerpt), paint(f"{' ' * len(label)} | {' ' * offset}", (colour, carets))]


def _printable(text: str) -> str:
    """A part of a line; a tab is one column."""
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
    place = {"option": diagnostic.option or None, "line": start.line, "column": start.column}
    place |= {"end_line": end.line, "end_column": end.column, "offset": start.offset, "end_offset": end.offset}
    told = {"code": diagnostic.code, "severity": diagnostic.severity, "message": diagnostic.message}
    edits = [{"offset": span.start, "end_offset": span.end, "text": text} for span, text in diagnostic.edits]
    more = {"edits": edits, "rows": [list(row) for row in diagnostic.trail]}
    return told | {"help": diagnostic.help or None} | place | more


def as_github(diagnostic: Diagnostic, file: str) -> str:
    """A workflow command, which GitHub shows at its line of the pull request."""
    start, end = diagnostic.start, diagnostic.end
    place = {"line": start.line, "endLine": end.line, "col": start.column, "endColumn": end.column}
    if start.line != end.line:
        # GitHub takes columns for places in one line alone.
        place = {"line": start.line, "endLine": end.line}
    fields = {"file": file} | ({} if diagnostic.option else place) | {"title": diagnostic.code}
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in fields.items())
    return f"::{diagnostic.severity} {properties}::{_data(plain_text(diagnostic))}"


def plain_text(diagnostic: Diagnostic) -> str:
    """Message and help; first the option, where the place is not in the file that a program can show."""
    option = diagnostic.option
    text = f"{option}: {diagnostic.message}" if option else diagnostic.message
    return text + (f"\nhelp: {diagnostic.help}" if diagnostic.help else "")


def _data(text: str) -> str:
    return visible(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


RULE_INDEX = {rule.code: index for index, rule in enumerate(RULES)}


def as_sarif(diagnostic: Diagnostic, file: str) -> dict[str, Any]:
    """A result (OASIS SARIF 2.1.0, section 3.27)."""
    start, end = diagnostic.start, diagnostic.end
    region = {"startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column}
    place = {"artifactLocation": {"uri": _uri(file)}} | ({} if diagnostic.option else {"region": region})
    code = diagnostic.code
    fields = {"ruleId": code, "ruleIndex": RULE_INDEX[code], "level": diagnostic.severity}
    return fields | {"message": {"text": plain_text(diagnostic)}, "locations": [{"physicalLocation": place}]}


def _uri(file: str) -> str:
    """A relative path stays relative, with what a URI cannot hold escaped."""
    from urllib.parse import quote

    return Path(file).as_uri() if Path(file).is_absolute() else quote(os.fsencode(Path(file).as_posix()))
