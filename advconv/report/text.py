"""A checked architecture, for people."""

import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from advconv.analysis.cost import MACS_CONVENTION
from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import Field, square
from advconv.check import Checked
from advconv.constraints import Status, Verdict
from advconv.diagnostics import Diagnostic, Severity, Span
from advconv.report.table import Table
from advconv.source import LINE_BREAK, Source
from advconv.units import bytes_text, count_text

WIDTH = 120
COLOURS = {"red": "31;1", "yellow": "33;1", "green": "32", "blue": "34;1", "bold": "1", "dim": "2"}


class Paint(NamedTuple):
    """Colours, where they are wanted."""

    on: bool = False

    def __call__(self, colour: str, text: str) -> str:
        return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if self.on else text


PLAIN = Paint()


def report(checked: Checked, paint: Paint = PLAIN) -> str:
    """Diagnostics, then the constraints, then one line that sums up."""
    parts = [diagnostic_text(checked.source, diagnostic, paint) for diagnostic in checked.diagnostics]
    if checked.verdicts:
        parts.append(_verdicts(checked.verdicts, paint))
    return "\n\n".join([*parts, _summary_line(checked, paint)])


def diagnostic_text(source: Source, diagnostic: Diagnostic, paint: Paint = PLAIN) -> str:
    """`file:line:column: severity[code] message`, the line with a caret under the word, help, and the rows so far."""
    span = diagnostic.span
    colour = "red" if diagnostic.severity is Severity.ERROR else "yellow"
    label = paint(colour, f"{diagnostic.severity}[{diagnostic.code}]")
    place = option_text(span) if span.option else f"{printable(source.name)}:{span.line}:{span.column}"
    lines = [f"{paint('bold', place)}: {label} {printable(diagnostic.message)}"]
    lines += _excerpt(source, diagnostic, paint, colour)
    if diagnostic.help:
        lines.append(f"{' ' * len(_line_number(span))} = help: {printable(diagnostic.help)}")
    lines += _trail(diagnostic)
    return "\n".join(lines)


def option_text(span: Span) -> str:
    """The option that a place is in, short enough to stand before a message."""
    text = printable(span.option)
    return text if len(text) <= WIDTH // 2 else f"{text[: WIDTH // 2 - 3]}..."


def _line_number(span: Span) -> str:
    """An option has one line, or hardly ever more."""
    return "" if span.option else str(span.line)


def _excerpt(source: Source, diagnostic: Diagnostic, paint: Paint, colour: str) -> list[str]:
    """The source line, cut around the caret where it is long."""
    span = diagnostic.span
    text = LINE_BREAK.split(span.option) if span.option else source.lines
    line = text[span.line - 1] if span.line <= len(text) else ""
    start = max(0, span.column - 1 - WIDTH // 2) if len(line) > WIDTH else 0
    shown = printable(line[start : start + WIDTH])
    if not shown.strip():
        return []
    offset = _columns(printable(line[start : span.column - 1]))
    width = max(1, _columns(printable(line[span.column - 1 : span.column - 1 + span.width][:WIDTH])))
    number = _line_number(span)
    caret = paint(colour, "^" * min(width, max(1, WIDTH - offset)))
    return [f"{number} | {shown.rstrip()}", f"{' ' * len(number)} | {' ' * offset}{caret}"]


def printable(text: str) -> str:
    """Control characters would move the cursor or colour the terminal; they are shown as a replacement."""
    shown = (character if character.isprintable() else "\ufffd" for character in text.replace("\t", " "))
    return "".join(shown)


def _columns(text: str) -> int:
    """Columns on a terminal: wide characters take two, combining ones none."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def _trail(diagnostic: Diagnostic) -> list[str]:
    if not diagnostic.trail:
        return []
    rows = [("row", "layer", "output"), *diagnostic.trail]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return ["", *(f"    {row:<{widths[0]}}  {layer:<{widths[1]}}  {shape}" for row, layer, shape in rows)]


MARKS = {Status.KEPT: ("green", "ok"), Status.FAILED: ("red", "FAIL"), Status.PROMISED: ("blue", "later")}


def _verdicts(verdicts: tuple[Verdict, ...], paint: Paint) -> str:
    names = max(len(verdict.name) for verdict in verdicts)
    values = max(len(verdict.value_text) for verdict in verdicts)
    limits = max(len(verdict.limit.text) for verdict in verdicts)
    lines = []
    for verdict in verdicts:
        colour, word = MARKS[verdict.status]
        value, limit = f"{verdict.value_text:>{values}}", f"{verdict.limit.text:<{limits}}"
        cells = paint(colour, f"{word:<5}"), f"{verdict.name:<{names}}", value, limit, verdict.margin_text
        lines.append(f"  {cells[0]} {'  '.join(cells[1:])}")
    return "\n".join(lines)


def verdict_table(checked: Checked) -> Table:
    """The verdicts as a table, closed by the diagnostics and the measures. A margin is below 0 outside the limit."""
    rows = [(v.name, v.value, v.unit, v.limit.text, v.margin, str(v.status)) for v in checked.verdicts]
    closing = [diagnostic_text(checked.source, diagnostic) for diagnostic in checked.diagnostics]
    title = printable(checked.source.name)
    columns = ("Constraint", "Value", "Unit", "Limit", "Margin", "Status")
    counts = {"errors": checked.count(Severity.ERROR), "warnings": checked.count(Severity.WARNING)}
    totals = {"ok": checked.ok, "kept": checked.kept, "judged": checked.judged} | counts
    return Table(title, columns, tuple(rows), (*closing, _summary_line(checked, PLAIN)), totals)


def _summary_line(checked: Checked, paint: Paint) -> str:
    """Whether it holds, and its measures."""
    state = state_text(checked, paint)
    if checked.verdicts:
        state += f", {checked.kept} of {_plural(checked.judged, 'constraint')} kept"
    name = checked.spec.name if checked.spec else printable(checked.source.name)
    return f"{paint('bold', name)}: {state}" + (f"; {measures_text(checked.measures)}" if checked.measures else "")


def state_text(checked: Checked, paint: Paint = PLAIN) -> str:
    """`ok`, `ok, 1 warning`, `2 errors`"""
    errors, warnings = checked.count(Severity.ERROR), checked.count(Severity.WARNING)
    state = paint("green", "ok") if checked.ok else paint("red", _plural(errors, "error"))
    return state + (f", {_plural(warnings, 'warning')}" if warnings else "")


def files_line(files: int, counts: Mapping[Severity, int], skipped: int) -> str:
    """`12 files: 3 errors, 1 warning; 2 YAML files skipped, they are no architectures`"""
    line = ", ".join(_plural(counts[severity], severity.value) for severity in Severity)
    line = f"{_plural(files, 'file')}: {line}"
    what = "it is no architecture" if skipped == 1 else "they are no architectures"
    return line + (f"; {_plural(skipped, 'YAML file')} skipped, {what}" if skipped else "")


def measures_text(measures: Measures) -> str:
    parts = [f"receptive field {measures.field}", *_field_notes(measures.field, measures.field_through_pooling)]
    total, memory = measures.total, measures.memory
    parts += [f"{count_text(total.params)} params", f"{count_text(total.macs)} MACs ({MACS_CONVENTION})"]
    parts += [f"{bytes_text(memory.inference)} memory", f"{bytes_text(memory.eager)} in eager mode"]
    parts += [f"{bytes_text(memory.training)} for training"]
    return ", ".join(parts)


def _field_notes(field: Field, pooled: Field | None) -> list[str]:
    notes = [field.note] if field.note else []
    if pooled and pooled.size and pooled.size != field.size:
        notes.append(f"through the pooling {square(pooled.size)}")
    if field.narrowest and field.narrowest != field.size:
        notes.append(f"narrowest path {square(field.narrowest)}")
    return notes


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
