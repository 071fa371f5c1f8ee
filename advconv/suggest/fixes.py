"""Fixes of rules: applied one by one if the numbers that the constraints judge stay as they are."""

from typing import NamedTuple

from advconv.check import Checked, check
from advconv.rules.diagnostics import Diagnostic
from advconv.rules.record import Severity
from advconv.rules.selection import ALL, Selection
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
    if after.measures is None or len(after.diagnostics) > len(before.diagnostics):
        return "it would lead to other findings"
    for old, new in zip(before.verdicts, after.verdicts, strict=False):
        if old.value != new.value:
            return f"it changes {old.name} from {old.value_text} to {new.value_text}"
    return ""
