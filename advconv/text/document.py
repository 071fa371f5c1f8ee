"""Documents: the data of a text, with the place of every value."""

from dataclasses import dataclass, field
from typing import Any

from advconv.text.finding import Edit, Finding, Path
from advconv.text.source import Source, Span

MAX_BYTES = 1_000_000


def decode(name: str, data: bytes) -> tuple[Source, list[Finding]]:
    """A file's text, which must be UTF-8, with or without a byte order mark."""
    if len(data) > MAX_BYTES:
        return Source(name, ""), [too_long(f"more than {MAX_BYTES:,}")]
    try:
        return Source(name, data.decode("utf-8-sig")), []
    except UnicodeDecodeError as problem:
        readable = data[: problem.start].decode("utf-8-sig", "replace")
        message = f"the byte 0x{data[problem.start]:02x} is not UTF-8"
        span = Span(len(readable), len(readable) + 1)
        source = Source(name, data.decode("utf-8-sig", "replace"))
        return source, [Finding("AC101", span, message, "save the file as UTF-8")]


def too_long(size: str) -> Finding:
    message = f"the file has {size} bytes, the limit is {MAX_BYTES:,}"
    return Finding("AC101", Span(), message, "write what repeats with `repeat`")


@dataclass(slots=True)
class Value:
    """A value of a document and where it stands. `keys` holds the place of each key of a mapping.

    `is_block`: a mapping or list in lines of its own, whose key is the word to point at. `end`: the offset behind it.
    """

    span: Span
    data: Any
    end: int = 0
    is_block: bool = False
    children: "dict[str | int, Value]" = field(default_factory=dict)
    keys: dict[str, Span] = field(default_factory=dict)
    count: int = 1
    height: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """Parsed data with places. Paths that step beside the data stop at the last value that is there."""

    source: Source
    root: Value

    def span(self, path: Path) -> Span:
        """Where the value at `path` stands; for one that fills lines of its own, its key."""
        value, rest = self._walk(path)
        return self.key_span(path) if value.is_block and path and not rest else value.span

    def extent(self, path: Path) -> Span:
        """All that a value takes in the text, for edits."""
        value, _ = self._walk(path)
        return value.span._replace(end=max(value.end, value.span.end))

    def has(self, path: Path) -> bool:
        return not self._walk(path)[1]

    def place(self, finding: Finding) -> Span:
        """Where a finding stands."""
        path = finding.path
        if isinstance(path, Span):
            return path
        if finding.field and self.has((*path, finding.field)):
            return self.span((*path, finding.field))
        return self.key_span(path) if finding.at_key else self.span(path)

    def place_of_edit(self, edit: Edit) -> Span:
        """What an edit replaces."""
        if isinstance(edit.place, Span):
            return edit.place
        return self.key_span(edit.place) if edit.at_key else self.extent(edit.place)

    def key_span(self, path: Path) -> Span:
        """Where the last key of `path` stands; for list items, where the item stands."""
        parent, rest = self._walk(path[:-1])
        key = path[-1] if path and not rest else None
        if isinstance(key, str) and key in parent.keys:
            return parent.keys[key]
        return self._walk(path)[0].span

    def _walk(self, path: Path) -> tuple[Value, Path]:
        value = self.root
        for depth, step in enumerate(path):
            beyond = path[depth + 1 : depth + 2]
            is_short = step not in value.children and beyond and beyond[0] in value.children
            if isinstance(step, str) and (isinstance(value.data, list) or is_short):
                continue  # The short form of a block, `residual: [rows]`, leaves out the name of its one field.
            if step not in value.children:
                return value, path[depth:]
            value = value.children[step]
        return value, ()
