"""Draws the trained networks of docs/results: accuracy over parameters and over MACs.

The test accuracies are those of the last epoch in the logs; parameters and MACs are those of the shipped files.
"""

import csv
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from advconv.check import check_bytes
from advconv.training.figures import BLUE, png
from benchmarks.options import Option, options

RUNS = Path("docs/results")
ARCHS = Path("archs")


class Trained(NamedTuple):
    """A shipped network, and what its runs reached.

    `accuracies`: test accuracy of the last epoch in percent, by the name of the run. `minutes`: mean time of a run's
    epochs, without evaluation.
    """

    path: Path
    params: int
    macs: int
    receptive_field: str
    accuracies: dict[str, float]
    epochs: int
    minutes: float

    @property
    def mean(self) -> float:
        return statistics.mean(self.accuracies.values())

    @property
    def lowest(self) -> float:
        return min(self.accuracies.values())

    @property
    def highest(self) -> float:
        return max(self.accuracies.values())

    def __str__(self) -> str:
        accuracy = f"{self.mean:.2f}% ({self.lowest:.2f} to {self.highest:.2f})"
        return f"{self.path}  {self.params:,} params  {self.macs:,} MACs  {accuracy}"


def rows_of(run: Path) -> list[dict[str, str]]:
    """The epochs in the log of a run."""
    return list(csv.DictReader((run / "log.csv").read_text(encoding="utf-8").splitlines()))


def runs(folder: Path = RUNS) -> list[Path]:
    return sorted(folder.glob("*-seed*"))


def arch_of(run: Path) -> Path:
    """The shipped file that a run was trained from: archs/NAME.yaml, or archs/frontier/NAME.yaml."""
    name = f"{run.name.rpartition('-seed')[0]}.yaml"
    return next(path for path in (ARCHS / name, ARCHS / "frontier" / name) if path.exists())


def trained_networks(folder: Path = RUNS) -> list[Trained]:
    """In the order of their accuracy, the best one first."""
    paths = sorted({arch_of(run) for run in runs(folder)})
    found = [_trained(path, [run for run in runs(folder) if arch_of(run) == path]) for path in paths]
    return sorted(found, key=lambda trained: -trained.mean)


def _trained(path: Path, of_path: Sequence[Path]) -> Trained:
    measures = check_bytes(path.name, path.read_bytes()).measures
    assert measures is not None
    logs = {run.name: rows_of(run) for run in of_path}
    (epochs,) = {len(rows) for rows in logs.values()}
    minutes = statistics.mean(sum(float(row["seconds"]) for row in rows) for rows in logs.values()) / 60
    accuracies = {name: float(rows[-1]["test_accuracy"]) for name, rows in logs.items()}
    total = measures.total
    return Trained(path, total.params, total.macs, str(measures.receptive_field), accuracies, epochs, minutes)


def chart(networks: Sequence[Trained]) -> Figure:
    """The mean of each network's runs, with a line from the lowest to the highest."""
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _points(left, networks, [each.params / 1000 for each in networks], "parameters (thousands)")
    _points(right, networks, [each.macs / 1e6 for each in networks], "MACs (millions)")
    left.set(ylabel="test accuracy (%), mean of the seeds")
    return figure


def _points(axes: Axes, networks: Sequence[Trained], places: Sequence[float], label: str) -> None:
    means = [each.mean for each in networks]
    spread = [[each.mean - each.lowest for each in networks], [each.highest - each.mean for each in networks]]
    axes.errorbar(places, means, yerr=spread, fmt="o", color=BLUE, capsize=3)
    points = list(zip(places, means, strict=True))
    for each, point in zip(networks, points, strict=True):
        # Above the point, unless the label of a near one is there.
        height = -12 if any(_is_just_above(other, point, max(places)) for other in points) else 4
        axes.annotate(each.path.stem, point, (6, height), textcoords="offset points", fontsize=8)
    axes.set(xlabel=label, xlim=(0, 1.4 * max(places)))
    axes.grid(alpha=0.3)


def _is_just_above(other: tuple[float, float], point: tuple[float, float], width: float) -> bool:
    return 0 < other[1] - point[1] < 0.5 and abs(other[0] - point[0]) < width / 4


def description(networks: Sequence[Trained]) -> str:
    """What the figure shows, as text, which the file has too."""
    return "\n".join(map(str, networks))


def main(folder: str, output: str) -> None:
    networks = trained_networks(Path(folder))
    Path(output).write_bytes(png(chart(networks), description(networks)))
    print(description(networks))


if __name__ == "__main__":
    main(
        **options(
            __doc__,
            folder=Option("docs/results", "the runs"),
            output=Option("docs/results/frontier.png", "the figure"),
        )
    )
