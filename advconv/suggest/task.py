"""What a search is for: the text of an architecture, and further goals beside its constraints."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

from advconv.check import Checked, check_document
from advconv.constraints import Constraints, verdicts
from advconv.constraints.record import Verdict
from advconv.language.overrides import Setting, SettingError, apply_settings, setting
from advconv.language.spec import ArchSpec, parse
from advconv.suggest.rows import written_rows
from advconv.suggest.search import Search
from advconv.text.document import Document
from advconv.text.reader import read
from advconv.text.source import Source


class Task(NamedTuple):
    """An architecture to mend: its text, and further goals, which are settings of `constraints`."""

    source: Source
    goals: tuple[Setting, ...] = ()

    def document(self, text: str) -> Document | None:
        """The document of a text; None if it has a mistake."""
        document, wrong = read(Source(self.source.name, text))
        return None if wrong else document

    def check(self, text: str) -> Checked | None:
        """The check of a text without the goals."""
        document = self.document(text)
        return check_document(document, []) if document else None

    def check_of_goals(self) -> Checked | None:
        """The check of each goal, without the constraints of the file: of the first that is wrong, or of the last."""
        checked = None
        for goal in self.goals:
            document = self.document(self.source.text)
            checked = check_document(_with_goal(document, goal), []) if document else None
            if checked is None or checked.measures is None:
                break
        return checked

    def limits(self, spec: ArchSpec) -> list[Constraints]:
        """The constraints of the file, and those of each goal."""
        found, document = [spec.constraints], self.document(self.source.text)
        for goal in self.goals if document else ():
            assert document is not None
            with_goal, _ = parse(_with_goal(document, goal))
            found += [with_goal.constraints] if with_goal else []
        return found

    def search(self) -> Search | None:
        """The search in a text that has no errors apart from its constraints."""
        document = self.document(self.source.text)
        spec, _ = parse(document) if document else (None, [])
        return Search(spec, written_rows(spec, document), self.limits(spec)) if document and spec else None


GOAL = re.compile(r"([^\s<>=]+)(?:\s+|(?=[<>=]))(\S.*)", re.DOTALL)


def parse_goal(option: str, goal: str) -> Setting:
    """`receptive_field > 60`, `params<100k`. Raises SettingError."""
    match = GOAL.fullmatch(goal.strip())
    if not match:
        raise SettingError(f"{option} {goal[:80]!r} is not a limit, write one as in {option} 'receptive_field > 60'")
    name, limit = match.groups()
    return setting(f"constraints.{name}", limit, f"{option} {name} {limit}")


def _with_goal(document: Document, goal: Setting) -> Document:
    """The document with one goal as its only constraint."""
    root = document.root
    if not isinstance(root.data, dict):
        return document
    rest = {key: value for key, value in root.children.items() if key != "constraints"}
    data = {key: value for key, value in root.data.items() if key != "constraints"}
    return apply_settings(Document(document.source, replace(root, data=data, children=rest)), [goal])


def judged(task: Task, checked: Checked) -> list[Verdict]:
    """The verdicts on the constraints of the file and on the goals, each once."""
    assert checked.spec is not None
    assert checked.measures is not None
    found = (verdict for limits in task.limits(checked.spec) for verdict in verdicts(limits, checked.measures))
    return list({(verdict.name, verdict.limit): verdict for verdict in found}.values())


def contradiction(found: Sequence[Verdict]) -> tuple[Verdict, Verdict] | None:
    """Two verdicts on one number whose limits no whole number is inside of."""
    for first, second in combinations(found, 2):
        bounds = (bound.value for verdict in (first, second) for bound in verdict.limit.bounds)
        numbers = [int(value) + step for value in bounds for step in (-1, 0, 1)]
        both = (number >= 0 and first.limit.holds(number) and second.limit.holds(number) for number in numbers)
        if first.name == second.name and not any(both):
            return first, second
    return None
