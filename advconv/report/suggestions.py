"""Suggestions as text and as data."""

import difflib
import shlex
from collections.abc import Iterator
from typing import Any

from advconv.check import Checked
from advconv.constraints.record import Status
from advconv.suggest.fit import Fit
from advconv.suggest.search import Reached
from advconv.suggest.suggestion import NOT_EDITABLE, Suggestion, Suggestions, quick_suggestions
from advconv.system.console import PLAIN, Paint
from advconv.text.edits import Replacement, edited
from advconv.text.source import Source
from advconv.text.words import join_words


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
        return f"\n\n{paint(f'help: {_command(checked)} combines several edits')}" if failed else ""
    lines = [suggestion_text(suggestion, number, checked.source, paint) for number, suggestion in enumerate(found, 1)]
    head = paint(f"help: one edit keeps all constraints; {_command(checked)} --apply 1 writes the first")
    return "\n".join(["\n", head, *lines])


def _command(checked: Checked) -> str:
    """What a shell takes; standard input is `-` again."""
    name = checked.source.name
    return f"advconv suggest {'-' if name == '<stdin>' else shlex.quote(name)}"


def _changes(suggestion: Suggestion) -> str:
    """`RF 37 -> 53, parameters +0, MACs -1,024`"""
    before, after = suggestion.before.receptive_field, suggestion.after.receptive_field
    field = f"{before}" if str(before) == str(after) else f"{before} -> {after}"
    return f"RF {field}, parameters {suggestion.params:+,}, MACs {suggestion.macs:+,}"


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


def suggestions_data(found: Suggestions) -> dict[str, Any]:
    """For JSON."""
    data = [suggestion_data(suggestion) for suggestion in found.found]
    reached = [
        {
            "constraint": each.first.name,
            "limit": each.first.limit.text,
            "value": each.first.value,
            "reached": each.best.value,
            "edits": each.steps,
            "then_fails": [other.name for other in each.others],
        }
        for each in found.reached
    ]
    return {"tried": found.tried, "complete": found.is_complete, "suggestions": data, "reached": reached}


def nothing_text(found: Suggestions, edits: int) -> str:
    """That no edits keep all constraints, and why."""
    which = {1: "no edit keeps", 2: "no edit and no two edits keep"}.get(edits, "no one, two or three edits keep")
    head = f"{which} all constraints{'' if found.is_complete else ', of those tried'}"
    lines = [f"  {reached_text(each, edits)}" for each in found.reached]
    for code, count in sorted(found.left_out.items()):
        reason = "cannot be written into this text" if code == NOT_EDITABLE else f"would cause a new {code}"
        lines.append(f"  {count:,} more would keep all constraints, but {reason}")
    return "\n".join([head, *lines])


def no_fit_text(found: Fit) -> str:
    """Why no width keeps all constraints."""
    if not found.failed:
        return "no other width fits the rows"
    if found.at_every_width:
        parts = (
            f"no width keeps {each.name} {each.limit.text}, the nearest has {each.value_text}" for each in found.failed
        )
        return "; ".join(parts)
    failing = [f"{each.name} {each.value_text} (limit {each.limit.text})" for each in found.failed]
    return f"no width keeps all constraints together; the nearest has {join_words(failing, 'and')}"


def reached_text(found: Reached, most: int) -> str:
    """Why no edits keep a constraint: how far edits for it alone lead, or what they break."""
    first, best, steps = found.first, found.best, found.steps
    edits = f"{steps} edit" if steps == 1 else f"{steps} edits"
    limit = f"{first.name} is {first.value_text}, the limit is {first.limit.text}"
    if best.status is Status.KEPT:
        after = f"{limit}; {edits} for it alone {'leads' if steps == 1 else 'lead'} to {best.value_text}"
        broken = [f"{other.name} {other.value_text} ({other.limit.text})" for other in found.others]
        if broken:
            return f"{after}, but then {join_words(broken, 'and')} {'fail' if len(broken) > 1 else 'fails'}"
        return f"{after}, more than the {most} that are searched" if steps > most else after
    if not steps:
        return f"{limit}; no edit brings it nearer" if found.is_end else f"{limit}; no edit that was tried comes nearer"
    end = "and no further edit brings it nearer" if found.is_end else "and the search ended there"
    return f"{limit}; the best edits one after another end at {best.value_text} after {edits}, {end}"
