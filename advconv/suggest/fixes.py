"""Fixes of rules: applied one by one if the numbers that the constraints judge stay as they are."""

from collections import Counter
from typing import NamedTuple

from advconv.blocks.base import Block
from advconv.check import Checked, check
from advconv.language.spec import ArchSpec
from advconv.rules.diagnostics import Diagnostic
from advconv.rules.record import Severity
from advconv.rules.selection import ALL, Selection
from advconv.suggest.moves import rows, rows_inside
from advconv.text.edits import edited
from advconv.text.source import Source


class Fixed(NamedTuple):
    """A text with its fixes, the findings that they mend, and those whose fix would change a judged number."""

    text: str
    applied: list[Diagnostic]
    refused: list[tuple[Diagnostic, str]]


def fix(source: Source, selection: Selection = ALL) -> Fixed:
    """A text with all fixes of selected rules that leave its constraints as they are."""
    applied: list[Diagnostic] = []
    refused: dict[tuple[str, str], tuple[Diagnostic, str]] = {}
    text, checked = source.text, check(source, selection=selection)
    while following := _following(checked, refused):
        candidate = edited(text, following.edits)
        after = check(Source(source.name, candidate), selection=selection)
        if problem := _problem(checked, after, following):
            refused[following.code, following.message] = following, problem
        else:
            applied.append(following)
            text, checked = candidate, after
    return Fixed(text, applied, list(refused.values()))


def _following(checked: Checked, refused: dict[tuple[str, str], tuple[Diagnostic, str]]) -> Diagnostic | None:
    """The next finding of a rule that has a fix."""
    for found in checked.diagnostics:
        is_advice = found.severity is not Severity.ERROR and not found.option
        if is_advice and found.edits and (found.code, found.message) not in refused:
            return found
    return None


def _problem(before: Checked, after: Checked, fixed: Diagnostic) -> str:
    """Why a fix is not applied; empty if it can be."""
    new = Counter(map(_kind, after.diagnostics)) - Counter(map(_kind, before.diagnostics))
    if after.measures is None or after.spec is None or before.spec is None or new:
        return f"it would lead to {', '.join(code for code, _ in new) or 'a file with errors'}"
    if _changed_rows(before.spec, after.spec) > 1:
        return "it would change other rows too, by an alias"
    for old, now in zip(before.verdicts, after.verdicts, strict=True):
        if (old.value, old.status) != (now.value, now.status):
            return f"it changes {old.name} from {old.value_text} to {now.value_text}"
    return ""


def _kind(found: Diagnostic) -> tuple[str, Severity]:
    return found.code, found.severity


def _changed_rows(before: ArchSpec, after: ArchSpec) -> int:
    """How many rows differ, without those that contain others."""
    old, new = _leaves(before), _leaves(after)
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        old.pop(), new.pop()
    return max(len(old), len(new))


def _leaves(spec: ArchSpec) -> list[Block]:
    return [row.block for row in rows(spec) if not any(True for _ in rows_inside(row.block))]
