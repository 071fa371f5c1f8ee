"""Scales the widths of a network to the largest one that keeps all constraints."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from advconv.analysis.measure import Measures
from advconv.blocks.base import Block
from advconv.check import gc_disabled
from advconv.constraints.record import Status, Verdict
from advconv.constraints.totals import CONSTRAINTS as TOTALS
from advconv.layers.conv import Convolution
from advconv.layers.dense import Linear
from advconv.suggest.moves import Move, Row, replacements, written_rows
from advconv.suggest.search import Search, distance
from advconv.suggest.suggestion import MAX_LAYERS_BUILT, Task
from advconv.text.edits import Replacement, edited

LARGEST = 16
"""The largest factor of the widths."""

MAX_FACTORS = 4_000

Widths = Mapping[int, int]
"""The new width of the rows of each width."""


class Fit(NamedTuple):
    """Widths that keep all constraints: the edits of rows and of the text, and the networks before and after.

    If there are none: `failed` has the constraints that fail at every width, each where it comes nearest; if there is
    no such constraint, those that fail at the width that comes nearest to all.
    """

    moves: tuple[Move, ...]
    edits: tuple[Replacement, ...]
    before: Measures
    after: Measures | None
    failed: tuple[Verdict, ...] = ()
    at_every_width: bool = False


def is_bounded(found: Iterable[Verdict]) -> bool:
    """Whether a constraint bounds the size of the network from above."""
    totals = {constraint.name for constraint in TOTALS}
    bounds = (bound for verdict in found if verdict.name in totals for bound in verdict.limit.bounds)
    return any(bound.operator in ("<", "<=", "==") for bound in bounds)


def fit(task: Task, divisor: int = 8) -> Fit | None:
    """The network of the most parameters that keeps all constraints, with widths in multiples of a divisor.

    All widths are scaled by one factor; then rows of one width are widened by a divisor as long as that keeps all
    constraints. A width that the classes set stays, and so does each shortcut. None for a file with errors.
    """
    search, document = task.search(), task.document(task.source.text)
    before = search.measures(()) if search else None
    if search is None or document is None or before is None:
        return None
    with gc_disabled():
        scaling = _Scaling(search, before, written_rows(search.spec, document), divisor)
        best = scaling.largest()
        if best is None:
            return Fit((), (), before, None, *scaling.failing())
        grown = scaling.grown(best)
        for widths in (grown, best):
            moves = tuple(scaling.moves(widths))
            after = search.measures(moves)
            edits = _edits(task, moves, after)
            if after and edits is not None:
                return Fit(moves, edits, before, after)
    return Fit((), (), before, None)


def _edits(task: Task, moves: Sequence[Move], after: Measures | None) -> tuple[Replacement, ...] | None:
    """The replacements in the text; None if they do not lead to the network."""
    document = task.document(task.source.text)
    try:
        edits = tuple(replacements(document, moves)) if document else ()
        checked = task.check(edited(task.source.text, edits))
    except ValueError:
        return None
    is_same = checked and checked.measures and after and checked.measures.graph == after.graph
    return edits if is_same else None


class _Scaling:
    """The rows that have a width, and what is known of the widths that were tried."""

    def __init__(self, search: Search, before: Measures, found: Iterable[Row], divisor: int) -> None:
        self.search, self.before, self.divisor = search, before, divisor
        output = _output_row(before)
        self.rows = [row for row in found if _width(row.block) and row.path != output]
        self.widths = sorted({_width(row.block) for row in self.rows})
        self.names = [node.name for node in before.graph.nodes]
        self.tried: dict[tuple[str, str], list[Verdict]] = {}
        self.nearest: list[Verdict] = []

    def moves(self, widths: Widths) -> Iterator[Move]:
        for row in self.rows:
            before = _width(row.block)
            if widths[before] != before:
                yield Move(row, f"out_channels {before} -> {widths[before]}", (("out_channels", widths[before]),))

    def largest(self) -> Widths | None:
        """The widths of the factor that gives the most parameters and keeps all constraints."""
        factors = self.factors()
        step = max(1, -(-len(factors) // min(MAX_FACTORS, max(1, MAX_LAYERS_BUILT // self.search.layers))))
        # Of too many factors every n-th is tried first, and then those between the best and its neighbours.
        best = self._best(factors[::step])
        if best is None or step == 1:
            return best[1] if best else None
        place = next(place for place, factor in enumerate(factors) if self.scaled(factor) == best[1])
        refined = self._best(factors[max(0, place - step) : place + step])
        return max(best, refined, key=lambda each: each[0])[1] if refined else best[1]

    def _best(self, factors: Iterable[Fraction]) -> tuple[int, Widths] | None:
        best = None
        for factor in factors:
            widths = self.scaled(factor)
            measures = self.measures(widths)
            if measures and (best is None or measures.total.params > best[0]) and self.keeps(measures):
                best = measures.total.params, widths
        return best

    def factors(self) -> list[Fraction]:
        """The factors at which a width changes to its next multiple of the divisor, up to LARGEST; and 1."""
        steps = {
            Fraction((2 * multiple - 1) * self.divisor, 2 * width)
            for width in self.widths
            for multiple in range(1, LARGEST * width // self.divisor + 1)
        }
        smallest = Fraction(self.divisor, 2 * self.widths[-1]) if self.widths else Fraction(1)
        return sorted({*steps, smallest / 2, Fraction(1)})

    def scaled(self, factor: Fraction) -> Widths:
        """All widths times a factor, rounded to multiples of the divisor; the factor 1 leaves them as they are."""
        if factor == 1:
            return {width: width for width in self.widths}
        return {
            width: max(1, int(width * factor / self.divisor + Fraction(1, 2))) * self.divisor for width in self.widths
        }

    def measures(self, widths: Widths) -> Measures | None:
        """The measures of the network with these widths; None if it does not fit, or a shortcut would be another."""
        measures = self.search.measures(list(self.moves(widths)))
        if measures is None or [node.name for node in measures.graph.nodes] != self.names:
            return None
        return measures

    def keeps(self, measures: Measures) -> bool:
        verdicts = list(self.search.verdicts(measures))
        for verdict in verdicts:
            self.tried.setdefault((verdict.name, verdict.limit.text), []).append(verdict)
        if not self.nearest or distance(verdicts) < distance(self.nearest):
            self.nearest = verdicts
        return all(verdict.status is not Status.FAILED for verdict in verdicts)

    def failing(self) -> tuple[tuple[Verdict, ...], bool]:
        always = [found for found in self.tried.values() if all(each.status is Status.FAILED for each in found)]
        if always:
            return tuple(min(found, key=lambda each: distance([each])) for found in always), True
        return tuple(verdict for verdict in self.nearest if verdict.status is Status.FAILED), False

    def grown(self, best: Widths) -> Widths:
        """Widens the rows of one width by the divisor, the one that adds most, as long as all constraints are kept."""
        widths, left = dict(best), max(1, MAX_LAYERS_BUILT // self.search.layers)
        while left > 0:
            largest = None
            for width in self.widths:
                left -= 1
                wider = widths | {width: widths[width] + self.divisor}
                measures = self.measures(wider) if wider[width] <= LARGEST * max(width, self.divisor) else None
                if measures and (largest is None or measures.total.params > largest[0]) and self.keeps(measures):
                    largest = measures.total.params, wider
            if largest is None:
                break
            widths = largest[1]
        return widths


def _width(block: Block) -> int:
    return getattr(block, "out_channels", None) or 0


def _output_row(measures: Measures) -> tuple[str | int, ...]:
    """The row of the last layer with weights, if its width is that of the output."""
    graph = measures.graph
    last = next((node for node in reversed(graph.nodes) if isinstance(node.layer, Convolution | Linear)), None)
    return last.origin.path if last and last.shape.channels == graph.output.channels else ()
