"""Wrong indentation: lines in a column where no list or mapping is open, and rows among keys or keys among rows."""

import re

from advconv.text.finding import Finding
from advconv.text.parse_failure import LineColumn, ParseFailure, content, indent


def wrong_indentation(found: ParseFailure) -> Finding | None:
    """The finding for a line in a column where nothing is open, or for rows and keys that mix."""
    if not (found.is_first or (found.is_mapping_value and _key_is_first(found))) or not found.levels:
        return None
    column = indent(found.text)
    kind = "row" if found.text[column : column + 2] in ("-", "- ") else "key"
    at, width = LineColumn(found.at.line, column), len(_first_word(found.text[column:]))
    beside = [level for level in found.levels if level[1].column == column]
    if kind == "key" and (row := _bare_row_above(found, column)):
        help = f"write `- {row}: {{{content(found.text)[:60]}}}`"
        return found.finding(f"the row above, {row}, has no colon and takes no keys", help, at, width)
    if any(level[0] == kind for level in beside):
        return None
    if beside:
        return _mixed(found, kind, beside[-1][1], at, width)
    message = f"wrong indentation: no list or mapping that is open here starts in column {column + 1}"
    return found.finding(message, _fitting(found, found.levels, kind, column), at, width)


def _key_is_first(found: ParseFailure) -> bool:
    return bool(re.fullmatch(r"\s*(- +)*(\"[^\"]*\"|'[^']*'|[^\s\"']+)\s*", found.text[: found.at.column]))


def _first_word(text: str) -> str:
    word = re.match(r"(- +)?[^\s:]+", text)
    return word[0] if word else text[:1] or " "


def _bare_row_above(found: ParseFailure, column: int) -> str:
    """The block of a row above without a colon, if the line is indented like fields of that row."""
    line = found.line(found.line_above())
    row = re.fullmatch(r"- +([\w.]+)", content(line))
    return row[1] if row and column > indent(line) else ""


def _mixed(found: ParseFailure, kind: str, start: LineColumn, at: LineColumn, width: int) -> Finding:
    """A row among keys, or a key among rows."""
    if content(found.text) == "-":
        return found.finding("an empty row among keys", f"remove line {at.line + 1}", at)
    if start.column and _key_above(found, start.column) == "constraints":
        return _dashed_constraint(found, start)
    if kind == "key":
        outside = [level for level in found.levels if level[1].column < at.column]
        if not outside:
            return _rows_of_a_file(found, start)
        help = f"write `- {content(found.text)[:60]}`, or {_fitting(found, outside, kind, at.column)}"
        return found.finding("a key among the rows of a list", help, at, width)
    return _row_among_keys(found, start, at, width)


def _rows_of_a_file(found: ParseFailure, first: LineColumn) -> Finding:
    """Rows at the top of a file, where sections belong, with a section after them."""
    row = content(found.line(first.line)).removeprefix("-").strip()
    help = f"write `{row[:60]}` in line {first.line + 1}, without the dash"
    return found.finding("the top level of a file has keys, not the rows of a list", help, first)


def _row_among_keys(found: ParseFailure, start: LineColumn, at: LineColumn, width: int) -> Finding:
    first, dash = content(found.line(start.line)), indent(found.line(start.line))
    if re.match(r"-[^\s-]", first):
        help = f"write `- {first[1:][:60]}`"
        return found.finding("a dash needs a space after it", help, LineColumn(start.line, dash), len(first))
    if dash < start.column and _key_above(found, dash) == "network":
        return _nameless(found, LineColumn(start.line, dash))
    if dash < start.column:
        help = f"indent it by {dash} spaces, like line {start.line + 1}"
        return found.finding("a row among the keys of the row above", help, at, width)
    help = f"write `- {first[:60]}` in line {start.line + 1}"
    return found.finding("a row among keys", help, at, width)


def _nameless(found: ParseFailure, first: LineColumn) -> Finding:
    """Rows directly under `network`, with deeper rows below."""
    help = f"write `{' ' * first.column}C1:` above line {first.line + 1}, and its rows below, each in the same column"
    return found.finding("these rows have no block: its name is missing above them", help, first)


def _key_above(found: ParseFailure, column: int) -> str:
    """The key that the lines in this column belong to."""
    for number in range(found.at.line - 1, -1, -1):
        line = found.line(number)
        key = re.match(r" *(?:- +)?([\w.]+):", line)
        if content(line) and (indent(line) < column or (column == indent(line) == 0 and not line.startswith("-"))):
            return key[1] if key else ""
    return ""


def _dashed_constraint(found: ParseFailure, start: LineColumn) -> Finding:
    number = start.line if content(found.line(start.line)).startswith("-") else found.at.line
    line = found.line(number)
    help = f"write `{_constraint(content(line)[1:].strip())[:60]}`, without the dash"
    return found.finding("constraints are keys, not rows of a list", help, LineColumn(number, indent(line)))


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
    above = range(found.at.line - 1, start, -1)
    return next((n for n in above if content(found.line(n)) and indent(found.line(n)) == column), start)
