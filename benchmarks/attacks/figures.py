"""The figures of a run of `benchmarks.robustness` as docs/reliability.md shows them."""

from collections import Counter
from typing import Any

HEAD = "| attack | trials | how they ended | failed |"


def table(data: dict[str, Any]) -> str:
    """Where and when the figures were taken, and a row for each attack."""
    rows = [_row(name, figures) for name, figures in data["attacks"].items()]
    return "\n".join([f"{data['date']}, seed {data['seed']}; {data['device']}:", "", HEAD, "|---|---|---|---|", *rows])


def _row(name: str, figures: dict[str, Any]) -> str:
    return f"| {name} | {figures['done']:,} | {told(figures['outcomes'])} | {figures['failed']:,} |"


def told(outcomes: dict[str, int]) -> str:
    """The outcomes with their counts, the most frequent first."""
    return ", ".join(f"{count:,} {outcome}" for outcome, count in Counter(outcomes).most_common())
