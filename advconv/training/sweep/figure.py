"""The figure of a sweep: the accuracy of each training, and the mean of each combination."""

import statistics
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from advconv.text.visible import visible
from advconv.training.figures import BLUE, GREY, as_plain_text, png
from advconv.training.sweep.plan import Combination, Plan
from advconv.training.sweep.results import Row, ranked, seeds_text, value_of
from advconv.training.sweep.trials import TrialResult

DECADE = 10
"""Values whose largest is more than this many times their smallest are on a logarithmic axis."""

MAX_LABEL, MAX_VALUE = 64, 20
"""Characters of a label, and of a value in it."""

MAX_DRAWN, MAX_TICKS = 60, 8
"""Combinations that are drawn by name, the best ones, and values that are written out on an axis."""


@as_plain_text
def sweep_figure(plan: Plan, results: Sequence[TrialResult]) -> bytes:
    """Over the values of a field if a single one with numbers varies, else a line for each combination, best first."""
    rows = [row for row in ranked(results) if row.accuracies]
    label = f"{results[0].measured_on} accuracy (%)"
    values = [_number(row.combination) for row in rows]
    numbers = [value for value in values if value is not None]
    is_numeric = bool(rows) and len(numbers) == len(rows)
    figure = _over_values(plan, rows, numbers, label) if is_numeric else _by_name(plan, rows[:MAX_DRAWN], label)
    more = "" if is_numeric or len(rows) <= MAX_DRAWN else f", the best {MAX_DRAWN} of {len(rows)} combinations"
    figure.suptitle(visible(f"{plan.name}, {seeds_text(plan.seeds)}{more}"), fontsize=11)
    return png(figure)


def _number(combination: Combination) -> float | None:
    """The value of the only field that varies, if it is a number."""
    if len(combination.varied) != 1:
        return None
    value = value_of(*combination.varied[0])
    return None if isinstance(value, str) else float(value)


def _over_values(plan: Plan, rows: Sequence[Row], values: Sequence[float], label: str) -> Figure:
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    ordered = sorted(zip(values, rows, strict=True), key=lambda pair: pair[0])
    for seed in plan.seeds:
        points = [(value, accuracy) for value, row in ordered if (accuracy := row.accuracy_of(seed)) is not None]
        places, accuracies = [value for value, _ in points], [accuracy for _, accuracy in points]
        axes.plot(places, accuracies, "o-", color=GREY, alpha=0.5, linewidth=0.7, markersize=5)
    means = [statistics.mean(row.accuracies) for _, row in ordered]
    places = [value for value, _ in ordered]
    axes.plot(places, means, "-_", color=BLUE, markersize=16, markeredgewidth=2)
    if places[0] > 0 and places[-1] > DECADE * places[0]:
        axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    if len(places) <= MAX_TICKS:
        axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.set(xlabel=visible(plan.varied[0].path), ylabel=label)
    _finish(axes, "y")
    return figure


def _by_name(plan: Plan, rows: Sequence[Row], label: str) -> Figure:
    figure = Figure(figsize=(9, 1.4 + 0.3 * max(3, len(rows))), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        axes.plot(row.accuracies, [place] * len(row.accuracies), "o", color=GREY, alpha=0.7, markersize=5)
        axes.plot([statistics.mean(row.accuracies)], [place], "|", color=BLUE, markersize=14, markeredgewidth=2)
    labels = [_label(row.combination) or plan.name for row in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=8)
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.set(xlabel=label)
    _finish(axes, "x")
    return figure


def _label(combination: Combination) -> str:
    """`lr=0.1, schedule=cosine`"""
    pairs = [(axis.path.removeprefix("train."), axis.values[index]) for axis, index in combination.varied]
    return visible(_cut(", ".join(f"{path}={_cut(value, MAX_VALUE)}" for path, value in pairs), MAX_LABEL))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _finish(axes: Axes, axis: Literal["x", "y"]) -> None:
    """A grid, and a legend that covers no points."""
    axes.grid(axis=axis, alpha=0.3)
    axes.plot([], [], "o", color=GREY, alpha=0.5, label="a seed")
    axes.plot([], [], "_" if axis == "y" else "|", color=BLUE, markeredgewidth=2, label="mean of the seeds")
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
