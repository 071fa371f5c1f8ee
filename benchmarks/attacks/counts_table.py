"""The counts of `benchmarks.robustness` as the table of docs/reliability.md."""

from collections import Counter
from typing import Any

HEAD = "| attack | trials | outcomes | failed |"


def table(data: dict[str, Any]) -> str:
    """When and where the attacks ran, and a row for each attack."""
    rows = [_row(name, counts) for name, counts in data["attacks"].items()]
    return "\n".join([f"{data['date']}, seed {data['seed']}; {data['device']}:", "", HEAD, "|---|---|---|---|", *rows])


def _row(name: str, counts: dict[str, Any]) -> str:
    return f"| {name} | {counts['done']:,} | {format_outcomes(counts['outcomes'])} | {counts['failed']:,} |"


def format_outcomes(outcomes: dict[str, int]) -> str:
    """The outcomes with their counts, the most frequent first."""
    return ", ".join(f"{count:,} {outcome}" for outcome, count in Counter(outcomes).most_common())
