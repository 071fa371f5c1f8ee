"""Explains syntax errors of YAML: the probable mistake, and how to fix it."""

import re
from collections.abc import Callable
from typing import Any

import yaml

from advconv.text.finding import Finding
from advconv.text.indentation import wrong_indentation
from advconv.text.parse_failure import CLOSING, LineColumn, ParseFailure, content, indent
from advconv.text.source import Source


def syntax_error(source: Source, problem: yaml.MarkedYAMLError, loader: Any) -> Finding:
    """The one finding for a text that cannot be parsed to its end. `loader`: PyYAML's loader that failed."""
    found = ParseFailure(source, problem, loader)
    known = (finding for test in TESTS if (finding := test(found)))
    return next(known, None) or found.finding(f"this is not YAML: {found.problem}{found.since}")


def tab(found: ParseFailure) -> Finding | None:
    if found.character != "\t":
        return None
    return found.finding("a tab cannot indent YAML", "use spaces")


def slashes(found: ParseFailure) -> Finding | None:
    """A comment of another language, in the line of the failure or the one above."""
    for number in (found.at.line, found.line_above()):
        if comment := re.search(r"(?:^ *|: +)(//.*)", found.line(number)):
            at, help = LineColumn(number, comment.start(1)), f"write `# {comment[1][2:].strip()[:60]}`"
            return found.finding("a comment starts with #, not with //", help, at, len(comment[1]))
    return None


def open_quote(found: ParseFailure) -> Finding | None:
    """A quote that is never closed, or quotes that pair up differently than meant."""
    if found.context == "while scanning a quoted scalar" and found.opened:
        start = found.opened
        return found.finding("this quote is never closed", _quoting_help(found, start), start)
    if spanning := _spanning_quote(found):
        message = f"this quote is closed only in line {spanning[1].line + 1}"
        return found.finding(message, _quoting_help(found, spanning[0]), spanning[0])
    before = _quoted_before(found)
    if before is None:
        return None
    start, end = before
    message = f"text in quotes ends in column {end.column}, and more follows it"
    return found.finding(message, "close each text with a quote of its own", start, end.column - start.column)


def _quoting_help(found: ParseFailure, start: LineColumn) -> str:
    """The text with its closing quote, if it is clear where the text ends."""
    text = content(found.line(start.line)[start.column :])
    if len(text) > 2 and text[-1] in "'\"" and text[-1] != text[0]:
        return f"end it with the quote that it begins with: write {text[0]}{text[1:-1]}{text[0]}"
    is_clear = len(text) > 1 and not re.search(r"[,\[\]{}]", text)
    return f"write {text}{text[0]}" if is_clear else f"write {text[:1]} at the end of its text in line {start.line + 1}"


def _spanning_quote(found: ParseFailure) -> tuple[LineColumn, LineColumn] | None:
    """A text in quotes that ends in the line of the failure, before it, and began in a line above."""
    for sign, start, end in found.tokens:
        if sign == "quote" and start.line < end.line == found.at.line and end <= found.at:
            return start, end
    return None


def _quoted_before(found: ParseFailure) -> tuple[LineColumn, LineColumn] | None:
    """The quoted text before the failure, with only spaces between."""
    for sign, start, end in reversed(found.tokens):
        if sign == "quote" and end <= found.at:
            is_before = end.line == found.at.line and not found.text[end.column : found.at.column].strip()
            return (start, end) if is_before else None
    return None


def stray_bracket(found: ParseFailure) -> Finding | None:
    if found.character not in ("]", "}") or found.brackets:
        return None
    return found.finding(f"this {found.character} closes nothing", "remove it")


def open_bracket(found: ParseFailure) -> Finding | None:
    """A bracket that is not closed, or closed by another kind; if it is closed, a missing comma."""
    if not found.brackets or "while parsing a flow" not in found.context:
        return None
    sign, start = found.brackets[-1]
    closer, closed = CLOSING[sign], found.closed_by(len(found.brackets))
    if closed is None:
        return found.finding(f"this {sign} is never closed", _closing_help(found), start)
    if closed[0] != closer:
        place = f"the {closed[0]} in line {closed[1].line + 1}, column {closed[1].column + 1}"
        is_for_another = any(CLOSING[outer] == closed[0] for outer, _ in found.brackets[:-1])
        help = f"write {closer} before {place}" if is_for_another else f"write {closer} in place of {place}"
        return found.finding(f"this {sign} is closed by a {closed[0]}", help, start)
    return _missing_comma(found)


def _closing_help(found: ParseFailure) -> str:
    """Which brackets to close, at the end of the last line that the innermost one can extend to."""
    sign, start = found.brackets[-1]
    own = indent(found.line(start.line))
    last = start.line
    for number in range(start.line + 1, len(found.source.lines)):
        if content(found.line(number)):
            if indent(found.line(number)) <= own:
                break
            last = number
    beside = [outer for outer, place in found.brackets if place.line == start.line]
    closers = "".join(CLOSING[outer] for outer in reversed(beside)) or CLOSING[sign]
    return f"write {closers} at the end of line {last + 1}"


def _missing_comma(found: ParseFailure) -> Finding | None:
    if found.character == ":":
        before = found.text[: found.at.column].rstrip()
        word = re.match(r"[^\s,{\[]+", before[::-1])
        column = len(before) - word.end() if word else found.at.column
    else:
        column = found.at.column
    shown = re.match(r"[^\s,:\]}]+", found.text[column:])
    if not shown:
        return None
    at = LineColumn(found.at.line, column)
    return found.finding(f"a comma is missing before {shown[0][:40]}", f"write `, {shown[0][:40]}`", at, len(shown[0]))


STARTS = (
    "while scanning for the next token",
    "while scanning a block scalar",
    "while scanning an a",
    "while scanning a tag",
)


def two_commas(found: ParseFailure) -> Finding | None:
    """A comma in place of a value."""
    before = found.text[: found.at.column].rstrip()
    if found.character != "," or not before.endswith((",", "{", "[")):
        return None
    if before.endswith(","):
        return found.finding("two commas in a row", "remove one")
    return found.finding("a comma with nothing before it", "remove it")


def reserved_start(found: ParseFailure) -> Finding | None:
    """A value that starts with a character that YAML reserves."""
    if not found.context.startswith(STARTS):
        return None
    start = found.opened or found.at
    text = found.line(start.line)[start.column :]
    value = re.split(r"\s#|[,\]}]" if found.brackets else r"\s#", text, maxsplit=1)[0].strip()
    if not value:
        return None
    before = found.line(start.line)[: start.column].strip()
    dash = "- " if before == "-" else ""
    is_row = dash or (before.endswith(("[", ",")) and found.brackets and found.brackets[-1][0] == "[")
    if row := re.fullmatch(r"([@`])(\w+)`?(\s*:.*|)", value) if is_row else None:
        return found.finding(
            f"a row cannot start with {row[1]}", f"write `{dash}{row[2]}{row[3].lstrip()[:40]}`", start
        )
    help = f"put it in quotes: '{value[:40]}'" if '"' in value else f'put it in quotes: "{value[:40]}"'
    return found.finding(f"a value cannot start with {value[0]}", help, start)


def second_colon(found: ParseFailure) -> Finding | None:
    """`- conv: out_channels: 32`"""
    before = found.text[: found.at.column]
    pair = re.search(r"(?:^|[\s\"'])([\w.-]+): +(?=\S)", before) if found.is_mapping_value else None
    if not pair:
        return None
    inner = _fields(pair[1], content(found.text[pair.end() :]))[:80]
    help = f"write `{pair[1]}: {{{inner}}}`, or put text with a colon in quotes"
    return found.finding("a line has one `key: value`, this has a second colon", help)


FIRST_FIELDS = {"maxpool": "kernel_size", "avgpool": "kernel_size", "linear": "out_features"} | dict.fromkeys(
    ("conv", "strided", "dilated", "dwsep", "pointwise", "inverted_residual"), "out_channels"
)
"""The field that a bare number after the name of a block sets; a test compares it with the blocks."""


def _fields(block: str, text: str) -> str:
    """`32, kernel_size: 3` after `conv` as its fields by name."""
    is_number_first = re.match(r"[0-9]+\s*,\s*\w+:", text)
    return f"{FIRST_FIELDS[block]}: {text}" if is_number_first and block in FIRST_FIELDS else text


def no_colon(found: ParseFailure) -> Finding | None:
    """A line without a colon in place of a `key: value`."""
    if found.context == "while scanning a simple key" and found.opened:
        return _without_colon(found, found.opened.line)
    above = found.line_above()
    text = content(found.line(above))
    if not found.is_mapping_value or above < 0 or text.startswith("- ") or re.search(r":(\s|$)", text):
        return None
    return _without_colon(found, above)


def _without_colon(found: ParseFailure, number: int) -> Finding:
    line, text = found.line(number), content(found.line(number))
    at, width = LineColumn(number, indent(line)), max(len(text), 1)
    if re.match(r"-[^\s-]", text):
        return found.finding("a dash needs a space after it", f"write `- {text[1:][:60]}`", at, width)
    if pair := re.fullmatch(r"((?:- )?[\w.-]+):(\S.*)", text):
        help = f"write `{pair[1]}: {pair[2][:60]}`"
        return found.finding("a colon needs a space after it", help, at, width)
    word = text.split(" ")[0][:40]
    return found.finding("this line is not a `key: value`: it has no colon", f"write `{word}: ...`", at, width)


TESTS: tuple[Callable[[ParseFailure], Finding | None], ...] = (
    tab, slashes, open_quote, stray_bracket, two_commas, open_bracket, reserved_start, second_colon, no_colon,
    wrong_indentation,
)  # fmt: skip
"""Known mistakes in order; the first test that matches gives the finding."""
