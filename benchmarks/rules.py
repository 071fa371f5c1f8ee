"""The part of a check that the rules take, for the shipped architectures and the networks of archs/zoo.

A ratio is a median over runs, each of which times checks and the rules alone in turn, so that load on the machine
affects both. All rules together may cost a third of a check's time.
"""

import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from advconv.analysis.view import GraphView
from advconv.check import check, lint
from advconv.rules.record import LintInput
from advconv.text.source import Source
from benchmarks.options import Option, options
from benchmarks.timing import machine

MOST = 1 / 3


def main(folder: str, runs: int, batch: int) -> None:
    gc.disable()
    print(f"{machine()}; medians of {runs} runs of {batch} checks each")
    print(f"{'nodes':>6} {'check ms':>9} {'rules ms':>9} {'ratio':>6}")
    ratios = [measured(path, runs, batch) for path in sorted(Path(folder).rglob("*.yaml"))]
    print(f"the largest ratio is {max(ratios):.2f}, at most {MOST:.2f}")


def measured(path: Path, runs: int, batch: int) -> float:
    """The ratio for one file, which is printed."""
    source = Source(str(path), path.read_text(encoding="utf-8"))
    found = check(source)
    spec, measures = found.spec, found.measures
    assert spec is not None
    assert measures is not None
    pairs = []
    for _ in range(runs):
        whole = milliseconds(lambda: check(source), batch)
        pairs.append((whole, milliseconds(lambda: lint(LintInput(spec.input, spec, GraphView(measures))), batch)))
    ratio = statistics.median(rules / whole for whole, rules in pairs)
    times = (statistics.median(each) for each in zip(*pairs, strict=True))
    print(f"{len(measures.graph.nodes):>6} {next(times):>9.2f} {next(times):>9.2f} {ratio:>6.2f}  {path}")
    return ratio


def milliseconds(work: Callable[[], object], batch: int) -> float:
    """The time of one call, in a batch of them."""
    start = time.perf_counter()
    for _ in range(batch):
        work()
    return (time.perf_counter() - start) / batch * 1e3


if __name__ == "__main__":
    main(
        **options(
            __doc__,
            folder=Option("archs", "the files to check"),
            runs=Option(9, "number of runs; the median counts"),
            batch=Option(20, "checks in a run"),
        )
    )
