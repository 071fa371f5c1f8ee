"""Unicode characters that look like those of YAML, as text copied from PDFs and web pages has them."""

import re
import unicodedata
from collections import Counter

from advconv.text.finding import Finding
from advconv.text.repair import starting
from advconv.text.source import LINE_BREAK, Source, Span

SPACES = "\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff"

CURLY = "[\u2018-\u201f]"

LOOKALIKE = re.compile(
    rf"""
      {starting('"')} (?:\\.|[^"\\])*+" | {starting("'")} (?:''|[^'])*+'   # text in quotes
    | (?<!\S) \# [^\n\r\x85\u2028\u2029]*                                 # a comment
    | (?P<space> [{SPACES}])
    | (?P<quote> {starting(CURLY)} | (?<=[\w.%]) [\u2019\u201d] (?= \s* (?: [,\]}}\n] | \Z)))
    | (?P<dash> (?<![^\s]) [\u2010-\u2015\u2212\u2022] (?=[ {SPACES}]))   # at the start of a row
    | (?P<colon> (?<=[A-Za-z0-9_]) \uff1a)
    | (?P<comma> (?<=[A-Za-z0-9_\]}}]) \uff0c)
    | (?P<digit> [\uff10-\uff19]+)
    """,
    re.VERBOSE | re.DOTALL,
)

NAMES = {
    "\u00a0": "no-break space", "\u2013": "en dash", "\u2014": "em dash", "\u2018": "curly quote",
    "\u2019": "curly quote", "\u201c": "curly quote", "\u201d": "curly quote", "\uff1a": "full-width colon",
    "\uff0c": "full-width comma",
}  # fmt: skip
PLAIN = {
    "space": "a plain space", "quote": "a plain quote, \" or '", "dash": "a plain dash, `- `",
    "colon": "a plain colon and a space, `: `", "comma": "a plain comma, `, `",
}  # fmt: skip


def lookalikes(source: Source) -> list[Finding]:
    """One finding for each kind of lookalike, at the first; quotes and comments are ignored."""
    if source.text.isascii():
        return []
    firsts: dict[str, re.Match[str]] = {}
    counts = Counter[str]()
    for match in LOOKALIKE.finditer(source.text):
        if (kind := match.lastgroup) and (kind != "dash" or _starts_a_line(match)):
            firsts.setdefault(kind, match)
            counts[kind] += 1
    return [_finding(kind, first, counts[kind]) for kind, first in firsts.items()]


def _starts_a_line(match: re.Match[str]) -> bool:
    before = match.string[max(match.start() - 200, 0) : match.start()]
    return not (text := before.rstrip()) or bool(LINE_BREAK.search(before, len(text)))


def _finding(kind: str, first: re.Match[str], count: int) -> Finding:
    character = first[0][0]
    name = "full-width digit" if kind == "digit" else NAMES.get(character) or unicodedata.name(character, kind).lower()
    more = f", and {count - 1} more" if count > 1 else ""
    plain = PLAIN.get(kind) or "".join(str(int(digit)) for digit in first[0][:40])
    message = f"unexpected {name} (U+{ord(character):04X}){more}"
    return Finding("AC102", Span(*first.span()), message, f"type {plain}")
