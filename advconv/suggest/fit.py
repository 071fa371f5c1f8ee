"""Scales the widths of a network to the largest one that keeps all constraints."""

from collections.abc import Iterator
from typing import NamedTuple

from advconv.analysis.measure import Measures
from advconv.blocks.base import Block
from advconv.check import gc_disabled
from advconv.language.spec import ArchSpec
from advconv.suggest.moves import Move, Row, changed, replacements, rows
from advconv.suggest.search import keeps, network
from advconv.suggest.suggestion import Task
from advconv.text.edits import Replacement
from advconv.text.reader import read

LARGEST = 16
"""The largest factor of the widths."""

MAX_FACTORS = 4_000


class Fit(NamedTuple):
    """Widths that keep all constraints: their factor, the edits of the text, and the networks before and after."""

    factor: float
    moves: tuple[Move, ...]
    edits: tuple[Replacement, ...]
    before: Measures
    after: Measures


def fit(task: Task, divisor: int = 8) -> Fit | None:
    """The network of the most parameters that keeps all constraints, with widths in multiples of a divisor.

    None if no factor leads to one. All widths have the same factor, apart from those that the classes set.
    """
    search = task.search()
    before = network(search.spec) if search else None
    if search is None or before is None:
        return None
    wide = [row for row in rows(search.spec) if _width(row.block) and not _is_output(row, search.spec)]
    best: tuple[Measures, tuple[Move, ...], float] | None = None
    with gc_disabled():
        for factor in _factors([_width(row.block) for row in wide], divisor):
            moves = tuple(_scaled(wide, factor, divisor))
            spec = changed(search.spec, moves)
            measures = network(spec)
            is_larger = measures and (best is None or measures.total.params > best[0].total.params)
            if measures and is_larger and keeps(spec, measures):
                best = measures, moves, factor
    document, _ = read(task.source)
    if best is None or document is None:
        return None
    return Fit(best[2], best[1], tuple(replacements(document, best[1])), before, best[0])


def _width(block: Block) -> int:
    return getattr(block, "out_channels", None) or 0


def _is_output(row: Row, spec: ArchSpec) -> bool:
    """Whether the width is the number of classes; such a row is the last one with weights."""
    return _width(row.block) == spec.classes


def _factors(widths: list[int], divisor: int) -> list[float]:
    """The factors at which a width changes to its next multiple of the divisor, of a range up to LARGEST."""
    steps = {
        (multiple - 0.5) * divisor / width
        for width in set(widths)
        for multiple in range(1, int(LARGEST * width / divisor) + 1)
    }
    found = sorted(steps)
    return found[:: -(-len(found) // MAX_FACTORS)] if found else []


def _scaled(wide: list[Row], factor: float, divisor: int) -> Iterator[Move]:
    for row in wide:
        before = _width(row.block)
        after = max(divisor, int(before * factor / divisor + 0.5 + 1e-9) * divisor)
        if after != before:
            yield Move(row, f"out_channels {before} -> {after}", (("out_channels", after),))
