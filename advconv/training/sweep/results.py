"""The table of a sweep: a row for each combination, with the mean and the spread over its seeds."""

import statistics
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from advconv.report.run.tables import seconds_text
from advconv.report.table import Cell, Table, cell_text
from advconv.text.reader import resolve
from advconv.text.words import join_words
from advconv.training.confusion import percent_text
from advconv.training.sweep.plan import Axis, Combination, Plan
from advconv.training.sweep.trials import TrialResult
from advconv.values.quantities import counted, rounded

COLUMNS = ("seeds", "mean", "lowest", "highest", "standard deviation", "mean time")
FAILED = ("failed", "reason")
"""Columns of a sweep in which a training has failed."""

MAX_SHOWN = 60
"""Characters of a value or a reason in a table that is read; CSV and JSON have all of it."""


MAX_SEEDS = 10
"""That the title names."""


class Row(NamedTuple):
    """A combination and its results, one for each seed."""

    combination: Combination
    results: Sequence[TrialResult]

    @property
    def accuracies(self) -> list[float]:
        """Percent, of each finished training."""
        return [result.accuracy for result in self.results if result.accuracy is not None]

    def accuracy_of(self, seed: int) -> float | None:
        """None if the training has failed."""
        return next((result.accuracy for result in self.results if result.trial.seed == seed), None)

    @property
    def mean(self) -> float | None:
        return statistics.mean(self.accuracies) if self.accuracies else None

    @property
    def failed(self) -> list[TrialResult]:
        return [result for result in self.results if result.accuracy is None]


def ranked(results: Sequence[TrialResult]) -> list[Row]:
    """The combinations by their mean accuracy, the best first; those with a training that failed are last."""
    by_combination = groupby(results, attrgetter("trial.combination"))
    rows = [Row(combination, list(group)) for combination, group in by_combination]
    return sorted(rows, key=lambda row: (len(row.failed), row.mean is None, -(row.mean or 0), row.combination.number))


def sweep_table(plan: Plan, path: Path, results: Sequence[TrialResult]) -> Table:
    """All trainings of the sweep are finished or have failed."""
    rows = ranked(results)
    has_failed = any(row.failed for row in rows)
    fields = _field_columns(plan)
    cells = tuple((*_fields(plan, row), *_numbers(row), *(_failures(row) if has_failed else ())) for row in rows)
    columns = (*fields, *COLUMNS, *(FAILED if has_failed else ()))
    return Table(_title(plan, path, rows), columns, cells, tuple(_closing(plan, rows)), texts=_texts(fields))


def _texts(fields: Sequence[str]) -> dict[str, Callable[[Any], str]]:
    """The formatters of the columns."""
    return {
        **dict.fromkeys((*fields, "reason"), _shown),
        **dict.fromkeys(("mean", "lowest", "highest"), percent_text),
        "standard deviation": deviation_text,
        "mean time": seconds_text,
    }


def _measured_on(rows: Sequence[Row]) -> str:
    """The images that the combinations are ranked on."""
    return rows[0].results[0].measured_on


def _title(plan: Plan, path: Path, rows: Sequence[Row]) -> str:
    what = f"{_measured_on(rows)} accuracy of the averaged weights after the last epoch"
    return f"{plan.name}: {what}, {seeds_text(plan.seeds)}: {path}"


def seeds_text(seeds: Sequence[int]) -> str:
    """`seed 0`, `seeds 0, 1 and 2`, `50 seeds`"""
    if len(seeds) > MAX_SEEDS:
        return f"{len(seeds)} seeds"
    return f"seed{'s' if len(seeds) > 1 else ''} {join_words(tuple(map(str, seeds)), 'and')}"


def _closing(plan: Plan, rows: Sequence[Row]) -> list[str]:
    lines = []
    if len(plan.seeds) > 1:
        lines.append("each combination has the same seeds; the standard deviation is that of a sample")
    if len(rows) > 1 and _measured_on(rows) == "test":
        lines.append(
            "the combination that is best on the test set looks better there than it is: "
            "choose with --val-split N, on training images that are held out"
        )
    if failed := sum(len(row.failed) for row in rows):
        lines.append(f"{counted(failed, 'training')} failed; combinations without all seeds are last")
    return lines


def _field_columns(plan: Plan) -> tuple[str, ...]:
    """The paths of the fields that vary; a block may have the name of another column."""
    taken = (*COLUMNS, *FAILED)
    return tuple(f"network.{axis.path}" if axis.path in taken else axis.path for axis in plan.varied) or ("network",)


def _fields(plan: Plan, row: Row) -> tuple[Cell, ...]:
    return tuple(value_of(axis, index) for axis, index in row.combination.varied) or (plan.name,)


def value_of(axis: Axis, index: int) -> str | int | float:
    """A number as such, any other value as it is written."""
    written = axis.values[index]
    value = resolve(written)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else written


def _numbers(row: Row) -> tuple[Cell, ...]:
    found = row.accuracies
    if not found:
        return 0, None, None, None, None, None
    spread = rounded(statistics.stdev(found)) if len(found) > 1 else None
    seconds = statistics.mean(result.seconds for result in row.results if result.accuracy is not None)
    return len(found), *map(rounded, (statistics.mean(found), min(found), max(found))), spread, rounded(seconds)


def _failures(row: Row) -> tuple[Cell, ...]:
    reasons = [f"seed {each.trial.seed}: {each.failure.reason}" for each in row.failed if each.failure]
    return len(row.failed), "; ".join(reasons) or None


def deviation_text(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _shown(cell: Any) -> str:
    text = cell_text(cell)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."
