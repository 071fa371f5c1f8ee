"""Suggestions as text and as data."""

import difflib
from collections.abc import Iterator
from typing import Any

from advconv.check import Checked
from advconv.constraints.record import Status, Verdict
from advconv.suggest.suggestion import Suggestion, quick_suggestions
from advconv.system.console import PLAIN, Paint
from advconv.text.edits import Replacement, edited
from advconv.text.source import Source


def suggestion_text(suggestion: Suggestion, number: int, source: Source, paint: Paint = PLAIN) -> str:
    """The edits with what they change, and the lines that they lead to."""
    moves = "; ".join(map(str, suggestion.moves))
    head = paint(f"{number:>3}. ", ("bold", moves), f": {_changes(suggestion)}")
    return "\n".join([head, *(paint(f"     {line}") for line in _new_lines(source, suggestion.edits))])


def suggestions_text(checked: Checked, paint: Paint = PLAIN) -> str:
    """What a check says below its report, if constraints fail; empty otherwise."""
    found = quick_suggestions(checked)
    if not found:
        failed = any(verdict.status is Status.FAILED for verdict in checked.verdicts) and checked.measures
        return f"\n\n{paint(f'help: advconv suggest {checked.source.name} combines several edits')}" if failed else ""
    lines = [suggestion_text(suggestion, number, checked.source, paint) for number, suggestion in enumerate(found, 1)]
    head = paint(f"one edit keeps all constraints (advconv suggest {checked.source.name} --apply 1 writes the first):")
    return "\n".join(["\n", head, *lines])


def _changes(suggestion: Suggestion) -> str:
    """`receptive field 37 -> 53, parameters +0, MACs -1,024`"""
    before, after = suggestion.before.receptive_field, suggestion.after.receptive_field
    field = f"{before}" if str(before) == str(after) else f"{before} -> {after}"
    return f"receptive field {field}, parameters {suggestion.params:+,}, MACs {suggestion.macs:+,}"


def _new_lines(source: Source, edits: tuple[Replacement, ...]) -> Iterator[str]:
    """The lines that the edits change, as they are afterwards, without their indentation."""
    after = edited(source.text, edits)
    for line in difflib.ndiff(source.text.splitlines(), after.splitlines()):
        if line.startswith("+ "):
            yield line[2:].strip()


def diff_text(source: Source, edits: tuple[Replacement, ...]) -> str:
    """A unified diff of the file."""
    after = edited(source.text, edits)
    lines = difflib.unified_diff(source.text.splitlines(), after.splitlines(), source.name, source.name, lineterm="")
    return "\n".join(lines)


def suggestion_data(suggestion: Suggestion) -> dict[str, Any]:
    """For JSON; offsets in characters from 0."""
    before, after = suggestion.before, suggestion.after
    return {
        "edits": [{"row": move.row.label, "change": move.about} for move in suggestion.moves],
        "replacements": [
            {"offset": span.start, "end_offset": span.end, "text": text} for span, text in suggestion.edits
        ],
        "receptive_field": {"before": before.receptive_field.size, "after": after.receptive_field.size},
        "params": {"before": before.total.params, "after": after.total.params},
        "macs": {"before": before.total.macs, "after": after.total.macs},
    }


def reached_text(verdict: Verdict, steps: int) -> str:
    """Where the best edits for one constraint alone lead, if no suggestion keeps all."""
    edits = f"{steps} edit" if steps == 1 else f"{steps} edits"
    limit = f"{verdict.name} (limit {verdict.limit.text})"
    if verdict.status is Status.KEPT:
        return f"{limit}: {edits} reach {verdict.value_text}, without the other limits"
    if not steps:
        return f"{limit}: no edit brings {verdict.value_text} nearer"
    return f"{limit}: {edits}, each the best one, reach {verdict.value_text}, and no further edit brings it nearer"
