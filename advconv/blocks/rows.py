"""A row of YAML as a block and its fields."""

import re
from functools import partial
from typing import Any, NoReturn

from advconv.blocks.base import Block
from advconv.blocks.composite import SHORTCUTS
from advconv.blocks.row_help import (
    Kinds,
    help_for_keys,
    help_for_list,
    help_for_no_rows,
    help_for_unknown,
    written_row,
)
from advconv.values.forms import DuplicateName, in_yaml, named, refuse, single
from advconv.values.schemas import ValueSchema, either, enum

ROWS = ValueSchema({"type": "array", "items": {"$ref": "#/$defs/row"}}, "a list of rows", "rows")
SOME_ROWS = ValueSchema({"$ref": ROWS, "minItems": 1}, "a list of at least one row", "some_rows")
SHORTCUT = ValueSchema(either(enum(*SHORTCUTS), ROWS), f"{', '.join(SHORTCUTS)} or a list of rows")
PATHS = ValueSchema(named(ROWS, 2), "a mapping of names to lists of rows")


def rows_of(block: type[Block]) -> list[str]:
    """The fields of a block that contain rows."""
    return _fields_marked(block, ROWS, SOME_ROWS, SHORTCUT)


def paths_of(block: type[Block]) -> list[str]:
    """The fields of a block that contain lists of rows by name."""
    return _fields_marked(block, PATHS)


def _fields_marked(block: type[Block], *marks: ValueSchema) -> list[str]:
    return [key for key, field in block.model_fields.items() if any(mark in marks for mark in field.metadata)]


def rows(value: Any) -> Any:
    """A list of rows; a duplicate name is marked, to be refused at its own path."""
    if not isinstance(value, list | tuple):
        refuse(f"rows are a list, not {in_yaml(value)}", help_for_no_rows(value))
    seen: set[str] = set()
    return [_with_name_marked(row, seen) for row in value]


def _with_name_marked(row: Any, seen: set[str]) -> Any:
    pair = single(row)
    name = pair[1].get("name") if pair and isinstance(pair[1], dict) else None
    if pair is None or not isinstance(name, str):
        return row
    if name in seen:
        return {pair[0]: pair[1] | {"name": DuplicateName(name)}}
    seen.add(name)
    return row


def some_rows(value: Any) -> Any:
    if not rows(value):
        refuse("the list of rows is empty", "write at least one row")
    return value


def block_and_value(kinds: Kinds, row: Any) -> tuple[type[Block], Any]:
    """The block that a row names, and its value: None for a bare word."""
    if row is None:
        refuse("this row is empty: it names no block", "write `- conv: 32`, or remove the dash", code="AC117")
    if not isinstance(row, str | dict):
        refuse(f"a row names a block, this is {in_yaml(row)}", help_for_list(kinds, row), code="AC117")
    if isinstance(row, dict) and len(row) != 1:
        refuse(f"a row names one block, this has {len(row)} keys", help_for_keys(row), code="AC117")
    word, value = (row, None) if isinstance(row, str) else next(iter(row.items()))
    kind = str(word)
    if kind not in kinds:
        help = partial(help_for_unknown, kinds, kind, row)
        refuse(f"there is no block {kind[:40]!r}", help, code="AC113", at=(kind,), at_key=True)
    return kinds[kind], value


def fields_of(kinds: Kinds, block: type[Block], value: Any) -> dict[str, Any]:
    """The fields of a row's block as a mapping: the bare word and the short form written out."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return _fields_of_mapping(kinds, block, value)
    if value is False or (value is True and not block.short_is_mapping):
        _refuse_boolean(block, value)
    _check_short_form(block, value)
    return {block.short: value}


def _fields_of_mapping(kinds: Kinds, block: type[Block], value: dict[str, Any]) -> dict[str, Any]:
    if block.short_is_mapping and block.short not in value:
        names = {key: part for key, part in value.items() if key == "name"}
        return names | {block.short: {key: part for key, part in value.items() if key != "name"}}
    if value and value.keys() <= kinds.keys() and block.short in rows_of(block):
        refuse(f"the rows of {block.kind} are a list", f"write `{block.kind}: [{next(iter(value))}: ...]`")
    return value


def _refuse_boolean(block: type[Block], value: bool) -> NoReturn:
    """`gap: true`"""
    kind = block.kind
    if not value:
        refuse(f"{kind} takes no boolean", "leave the row out")
    if any(field.is_required() for field in block.model_fields.values()):
        refuse(f"{kind} takes no boolean", f"write `{written_row(block)}`")
    refuse(f"{kind} is written alone, not with true", f"write `- {kind}`")


def _check_short_form(block: type[Block], value: Any) -> None:
    """Refuses a value that is not the one field which the short form sets."""
    kind, fields = block.kind, block.model_fields
    if set(fields) == {"name"}:
        refuse(f"{kind} is written alone, not with {in_yaml(value)}", f"write `- {kind}`")
    if not block.short:
        row = f"- {kind}: {{kernel_size: {in_yaml(value)}}}" if "kernel_size" in fields else written_row(block)
        refuse(f"{kind} takes a mapping of its fields, not {in_yaml(value)}", f"write `{row}`")
    if block.short == "out_channels" and len(numbers := _in_order(value)) > 1:
        names = [name for name in ("out_channels", "kernel_size", "stride") if name in fields]
        pairs = ", ".join(f"{name}: {in_yaml(part)}" for name, part in zip(names, numbers, strict=False))
        refuse(f"the fields of {kind} are written by name, this is {in_yaml(value)}", f"write `- {kind}: {{{pairs}}}`")


def _in_order(value: Any) -> list[Any]:
    """The parts of `[32, 3]`, and of `32, 3`, which YAML reads as text."""
    if isinstance(value, str) and re.fullmatch(r"\d+(\s*,\s*\d+)+", value):
        return [int(part) for part in value.split(",")]
    return value if isinstance(value, list) else []
