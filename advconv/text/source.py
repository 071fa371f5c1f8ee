"""Source texts, positions and spans."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # as YAML counts lines


class Position(NamedTuple):
    """Line and column from 1, and the offset in characters from 0."""

    line: int = 1
    column: int = 1
    offset: int = 0


@dataclass(frozen=True)
class Source:
    """A text and its name. `is_option`: it is an option of the command line, such as `--lr -1`."""

    name: str
    text: str
    is_option: bool = False

    @cached_property
    def lines(self) -> list[str]:
        return LINE_BREAK.split(self.text)

    @cached_property
    def starts(self) -> list[int]:
        """The offset of each line."""
        return [0, *(match.end() for match in LINE_BREAK.finditer(self.text))]

    def position(self, offset: int) -> Position:
        line = bisect_right(self.starts, offset)
        return Position(line, offset - self.starts[line - 1] + 1, offset)

    def line(self, number: int) -> "Span":
        """The text of a line, counted from 1, without its indentation; the start of the text if it has no such line."""
        if number > len(self.lines):
            return Span(source=self)
        text = self.lines[number - 1]
        span = self.span(number, len(text) - len(text.lstrip()) + 1, len(text.strip()) or 1)
        return span._replace(source=self)

    def span(self, line: int, column: int, width: int = 1) -> "Span":
        """A span by its line and column, both from 1."""
        start = self.starts[line - 1] + column - 1
        return Span(start, start + width)


class Span(NamedTuple):
    """A part of a text: the offsets of its first character and of the one after its last.

    `source`: the text, if it is not that of the document.
    """

    start: int = 0
    end: int = 1
    source: Source | None = None
