"""The claims of a report beside what torch found."""

from collections.abc import Sequence

from advconv.backends.evidence import Claim
from advconv.report.table import Table

COLUMNS = ("Claim", "Report", "Torch", "Holds", "Note")


def claims_table(claims: Sequence[Claim], name: str) -> Table:
    """A row for each claim with both numbers."""
    rows = [(claim.name, claim.claimed, claim.found or "not asked", _verdict(claim), claim.note) for claim in claims]
    held = sum(claim.holds and claim.found is not None for claim in claims)
    not_asked = sum(claim.found is None for claim in claims)
    rest = f", {not_asked} not asked" if not_asked else ""
    return Table(f"{name}: {held} of {len(claims)} claims hold{rest}", COLUMNS, tuple(rows))


def _verdict(claim: Claim) -> str:
    if claim.found is None:
        return "-"
    return "yes" if claim.holds else "NO"
