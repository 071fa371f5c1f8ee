"""Suggestions: the fewest edits that keep all constraints, checked again from the text that they lead to."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import lru_cache
from itertools import combinations, islice
from math import comb
from typing import NamedTuple

from advconv.analysis.measure import Measures
from advconv.check import Checked, check_document, gc_disabled
from advconv.constraints import Constraints, verdicts
from advconv.constraints.record import Status, Verdict
from advconv.language.overrides import Setting, SettingError, apply_settings, setting
from advconv.language.spec import ArchSpec, parse
from advconv.suggest.moves import Move, moves, replacements, written_rows
from advconv.suggest.processes import workers
from advconv.suggest.search import Combination, Ranked, Reached, Search, reached
from advconv.text.document import Document
from advconv.text.edits import Replacement, edited
from advconv.text.reader import read
from advconv.text.source import Source

MAX_LAYERS_BUILT = 2_000_000
"""Layers of all networks that are tried with one number of edits, which bounds the time: a few tens of seconds."""

CHUNK_LAYERS = 10_000
"""Layers of the networks that a process tries before it reports."""

MAX_CHECKED = 1_000
"""Combinations with one number of edits that keep all constraints and are checked by the rules and as text."""

Progress = Callable[[int, int], None]
"""Called with the number of combinations that have been tried, and of those that will be."""


def no_progress(tried: int, total: int) -> None:
    pass


class Suggestion(NamedTuple):
    """Edits that keep all constraints: of rows, and as replacements in the text; the networks before and after."""

    moves: tuple[Move, ...]
    edits: tuple[Replacement, ...]
    before: Measures
    after: Measures

    @property
    def params(self) -> int:
        """The change in parameters."""
        return self.after.total.params - self.before.total.params

    @property
    def macs(self) -> int:
        """The change in MACs."""
        return self.after.total.macs - self.before.total.macs


class Suggestions(NamedTuple):
    """What a search has found. `tried` counts combinations; `is_complete`: whether none of them was left out.

    `left_out`: how many kept all constraints and were left out, by the code of the rule that would flag them, or
    NOT_EDITABLE. `reached`: if nothing is found, for each constraint that fails how far edits for it alone lead.
    """

    found: list[Suggestion]
    tried: int = 0
    is_complete: bool = True
    left_out: Mapping[str, int] = {}
    reached: tuple[Reached, ...] = ()


NOT_EDITABLE = "text"
"""The reason for leaving out edits of a row in a form that cannot be edited so."""


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


def suggest(
    task: Task, most: int, edits: int, processes: int = 1, progress: Progress = no_progress, quick: bool = False
) -> Suggestions:
    """The best suggestions with the fewest edits, up to `edits` of them; the cheapest first.

    `quick`: only a few of those that keep all constraints are checked by the rules and as text.
    """
    with gc_disabled(), ExitStack() as stack:
        search, checked = task.search(), task.check(task.source.text)
        if search is None or checked is None or checked.measures is None:
            return Suggestions([], is_complete=False)
        failed = [verdict for verdict in judged(task, checked) if verdict.status is Status.FAILED]
        if not failed:
            return Suggestions([])
        run = _Run(task, search, checked, checked.measures, processes, progress, stack)
        tried, is_complete = 0, True
        for count in range(1, edits + 1):
            numbers = _numbers(search, count)
            keeping = sorted(run.keeping(numbers, count))
            tried += comb(len(numbers), count)
            found = list(islice(run.accepted(keeping[: most if quick else MAX_CHECKED]), most))
            is_cut = len(found) < most and len(keeping) > MAX_CHECKED
            is_complete = is_complete and len(numbers) == len(search.moves) and not is_cut
            if found:
                return Suggestions(found, tried, is_complete)
        if quick:
            return Suggestions([], tried, is_complete, run.left_out)
        most_tried = MAX_LAYERS_BUILT // search.layers
        return Suggestions(
            [], tried, is_complete, run.left_out, tuple(reached(search, verdict, most_tried) for verdict in failed)
        )


def _numbers(search: Search, count: int) -> list[int]:
    """The edits that are combined: all, or those that come nearest to keeping all constraints.

    Of a very large network, every n-th edit.
    """
    limit = max(1, MAX_LAYERS_BUILT // search.layers)
    total = len(search.moves)
    most = total
    while most > count and comb(most, count) > limit:
        most -= 1
    if most == total:
        return list(range(total))
    if count == 1:
        return list(range(0, total, -(-total // most)))
    # Combinations in the order of the rows share the most of their networks.
    return sorted(search.nearest(range(0, total, -(-total // limit)))[:most])


class _Run:
    """A search while it runs, in this process or, from the first time that there is much to try, in several."""

    def __init__(
        self,
        task: Task,
        search: Search,
        checked: Checked,
        before: Measures,
        processes: int,
        progress: Progress,
        stack: ExitStack,
    ) -> None:
        self.task, self.search, self.before = task, search, before
        self.idle_ignores = _idle_ignores(checked)
        self.processes, self.progress, self.stack = processes, progress, stack
        self.pool: ProcessPoolExecutor | None = None
        self.left_out = Counter[str]()

    def keeping(self, numbers: list[int], count: int) -> Iterator[Ranked]:
        """The combinations that keep all constraints, tried in several processes if there are many."""
        total, tried = comb(len(numbers), count), 0
        size = max(1, CHUNK_LAYERS // self.search.layers)
        chunks = _chunks(combinations(numbers, count), size)
        if self.processes < 2 or total < 4 * size:
            for chunk in chunks:
                yield from self.search.keeping(chunk)
                tried += len(chunk)
                self.progress(tried, total)
            return
        self.pool = self.pool or self.stack.enter_context(workers(self.processes, _prepare, self.task))
        for ranked in self.pool.map(_keeping, chunks):
            yield from ranked
            tried = min(total, tried + size)
            self.progress(tried, total)

    def accepted(self, keeping: Iterable[Ranked]) -> Iterator[Suggestion]:
        """Those that no rule flags, and whose text keeps all constraints."""
        for _, _, combination in keeping:
            edits = self.search.edits(combination)
            after = self.search.measures(edits)
            flags = self.search.flags(edits, after) if after else set[str]()
            suggestion = self._in_text(edits, after) if after and not flags else None
            self.left_out.update(flags or (() if suggestion else [NOT_EDITABLE]))
            yield from [suggestion] if suggestion else []

    def _in_text(self, edits: tuple[Move, ...], after: Measures) -> Suggestion | None:
        """The suggestion with its edits of the text; None if the text cannot be edited so, or says something else."""
        text = self.task.source.text
        document = self.task.document(text)
        try:
            found = tuple(replacements(document, edits)) if document else ()
            checked = self.task.check(edited(text, found))
        except ValueError:
            return None
        if checked is None or not checked.ok or checked.measures is None:
            return None
        is_same = checked.measures.graph == after.graph and _idle_ignores(checked) <= self.idle_ignores
        is_kept = is_same and self.search.keeps(checked.measures)
        return Suggestion(edits, found, self.before, after) if is_kept else None


def _idle_ignores(checked: Checked) -> int:
    """The comments that silence nothing, which are about the text and not about the network."""
    return sum(found.code == "AC350" for found in checked.diagnostics)


def _chunks(tried: Iterable[Combination], size: int) -> Iterator[list[Combination]]:
    ahead = iter(tried)
    while chunk := list(islice(ahead, size)):
        yield chunk


_task: Task | None = None
"""The task of a process of the pool."""


def _prepare(task: Task) -> None:
    global _task
    _task = task


@lru_cache(maxsize=1)
def _search() -> Search:
    """The search of a process of the pool."""
    search = _task.search() if _task else None
    assert search is not None
    return search


def _keeping(chunk: list[Combination]) -> list[Ranked]:
    with gc_disabled():
        return list(_search().keeping(chunk))


MAX_WORK = 12_000
"""Edits times layers up to which single edits are searched along with a check: they take about a fifth of a second."""


def quick_suggestions(checked: Checked, most: int = 3) -> list[Suggestion]:
    """Single edits that keep all constraints of a network that fails some; none if the search would take long."""
    if checked.ok or checked.spec is None or checked.measures is None or not checked.verdicts:
        return []
    graph, task = checked.measures.graph, Task(checked.source)
    document = task.document(checked.source.text)
    if document is None or graph.input != checked.spec.input or len(graph.nodes) > MAX_WORK:
        return []
    most_moves = MAX_WORK // len(graph.nodes)
    if len(list(islice(moves(written_rows(checked.spec, document)), most_moves + 1))) > most_moves:
        return []
    return suggest(task, most, 1, quick=True).found
