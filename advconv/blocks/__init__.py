"""The blocks of the language, and the type of a list of rows, each of which is one of them."""

from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Discriminator, PlainValidator, Tag, TypeAdapter

from advconv.blocks.base import Block
from advconv.blocks.composite import Branches, Repeat, Residual, Shortcut, some_paths
from advconv.blocks.convolutions import Conv, Depthwise, DepthwiseSeparable, Dilated, Pointwise, Strided
from advconv.blocks.gates import InvertedResidual, SqueezeExcite
from advconv.blocks.plain import Activation, AvgPool, Dropout, Flatten, GlobalAvgPool, Linear, MaxPool, Norm
from advconv.blocks.rows import PATHS, ROWS, SHORTCUT, SOME_ROWS, block_and_value, fields_of, rows, some_rows
from advconv.values.forms import Name

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


def read_row(row: Any) -> Block:
    """The block of a row, read by the validator of this block alone."""
    if isinstance(row, Block):
        return row
    block, value = block_and_value(BLOCKS_BY_KIND, row)
    return _validator(block).validate_python({block.kind: value})[block.kind]


@cache
def _validator(block: type[Block]) -> TypeAdapter[dict[str, Block]]:
    """Built on first use of the block; for a mapping, so that the block's word is a step in the path of an error."""
    fields = BeforeValidator(partial(fields_of, BLOCKS_BY_KIND, block))
    return TypeAdapter(dict[str, Annotated[block, fields]])  # type: ignore[valid-type]


if TYPE_CHECKING:
    AnyBlock = Block
else:
    AnyBlock = Annotated[Block, PlainValidator(read_row)]

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
