"""A checked architecture as text."""

from collections.abc import Mapping

from advconv.analysis.cost import MACS_CONVENTION
from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import ReceptiveField, square
from advconv.check import Checked
from advconv.constraints.record import Status, Verdict
from advconv.report.diagnostics import as_text
from advconv.report.table import Table
from advconv.rules.record import Severity
from advconv.system.console import PLAIN, Paint
from advconv.text.visible import visible
from advconv.values.quantities import bytes_text, count_text


def report(checked: Checked, paint: Paint = PLAIN) -> str:
    """Diagnostics, constraints and a summary line."""
    parts = [as_text(diagnostic, paint) for diagnostic in checked.diagnostics]
    if checked.verdicts:
        parts.append(_verdicts(checked.verdicts, paint))
    return "\n\n".join([*parts, _summary_line(checked, paint)])


MARKS = {Status.KEPT: ("green", "ok"), Status.FAILED: ("red", "FAIL"), Status.PROMISED: ("blue", "later")}


def verdict_line(verdict: Verdict) -> str:
    """`ok    latency  4.512 ms  < 5 ms  0.488 ms below 5.000 ms`"""
    return _verdicts((verdict,), PLAIN).strip()


def _verdicts(verdicts: tuple[Verdict, ...], paint: Paint) -> str:
    rows = [tuple(map(visible, (v.name, v.value_text, v.limit.text, v.margin_text))) for v in verdicts]
    names, values, limits, _ = (max(map(len, cells)) for cells in zip(*rows, strict=True))
    lines = []
    for verdict, (name, value, limit, margin) in zip(verdicts, rows, strict=True):
        colour, word = MARKS[verdict.status]
        cells = f"{name:<{names}}  {value:>{values}}  {limit:<{limits}}  {margin}"
        lines.append(paint("  ", (colour, f"{word:<5}"), f" {cells}"))
    return "\n".join(lines)


def verdict_table(checked: Checked) -> Table:
    """The verdicts as a table, followed by diagnostics and measures. A margin is negative outside the limit."""
    rows = [(v.name, v.value, v.unit, v.limit.text, v.margin, str(v.status)) for v in checked.verdicts]
    closing = [as_text(diagnostic) for diagnostic in checked.diagnostics]
    columns = ("Constraint", "Value", "Unit", "Limit", "Margin", "Status")
    counts = {"errors": checked.count(Severity.ERROR), "warnings": checked.count(Severity.WARNING)}
    totals = {"ok": checked.ok, "kept": checked.kept, "judged": checked.judged} | counts
    return Table(checked.source.name, columns, tuple(rows), (*closing, _summary_line(checked, PLAIN)), totals)


def kept_text(checked: Checked) -> str:
    """`8 of 8 constraints kept, 1 not judged`"""
    kept, others = f"{checked.kept} of {checked.judged} constraints kept", len(checked.verdicts) - checked.judged
    return f"{kept}, {others} not judged" if others else kept


def _summary_line(checked: Checked, paint: Paint) -> str:
    """`name: ok, 3 of 3 constraints kept; receptive field 45, ...`"""
    name = checked.spec.name if checked.spec else checked.source.name
    kept = f", {checked.kept} of {_plural(checked.judged, 'constraint')} kept" if checked.verdicts else ""
    measured = f"; {measures_text(checked.measures)}" if checked.measures else ""
    return paint(("bold", name), ": ", *_state(checked), kept, measured)


def state_text(checked: Checked) -> str:
    """`ok`, `ok, 1 warning`, `2 errors`; `1 warning` if it is a failure"""
    return PLAIN(*_state(checked))


def _state(checked: Checked) -> tuple[tuple[str, str], str]:
    counts = [(checked.count(severity), severity.value) for severity in (Severity.ERROR, Severity.WARNING)]
    first, *others = [*(["ok"] if checked.ok else []), *(_plural(count, word) for count, word in counts if count)]
    return ("green" if checked.ok else "red", first), "".join(f", {count}" for count in others)


def files_line(files: int, counts: Mapping[Severity, int], skipped: int) -> str:
    """`12 files: 3 errors, 1 warning; 2 YAML files skipped (not architectures)`"""
    line = ", ".join(_plural(counts[severity], severity.value) for severity in (Severity.ERROR, Severity.WARNING))
    line = f"{_plural(files, 'file')}: {line}"
    what = "not an architecture" if skipped == 1 else "not architectures"
    return line + (f"; {_plural(skipped, 'YAML file')} skipped ({what})" if skipped else "")


def measures_text(measures: Measures) -> str:
    parts = [
        f"receptive field {measures.receptive_field}",
        *field_notes(measures.receptive_field, measures.receptive_field_through_pooling),
    ]
    total, memory = measures.total, measures.memory
    parts += [f"{count_text(total.params)} params", f"{count_text(total.macs)} MACs ({MACS_CONVENTION})"]
    parts += [f"{bytes_text(memory.inference)} memory", f"{bytes_text(memory.eager)} in eager mode"]
    parts += [f"{bytes_text(memory.training)} for training"]
    return ", ".join(parts)


def field_notes(field: ReceptiveField, pooled: ReceptiveField | None) -> list[str]:
    """What a receptive field excludes, and its sizes through the pooling and along the narrowest path."""
    notes = [field.note] if field.note else []
    if pooled and pooled.size and pooled.size != field.size:
        notes.append(f"through the pooling {square(pooled.size)}")
    if field.narrowest and field.narrowest != field.size:
        notes.append(f"narrowest path {square(field.narrowest)}")
    return notes


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
