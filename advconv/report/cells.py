"""Texts in cells of Markdown and CSV: each is one cell and nothing else, whatever it holds."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from advconv.text.visible import visible, visible_lines

MARKUP = re.compile(r"[\\`*\[<&|~$]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|:(?=//)")
"""What starts something in Markdown; an underscore between letters does not."""

BLOCK = re.compile(r"^([0-9]*)(?=[-+#>]|(?<=[0-9])[.)])")
"""What makes of the start of an item a heading, a quote or another list."""

FENCE = re.compile(r"`{3,}")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell starts that a spreadsheet would evaluate, or whose start it would skip."""


def markdown(text: str) -> str:
    """One line in which nothing is markup."""
    return MARKUP.sub(r"\\\g<0>", visible(text).strip())


def markdown_item(text: str) -> str:
    """An item of a list; several lines are a block of code."""
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
    """A text that a spreadsheet would take for a formula starts with an apostrophe; numbers stay as they are."""
    if not isinstance(cell, str):
        return cell
    return f"'{visible(cell)}" if cell.startswith(FORMULA) else visible(cell)
