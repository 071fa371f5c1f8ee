"""Looks up words of other tools: the word of this language that each of them means."""

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

from advconv.values.vocabulary import TABLE, Alias


def write_instead(category: str, value: Any, known: Collection[str]) -> str:
    """What to write for a word of another tool, or another spelling of ours; empty if the word is unknown.

    `known`: our words of this category.
    """
    alias = _alias(category, value, known)
    return alias.advice("- " if category in ("block", "transform") else "") if alias else ""


def our_word(category: str, value: Any, known: Collection[str]) -> str:
    """The word of ours that a word means; empty if it is unknown."""
    alias = _alias(category, value, known)
    return alias.word if alias else ""


def _alias(category: str, value: Any, known: Collection[str]) -> Alias | None:
    for word in _spellings(value):
        aliases = _index(category).get(word, ())
        own = (Alias(name, "") for name in known if normal(name) == word)
        found = next((alias for alias in aliases if not alias.ours or alias.word in known), None) or next(own, None)
        if found:
            return found
    return None


def _spellings(value: Any) -> Iterator[str]:
    """A word as the tables spell it, with and without the suffix for its dimensions."""
    if isinstance(value, dict | list | float) or not (word := normal(SCALARS.get(str(value), str(value))[:60])):
        return
    yield word
    if word.endswith("2d") and word != "2d":
        yield word.removesuffix("2d")


SCALARS = {"None": "null", "True": "true", "False": "false"}


def normal(word: str) -> str:
    """A word without case, separators, module and call.

    >>> normal("nn.LeakyReLU(0.1)"), normal("Kernel-Size")
    ('leakyrelu', 'kernelsize')
    """
    name = word.strip().split("(")[0].rpartition(".")[2]
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _index(category: str) -> dict[str, list[Alias]]:
    """The aliases of a category, by each word for them."""
    found: dict[str, list[Alias]] = {}
    for alias in TABLE.get(category, ()):
        for word in dict.fromkeys([normal(alias.word), *map(normal, alias.theirs.split())]):
            found.setdefault(word, []).append(alias)
    return found
