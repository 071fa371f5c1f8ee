"""The identity of an architecture: the SHA-256 of everything that a file says, but for comments and layout."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from advconv.blocks import BLOCKS
from advconv.blocks.rows import paths_of
from advconv.language.dump import dump
from advconv.language.spec import ArchSpec
from advconv.values.forms import in_yaml
from advconv.values.quantities import counted

ORDERED = {"network", *(name for block in BLOCKS for name in paths_of(block))}
"""Mappings whose order is part of their meaning."""


def resolved(spec: ArchSpec) -> dict[str, Any]:
    """A file as data without defaults, so that a field that a later version adds does not change it.

    The learning rate is always there, since its default is that of the optimizer.
    """
    recipe = spec.train.model_copy(update={"lr": spec.train.peak_lr})
    return dump(spec.model_copy(update={"train": recipe}))


def sha256_of(data: dict[str, Any]) -> str:
    """The SHA-256 of a resolved file: of its JSON in ASCII without spaces, keys sorted.

    Ordered mappings are lists of pairs in it.
    """
    text = json.dumps(_canonical(data), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        parts = {name: _canonical(part, name) for name, part in value.items()}
        return list(parts.items()) if key in ORDERED else parts
    return [_canonical(part) for part in value] if isinstance(value, list | tuple) else value


def change(now: Any, before: Any) -> str:
    """The first difference of two resolved files, in words: `train.epochs is 5, was 24`."""
    return next(_changes(now, before, ""), "its blocks or paths are in another order")


def _changes(now: Any, before: Any, path: str) -> Iterator[str]:
    if isinstance(now, dict) and isinstance(before, dict):
        for key in dict.fromkeys((*now, *before)):
            place = f"{path}.{key}" if path else str(key)
            yield from _changes(now.get(key, DEFAULT), before.get(key, DEFAULT), place)
    elif isinstance(now, list) and isinstance(before, list) and len(now) == len(before):
        for index, pair in enumerate(zip(now, before, strict=True)):
            yield from _changes(*pair, f"{path}[{index}]")
    elif now != before:
        yield f"{path or 'the file'} {_in_words(now, before)}"


DEFAULT = object()
"""A field that is not written."""


def _in_words(now: Any, before: Any) -> str:
    """What has changed: `is 5, was 24`, `has 3 rows, had 2`, `is new`."""
    if isinstance(now, list) and isinstance(before, list):
        return f"has {counted(len(now), 'row')}, had {len(before):,}"
    if before is DEFAULT and isinstance(now, dict | list):
        return "is new"
    if now is DEFAULT and isinstance(before, dict | list):
        return "is gone"
    return f"is {_written(now)}, was {_written(before)}"


def _written(value: Any) -> str:
    return "the default" if value is DEFAULT else in_yaml(value)
