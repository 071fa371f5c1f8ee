"""Checks and re-measurements per second in one process."""

from pathlib import Path

from advconv.analysis.measure import measure
from advconv.check import check
from advconv.layers.conv import Conv2d
from advconv.report.text import report
from advconv.text.source import Source
from benchmarks.options import Option, options
from benchmarks.timing import machine, per_second

TWENTY = """
advconv: 1
name: twenty
input: [3, 32, 32]
classes: 10
network:
  C1: [conv: 32, strided: 64]
  C2: [dwsep: 64, {residual: [conv: {out_channels: 64, activation: none}]}, dilated: 64]
  O: [gap, linear]
"""


def main(arch: str, runs: int) -> None:
    text = Path(arch).read_text(encoding="utf-8")
    checks = per_second(lambda: report(check(Source(arch, text))), runs, 200)
    measures = check(Source("twenty.yaml", TWENTY)).measures
    assert measures is not None
    graph = measures.graph
    narrow, wide = (Conv2d(out_channels=channels, padding=(1, 1), bias=False) for channels in (32, 40))
    changed = iter([narrow, wide] * 10**6)
    again = per_second(lambda: measure(graph.replace(1, next(changed))), runs, 2000)
    print(f"{machine()}; medians of {runs} runs")
    print(f"checks of {arch}, text to plain report: {checks:,.0f} a second (at least 600)")
    print(f"re-measurements of a {len(graph.nodes)}-node graph: {again:,.0f} a second (at least 6,000)")


if __name__ == "__main__":
    main(
        **options(
            __doc__,
            arch=Option("archs/c1c2c3c4.yaml", "the file to check"),
            runs=Option(7, "number of runs; the median counts"),
        )
    )
