"""Documents: parsed data with the span of every value."""

from dataclasses import dataclass, field
from typing import Any

from advconv.text.finding import Edit, Finding, Path
from advconv.text.source import Source, Span

MAX_BYTES = 1_000_000


def decode(name: str, data: bytes) -> tuple[Source, list[Finding]]:
    """The text of a file, which must be UTF-8, with or without a byte order mark."""
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
    return Finding("AC101", Span(), message, "write repeated rows with `repeat`")


@dataclass(slots=True)
class Value:
    """A value of a document and its span. `keys` has the span of each key of a mapping.

    `is_block`: a mapping or list in block style; diagnostics point at its key. `end`: the offset after it.
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
    """Parsed data with spans. A path that does not exist resolves to its longest existing prefix."""

    source: Source
    root: Value

    def span(self, path: Path) -> Span:
        """The span of the value at `path`; for one in block style, that of its key."""
        value, rest = self._walk(path)
        return self.key_span(path) if value.is_block and path and not rest else value.span

    def extent(self, path: Path) -> Span:
        """The whole text of a value, for edits."""
        value, _ = self._walk(path)
        return value.span._replace(end=max(value.end, value.span.end))

    def value(self, path: Path) -> Value | None:
        """The value at a path; None if there is none."""
        value, rest = self._walk(path)
        return None if rest else value

    def has(self, path: Path) -> bool:
        return self.value(path) is not None

    def span_of(self, finding: Finding) -> Span:
        """The span of a finding."""
        path = finding.path
        if isinstance(path, Span):
            return path
        if finding.field and self.has((*path, finding.field)):
            return self.span((*path, finding.field))
        return self.key_span(path) if finding.at_key else self.span(path)

    def span_of_edit(self, edit: Edit) -> Span:
        """The span that an edit replaces."""
        if isinstance(edit.place, Span):
            return edit.place
        return self.key_span(edit.place) if edit.at_key else self.extent(edit.place)

    def key_span(self, path: Path) -> Span:
        """The span of the last key of `path`; for a list item, that of the item."""
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
