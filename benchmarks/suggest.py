"""Combinations of edits that a search tries in a second, on one core."""

import random
import statistics
import time
from collections.abc import Callable
from itertools import combinations, islice
from pathlib import Path

from advconv.analysis.measure import measure
from advconv.check import check, gc_disabled
from advconv.language.overrides import setting
from advconv.suggest.search import Search
from advconv.suggest.suggestion import Task
from advconv.text.source import Source
from benchmarks.options import Option, options
from benchmarks.timing import machine

GOAL = "> 200"
"""A receptive field that few combinations reach, so that all are tried."""


def main(file: str, batch: int, runs: int) -> None:
    source = Source(file, Path(file).read_text(encoding="utf-8"))
    graph = check(source).measures
    search = Task(source, (setting("constraints.receptive_field", GOAL, f"--goal receptive_field {GOAL}"),)).search()
    assert graph is not None
    assert search is not None
    print(f"{machine()}; {file}, {len(search.moves)} single edits; medians of {runs} runs of {batch:,}, in CPU time")
    once = statistics.median(seconds_to_measure(lambda: measure(graph.graph)) for _ in range(runs))
    print(f"{'edits':>5} {'candidates/s':>13} {'measures':>9}")
    for count in (1, 2, 3):
        took = statistics.median(seconds_a_candidate(search, count, batch, run) for run in range(runs))
        print(f"{count:>5} {1 / took:>13,.0f} {took / once:>9.2f}")
    print(f"measures: the time of a candidate as a part of that of one measure() of the network, {once * 1e3:.3f} ms")


def seconds_to_measure(work: Callable[[], object]) -> float:
    start = time.process_time()
    for _ in range(50):
        work()
    return (time.process_time() - start) / 50


def seconds_a_candidate(search: Search, count: int, batch: int, seed: int) -> float:
    """The time of one combination of so many edits, over some that follow each other."""
    first = random.Random(seed).randrange(max(1, len(search.moves) - count))
    numbers = [*range(first, len(search.moves)), *range(first)]
    tried = [tuple(sorted(each)) for each in islice(combinations(numbers, count), batch)]
    start = time.process_time()
    with gc_disabled():
        list(search.keeping(tried))
    return (time.process_time() - start) / len(tried)


if __name__ == "__main__":
    known = {
        "file": Option("archs/c1c2c3c4.yaml", "the architecture"),
        "batch": Option(2_000, "combinations of a run"),
        "runs": Option(5, "number of runs; the median counts"),
    }
    main(**options(__doc__, **known))
