"""Suggestions: the fewest edits that keep all constraints, checked again from the text that they lead to."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations, islice
from math import comb
from typing import NamedTuple

from advconv.analysis.measure import Measures
from advconv.check import Checked, check_document, gc_disabled
from advconv.constraints.record import Status, Verdict
from advconv.language.overrides import Setting, apply_settings
from advconv.language.spec import parse
from advconv.suggest.moves import Move, moves, replacements
from advconv.suggest.search import Combination, Search, nearest
from advconv.text.document import Document
from advconv.text.edits import Replacement, edited
from advconv.text.reader import read
from advconv.text.source import Source

MAX_TRIED = 60_000
"""Combinations of a number of edits that are tried; of more, those of the edits that come nearest by themselves."""

CHUNK = 500
"""Combinations that a process tries before it reports."""

Progress = Callable[[int, int], None]
"""Called with the number of combinations that have been tried, and of those that will be."""


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

    @property
    def cost(self) -> tuple[int, int]:
        return self.macs, self.params


class Suggestions(NamedTuple):
    """What a search has found. `tried` counts combinations; `is_complete`: whether none of them was left out.

    `reached`: if nothing is found, for each constraint that fails the verdict that comes nearest to its limit, with the
    number of edits that lead there.
    """

    found: list[Suggestion]
    tried: int
    is_complete: bool
    reached: list[tuple[Verdict, int]] = []


class Task(NamedTuple):
    """An architecture to mend: its text, and settings that stand for further goals."""

    source: Source
    goals: tuple[Setting, ...] = ()

    def document(self, text: str) -> Document | None:
        """The document of a text with the goals; None if it cannot be read."""
        document, wrong = read(Source(self.source.name, text))
        return apply_settings(document, list(self.goals)) if document and not wrong else None

    def check(self, text: str) -> Checked | None:
        document = self.document(text)
        return check_document(document, []) if document else None

    def search(self) -> Search | None:
        """The search in a text that has no errors apart from its constraints."""
        document = self.document(self.source.text)
        spec, _ = parse(document) if document else (None, [])
        return Search(spec) if spec else None


def suggest(task: Task, most: int, edits: int, processes: int = 1, progress: Progress = lambda *_: None) -> Suggestions:
    """The best suggestions with the fewest edits, up to `edits` of them."""
    search, checked = task.search(), task.check(task.source.text)
    if search is None or checked is None or checked.measures is None:
        return Suggestions([], 0, False)
    tried, is_complete = 0, True
    with gc_disabled():
        for count in range(1, edits + 1):
            numbers = _numbers(search, count)
            is_complete = is_complete and len(numbers) == len(search.moves)
            keeping = list(_keeping(task, search, numbers, count, processes, progress))
            tried += comb(len(numbers), count)
            if found := _accepted(task, search, checked.measures, keeping, most):
                return Suggestions(found, tried, is_complete)
        failed = [verdict for verdict in checked.verdicts if verdict.status is Status.FAILED]
        reached = [nearest(search.spec, verdict) for verdict in failed] if edits > 1 else []
    return Suggestions([], tried, is_complete, reached)


def _numbers(search: Search, count: int) -> list[int]:
    """The edits that are combined: all, or those that come nearest to keeping all constraints."""
    most = len(search.moves)
    while most > count and comb(most, count) > MAX_TRIED:
        most -= 1
    return list(range(len(search.moves))) if most == len(search.moves) else search.nearest(most)


def _keeping(
    task: Task, search: Search, numbers: list[int], count: int, processes: int, progress: Progress
) -> Iterator[Combination]:
    """The combinations that keep all constraints, tried in several processes if there are many."""
    total, tried = comb(len(numbers), count), 0
    chunks = _chunks(combinations(numbers, count))
    if processes < 2 or total < 2 * CHUNK:
        for chunk in chunks:
            yield from search.keeping(chunk)
            tried += len(chunk)
            progress(tried, total)
        return
    with ProcessPoolExecutor(processes, initializer=_start, initargs=(task,)) as pool:
        for chunk in pool.map(_keeping_in_process, chunks):
            yield from chunk
            tried = min(total, tried + CHUNK)
            progress(tried, total)


def _chunks(tried: Iterable[Combination]) -> Iterator[list[Combination]]:
    ahead = iter(tried)
    while chunk := list(islice(ahead, CHUNK)):
        yield chunk


_search: Search | None = None
"""The search of a process of the pool."""


def _start(task: Task) -> None:
    global _search
    _search = task.search()


def _keeping_in_process(chunk: list[Combination]) -> list[Combination]:
    assert _search is not None
    with gc_disabled():
        return list(_search.keeping(chunk))


MAX_WORK = 12_000
"""Edits times layers up to which single edits are searched along with a check: they take about a fifth of a second."""


def quick_suggestions(checked: Checked, most: int = 3) -> list[Suggestion]:
    """Single edits that keep all constraints of a network that fails some; none if the search would take long."""
    if checked.ok or checked.spec is None or checked.measures is None or not checked.verdicts:
        return []
    graph, count = checked.measures.graph, len(moves(checked.spec))
    if graph.input != checked.spec.input or count * len(graph.nodes) > MAX_WORK:
        return []
    return suggest(Task(checked.source), most, 1).found


def _accepted(
    task: Task, search: Search, before: Measures, keeping: Sequence[Combination], most: int
) -> list[Suggestion]:
    """The cheapest combinations whose text keeps all constraints and that no rule has anything new against."""
    found = []
    for combination in keeping:
        accepted = search.accepted(combination)
        if accepted:
            found.append(Suggestion(accepted.moves, (), before, accepted.measures))
    found.sort(key=lambda suggestion: suggestion.cost)
    return list(islice(filter(None, (_in_text(task, suggestion) for suggestion in found)), most))


def _in_text(task: Task, suggestion: Suggestion) -> Suggestion | None:
    """The suggestion with its edits of the text; None if the text cannot be edited so, or says something else then."""
    document, _ = read(task.source)
    try:
        edits = tuple(replacements(document, suggestion.moves)) if document else ()
        checked = task.check(edited(task.source.text, edits))
    except ValueError:
        return None
    if checked is None or not checked.ok or checked.measures is None:
        return None
    is_same = checked.measures.graph == suggestion.after.graph
    return suggestion._replace(edits=edits) if is_same else None
