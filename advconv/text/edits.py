"""Edits of rows in a text: fields, and whole rows; everything outside of an edit stays as it is."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from advconv.text.document import Document, Value
from advconv.text.finding import Path
from advconv.text.source import Span


class Replacement(NamedTuple):
    """A span of a text, and its new text."""

    span: Span
    text: str


def edited(text: str, edits: Iterable[Replacement]) -> str:
    """The text with all edits applied. Raises ValueError if two of them overlap."""
    parts, end = [], 0
    for (start, stop, _), new in sorted(edits):
        if start < end:
            raise ValueError(f"two edits overlap at offset {start}")
        parts += [text[end:start], new]
        end = stop
    return "".join([*parts, text[end:]])


# A row is named by its path with the word of its block, such as ("network", "C1", 0, "conv"). Each function raises
# ValueError for a row in a form that it cannot edit.


def with_fields(document: Document, row: Path, fields: Mapping[str, str], short: str) -> list[Replacement]:
    """The fields of a row with other values, added where it has none. `short`: the field that a bare value sets."""
    item, word = _value(document, row[:-1]), str(row[-1])
    if not item.children:
        # A bare word.
        return [Replacement(item.span, f"{word}: {_braced(fields)}")]
    value = item.children[word]
    if not value.children:
        return [_with_fields_of_scalar(document, value, fields, short)]
    found = []
    for name, text in fields.items():
        old = value.children.get(name)
        found.append(Replacement(_extent(old), text) if old else _added_field(document, value, name, text))
    return found


def _braced(fields: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {text}" for name, text in fields.items()) + "}"


def _with_fields_of_scalar(document: Document, value: Value, fields: Mapping[str, str], short: str) -> Replacement:
    """`32 -> {out_channels: 32, dilation: 2}`"""
    written = document.source.text[value.span.start : value.span.end]
    if not short or not written.strip():
        raise ValueError("the row has no value")
    both = {short: written} | dict(fields)
    return Replacement(value.span, fields[short] if list(both) == [short] else _braced(both))


def _added_field(document: Document, value: Value, name: str, text: str) -> Replacement:
    """Behind the last field of a mapping in braces, before the first of one in lines."""
    if not value.is_block:
        end = max(content_end(child) for child in value.children.values())
        return Replacement(Span(end, end), f", {name}: {text}")
    start = min(span.start for span in value.keys.values())
    indentation = _before(document, start)
    if indentation.strip():
        raise ValueError("the fields do not begin a line")
    return Replacement(Span(start, start), f"{name}: {text}{_line_break(document)}{indentation}")


def without_row(document: Document, row: Path) -> list[Replacement]:
    """A list without a row. Raises ValueError for its only row."""
    rows, index = _value(document, row[:-2]).children, row[-2]
    if not isinstance(index, int) or index not in rows or len(rows) < 2:
        raise ValueError("it is the only row")
    if _value(document, row[:-2]).is_block:
        return [Replacement(_lines(document, rows[index]), "")]
    if index + 1 in rows:
        return [Replacement(Span(rows[index].span.start, rows[index + 1].span.start), "")]
    return [Replacement(Span(content_end(rows[index - 1]), content_end(rows[index])), "")]


def with_row_after(document: Document, row: Path, text: str) -> list[Replacement]:
    """A list with another row behind a row."""
    rows, item = _value(document, row[:-2]), _value(document, row[:-1])
    if not rows.is_block:
        end = content_end(item)
        return [Replacement(Span(end, end), f", {text}")]
    start = _before(document, item.span.start)
    end = _lines(document, item).end
    is_last_line = document.source.text[end - 1 : end] not in ("\n", "\r")
    parts = (_line_break(document), start, text) if is_last_line else (start, text, _line_break(document))
    return [Replacement(Span(end, end), "".join(parts))]


def with_row_replaced(document: Document, row: Path, text: str) -> list[Replacement]:
    return [Replacement(_extent(_value(document, row[:-1])), text)]


def with_other_word(document: Document, row: Path, word: str) -> list[Replacement]:
    """A row with another block, which takes the same fields."""
    item = _value(document, row[:-1])
    return [Replacement(item.keys[str(row[-1])] if item.keys else item.span, word)]


def content_end(value: Value) -> int:
    """The offset after the content of a value; a mapping or list in lines ends before the comments that follow it."""
    if value.is_block and value.children:
        return max(content_end(child) for child in value.children.values())
    return max(value.end, value.span.end)


def _extent(value: Value) -> Span:
    return Span(value.span.start, content_end(value))


def _value(document: Document, path: Path) -> Value:
    value = document.value(path)
    if value is None:
        raise ValueError(f"the document has no {path}")
    return value


def _lines(document: Document, item: Value) -> Span:
    """The lines of a row in a list in lines, with the break behind the last."""
    text, start = document.source.text, item.span.start
    before = _before(document, start)
    if before.strip() != "-":
        raise ValueError("the row does not begin a line")
    end = document.source.position(content_end(item)).line
    starts = document.source.starts
    return Span(start - len(before), starts[end] if end < len(starts) else len(text))


def _before(document: Document, offset: int) -> str:
    """The text of its line before an offset."""
    return document.source.text[document.source.starts[document.source.position(offset).line - 1] : offset]


def _line_break(document: Document) -> str:
    return "\r\n" if "\r\n" in document.source.text else "\n"
