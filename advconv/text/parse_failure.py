"""A YAML syntax error: its position, and the tokens, brackets and levels before it."""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any, NamedTuple

import yaml

from advconv.text.finding import Finding
from advconv.text.repair import repaired
from advconv.text.source import Source

CLOSING = {"[": "]", "{": "}"}


class LineColumn(NamedTuple):
    """Line and column from 0, as PyYAML counts."""

    line: int
    column: int


class Token(NamedTuple):
    """A structural token of YAML, by its name in SIGNS, or a quoted scalar: `quote`."""

    sign: str
    start: LineColumn
    end: LineColumn


TOKENS_AFTER_FAILURE = 10_000
"""How many tokens after the failure are read; a bracket that is closed later counts as never closed."""


LIBYAML_WORDS = (
    (r"sequence entries are not allowed here", "block sequence entries are not allowed in this context"),
    (r"mapping keys are not allowed here", "mapping keys are not allowed in this context"),
    (r"mapping values are not allowed here", "mapping values are not allowed in this context"),
    (r"expected <block end>, but found .*", "did not find expected key"),
    (r"expected the node content, but found .*", "did not find expected node content"),
    (r"expected '<document start>', but found .*", "did not find expected <document start>"),
)
"""Errors of PyYAML's own parser in the words of libyaml, so that a text has one message with both."""


def as_libyaml(problem: str) -> str:
    for pattern, words in LIBYAML_WORDS:
        if re.fullmatch(pattern, problem, re.DOTALL):
            return words
    return problem


class ParseFailure:
    """A syntax error of PyYAML, with the tokens around it."""

    def __init__(self, source: Source, problem: yaml.MarkedYAMLError, loader: Any) -> None:
        self.source, self.loader = source, loader
        self.problem, self.context = as_libyaml(problem.problem or "it ends too early"), problem.context or ""
        self.opened = line_column(problem.context_mark)
        self.at = line_column(problem.problem_mark) or self.opened or LineColumn(0, 0)

    def finding(self, message: str, help: str = "", at: LineColumn | None = None, width: int = 1) -> Finding:
        line, column = at or self.at
        return Finding("AC102", self.source.span(line + 1, column + 1, width), message, help)

    @property
    def since(self) -> str:
        """What the reader was reading, and since which line."""
        begun = f", begun in line {self.opened.line + 1}" if self.opened and self.opened.line != self.at.line else ""
        return f" {self.context}{begun}" if self.context else ""

    def line(self, number: int) -> str:
        return self.source.lines[number] if 0 <= number < len(self.source.lines) else ""

    @property
    def text(self) -> str:
        """The line of the failure."""
        return self.line(self.at.line)

    @property
    def character(self) -> str:
        return self.text[self.at.column : self.at.column + 1]

    @property
    def is_first(self) -> bool:
        """Whether only spaces come before the failure in its line."""
        return not self.text[: self.at.column].strip(" ")

    @property
    def is_mapping_value(self) -> bool:
        """Whether it is a colon at which no key can end."""
        return self.problem.startswith("mapping values are not allowed")

    @cached_property
    def lines_above(self) -> list[int]:
        """The lines above that are neither empty nor a comment, the nearest first."""
        return [number for number in range(self.at.line - 1, -1, -1) if content(self.line(number))]

    def line_above(self) -> int:
        """The nearest of them; -1 if there is none."""
        return self.lines_above[0] if self.lines_above else -1

    @cached_property
    def tokens(self) -> list[Token]:
        """The tokens that can be scanned, up to some way after the failure."""
        found: list[Token] = []
        after = 0
        with suppress(yaml.YAMLError):
            for token in yaml.scan(repaired(self.source.text), Loader=self.loader):
                start, end = token.start_mark, token.end_mark
                sign = SIGNS.get(type(token)) or (getattr(token, "style", None) in ("'", '"') and "quote")
                if sign:
                    found.append(Token(sign, LineColumn(start.line, start.column), LineColumn(end.line, end.column)))
                after += start.line > self.at.line or (start.line == self.at.line and start.column > self.at.column)
                if after > TOKENS_AFTER_FAILURE:
                    break
        return found

    @cached_property
    def brackets(self) -> list[tuple[str, LineColumn]]:
        """The brackets that are open at the failure, the innermost last."""
        found: list[tuple[str, LineColumn]] = []
        for sign, place in self._brackets():
            if place >= self.at:
                break
            if sign in CLOSING:
                found.append((sign, place))
            elif found:
                found.pop()
        return found

    def _brackets(self) -> Iterator[tuple[str, LineColumn]]:
        return ((token.sign, token.start) for token in self.tokens if token.sign in "[]{}")

    def closed_by(self, depth: int) -> tuple[str, LineColumn] | None:
        """The bracket after the failure that closes the innermost of `depth` open ones."""
        open_ = depth
        for sign, place in self._brackets():
            if place < self.at:
                continue
            open_ += 1 if sign in CLOSING else -1
            if open_ < depth:
                return sign, place
        return None

    @cached_property
    def levels(self) -> list[tuple[str, LineColumn]]:
        """The lists and mappings that are open above the line of the failure: `row` or `key`, and their start."""
        found: list[tuple[str, LineColumn]] = []
        # A list at the column of its own key has no start and no end among the tokens, only rows.
        rows: dict[int, LineColumn] = {}
        for token in self.tokens:
            kind, place = token.sign, token.start
            if place.line >= self.at.line:
                break
            if kind in ("map", "list"):
                found.append(("key" if kind == "map" else "row", place))
            elif kind == "end" and found:
                found.pop()
            elif kind == "row" and found and found[-1] == ("key", LineColumn(found[-1][1].line, place.column)):
                rows[place.column] = place
            elif kind == "key":
                rows = {column: row for column, row in rows.items() if column < place.column}
        return found + [("row", place) for place in rows.values()]


SIGNS = {
    yaml.FlowSequenceStartToken: "[",
    yaml.FlowMappingStartToken: "{",
    yaml.FlowSequenceEndToken: "]",
    yaml.FlowMappingEndToken: "}",
    yaml.BlockMappingStartToken: "map",
    yaml.BlockSequenceStartToken: "list",
    yaml.KeyToken: "key",
    yaml.BlockEntryToken: "row",
    yaml.BlockEndToken: "end",
}


def line_column(mark: Any) -> LineColumn | None:
    return LineColumn(mark.line, mark.column) if mark else None


COMMENT = re.compile(r"(^|\s)#.*")


def content(line: str) -> str:
    """A line without its indentation and comment."""
    return (COMMENT.sub("", line) if "#" in line else line).strip()


def indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
