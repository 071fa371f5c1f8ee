"""A table that renders as text, Markdown, CSV, JSON and HTML."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from advconv.report.cells import csv_text, markdown, markdown_item
from advconv.report.formats import TABLE_FORMATS
from advconv.text.visible import json_text, visible, visible_lines

Cell = str | int | float | tuple[int, ...] | None
"""A raw value; (height, width) if the axes differ, None if there is no value."""


@dataclass(frozen=True)
class Table:
    """Rows of raw values under named columns. `pandas.DataFrame(table)` takes it; notebooks show it as HTML.

    `closing` are lines below the table; `totals` has their numbers, which JSON gets instead. `texts` are the formatters
    of columns that do not use `cell_text`.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    closing: tuple[str, ...] = ()
    totals: Mapping[str, Cell] = field(default_factory=dict)
    texts: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[dict[str, Cell]]:
        """The rows, as mappings from column to raw value."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def render(self, format: str = "text") -> str:
        """The table as `text`, `markdown`, `csv` (rows only) or `json`."""
        if format not in TABLE_FORMATS:
            raise ValueError(f"the formats of a table are {', '.join(TABLE_FORMATS)}, not {format!r}")
        text: str = getattr(self, format)()
        return text

    def text(self) -> str:
        closing = map(visible_lines, self.closing)
        return "\n".join(
            [visible(self.title), "", self._tabulated("simple", visible), *([""] if self.closing else []), *closing]
        )

    def markdown(self) -> str:
        lines = [markdown_item(text) for text in self.closing]
        return "\n".join(
            [f"**{markdown(self.title)}**", "", self._tabulated("pipe", markdown), *([""] if lines else []), *lines]
        )

    def csv(self) -> str:
        """Raw numbers, tuples as in the text format, an empty cell for None, and formulas escaped."""
        rows = (
            [self._text(column, cell) if isinstance(cell, tuple) else _plain(cell) for column, cell in row.items()]
            for row in self
        )
        return csv_text(self.columns, rows).removesuffix("\n")

    def json(self) -> str:
        rows = [{column: _plain(cell) for column, cell in row.items()} for row in self]
        totals = {key: _plain(value) for key, value in self.totals.items()}
        whole = {"totals": totals} if totals else {"closing": self.closing}
        return json_text({"title": self.title, "rows": rows} | whole)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from html import escape

        # Notebooks align cells to the right by default.
        table = self._tabulated("html", visible)
        for cell in ("th", "td"):
            table = table.replace(f"<{cell}>", f'<{cell} style="text-align: left;">')
        closing = "".join(f"\n<pre>{escape(visible_lines(text))}</pre>" for text in self.closing)
        return f"<p>{escape(visible(self.title))}</p>\n{table}{closing}"

    def _tabulated(self, style: str, clean: Callable[[str], str]) -> str:
        from tabulate import tabulate

        cells = [[clean(self._text(column, cell)) for column, cell in row.items()] for row in self]
        has_text = (any(isinstance(cell, str | bool) for cell in column) for column in zip(*self.rows, strict=True))
        align = ["left" if is_left else "right" for is_left in has_text]
        return tabulate(
            cells, [*map(clean, self.columns)], tablefmt=style, colalign=align or None, disable_numparse=True
        )

    def _text(self, column: str, cell: Cell) -> str:
        return self.texts.get(column, cell_text)(cell)


def cell_text(cell: Cell) -> str:
    """`1234 -> 1,234`, `(1, 3) -> 1x3`, `None -> -`"""
    if isinstance(cell, tuple):
        return "x".join(map(cell_text, cell))
    return "-" if cell is None else cell if isinstance(cell, str) else f"{cell:,}"


def _plain(cell: Cell) -> Cell:
    """The cell for CSV and JSON, which has neither infinity nor NaN."""
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell
