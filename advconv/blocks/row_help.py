"""Help for rows that name no block, or write the fields of their block in another form."""

import re
from collections.abc import Mapping
from typing import Any

from advconv.blocks.base import Block
from advconv.layers.pointwise import FUNCTIONS
from advconv.values.forms import did_you_mean, in_yaml, is_number, single
from advconv.values.synonyms import our_word, write_instead

Kinds = Mapping[str, type[Block]]
"""The blocks of the language by their words."""


def help_for_list(kinds: Kinds, row: Any) -> str:
    """`[conv: 32, kernel_size: 3]` is a block and its fields in the wrong brackets."""
    pairs = [pair for part in row if (pair := single(part))] if isinstance(row, list) else []
    if not pairs or len(pairs) < len(row) or pairs[0][0] not in kinds or not is_number(pairs[0][1]):
        return "write `- conv: 32`"
    kind, first = pairs[0]
    short = kinds[kind].short
    if len(pairs) == 1 or not short:
        return f"write `- {kind}: {first}`"
    fields = ", ".join(f"{name}: {in_yaml(value)}" for name, value in [(short, first), *pairs[1:]])
    return f"write `- {kind}: {{{fields}}}`"


def help_for_keys(row: dict[str, Any]) -> str:
    """Fields beside their block belong inside it, mostly one level deeper."""
    first, *fields = row
    if fields and row[first] is None:
        return f"indent {', '.join(map(str, fields))} deeper than {first}"
    return "write `- conv: {out_channels: 32, ...}`, the block's fields inside its braces"


def help_for_unknown(kinds: Kinds, kind: str, row: Any) -> str:
    """What to write for a word that is no block: `write - dwsep: 32`, with the number of the row."""
    help, pair = _block_help(kinds, kind), single(row)
    if pair is None or not is_number(pair[1]):
        return help
    bare = re.fullmatch(r"write `- (\w+)`", help)
    if bare and kinds[bare[1]].short:
        return f"write `- {bare[1]}: {pair[1]}`"
    return re.sub(r"(?<=: )(32|0\.1)(?=`)", str(pair[1]), help)


def _block_help(kinds: Kinds, kind: str) -> str:
    word = kind.replace(":", " ").split(" ")[0]
    if " - " in kind:
        return f"write `- {kind.rpartition(' - ')[2]}` on its own line, indented like the row above"
    if word in kinds and word != kind:
        return f"write `- {word}: ...`, with a colon and a space after it"
    known = write_instead("block", kind, tuple(kinds)) or _activation_help(kind)
    return known or did_you_mean(kind, list(kinds)) or f"the blocks are {', '.join(kinds)}"


def _activation_help(kind: str) -> str:
    """`Swish -> - activation: silu`"""
    function = our_word("activation", kind, tuple(FUNCTIONS))
    return f"write `- activation: {function}`" if function else ""


def help_for_no_rows(value: Any) -> str:
    """How to write what should be a list of rows."""
    words = list(value) if isinstance(value, dict) else str(value).split(" ")
    glued = next((str(word)[1:40] for word in words if re.match(r"-[a-z]", str(word))), "")
    if glued:
        return f"write a space after each dash: `- {glued}`"
    if isinstance(value, dict) and value:
        return f"write a dash before each row: `- {next(iter(value))}: ...`"
    return "write `[conv: 32]`, or a line `- conv: 32` for each row"


def written_row(block: type[Block]) -> str:
    """The shortest row of a block: `- conv: 32`."""
    needed = {key: field.examples[0] for key, field in block.model_fields.items() if field.examples}
    if list(needed) == [block.short]:
        return f"- {block.kind}: {needed[block.short]}"
    fields = ", ".join(f"{key}: {example}" for key, example in needed.items())
    return f"- {block.kind}: {{{fields}}}" if needed else f"- {block.kind}"
