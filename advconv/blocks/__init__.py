"""The blocks of the language, and how a row of YAML becomes one of them."""

import re
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Discriminator, PlainValidator, Tag, TypeAdapter

from advconv.blocks.base import Block
from advconv.blocks.composite import SHORTCUTS, Branches, Repeat, Residual, Shortcut, some_paths
from advconv.blocks.convolutions import Conv, Depthwise, DepthwiseSeparable, Dilated, Pointwise, Strided
from advconv.blocks.gates import InvertedResidual, SqueezeExcite
from advconv.blocks.plain import Activation, AvgPool, Dropout, Flatten, GlobalAvgPool, Linear, MaxPool, Norm
from advconv.layers.pointwise import FUNCTIONS
from advconv.values.forms import DuplicateName, Help, Name, did_you_mean, in_yaml, is_number, named, refuse, single
from advconv.values.schemas import ValueSchema, either, enum
from advconv.values.synonyms import our_word, write_instead

BLOCKS: tuple[type[Block], ...] = (
    Conv,
    Strided,
    Dilated,
    DepthwiseSeparable,
    Pointwise,
    Depthwise,
    Residual,
    Branches,
    Repeat,
    SqueezeExcite,
    InvertedResidual,
    MaxPool,
    AvgPool,
    GlobalAvgPool,
    Flatten,
    Linear,
    Dropout,
    Norm,
    Activation,
)

BLOCKS_BY_KIND = {block.kind: block for block in BLOCKS}


def checked_row(row: Any) -> Any:
    """Checks that a row names one block, and that it exists."""
    if isinstance(row, Block):
        return row
    if row is None:
        refuse("this row is empty: it names no block", "write `- conv: 32`, or remove the dash", code="AC117")
    if not isinstance(row, str | dict):
        refuse(f"a row names a block, this is {in_yaml(row)}", _list_row_help(row), code="AC117")
    if isinstance(row, dict) and len(row) != 1:
        refuse(f"a row names one block, this has {len(row)} keys", _keys_help(row), code="AC117")
    kind = kind_of(row)
    if kind not in BLOCKS_BY_KIND:
        help = partial(_row_help, kind, row)
        refuse(f"there is no block {kind[:40]!r}", help, code="AC113", at=(kind,), at_key=True)
    return row


def _list_row_help(row: Any) -> str:
    """`[conv: 32, kernel_size: 3]` is a block and its fields in the wrong brackets."""
    pairs = [pair for part in row if (pair := single(part))] if isinstance(row, list) else []
    if not pairs or len(pairs) < len(row) or pairs[0][0] not in BLOCKS_BY_KIND or not is_number(pairs[0][1]):
        return "write `- conv: 32`"
    kind, first = pairs[0]
    if len(pairs) == 1 or not BLOCKS_BY_KIND[kind].short:
        return f"write `- {kind}: {first}`"
    fields = ", ".join(f"{name}: {in_yaml(value)}" for name, value in [(BLOCKS_BY_KIND[kind].short, first), *pairs[1:]])
    return f"write `- {kind}: {{{fields}}}`"


def _keys_help(row: dict[str, Any]) -> str:
    """Fields beside their block belong inside it, mostly one level deeper."""
    first, *fields = row
    if fields and row[first] is None:
        return f"indent {', '.join(map(str, fields))} deeper than {first}"
    return "write `- conv: {out_channels: 32, ...}`, the block's fields inside its braces"


def _with_number(help: str, row: Any) -> str:
    """`write - dwsep: 32`, with the number of the row."""
    pair = single(row)
    if pair is None or not is_number(pair[1]):
        return help
    bare = re.fullmatch(r"write `- (\w+)`", help)
    if bare and BLOCKS_BY_KIND[bare[1]].short:
        return f"write `- {bare[1]}: {pair[1]}`"
    return re.sub(r"(?<=: )(32|0\.1)(?=`)", str(pair[1]), help)


def _row_help(kind: str, row: Any) -> str:
    return _with_number(_block_help(kind), row)


def _block_help(kind: str) -> str:
    word = kind.replace(":", " ").split(" ")[0]
    if " - " in kind:
        return f"write `- {kind.rpartition(' - ')[2]}` on its own line, indented like the row above"
    if word in BLOCKS_BY_KIND and word != kind:
        return f"write `- {word}: ...`, with a colon and a space after it"
    known = write_instead("block", kind, tuple(BLOCKS_BY_KIND)) or _activation_help(kind)
    return known or did_you_mean(kind, list(BLOCKS_BY_KIND)) or f"the blocks are {', '.join(BLOCKS_BY_KIND)}"


def _activation_help(kind: str) -> str:
    """`Swish -> - activation: silu`"""
    function = our_word("activation", kind, tuple(FUNCTIONS))
    return f"write `- activation: {function}`" if function else ""


def kind_of(row: Any) -> str:
    """The block that a row names: `gap`, or the one key of `conv: 32`."""
    if isinstance(row, Block):
        return row.kind
    return row if isinstance(row, str) else str(next(iter(row)))


def fields_of(row: Any) -> Any:
    """The fields of a row's block as a mapping: the bare word and the short form written out."""
    if isinstance(row, Block):
        return row
    kind = kind_of(row)
    block, value = BLOCKS_BY_KIND[kind], None if isinstance(row, str) else row[kind]
    if isinstance(value, dict) and block.short_is_mapping and block.short not in value:
        named = {key: part for key, part in value.items() if key == "name"}
        return named | {block.short: {key: part for key, part in value.items() if key != "name"}}
    if value is False or (value is True and not block.short_is_mapping):
        refuse(*_truth(block, value))
    if isinstance(value, dict) and block.short in rows_of(block) and value and set(value) <= set(BLOCKS_BY_KIND):
        refuse(f"the rows of {kind} are a list", f"write `{kind}: [{next(iter(value))}: ...]`")
    if isinstance(value, dict) or value is None:
        return value or {}
    if set(block.model_fields) == {"name"}:
        refuse(f"{kind} is written alone, not with {in_yaml(value)}", f"write `- {kind}`")
    if not block.short:
        window = f"write `- {kind}: {{kernel_size: {in_yaml(value)}}}`" if "kernel_size" in block.model_fields else ""
        message = f"{kind} takes a mapping of its fields, not {in_yaml(value)}"
        refuse(message, window or f"write `{written_row(block)}`")
    if block.short == "out_channels" and len(numbers := _in_order(value)) > 1:
        names = [name for name in ("out_channels", "kernel_size", "stride") if name in block.model_fields]
        fields = ", ".join(f"{name}: {in_yaml(part)}" for name, part in zip(names, numbers, strict=False))
        refuse(f"the fields of {kind} are written by name, this is {in_yaml(value)}", f"write `- {kind}: {{{fields}}}`")
    return {block.short: value}


def _in_order(value: Any) -> list[Any]:
    """The parts of `[32, 3]`, and of `32, 3`, which YAML reads as text."""
    if isinstance(value, str) and re.fullmatch(r"\d+(\s*,\s*\d+)+", value):
        return [int(part) for part in value.split(",")]
    return value if isinstance(value, list) else []


def _truth(block: type[Block], value: bool) -> tuple[str, Help]:
    """Message and help for `gap: true`."""
    kind = block.kind
    if not value:
        return f"{kind} takes no boolean", "leave the row out"
    if any(field.is_required() for field in block.model_fields.values()):
        return f"{kind} takes no boolean", f"write `{written_row(block)}`"
    return f"{kind} is written alone, not with true", f"write `- {kind}`"


def written_row(block: type[Block]) -> str:
    """The shortest row of a block: `- conv: 32`."""
    needed = {key: field.examples[0] for key, field in block.model_fields.items() if field.examples}
    if list(needed) == [block.short]:
        return f"- {block.kind}: {needed[block.short]}"
    fields = ", ".join(f"{key}: {example}" for key, example in needed.items())
    return f"- {block.kind}: {{{fields}}}" if needed else f"- {block.kind}"


def rows_of(block: type[Block]) -> list[str]:
    """The fields of a block that contain rows."""
    return _fields_of_form(block, (ROWS, SOME_ROWS, SHORTCUT))


def paths_of(block: type[Block]) -> list[str]:
    """The fields of a block that contain lists of rows by name."""
    return _fields_of_form(block, (PATHS,))


def _fields_of_form(block: type[Block], forms: tuple[ValueSchema, ...]) -> list[str]:
    return [key for key, field in block.model_fields.items() if any(mark in forms for mark in field.metadata)]


def rows(value: Any) -> Any:
    """A list of rows; a duplicate name is marked, to be refused at its own path."""
    if not isinstance(value, list | tuple):
        refuse(f"rows are a list, not {in_yaml(value)}", _list_help(value))
    seen: set[str] = set()
    return [_with_name_marked(row, seen) for row in value]


def _list_help(value: Any) -> str:
    words = list(value) if isinstance(value, dict) else str(value).split(" ")
    glued = next((str(word)[1:40] for word in words if re.match(r"-[a-z]", str(word))), "")
    if glued:
        return f"write a space after each dash: `- {glued}`"
    if isinstance(value, dict) and value:
        return f"write a dash before each row: `- {next(iter(value))}: ...`"
    return "write `[conv: 32]`, or a line `- conv: 32` for each row"


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


def read_row(value: Any) -> Block:
    """The block of a row, read by the validator of this block alone."""
    row = checked_row(value)
    kind = kind_of(row)
    return _validator(kind).validate_python({kind: row})[kind]


@cache
def _validator(kind: str) -> TypeAdapter[dict[str, Block]]:
    """Built on first use of the block; for a mapping, so that the block's word is a step in the path of an error."""
    block = BLOCKS_BY_KIND[kind]
    return TypeAdapter(dict[str, Annotated[block, BeforeValidator(fields_of)]])  # type: ignore[valid-type]


if TYPE_CHECKING:
    AnyBlock = Block
else:
    AnyBlock = Annotated[Block, PlainValidator(read_row)]
ROWS = ValueSchema({"type": "array", "items": {"$ref": "#/$defs/row"}}, "a list of rows", "rows")
SOME_ROWS = ValueSchema({"$ref": ROWS, "minItems": 1}, "a list of at least one row", "some_rows")
SHORTCUT = ValueSchema(either(enum(*SHORTCUTS), ROWS), f"{', '.join(SHORTCUTS)} or a list of rows")
PATHS = ValueSchema(named(ROWS, 2), "a mapping of names to lists of rows")

Rows = Annotated[tuple[AnyBlock, ...], BeforeValidator(rows), ROWS]
SomeRows = Annotated[Rows, BeforeValidator(some_rows), SOME_ROWS]
Paths = Annotated[dict[Name, Rows], BeforeValidator(some_paths), PATHS]
ShortcutField = Annotated[
    Annotated[Shortcut, Tag("word")] | Annotated[Rows, Tag("rows")],
    Discriminator(lambda value: "rows" if isinstance(value, list | tuple) else "word"),
    SHORTCUT,
]

for block in (Residual, Branches, Repeat):
    block.model_rebuild(
        _types_namespace={"Rows": Rows, "SomeRows": SomeRows, "ShortcutField": ShortcutField, "Paths": Paths}
    )
