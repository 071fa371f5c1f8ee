"""What is wrong at one place, and how it can be mended: what every stage yields."""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from advconv.text.source import Span

Path: TypeAlias = tuple[str | int, ...]
"""Steps from the root of a document: keys and indices."""


class Edit(NamedTuple):
    """A span of a text, and what is to stand there instead."""

    span: Span
    text: str


class Finding(NamedTuple):
    """One mistake at one place. The severity is that of the rule with this code.

    `path`: the value that it is about, or a span of the text while there is no document; `at_key`: its key is meant;
    `field`: a key of the value that is meant where it is written. `help`: a statement that says what to change;
    `edits` do so. `trail`: for a layer that does not fit, the rows that lead up to it, as (row, layer, output shape).
    """

    code: str
    path: Path | Span
    message: str
    help: str = ""
    edits: tuple[Edit, ...] = ()
    at_key: bool = False
    field: str = ""
    trail: tuple[tuple[str, str, str], ...] = ()


class Refused(Exception):
    """Ends a stage: nothing behind this finding can be trusted."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


MOST = 1000
"""How many findings one run lists."""


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits applied. Raises ValueError where two of them overlap."""
    parts, end = [], 0
    for (start, stop, _), new in sorted(edits):
        if start < end:
            raise ValueError(f"two edits overlap at offset {start}")
        parts += [text[end:start], new]
        end = stop
    return "".join([*parts, text[end:]])
