"""The search for the fewest edits that keep all constraints."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from advconv.analysis.measure import Measures
from advconv.analysis.view import GraphView
from advconv.check import lint
from advconv.constraints import verdicts
from advconv.constraints.record import Status, Verdict
from advconv.language.elaborate import elaborate
from advconv.language.spec import ArchSpec, ValidPart
from advconv.rules.record import LintInput
from advconv.suggest.moves import Move, are_compatible, changed, moves

Combination = tuple[int, ...]
"""Edits by their number among all single ones."""


class Found(NamedTuple):
    """Edits that keep all constraints, and the network that they lead to."""

    moves: tuple[Move, ...]
    measures: Measures


class Search:
    """The single edits of an architecture, and the constraints that combinations of them have to keep."""

    def __init__(self, spec: ArchSpec) -> None:
        self.spec = spec
        self.moves = moves(spec)
        self.warnings = _warnings(spec, network(spec))

    def keeping(self, tried: Iterable[Combination]) -> Iterator[Combination]:
        """Those of some combinations that keep all constraints."""
        for combination in tried:
            edits = [self.moves[number] for number in combination]
            if are_compatible(edits):
                spec = changed(self.spec, edits)
                measures = network(spec)
                if measures and keeps(spec, measures):
                    yield combination

    def accepted(self, combination: Combination) -> Found | None:
        """Edits that keep all constraints, unless a rule has something new against the network."""
        edits = tuple(self.moves[number] for number in combination)
        spec = changed(self.spec, edits)
        measures = network(spec)
        if measures is None or _warnings(spec, measures) - self.warnings:
            return None
        return Found(edits, measures)

    def nearest(self, most: int) -> list[int]:
        """The single edits that come nearest to keeping all constraints, the best first."""
        distances = {number: self._distance(number) for number in range(len(self.moves))}
        return sorted(distances, key=lambda number: distances[number])[:most]

    def _distance(self, number: int) -> float:
        """How far the limits are missed with one edit; infinite if a row does not fit."""
        spec = changed(self.spec, [self.moves[number]])
        measures = network(spec)
        return distance(verdicts(spec.constraints, measures)) if measures else float("inf")


def distance(found: Iterable[Verdict]) -> float:
    """The sum over failed constraints of how far each is outside of its limit, as a part of the limit."""
    return sum(_missed(verdict) for verdict in found if verdict.status is Status.FAILED)


def _missed(verdict: Verdict) -> float:
    margin = verdict.margin
    if margin is None:
        return 1.0
    limit = max(bound.value for bound in verdict.limit.bounds)
    return max(-margin, 1e-9) / max(limit, 1)


def keeps(spec: ArchSpec, measures: Measures) -> bool:
    """Whether a network keeps all constraints; judged up to the first that fails."""
    return all(verdict.status is not Status.FAILED for verdict in verdicts(spec.constraints, measures))


def network(spec: ArchSpec) -> Measures | None:
    """The measures of a spec; None if a row does not fit, or the output is not the classes."""
    if not all(spec.network.values()):
        return None
    graph, wrong = elaborate(ValidPart(spec))
    return Measures(graph) if graph and not wrong else None


def _warnings(spec: ArchSpec, measures: Measures | None) -> set[tuple[str, object]]:
    """What the rules have against a network, by code and row."""
    if measures is None:
        return set()
    found = lint(LintInput(spec.input, spec, GraphView(measures)))
    return {(finding.code, finding.message.partition(":")[0]) for finding in found}


MOST_STEPS = 30


def nearest(spec: ArchSpec, verdict: Verdict) -> tuple[Verdict, int]:
    """The verdict on one constraint that best edits, one after another, lead to, and how many they are.

    Edits end where none improves it, or where the limit is kept.
    """
    best, steps = verdict, 0
    while best.status is Status.FAILED and steps < MOST_STEPS:
        following = [(found, changed_spec) for changed_spec in _neighbours(spec) for found in _same(changed_spec, best)]
        closest = min(following, key=lambda pair: distance([pair[0]]), default=None)
        if closest is None or distance([closest[0]]) >= distance([best]):
            break
        (best, spec), steps = closest, steps + 1
    return best, steps


def _neighbours(spec: ArchSpec) -> Iterator[ArchSpec]:
    return (changed(spec, [move]) for move in moves(spec))


def _same(spec: ArchSpec, verdict: Verdict) -> Iterator[Verdict]:
    """The verdict on the same constraint for another network, if it fits."""
    measures = network(spec)
    for found in verdicts(spec.constraints, measures) if measures else ():
        if found.name == verdict.name:
            yield found
