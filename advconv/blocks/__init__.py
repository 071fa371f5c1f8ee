"""The vocabulary of the network: the union of the blocks is the schema, the registry and the type at once."""

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import BeforeValidator, Discriminator, Tag

from advconv.blocks.base import Block
from advconv.blocks.composite import Branches, Repeat, Residual, Shortcut
from advconv.blocks.fields import TakenName, refuse, shown, similar, single
from advconv.blocks.gates import InvertedResidual, SqueezeExcite
from advconv.blocks.plain import Activation, AvgPool, Dropout, Flatten, GlobalAvgPool, Linear, MaxPool, Norm
from advconv.blocks.units import Conv, Depthwise, DepthwiseSeparable, Dilated, Pointwise, Strided
from advconv.layers.pointwise import FUNCTIONS

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

KINDS = {block.kind: block for block in BLOCKS}


def checked_row(row: Any) -> Any:
    """A row that names one block that exists."""
    if isinstance(row, Block):
        return row
    if not isinstance(row, str | dict):
        refuse(f"a row names a block, this is {shown(row)}", "write `- conv: 32`", code="AC117")
    if isinstance(row, dict) and len(row) != 1:
        help = "write `- conv: {out_channels: 32, ...}`, the block's fields inside its braces"
        refuse(f"a row names one block, this has {len(row)} keys", help, code="AC117")
    kind = kind_of(row)
    if kind not in KINDS:
        help = _row_help(kind)
        refuse(f"there is no block {kind[:40]!r}", help, code="AC113", at=(kind,), at_key=True)
    return row


SYNONYMS = {
    **dict.fromkeys(("bn", "batchnorm", "batchnorm2d", "batch_norm"), "norm: batch"),
    **dict.fromkeys(("dense", "fc"), "linear: 10"),
    **dict.fromkeys(("conv2d", "convolution"), "conv: 32"),
    **dict.fromkeys(("globalavgpool", "global_average_pooling", "adaptiveavgpool2d"), "gap"),
}
"""Words of other tools for rows of ours."""


def _row_help(kind: str) -> str:
    word = kind.replace(":", " ").split(" ")[0]
    if word in KINDS and word != kind:
        return f"write `- {word}: ...`, with a colon and a space behind it"
    if kind.lower() in FUNCTIONS:
        return f"write `- activation: {kind.lower()}`"
    known = SYNONYMS.get(kind.lower())
    return f"write `- {known}`" if known else similar(kind, list(KINDS)) or f"the blocks are {', '.join(KINDS)}"


def kind_of(row: Any) -> str:
    """The block that a row names: `gap`, or the one key of `conv: 32`."""
    if isinstance(row, Block):
        return row.kind
    return row if isinstance(row, str) else str(next(iter(row)))


def fields_of(row: Any) -> Any:
    """What a row says about its block, as a mapping: the bare word and the short form written out."""
    if isinstance(row, Block):
        return row
    kind = kind_of(row)
    block, value = KINDS[kind], None if isinstance(row, str) else row[kind]
    if isinstance(value, dict) and block.short_is_mapping and block.short not in value:
        named = {key: part for key, part in value.items() if key == "name"}
        return named | {block.short: {key: part for key, part in value.items() if key != "name"}}
    if isinstance(value, dict) and block.short == "layers" and value and set(value) <= set(KINDS):
        refuse(f"the rows of {kind} are a list", f"write `{kind}: [{next(iter(value))}: ...]`")
    if isinstance(value, dict) or value is None:
        return value or {}
    if not block.short:
        has_fields = set(block.model_fields) != {"name"}
        form = f"`- {kind}: {{...}}`" if has_fields else f"`- {kind}`"
        refuse(f"{kind} takes a mapping of its fields, not {shown(value)}", f"write {form}")
    return {block.short: value}


def rows(value: Any) -> Any:
    """A list of rows; a name that a row above has already is marked, to be refused where it stands."""
    if not isinstance(value, list | tuple):
        refuse(f"rows are a list, not {shown(value)}", "write `[conv: 32]`, or a line `- conv: 32` for each row")
    seen: set[str] = set()
    return [_with_name_marked(row, seen) for row in value]


def _with_name_marked(row: Any, seen: set[str]) -> Any:
    pair = single(row)
    name = pair[1].get("name") if pair and isinstance(pair[1], dict) else None
    if pair is None or not isinstance(name, str):
        return row
    if name in seen:
        return {pair[0]: pair[1] | {"name": TakenName(name)}}
    seen.add(name)
    return row


def some_rows(value: Any) -> Any:
    if not rows(value):
        refuse("there are no rows here", "write at least one row")
    return value


if TYPE_CHECKING:
    Row = Block
else:
    Row = Annotated[
        Union[tuple(Annotated[block, BeforeValidator(fields_of), Tag(block.kind)] for block in BLOCKS)],  # noqa: UP007
        Discriminator(kind_of),
        BeforeValidator(checked_row),
    ]
Rows = Annotated[tuple[Row, ...], BeforeValidator(rows)]
SomeRows = Annotated[Rows, BeforeValidator(some_rows)]
ShortcutField = Annotated[
    Annotated[Shortcut, Tag("word")] | Annotated[Rows, Tag("rows")],
    Discriminator(lambda value: "rows" if isinstance(value, list | tuple) else "word"),
]

for block in (Residual, Branches, Repeat):
    block.model_rebuild(_types_namespace={"Rows": Rows, "SomeRows": SomeRows, "ShortcutField": ShortcutField})
