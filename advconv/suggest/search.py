"""The search for the fewest edits that keep all constraints."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from advconv.analysis.measure import Measures
from advconv.analysis.view import GraphView
from advconv.blocks.base import Block, Builder, Unfit
from advconv.check import lint
from advconv.constraints import Constraints, verdicts
from advconv.constraints.record import Status, Verdict
from advconv.graph import MAX_LAYERS, MAX_NAMES, Draft, Graph, Node, Origin
from advconv.language.elaborate import INPUT, finish
from advconv.language.spec import ArchSpec
from advconv.layers.base import ShapeError
from advconv.rules import BY_CODE
from advconv.rules.record import LintInput, Severity
from advconv.suggest.moves import Done, Move, Row, are_compatible, changed, moves, path_after, rows
from advconv.text.finding import Path, Refused
from advconv.text.source import Span

Combination = tuple[int, ...]
"""Edits by their number among all single ones."""

Ranked = tuple[int, int, Combination]
"""Edits that keep all constraints after the MACs and the parameters that they lead to, the cheapest first."""


class Networks:
    """Builds one network after another.

    Rows before the first that differs are taken from the one before, and rows behind it that were built at the same
    place after an input of the same shape are added again.
    """

    def __init__(self, spec: ArchSpec) -> None:
        self.spec = spec
        self.draft = Draft()
        self.start = self.draft.start(spec.input, INPUT)
        self.built: list[_Built] = []
        self.expanded: dict[Hashable, _Expanded] = {}
        self.remembered = 0
        self.last: Measures | None = None
        self.shared = 0

    def measures(self, spec: ArchSpec) -> Measures | None:
        """The measures of a spec that differs in its network only; None if a row does not fit, or the classes."""
        if not all(spec.network.values()):
            return None
        rows_in_order = [
            (name, index, block) for name, rows in spec.network.items() for index, block in enumerate(rows)
        ]
        end = self._kept(rows_in_order)
        try:
            for name, index, block in rows_in_order[len(self.built) :]:
                end = self._added(name, index, block, end)
        except (ShapeError, Unfit, Refused):
            return None
        if finish(spec, self.draft, end):
            return None
        graph = Graph(tuple(self.draft.nodes))
        known = self.last.of_first(self.shared) if self.last else None
        self.last, self.shared = Measures(graph, known), len(graph.nodes)
        return self.last

    def _kept(self, wanted: Sequence[tuple[str, int, Block]]) -> int:
        """Takes back what differs from the rows that are wanted; returns the last node that is left."""
        count = 0
        for built, (name, index, block) in zip(self.built, wanted, strict=False):
            if built.block is not block or built.number != index or built.name != name:
                break
            count += 1
        del self.built[count:]
        last = self.built[-1] if self.built else _Built("", 0, None, self.start, 1, 0, 0)
        self.shared = min(self.shared, last.nodes)
        del self.draft.nodes[last.nodes :], self.draft.strides[last.nodes :]
        self.draft.layers, self.draft.characters = last.layers, last.characters
        return last.end

    def _added(self, name: str, number: int, block: Block, x: int) -> int:
        draft = self.draft
        first = len(draft.nodes)
        key = name, number, id(block), first, x, draft.nodes[x].shape
        before = draft.layers, draft.characters
        known = self.expanded.get(key)
        if (
            known
            and max(draft.layers + known.layers - MAX_LAYERS, draft.characters + known.characters - MAX_NAMES) <= 0
        ):
            draft.nodes += known.nodes
            draft.layers, draft.characters = draft.layers + known.layers, draft.characters + known.characters
            end = known.end
        else:
            section = Origin(name, name, "", ("network", name))
            builder = Builder(draft, self.spec.defaults, self.spec.classes, name, section)
            end = block.expand(builder.at_row(number, block), x)
            nodes, layers, characters = draft.nodes[first:], draft.layers - before[0], draft.characters - before[1]
            self._remember(key, _Expanded(block, nodes, end, layers, characters))
        self.built.append(_Built(name, number, block, end, len(draft.nodes), draft.layers, draft.characters))
        return end

    def _remember(self, key: Hashable, expanded: "_Expanded") -> None:
        self.remembered += len(expanded.nodes)
        if self.remembered > MAX_REMEMBERED:
            self.expanded.clear()
            self.remembered = len(expanded.nodes)
        self.expanded[key] = expanded


MAX_REMEMBERED = 100_000
"""Nodes of rows that are kept to be added again."""


class _Expanded(NamedTuple):
    """The nodes of a row at its place, after an input of its shape. The block is kept, so that its id is not reused."""

    block: Block
    nodes: list[Node]
    end: int
    layers: int
    characters: int


class _Built(NamedTuple):
    """A row of a section that is built: its last node, and how far the draft is after it."""

    name: str
    number: int
    block: Block | None
    end: int
    nodes: int
    layers: int
    characters: int


class Search:
    """The single edits of an architecture, and the constraints that combinations of them have to keep.

    `limits`: those of the file, and further ones.
    """

    def __init__(self, spec: ArchSpec, found: Iterable[Row], limits: Sequence[Constraints]) -> None:
        self.spec, self.limits = spec, limits
        self.moves = list(moves(found))
        self.networks, self.done = Networks(spec), Done()
        self.layers = 0
        self.warnings: set[tuple[str, Path]] = set()
        if before := self.networks.measures(spec):
            self.layers = len(before.graph.nodes)
            self.warnings = warnings(spec, before)

    def edits(self, combination: Combination) -> tuple[Move, ...]:
        return tuple(self.moves[number] for number in combination)

    def keeping(self, tried: Iterable[Combination]) -> Iterator[Ranked]:
        """Those of some combinations that keep all constraints."""
        for combination in tried:
            edits = self.edits(combination)
            measures = self.measures(edits) if are_compatible(edits) else None
            if measures and self.keeps(measures):
                yield measures.total.macs, measures.total.params, combination

    def measures(self, edits: Sequence[Move]) -> Measures | None:
        return self.networks.measures(changed(self.spec, edits, self.done))

    def keeps(self, measures: Measures) -> bool:
        """Whether a network keeps all constraints; judged up to the first that fails, the further ones first."""
        found = (verdict for limits in reversed(self.limits) for verdict in verdicts(limits, measures))
        return all(verdict.status is not Status.FAILED for verdict in found)

    def verdicts(self, measures: Measures) -> Iterator[Verdict]:
        for constraints in self.limits:
            yield from verdicts(constraints, measures)

    def flags(self, edits: Sequence[Move], measures: Measures) -> set[str]:
        """The codes of what rules find in the network with these edits and do not find without them."""
        spec = changed(self.spec, edits)
        before = {(code, _row(path_after(path, edits))) for code, path in self.warnings}
        return {code for code, path in warnings(spec, measures) if (code, _row(path)) not in before}

    def nearest(self, tried: Iterable[int]) -> list[int]:
        """Single edits, those that come nearest to keeping all constraints first."""
        distances = {number: self._distance(number) for number in tried}
        return sorted(distances, key=lambda number: distances[number])

    def _distance(self, number: int) -> float:
        """How far the limits are missed with one edit; infinite if a row does not fit."""
        measures = self.measures([self.moves[number]])
        return distance(self.verdicts(measures)) if measures else float("inf")


def _row(path: Path) -> Path:
    """The path of a row without the word of its block, which an edit may change."""
    is_row = len(path) > 1 and path[0] == "network" and isinstance(path[-2], int)
    return path[:-1] if is_row else path


def warnings(spec: ArchSpec, measures: Measures) -> set[tuple[str, Path]]:
    """The warnings about a network, by code and place. Information is no objection: a limit may ask for it."""
    found = lint(LintInput(spec.input, spec, GraphView(measures)))
    warned = (finding for finding in found if BY_CODE[finding.code].severity is Severity.WARNING)
    return {(finding.code, () if isinstance(finding.path, Span) else finding.path) for finding in warned}


def distance(found: Iterable[Verdict]) -> float:
    """The sum over failed constraints of how far each is outside of its limit, as a part of the limit."""
    return sum(_missed(verdict) for verdict in found if verdict.status is Status.FAILED)


def _missed(verdict: Verdict) -> float:
    margin = verdict.margin
    if margin is None:
        return 1.0
    limit = max((bound.value for bound in verdict.limit.bounds), default=1)
    return max(-margin, 1e-9) / max(limit, 1)


class Reached(NamedTuple):
    """How far edits lead that are chosen one after another for one constraint alone.

    `best`: the verdict on it then; `others`: those that fail then, of the other constraints. `is_end`: whether all
    single edits that could follow were tried.
    """

    first: Verdict
    best: Verdict
    steps: int
    others: tuple[Verdict, ...]
    is_end: bool


MAX_STEPS = 30


def reached(search: Search, verdict: Verdict, most_tried: int) -> Reached:
    """Takes the best edit for one constraint again and again, until it is kept or no edit brings it nearer.

    At most `most_tried` networks are built, and one more for each step.
    """
    spec, best, steps, is_end, left = search.spec, verdict, 0, False, most_tried
    while best.status is Status.FAILED and steps < MAX_STEPS and left > 0:
        nearer = best, spec
        for move in islice(moves(rows(spec)), left):
            left -= 1
            candidate = changed(spec, [move])
            found = _same(search, candidate, verdict)
            if found and distance([found]) < distance([nearer[0]]):
                nearer = found, candidate
        is_end = nearer[1] is spec and left > 0
        if nearer[1] is spec:
            break
        (best, spec), steps = nearer, steps + 1
    measures = search.networks.measures(spec)
    others = search.verdicts(measures) if measures else ()
    failed = (other for other in others if other.status is Status.FAILED and not _is_same(other, verdict))
    return Reached(verdict, best, steps, tuple(failed), is_end)


def _same(search: Search, spec: ArchSpec, verdict: Verdict) -> Verdict | None:
    """The verdict on the same constraint for another network, if it fits."""
    measures = search.networks.measures(spec)
    found = search.verdicts(measures) if measures else ()
    return next((other for other in found if _is_same(other, verdict)), None)


def _is_same(verdict: Verdict, other: Verdict) -> bool:
    return (verdict.name, verdict.limit) == (other.name, other.limit)
