"""The edits that are tried on a row: of a field, of its block, or of the row itself."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from advconv.blocks.base import Block
from advconv.blocks.convolutions import Conv, DepthwiseSeparable, Unit
from advconv.blocks.plain import AvgPool, Flatten, GlobalAvgPool, MaxPool
from advconv.blocks.rows import paths_of, rows_of
from advconv.language.spec import ArchSpec
from advconv.text.document import Document
from advconv.text.edits import (
    Replacement,
    with_fields,
    with_other_word,
    with_row_after,
    with_row_replaced,
    without_row,
)
from advconv.text.finding import Path

DILATIONS, KERNEL_SIZES, STRIDES, GROUPS = (1, 2, 3, 4, 6, 8), (3, 5, 7), (1, 2), (1, 2, 4, 8)
EXPANSIONS = (1, 2, 3, 4, 6)
SCALES = (0.5, 0.75, 1.25, 1.5, 2)
"""Factors of widths, which are rounded to multiples of 8."""

DIVISOR = 8

INTERCHANGEABLE: dict[type[Block], type[Block]] = {Conv: DepthwiseSeparable, DepthwiseSeparable: Conv}


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


class Move(NamedTuple):
    """An edit of a row. `fields`: other values of its fields; else `rows` stand in its place.

    `word` is the new block of the row if that is all that changes; `text` the row that is added or put in its place.
    """

    row: Row
    about: str
    fields: tuple[tuple[str, Any], ...] = ()
    rows: tuple[Block, ...] = ()
    word: str = ""
    text: str = ""
    is_added: bool = False

    @property
    def places(self) -> tuple[Path, ...]:
        """The paths of all rows that it changes, without the words of their blocks."""
        others = self.row.aliases if self.fields or self.word else self.row.with_list
        return (self.row.path[:-1], *(path[:-1] for path in others))

    def __str__(self) -> str:
        return f"{self.row.label}: {self.about}"


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
    with_rows, with_paths = _row_fields(type(block))
    for field in with_rows:
        if isinstance(value := getattr(block, field), tuple):
            yield (field,), field, value
    for field in with_paths:
        for name, inner in getattr(block, field).items():
            yield (field, name), name, inner


@lru_cache
def _row_fields(kind: type[Block]) -> tuple[list[str], list[str]]:
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


def moves(found: Iterable[Row]) -> Iterator[Move]:
    """All single edits of rows, in their order."""
    return (move for row in found for move in _moves(row))


def _moves(row: Row) -> Iterator[Move]:
    block = row.block
    if isinstance(block, Unit):
        yield from _field_moves(row)
        yield from _word_moves(row)
        if channels := getattr(block, "out_channels", 0):
            text, both = f"conv: {channels}", (block, Conv.model_construct(out_channels=channels))
            yield Move(row, f"add `{text}` after it", rows=both, text=text, is_added=True)
    if isinstance(block, MaxPool | AvgPool | Flatten):
        yield Move(row, f"{block.kind} -> gap", rows=(GlobalAvgPool.model_construct(),), text="gap")
    yield Move(row, "leave it out")


def _field_moves(row: Row) -> Iterator[Move]:
    block = row.block
    kernel_size, dilation = getattr(block, "kernel_size", (1, 1)), getattr(block, "dilation", (1, 1))
    if kernel_size != (1, 1):
        yield from _pairs(row, "dilation", dilation, DILATIONS)
        yield from _pairs(row, "kernel_size", kernel_size, KERNEL_SIZES)
        yield from _pairs(row, "stride", getattr(block, "stride", (1, 1)), STRIDES)
    yield from _numbers(row, "out_channels", _widths(getattr(block, "out_channels", 0)))
    yield from _numbers(row, "groups", GROUPS if kernel_size != (1, 1) else ())
    yield from _numbers(row, "expansion", EXPANSIONS)


def _pairs(row: Row, field: str, value: tuple[int, int], others: Iterable[int]) -> Iterator[Move]:
    """Other values of a field for both axes; none if the axes differ."""
    for other in others if value[0] == value[1] else ():
        if other != value[0]:
            yield Move(row, f"{field} {value[0]} -> {other}", ((field, (other, other)),))


def _numbers(row: Row, field: str, others: Iterable[int]) -> Iterator[Move]:
    value = getattr(row.block, field, None)
    for other in others if isinstance(value, int) else ():
        if other != value:
            yield Move(row, f"{field} {value} -> {other}", ((field, other),))


def _widths(channels: int) -> list[int]:
    scaled = [max(DIVISOR, round(channels * scale / DIVISOR) * DIVISOR) for scale in SCALES] if channels else []
    return list(dict.fromkeys(scaled))


def _word_moves(row: Row) -> Iterator[Move]:
    """A convolution as a depthwise separable one, and the reverse, if it has only fields of both."""
    block = row.block
    other = INTERCHANGEABLE.get(type(block))
    given = {field: getattr(block, field) for field in block.model_fields_set}
    if other and set(given) <= set(other.model_fields) and getattr(block, "kernel_size", (1, 1)) != (1, 1):
        yield Move(row, f"{block.kind} -> {other.kind}", rows=(other.model_construct(**given),), word=other.kind)


def are_compatible(combination: Sequence[Move]) -> bool:
    """Whether edits can be made together: of different rows that do not contain each other, or of different fields."""
    return all(
        _are_apart(move, other) for number, move in enumerate(combination) for other in combination[number + 1 :]
    )


def _are_apart(move: Move, other: Move) -> bool:
    if move.row is other.row:
        fields = {field for field, _ in move.fields} & {field for field, _ in other.fields}
        return bool(move.fields and other.fields) and not fields
    for first in move.places:
        for second in other.places:
            if first == second[: len(first)] or second == first[: len(second)]:
                return False
    return True


def changed(spec: ArchSpec, combination: Sequence[Move], done: "Done | None" = None) -> ArchSpec:
    """The spec with edits that are compatible. A list may be left without rows, which no file can have.

    `done`: the rows as they were changed last, which are the same objects again if their edits are the same.
    """
    by_row: dict[Path, list[Move]] = {}
    for move in combination:
        for place in move.places:
            by_row.setdefault(place, []).append(move)
    edits = _Edits(by_row, {} if done is None else done)
    sections = {place[1] for place in by_row}
    network = {
        name: edits.rows(("network", name), blocks) if name in sections else blocks
        for name, blocks in spec.network.items()
    }
    return spec.model_copy(update={"network": network})


Done = dict[Path, tuple[list[Move], tuple[Block, ...]]]
"""For a row the edits of it and of rows inside it, and the rows that they lead to."""


class _Edits(NamedTuple):
    """Edits by the row that they change."""

    by_row: dict[Path, list[Move]]
    done: Done

    def rows(self, path: Path, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
        found: list[Block] = []
        for index, block in enumerate(blocks):
            place = (*path, index)
            inside = [move for at, moves in self.by_row.items() if at[: len(place)] == place for move in moves]
            found += self._changed(place, block, inside) if inside else (block,)
        return tuple(found)

    def _changed(self, place: Path, block: Block, inside: list[Move]) -> tuple[Block, ...]:
        last, rows = self.done.get(place, ([], ()))
        if len(last) != len(inside) or any(one is not other for one, other in zip(last, inside, strict=True)):
            own = self.by_row.get(place)
            rows = _changed_row(block, own) if own else (self._with_changed_rows(block, (*place, block.kind)),)
            self.done[place] = inside, rows
        return rows

    def _with_changed_rows(self, block: Block, path: Path) -> Block:
        with_rows, with_paths = _row_fields(type(block))
        update: dict[str, Any] = {}
        for field in with_rows:
            if isinstance(inner := getattr(block, field), tuple):
                update[field] = self.rows((*path, field), inner)
        for field in with_paths:
            inner_paths = getattr(block, field).items()
            update[field] = {name: self.rows((*path, field, name), inner) for name, inner in inner_paths}
        return block.model_copy(update=update)


def _changed_row(block: Block, edits: list[Move]) -> tuple[Block, ...]:
    fields = {field: value for move in edits for field, value in move.fields}
    return (block.model_copy(update=fields),) if fields else edits[0].rows


def path_after(path: Path, combination: Sequence[Move]) -> Path:
    """The path that a row of the network has after edits, which add and leave out rows before it."""
    steps = list(path)
    for move in combination:
        for place in move.places if not move.fields else ():
            depth = len(place) - 1
            index, edited = path[depth : depth + 1], place[depth:]
            if path[:depth] == place[:depth] and index > edited:
                steps[depth] = int(steps[depth]) + len(move.rows) - 1
    return tuple(steps)


def replacements(document: Document, combination: Sequence[Move]) -> list[Replacement]:
    """The edits as replacements in the text. Raises ValueError if a row has a form that cannot be edited."""
    fields: dict[Path, dict[str, str]] = {}
    found: list[Replacement] = []
    for move in combination:
        path = move.row.path
        if move.fields:
            fields.setdefault(path, {}).update({field: _in_yaml(value) for field, value in move.fields})
        elif move.word:
            found += with_other_word(document, path, move.word)
        elif move.is_added:
            found += with_row_after(document, path, move.text)
        else:
            found += with_row_replaced(document, path, move.text) if move.text else without_row(document, path)
    by_path = {move.row.path: move.row.block for move in combination}
    for path, values in fields.items():
        found += with_fields(document, path, values, by_path[path].short)
    return found


def _in_yaml(value: Any) -> str:
    """`(2, 2) -> 2`"""
    if isinstance(value, tuple):
        return str(value[0]) if value[0] == value[1] else str(list(value))
    return str(value)
