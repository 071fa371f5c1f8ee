"""The rows of an architecture, and where they are written; a row that an alias repeats is written once."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from advconv.blocks.base import Block
from advconv.blocks.rows import paths_of, rows_of
from advconv.language.spec import ArchSpec
from advconv.text.document import Document
from advconv.text.finding import Path


class Row(NamedTuple):
    """A row of the network: its path with the word of its block, its name in messages, and its block.

    `aliases`: other paths of the same text, which an edit of its fields changes too; `with_list`: those of them whose
    whole list is the same text.
    """

    path: Path
    label: str
    block: Block
    aliases: tuple[Path, ...] = ()
    with_list: tuple[Path, ...] = ()


def rows(spec: ArchSpec) -> Iterator[Row]:
    """All rows of the network, nested ones after the row that contains them."""
    for name, blocks in spec.network.items():
        yield from _rows(("network", name), name, blocks)


def _rows(path: Path, label: str, blocks: Sequence[Block]) -> Iterator[Row]:
    for index, block in enumerate(blocks):
        row = Row((*path, index, block.kind), f"{label}[{index}]", block)
        yield row
        for step, name, inner in rows_inside(block):
            yield from _rows((*row.path, *step), f"{row.label}.{name}", inner)


def rows_inside(block: Block) -> Iterator[tuple[Path, str, Sequence[Block]]]:
    """The lists of rows in a block: their path from its word, their name, and the rows."""
    with_rows, with_paths = row_fields(type(block))
    for field in with_rows:
        if isinstance(value := getattr(block, field), tuple):
            yield (field,), field, value
    for field in with_paths:
        for name, inner in getattr(block, field).items():
            yield (field, name), name, inner


@lru_cache
def row_fields(kind: type[Block]) -> tuple[list[str], list[str]]:
    return rows_of(kind), paths_of(kind)


def written_rows(spec: ArchSpec, document: Document) -> list[Row]:
    """The rows of a file, those that an alias repeats once."""
    found: dict[int, list[Row]] = {}
    for row in rows(spec):
        value = document.value(row.path) or document.value(row.path[:-1])
        found.setdefault(id(value), []).append(row)
    return [_with_aliases(same, document) if len(same) > 1 else same[0] for same in found.values()]


def _with_aliases(same: list[Row], document: Document) -> Row:
    first, *others = same
    rows_around = document.value(first.path[:-2])
    with_list = tuple(row.path for row in others if document.value(row.path[:-2]) is rows_around)
    return first._replace(aliases=tuple(row.path for row in others), with_list=with_list)
