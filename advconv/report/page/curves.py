"""Charts of lines over epochs, as SVG for a page or for a file of its own."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from advconv.report.page.markup import Markup, element
from advconv.report.page.rows import shortened

SVG = "http://www.w3.org/2000/svg"

WIDTH, PLOT_HEIGHT = 380, 160
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 36
PLOT_WIDTH = WIDTH - LEFT - RIGHT
LINE_HEIGHT, LETTER = 15, 6.2
"""Of the legend, in the units of the drawing."""

MAX_POINTS, MAX_MARKERS = 300, 12
"""Of one line."""

MARKERS = (
    "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
    "m-3-3h6v6h-6z",
    "m0-4l4 7h-8z",
    "m0-4l4 4-4 4-4-4z",
    "m-3-3l6 6m0-6l-6 6",
    "m0-4v8m-4-4h8",
    "m0 4l4-7h-8z",
    "m-4 0h8",
)
"""Drawn at some points of a line: circle, square, triangle, diamond, cross, plus, triangle downwards, dash."""

STYLES = len(MARKERS)
"""How many lines can be told apart, without colour too: each has a marker and dashes of its own."""


FLAT = 1e-4
"""Values whose difference is at most this fraction of them are one height."""


class Curve(NamedTuple):
    """A line through (epoch, value); `style` is its colour, dashes and marker, from 0."""

    name: str
    points: Sequence[tuple[int, float]]
    style: int


class CurveChart(NamedTuple):
    """Lines over the same epochs. `bounds`: values that cannot be exceeded; `mark`: a value with a line of its own."""

    title: str
    note: str
    curves: Sequence[Curve]
    text: Callable[[float], str]
    bounds: tuple[float, float] = (-math.inf, math.inf)
    mark: tuple[float, str] | None = None


class Scale(NamedTuple):
    """Values between `low` and `high` on `size` units from `start` on; `ticks` are round values."""

    low: float
    high: float
    start: float
    size: float
    ticks: list[float]

    def __call__(self, value: float) -> float:
        return round(self.start + self.size * (value - self.low) / (self.high - self.low), 2)


def figure(chart: CurveChart) -> Markup:
    """The chart with its caption."""
    caption = element("figcaption", element("b", chart.title), " ", element("span", chart.note, class_="muted"))
    return element("figure", caption, drawing(chart))


def drawing(chart: CurveChart, style: str = "") -> Markup:
    """The chart; with a style sheet, as a file of its own."""
    legend, height = _legend(chart)
    across, down = _scales(chart)
    parts = [*_axes(across, down), *_mark(chart, down), *(_curve(curve, across, down) for curve in chart.curves)]
    total = TOP + PLOT_HEIGHT + BOTTOM + height
    own: dict[str, str | float] = {"xmlns": SVG, "width": 1.5 * WIDTH, "height": 1.5 * total} if style else {}
    sheet = element("style", Markup(style)) if style else None
    ground = element("rect", width=WIDTH, height=total, class_="ground") if style else None
    box = f"0 0 {WIDTH} {total}"
    content = sheet, ground, *parts, *legend
    return element("svg", *content, class_="curves", role="img", aria_label=spoken(chart), viewBox=box, **own)


def spoken(chart: CurveChart) -> str:
    """The chart in words."""
    lines = [f"{curve.name} {_course(curve, chart.text)}" for curve in chart.curves if curve.points]
    return f"{chart.title} by epoch. {'; '.join(lines) or 'No values'}."


def _course(curve: Curve, text: Callable[[float], str]) -> str:
    """`from 2.17 in epoch 1 to 1.47 in epoch 3, between 1.47 and 2.17`"""
    (first, start), (last, end) = curve.points[0], curve.points[-1]
    if len(curve.points) == 1:
        return f"{text(end)} in epoch {last}"
    values = [value for _, value in curve.points]
    between = f"between {text(min(values))} and {text(max(values))}"
    return f"from {text(start)} in epoch {first} to {text(end)} in epoch {last}, {between}"


def _scales(chart: CurveChart) -> tuple[Scale, Scale]:
    epochs = [epoch for curve in chart.curves for epoch, _ in curve.points] or [1]
    values = [value for curve in chart.curves for _, value in curve.points] or [0.0]
    if chart.mark:
        values.append(chart.mark[0])
    first, last = min(epochs), max(epochs)
    step = max(1, int(round_step((last - first) / 6)))
    marks = [float(epoch) for epoch in range(-(-first // step) * step, last + 1, step)]
    # One epoch stands in the middle.
    low, high = (first, last) if last > first else (first - 1, first + 1)
    across = Scale(low, high, LEFT, PLOT_WIDTH, marks)
    found = ticks(min(values), max(values), chart.bounds)
    return across, Scale(found[0], found[-1], TOP + PLOT_HEIGHT, -PLOT_HEIGHT, found)


def ticks(low: float, high: float, bounds: tuple[float, float] = (-math.inf, math.inf)) -> list[float]:
    """Round values from one below the lowest to one above the highest, where the bounds allow it.

    >>> ticks(0.81, 2.17), ticks(36.3, 99.7, (0, 100)), ticks(5, 5)
    ([0.5, 1.0, 1.5, 2.0, 2.5], [20.0, 40.0, 60.0, 80.0, 100.0], [4.0, 5.0, 6.0])
    """
    is_flat = high - low <= FLAT * max(abs(low), abs(high))
    step = round_step((abs(high) / 5 or 1.0) if is_flat else (high - low) / 4)
    first, last = math.floor(low / step), math.ceil(high / step)
    if first == last:
        first, last = first - 1, last + 1
    found = [float(f"{number * step:.10g}") for number in range(first, last + 1)]
    inside = [value for value in found if bounds[0] <= value <= bounds[1]]
    return inside if len(inside) > 1 else found


def round_step(size: float) -> float:
    """The round number at or above a size: 1, 2, 2.5 or 5 times a power of ten."""
    if size <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(size))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= size * (1 - 1e-9))


def _axes(across: Scale, down: Scale) -> Iterator[Markup]:
    right, bottom = LEFT + PLOT_WIDTH, TOP + PLOT_HEIGHT
    for value in down.ticks:
        y = down(value)
        yield element("line", x1=LEFT, x2=right, y1=y, y2=y, class_="grid")
        yield element("text", f"{value:g}", x=LEFT - 6, y=y + 3.5, class_="tick")
    for value in across.ticks:
        x = across(value)
        yield element("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="grid")
        yield element("text", f"{value:.0f}", x=x, y=bottom + 15, class_="under")
    yield element("text", "epoch", x=LEFT + PLOT_WIDTH / 2, y=bottom + 29, class_="under")


def _mark(chart: CurveChart, down: Scale) -> list[Markup]:
    if chart.mark is None:
        return []
    y = down(chart.mark[0])
    line = element("line", x1=LEFT, x2=LEFT + PLOT_WIDTH, y1=y, y2=y, class_="mark")
    return [line, element("text", chart.mark[1], x=LEFT + 4, y=y - 4, class_="mark-name")]


def _curve(curve: Curve, across: Scale, down: Scale) -> Markup:
    places = [(across(epoch), down(value)) for epoch, value in sampled(curve.points, MAX_POINTS)]
    line = "L".join(f"{x:g} {y:g}" for x, y in places)
    marks = "".join(f"M{x:g} {y:g}{MARKERS[curve.style]}" for x, y in sampled(places, MAX_MARKERS, curve.style))
    path = element("path", d=f"M{line}", class_="line") if len(places) > 1 else None
    return element("g", path, element("path", d=marks, class_="marker"), class_=f"s{curve.style}")


def sampled(points: Sequence[tuple[float, float]], most: int, shift: int = 0) -> list[tuple[float, float]]:
    """At most so many of the points, the first and the last among them; `shift` moves the others a little."""
    if len(points) <= most:
        return list(points)
    step = (len(points) - 1) / (most - 1)
    inner = [round((number + shift / STYLES / 2) * step) for number in range(1, most - 1)]
    return [points[place] for place in (0, *inner, len(points) - 1)]


def _legend(chart: CurveChart) -> tuple[list[Markup], int]:
    """The names of the lines below the plot, and the height that they take."""
    found, x, y = list[Markup](), float(LEFT), TOP + PLOT_HEIGHT + BOTTOM
    for curve in chart.curves:
        name = shortened(curve.name, 60)
        width = 34 + LETTER * len(name)
        if x > LEFT and x + width > WIDTH:
            x, y = float(LEFT), y + LINE_HEIGHT
        sample = element("path", d=f"M{x:g} {y + 6}h22", class_="line")
        marker = element("path", d=f"M{x + 11:g} {y + 6}{MARKERS[curve.style]}", class_="marker")
        found.append(element("g", sample, marker, class_=f"s{curve.style}"))
        found.append(element("text", name, x=round(x + 27, 1), y=y + 9.5))
        x += width + 8
    return found, y + LINE_HEIGHT + 3 - (TOP + PLOT_HEIGHT + BOTTOM)
