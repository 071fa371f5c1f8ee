"""Help for a value of the wrong form: how to write it as a mapping, as a list, or as a number."""

import re
from collections.abc import Callable
from typing import Any

from advconv.analysis.features import FEATURES
from advconv.text.finding import Path
from advconv.text.reader import resolve
from advconv.values.forms import in_yaml, single
from advconv.values.synonyms import our_word

Keys = Callable[[Path], dict[str, str]]
"""The valid keys for the last step of a path, each with an example of its value."""

NO_EXAMPLE = "..."


def value_help(value: Any) -> str:
    """Help for a number in quotes or in parentheses, and for text that runs into the next row."""
    written, sign, note = value.partition(" //") if isinstance(value, str) else ("", "", "")
    if sign:
        return f"a comment starts with #: write `{written.strip()[:40]}  # {note.strip()[:40]}`"
    if row := re.search(r" - (\S.*)", value) if isinstance(value, str) else None:
        return f"write `- {row[1][:40]}` on its own line, indented like the row above"
    bare = value.strip("() ") if isinstance(value, str) else ""
    is_disguised = bare != "" and isinstance(resolve(bare), int | float)
    return f"write {bare[:40]}, without {'quotes' if bare == value else 'parentheses'}" if is_disguised else ""


def form_help(path: Path, form: str, value: Any, keys_at: Keys) -> str:
    """How to write the value at a path as `a mapping` or `a list`, which it is not."""
    field = str(path[-1])
    if field in FIELDS and (written := FIELDS[field](value)):
        return f"write `{field}: {written}`"
    if value is None:
        example = keys_at(path).get(field, NO_EXAMPLE)
        return f"write `{field}: {example}`" if example != NO_EXAMPLE else EMPTY[form]
    return _list_help(field, value) if form == "a list" else _mapping_help(value)


EMPTY = {
    "a mapping": "write its keys below it, indented, or leave it out",
    "a list": "write its entries below it, each after a dash, or leave it out",
}
"""What to do about a field without a value, by the form that its value has."""


def _list_help(field: str, value: Any) -> str:
    if isinstance(value, dict) and value:
        return f"write a dash before each: `- {str(next(iter(value)))[:40]}: ...`"
    return f"write `{field}: [{in_yaml(value)}]`" if isinstance(value, str) else ""


def _mapping_help(value: Any) -> str:
    is_dashed = isinstance(value, list) and value and all(single(part) for part in value)
    return "write its keys without dashes" if is_dashed else ""


def _limits(value: Any) -> str:
    """`receptive_field > 44 -> {receptive_field: "> 44"}`, also of a list of such; empty if it is none."""
    parts = value if isinstance(value, list) else re.split(r",\s*", value) if isinstance(value, str) else []
    limits = [re.fullmatch(r"(\w+)\s*([<>=]=?\s*[^\s=<>].*)", part) for part in parts[:4] if isinstance(part, str)]
    written = ", ".join(f'{limit[1]}: "{limit[2][:20]}"' for limit in limits if limit)
    return f"{{{written}}}" if written else ""


def _uses(value: Any) -> str:
    """`[dwsep] -> {dwsep: ">= 1"}`"""
    return "{" + ", ".join(f'{name}: ">= 1"' for name in _features(value)) + "}"


def _forbids(value: Any) -> str:
    """`{dwsep: 0} -> [dwsep]`"""
    return f"[{', '.join(_features(value))}]"


def _features(value: Any) -> list[str]:
    """The features that a value names, in our words; one as an example if it names none."""
    given = list(value) if isinstance(value, dict | list) else re.findall(r"[^\W\d][\w-]*", str(value or ""))
    words = [(single(part) or (part,))[0] for part in given[:4]]
    names = [our_word("feature", word, FEATURES) or word[:40] for word in words if isinstance(word, str)]
    return list(dict.fromkeys(names)) or ["dwsep"]


FIELDS: dict[str, Callable[[Any], str]] = {
    "uses": _uses,
    "forbids": _forbids,
    "constraints": _limits,
    "paths": lambda value: "{near: [...], far: [...]}",
}
"""The value of a field in its right form, from what is there; empty if that says nothing of it."""
