"""Time and memory of a check over the number of rows: python benchmarks/scaling.py"""

import statistics
import time
import tracemalloc

from timing import machine

from advconv.check import check
from advconv.report.text import report
from advconv.source import Source

RUNS = 3


def text(rows: int) -> str:
    """Rows written out, a residual among every ten."""
    lines = ["    - residual: [conv: 8]" if row % 10 == 9 else "    - conv: 8" for row in range(rows)]
    return "\n".join(["advconv: 1", "name: long", "input: [3, 32, 32]", "network:", "  C1:", *lines])


def main() -> None:
    print(f"{machine()}; medians of {RUNS} runs")
    print(f"{'rows':>7} {'seconds':>9} {'ms a row':>9} {'MB at peak':>11}")
    for rows in (10, 100, 1_000, 10_000):
        source = Source("long.yaml", text(rows))
        times = [timed(source) for _ in range(RUNS)]
        tracemalloc.start()
        report(check(source))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        took = statistics.median(times)
        print(f"{rows:>7,} {took:>9.4f} {took * 1000 / rows:>9.3f} {peak / 1e6:>11.1f}")


def timed(source: Source) -> float:
    start = time.perf_counter()
    assert check(source).ok
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
