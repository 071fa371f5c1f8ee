"""Untrusted text for terminals: control characters are escaped, as in `\\x1b`."""

import unicodedata
from typing import Any


def visible(text: str) -> str:
    """One line: what Python's repr escapes is escaped, line breaks and bidirectional overrides included.

    >>> visible("a\\x1b[2J" + chr(0x202e))
    'a\\\\x1b[2J\\\\u202e'
    """
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


def visible_lines(text: str) -> str:
    """Several lines: as `visible`, with line feeds kept."""
    return "\n".join(map(visible, text.split("\n")))


def first_line(problem: BaseException) -> str:
    """The first line of an exception's text, or the exception's name if it has no text."""
    return next((line.strip() for line in str(problem).splitlines() if line.strip()), type(problem).__name__)


def columns(text: str) -> int:
    """Columns on a terminal: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def json_text(value: Any, indent: int | None = 2) -> str:
    """JSON in printable ASCII. `indent`: spaces for each level; None for one line."""
    import json

    return json.dumps(value, indent=indent)
