"""What is wrong with an architecture, where, and what to change."""

from enum import StrEnum
from typing import NamedTuple

CODES = {
    "AC101": "the text cannot be read",
    "AC102": "the text is not YAML",
    "AC103": "a key stands twice",
    "AC104": "a tag",
    "AC105": "a second document",
    "AC106": "nesting too deep",
    "AC107": "an alias that leads nowhere, to itself or to too much",
    "AC108": "a key that is no word",
    "AC109": "a merge that is no mapping, or of mappings that disagree",
    "AC110": "a number beyond 64 bits",
    "AC111": "an unknown key",
    "AC112": "a missing key",
    "AC113": "an unknown block or feature",
    "AC114": "a value of the wrong form",
    "AC115": "a name that cannot be one",
    "AC116": "a name that stands twice",
    "AC117": "a row that is not one block",
    "AC118": "another version of the language",
    "AC119": "too many layers",
    "AC120": "a limit that cannot be read",
    "AC121": "more findings than are listed",
    "AC201": "a window larger than its map",
    "AC202": "groups that do not divide the channels",
    "AC203": "paths whose shapes do not merge",
    "AC204": "a pad shortcut to fewer channels",
    "AC205": "linear on a map",
    "AC206": "a vector where a map is needed",
    "AC207": "a pool padded by more than half its window",
    "AC208": "an output that is not the classes",
    "AC209": "counts beyond 64 bits",
    "AC210": "a receptive field that becomes unknown",
    "AC211": "paths whose centres stand apart",
    "AC212": "a norm over one value",
    "AC301": "positions that nothing reads",
    "AC302": "an input that looks like height, width, channels",
    "AC401": "a measured value outside its limit",
    "AC402": "a limit on an unknown receptive field",
    "AC403": "a feature used too rarely or too often",
    "AC404": "a forbidden feature",
    "AC501": "an unknown transform",
    "AC502": "a range of a transform whose ends contradict",
    "AC503": "pictures that do not fit the network",
}
"""Every code there is. A code is never used again for something else."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Span(NamedTuple):
    """A place in a text: line and column from 1, and how many characters of that line it takes.

    `option`: where the place is not in the file, the option that it is in, as in `--lr -1`.
    """

    line: int = 1
    column: int = 1
    width: int = 1
    option: str = ""


class Diagnostic(NamedTuple):
    """A finding with its code and its place; `help` is a statement that says what to change.

    `trail`: for a layer that does not fit, the rows that lead up to it, as (row, layer, output shape).
    """

    code: str
    severity: Severity
    span: Span
    message: str
    help: str = ""
    trail: tuple[tuple[str, str, str], ...] = ()


LONGEST = 1000
"""How many characters a message or a help has at most: a file can hold a word of a megabyte."""


def error(code: str, span: Span, message: str, help: str = "") -> Diagnostic:
    """An error of a known code; KeyError for one that is not in the list."""
    CODES[code]
    return Diagnostic(code, Severity.ERROR, span, _shortened(message), _shortened(help))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def warning(code: str, span: Span, message: str, help: str = "") -> Diagnostic:
    return error(code, span, message, help)._replace(severity=Severity.WARNING)


def has_errors(diagnostics: "list[Diagnostic]") -> bool:
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)


MOST = 1000
"""How many findings one run lists."""


def in_order(diagnostics: "list[Diagnostic]") -> "list[Diagnostic]":
    """Each finding once, as a reader meets them in the text and then in options, up to a number that nobody reads."""

    def place(diagnostic: Diagnostic) -> tuple[str, int, int]:
        return diagnostic.span.option, diagnostic.span.line, diagnostic.span.column

    found = sorted(dict.fromkeys(diagnostics), key=place)
    if len(found) <= MOST:
        return found
    return [*found[:MOST], error("AC121", found[MOST].span, "more is wrong from here on", "mend what is listed first")]
