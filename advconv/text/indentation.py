"""Wrong indentation: lines in a column where no list or mapping is open, and rows among keys or keys among rows."""

import re
from collections.abc import Callable
from typing import NamedTuple

from advconv.text.finding import Finding
from advconv.text.parse_failure import LineColumn, ParseFailure, content, indent


class Line(NamedTuple):
    """The line of a failure: `a row` or `a key` that starts in this place."""

    found: ParseFailure
    kind: str
    at: LineColumn

    @property
    def text(self) -> str:
        """The line without its indentation and its comment."""
        return content(self.found.text)

    def finding(self, message: str, help: str) -> Finding:
        """A finding at the first word of the line."""
        return self.found.finding(message, help, self.at, len(_first_word(self.found.text[self.at.column :])))


def wrong_indentation(found: ParseFailure) -> Finding | None:
    """The finding for a line in a column where nothing is open, or for rows and keys that mix."""
    if not (found.is_first or (found.is_mapping_value and _key_is_first(found))) or not found.levels:
        return None
    column = indent(found.text)
    kind = "row" if found.text[column : column + 2] in ("-", "- ") else "key"
    line = Line(found, kind, LineColumn(found.at.line, column))
    beside = {level: start for level, start in found.levels if start.column == column}
    if under_bare_row := key_under_bare_row(line):
        return under_bare_row
    if kind in beside:
        return None
    if not beside:
        return no_such_column(line)
    (start,) = beside.values()
    return next(finding for test in MIXED if (finding := test(line, start)))


def _key_is_first(found: ParseFailure) -> bool:
    return bool(re.fullmatch(r"\s*(- +)*(\"[^\"]*\"|'[^']*'|[^\s\"']+)\s*", found.text[: found.at.column]))


def _first_word(text: str) -> str:
    word = re.match(r"(- +)?[^\s:]+", text)
    return word[0] if word else text[:1] or " "


def key_under_bare_row(line: Line) -> Finding | None:
    """A key indented like a field of the row above, which has no colon."""
    above = line.found.line(line.found.line_above())
    row = re.fullmatch(r"- +([\w.]+)", content(above))
    if line.kind != "key" or not row or line.at.column <= indent(above):
        return None
    return line.finding(
        f"the row above, {row[1]}, has no colon and takes no keys", f"write `- {row[1]}: {{{line.text[:60]}}}`"
    )


def no_such_column(line: Line) -> Finding:
    column = line.at.column
    message = f"wrong indentation: no list or mapping that is open here starts in column {column + 1}"
    return line.finding(message, _fitting(line.found, line.found.levels, line.kind, column))


def lone_dash(line: Line, start: LineColumn) -> Finding | None:
    if line.text != "-":
        return None
    return line.found.finding("an empty row among keys", f"remove line {line.at.line + 1}", line.at)


def dashed_constraint(line: Line, start: LineColumn) -> Finding | None:
    """`- receptive_field > 44`, in the line of the failure or where its mapping starts."""
    if not start.column or _key_above(line.found, start.column) != "constraints":
        return None
    number = start.line if content(line.found.line(start.line)).startswith("-") else line.at.line
    dashed = line.found.line(number)
    help = f"write `{_constraint(content(dashed)[1:].strip())[:60]}`, without the dash"
    return line.found.finding("constraints are keys, not rows of a list", help, LineColumn(number, indent(dashed)))


def rows_of_a_file(line: Line, start: LineColumn) -> Finding | None:
    """Rows at the top of a file, where sections belong, with a section after them."""
    if line.kind != "key" or _outside(line):
        return None
    row = content(line.found.line(start.line)).removeprefix("-").strip()
    help = f"write `{row[:60]}` in line {start.line + 1}, without the dash"
    return line.found.finding("the top level of a file has keys, not the rows of a list", help, start)


def key_among_rows(line: Line, start: LineColumn) -> Finding | None:
    if line.kind != "key":
        return None
    help = f"write `- {line.text[:60]}`, or {_fitting(line.found, _outside(line), line.kind, line.at.column)}"
    return line.finding("a key among the rows of a list", help)


def _outside(line: Line) -> list[tuple[str, LineColumn]]:
    """The lists and mappings around the column of the line."""
    return [level for level in line.found.levels if level[1].column < line.at.column]


def dash_without_space(line: Line, start: LineColumn) -> Finding | None:
    """`-conv: 32` where the mapping starts, which is a key to YAML."""
    first = line.found.line(start.line)
    text, at = content(first), LineColumn(start.line, indent(first))
    if not re.match(r"-[^\s-]", text):
        return None
    return line.found.finding("a dash needs a space after it", f"write `- {text[1:][:60]}`", at, len(text))


def rows_without_block(line: Line, start: LineColumn) -> Finding | None:
    """Rows directly under `network`, with deeper rows below."""
    dash = indent(line.found.line(start.line))
    if dash >= start.column or _key_above(line.found, dash) != "network":
        return None
    help = f"write `{' ' * dash}C1:` above line {start.line + 1}, and its rows below, each in the same column"
    message = "these rows have no block: its name is missing above them"
    return line.found.finding(message, help, LineColumn(start.line, dash))


def row_deeper_than_rows(line: Line, start: LineColumn) -> Finding | None:
    """A row in the column of the keys of the row above."""
    dash = indent(line.found.line(start.line))
    if dash >= start.column:
        return None
    return line.finding(
        "a row among the keys of the row above", f"indent it by {dash} spaces, like line {start.line + 1}"
    )


def row_among_keys(line: Line, start: LineColumn) -> Finding:
    first = content(line.found.line(start.line))
    return line.finding("a row among keys", f"write `- {first[:60]}` in line {start.line + 1}")


MIXED: tuple[Callable[[Line, LineColumn], Finding | None], ...] = (
    lone_dash, dashed_constraint, rows_of_a_file, key_among_rows, dash_without_space, rows_without_block,
    row_deeper_than_rows, row_among_keys,
)  # fmt: skip
"""A row among keys, or a key among rows, in a list or mapping that starts in the given place; the last test matches."""


def _key_above(found: ParseFailure, column: int) -> str:
    """The key that the lines in this column belong to."""
    for line in map(found.line, found.lines_above):
        if indent(line) < column or (column == indent(line) == 0 and not line.startswith("-")):
            key = re.match(r" *(?:- +)?([\w.]+):", line)
            return key[1] if key else ""
    return ""


def _constraint(text: str) -> str:
    """`receptive_field > 44` as a key with its limit in quotes."""
    limit = re.fullmatch(r"([\w.]+)\s*([<>=]=?\s*\S.*)", text)
    return f'{limit[1]}: "{limit[2]}"' if limit else text


def _fitting(found: ParseFailure, levels: list[tuple[str, LineColumn]], kind: str, column: int) -> str:
    """How far to indent, with a line above as an example: the two nearest columns."""
    same = [place for level, place in levels if level == kind] or [place for _, place in levels]
    starts = {place.column: place.line for place in same}
    nearest = sorted(starts, key=lambda fit: abs(fit - column))[:2]
    helps = [_indent_help(found, fit, _line_at(found, fit, starts[fit])) for fit in nearest]
    return helps[0] + "".join(f", or {help.removeprefix('indent it ')}" for help in helps[1:])


def _indent_help(found: ParseFailure, column: int, number: int) -> str:
    line = found.line(number)
    if indent(line) == column:
        return f"indent it by {column} space{'' if column == 1 else 's'}, like line {number + 1}"
    return f"start it in column {column + 1}, below `{_first_word(line[column:])}` in line {number + 1}"


def _line_at(found: ParseFailure, column: int, start: int) -> int:
    """The nearest line above with this indentation."""
    fitting = (number for number in found.lines_above if indent(found.line(number)) == column)
    return max(next(fitting, start), start)
