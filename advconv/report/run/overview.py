"""Several runs in one table: results, sizes, and the settings that differ, for terminals and programs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from advconv.report.formats import MARKDOWN, TEXT
from advconv.report.run.compare import differences_table, names_of, networks_table, results_table, title_of
from advconv.report.run.reading import RunReport
from advconv.report.run.tables import seconds_text
from advconv.report.table import Cell, Table, cell_text
from advconv.text.reader import resolve
from advconv.training.confusion import percent_text
from advconv.values.quantities import rounded

MAX_COMPARED = 1_000
"""Runs in one table."""

MAX_COLUMNS = 6
"""Settings that differ and are columns of a table that is read; more stand in a table of their own."""

MAX_SHOWN = 60
"""Characters of a setting in a table that is read."""

VALIDATION = "validation accuracy"
"""Of the last epoch."""

COLUMNS = (
    "run", "state", "seed", "parameters", "MACs", "receptive field", "epochs", VALIDATION, "test accuracy",
    "best epoch", "its accuracy", "picked on", "time of the epochs", "device",
)  # fmt: skip

PERCENT = (VALIDATION, "test accuracy", "its accuracy")

SHOWN_ALREADY = ("train.seed", "device")
"""Settings with a column of their own."""


def overview(reports: Sequence[RunReport], format: str) -> str:
    """The table of the runs in a format; many settings that differ stand below it, in text and in Markdown."""
    names = names_of(reports)
    differences = differences_table(reports, names)
    rows = tuple(row for row in differences.rows if row[0] not in SHOWN_ALREADY)
    is_read = format in (TEXT, MARKDOWN)
    if is_read and len(rows) > MAX_COLUMNS:
        table = Table(differences.title, differences.columns, rows, differences.closing)
        shown = replace(table, texts=dict.fromkeys(table.columns, _shown))
        return f"{_runs_table(reports, names, ()).render(format)}\n\n{shown.render(format)}"
    return _runs_table(reports, names, rows).render(format)


def _runs_table(reports: Sequence[RunReport], names: Sequence[str], settings: Sequence[tuple[Cell, ...]]) -> Table:
    """A row for each run. `settings`: those that are columns, each with its name and the value of each run."""
    results, networks = results_table(reports, names), networks_table(reports, names)
    has_validation = any(report.last and report.last.val_accuracy is not None for report in reports)
    columns = tuple(name for name in COLUMNS if has_validation or name != VALIDATION)
    rows = []
    for index, (report, result, network) in enumerate(zip(reports, results, networks, strict=True)):
        found = result | network | {VALIDATION: report.last.val_accuracy if report.last else None}
        values = (_setting(setting[index + 1]) for setting in settings)
        rows.append((*(_raw(found[name]) for name in columns), *values))
    title = f"{title_of(reports)}: averaged weights; test accuracy after the last epoch, of finished runs"
    paths = tuple(str(setting[0]) for setting in settings)
    texts: dict[str, Callable[[Any], str]] = {**dict.fromkeys(paths, _shown), **dict.fromkeys(PERCENT, percent_text)}
    return Table(title, (*columns, *paths), tuple(rows), texts=texts | {"time of the epochs": seconds_text})


def _raw(cell: Cell) -> Cell:
    """With the digits that a float32 has."""
    return rounded(cell) if isinstance(cell, float) else cell


def _setting(cell: Cell) -> Cell:
    """The value of a setting, which is written as YAML: a number as such; None if the run has no such setting."""
    value = None if cell == "-" else resolve(str(cell))
    return value if value is None or (isinstance(value, int | float) and not isinstance(value, bool)) else cell


def _shown(cell: Cell) -> str:
    text = cell if isinstance(cell, str) else cell_text(cell)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."
