"""Time and memory of a check by number of rows."""

import statistics
import time
import tracemalloc

from advconv.check import check
from advconv.report.text import report
from advconv.text.source import Source
from benchmarks.options import Option, options
from benchmarks.timing import machine


def text(rows: int) -> str:
    """A file with so many rows, every tenth a residual."""
    lines = ["    - residual: [conv: 8]" if row % 10 == 9 else "    - conv: 8" for row in range(rows)]
    return "\n".join(["advconv: 1", "name: long", "input: [3, 32, 32]", "network:", "  C1:", *lines])


def main(rows: list[int], runs: int) -> None:
    print(f"{machine()}; medians of {runs} runs")
    print(f"{'rows':>7} {'seconds':>9} {'ms a row':>9} {'MB at peak':>11}")
    for count in rows:
        source = Source("long.yaml", text(count))
        times = [timed(source) for _ in range(runs)]
        tracemalloc.start()
        report(check(source))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        took = statistics.median(times)
        print(f"{count:>7,} {took:>9.4f} {took * 1000 / count:>9.3f} {peak / 1e6:>11.1f}")


def timed(source: Source) -> float:
    start = time.perf_counter()
    assert check(source).ok
    return time.perf_counter() - start


if __name__ == "__main__":
    known = {
        "rows": Option([10, 100, 1_000, 3_000], "numbers of rows"),
        "runs": Option(3, "number of runs; the median counts"),
    }
    main(**options(__doc__, **known))
