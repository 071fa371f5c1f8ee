"""The table of `advconv verify`."""

from collections.abc import Callable, Sequence
from typing import Any

from advconv.backends.evidence import Claim
from advconv.report.table import Cell, Table, cell_text

COLUMNS = ("Claim", "Report", "Torch", "Holds", "Note")


def claims_table(claims: Sequence[Claim], name: str) -> Table:
    """A row for each claim, with the values of the report and of torch."""
    rows = [(claim.name, claim.claimed, claim.found, _verdict(claim), claim.note) for claim in claims]
    confirmed = sum(claim.holds and claim.found is not None for claim in claims)
    unverified = sum(claim.found is None for claim in claims)
    rest = f", {unverified} not verified" if unverified else ""
    title = f"{name}: {confirmed} of {len(claims)} claims hold{rest}"
    return Table(title, COLUMNS, tuple(rows), texts=TEXTS)


def _verdict(claim: Claim) -> bool | None:
    return None if claim.found is None else claim.holds


def _value_or(word: str) -> Callable[[Cell], str]:
    """`(0, 80) -> 0 to 80`; the word if there is no value."""

    def text(cell: Cell) -> str:
        if isinstance(cell, tuple):
            return " to ".join(map(cell_text, cell))
        return word if cell is None else cell_text(cell)

    return text


TEXTS: dict[str, Callable[[Any], str]] = {
    "Report": _value_or("unknown"),
    "Torch": _value_or("not verified"),
    "Holds": {True: "yes", False: "NO", None: "-"}.__getitem__,
}
