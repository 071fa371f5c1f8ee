"""A table in the formats that people and programs read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Cell = str | int | float

FORMATS = ("text", "markdown", "csv", "json")


@dataclass(frozen=True)
class Table:
    """Columns, rows and closing lines. In a notebook it shows itself as HTML."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    closing: tuple[str, ...] = ()
    totals: Mapping[str, Cell] = field(default_factory=dict)

    def render(self, format: str = "text") -> str:
        """The table as `text`, `markdown`, `csv` (rows alone) or `json`."""
        if format not in FORMATS:
            raise ValueError(f"a table is rendered as {', '.join(FORMATS)}, not {format!r}")
        text: str = getattr(self, format)()
        return text

    def text(self) -> str:
        return "\n".join([self.title, "", self._tabulated("simple"), *([""] if self.closing else []), *self.closing])

    def markdown(self) -> str:
        lines = [f"- {line}" for line in self.closing]
        return "\n".join([f"**{self.title}**", "", self._tabulated("pipe"), *([""] if lines else []), *lines])

    def csv(self) -> str:
        import csv
        import io

        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([self.columns, *self.rows])
        return out.getvalue().rstrip("\n")

    def json(self) -> str:
        import json

        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        data = {"title": self.title, "rows": rows, "closing": self.closing} | (
            {"totals": dict(self.totals)} if self.totals else {}
        )
        return json.dumps(data, indent=2)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from html import escape

        closing = "".join(f"\n<pre>{escape(line)}</pre>" for line in self.closing)
        return f"<p>{escape(self.title)}</p>\n{self._tabulated('html')}{closing}"

    def _tabulated(self, style: str) -> str:
        from tabulate import tabulate

        cells = [[f"{cell:,}" if isinstance(cell, int) else cell for cell in row] for row in self.rows]
        is_number = [all(isinstance(row[i], int) for row in self.rows) for i in range(len(self.columns))]
        align = ["right" if number else "left" for number in is_number]
        return tabulate(cells, self.columns, tablefmt=style, colalign=align if cells else None, disable_numparse=True)
