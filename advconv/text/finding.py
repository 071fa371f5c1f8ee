"""What is wrong at one place, and how it can be mended: what every stage yields."""

from typing import NamedTuple, TypeAlias

from advconv.text.source import Span

Path: TypeAlias = tuple[str | int, ...]
"""Steps from the root of a document: keys and indices."""


class Edit(NamedTuple):
    """What is to stand in the place of a value, of its key, or of a span of the text."""

    place: Path | Span
    text: str
    at_key: bool = False


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
