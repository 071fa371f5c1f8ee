"""Escapes texts for Markdown and CSV, so that any text is exactly one cell."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from advconv.text.visible import visible, visible_lines

MARKUP = re.compile(r"[\\`*\[<&|~$]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|:(?=//)")
"""Characters that are markup in Markdown; an underscore between letters is not."""

BLOCK = re.compile(r"^([0-9]*)(?=[-+#>]|(?<=[0-9])[.)])")
"""Starts of an item that Markdown reads as a heading, a quote or a list."""

FENCE = re.compile(r"`{3,}")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Starts of cells that a spreadsheet evaluates or skips."""


def markdown(text: str) -> str:
    """One line with all markup escaped."""
    return MARKUP.sub(r"\\\g<0>", visible(text).strip())


def markdown_item(text: str) -> str:
    """An item of a list; several lines become a code block."""
    lines = visible_lines(text).split("\n")
    if len(lines) == 1:
        return "- " + BLOCK.sub(r"\1\\", markdown(text))
    fence = "`" * max([3, *(len(found) + 1 for found in FENCE.findall(text))])
    return "\n".join([f"- {fence}text", *(f"  {line}" for line in lines), f"  {fence}"])


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """A header and rows, each ended by a line feed."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(map(_csv_cell, row) for row in (columns, *rows))
    return out.getvalue()


def _csv_cell(cell: Any) -> Any:
    """Puts an apostrophe before a text that a spreadsheet would evaluate; numbers are unchanged."""
    if not isinstance(cell, str):
        return cell
    return f"'{visible(cell)}" if cell.startswith(FORMULA) else visible(cell)
