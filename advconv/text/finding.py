"""Findings: one mistake at one place, with its help and edits."""

from typing import NamedTuple, TypeAlias

from advconv.text.source import Span

Path: TypeAlias = tuple[str | int, ...]
"""Steps from the root of a document: keys and indices."""


class Edit(NamedTuple):
    """New text for a value, its key, or a span of the text."""

    place: Path | Span
    text: str
    at_key: bool = False


class FieldEdit(NamedTuple):
    """Another value for a field of a row, which may not have it yet; the row's path ends with the word of its block."""

    row: Path
    field: str
    text: str


class RowRemoval(NamedTuple):
    """A list without one of its rows."""

    row: Path


class Finding(NamedTuple):
    """One mistake at one place. The severity is that of the rule with this code.

    `path`: the value, or a span of the text while there is no document; `at_key`: it is about the key of the value;
    `field`: it is about this key of the value, if present. `help`: a statement of what to change; `edits` change it.
    `trail`: for a layer or an output that does not fit, the rows up to it, as (row, layer, output shape).
    """

    code: str
    path: Path | Span
    message: str
    help: str = ""
    edits: tuple[Edit | FieldEdit | RowRemoval, ...] = ()
    at_key: bool = False
    field: str = ""
    trail: tuple[tuple[str, str, str], ...] = ()


class Refused(Exception):
    """Ends a stage: nothing after this finding can be trusted."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


MAX_FINDINGS = 1000
"""Findings that one run lists."""
