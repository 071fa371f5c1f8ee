"""Charts over the rows: receptive field, parameters, MACs and memory."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from advconv.analysis.measure import Measures
from advconv.report.page.layout import fitted
from advconv.report.page.markup import Markup, element
from advconv.report.page.rows import Row
from advconv.values.quantities import bytes_text, count_text

WIDTH, HEIGHT = 360, 148
LEFT, RIGHT, TOP, BOTTOM = 46, 6, 8, 18
PREFIXES = (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3))

PLOT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM


class Chart(NamedTuple):
    """A value for each row, None where it is unknown; `mark` is a value with a line of its own, and its name."""

    title: str
    note: str
    values: list[int | None]
    text: Callable[[int], str]
    mark: tuple[int, str] | None = None
    unit: str = ""


def charts(measures: Measures, rows: Sequence[Row]) -> Markup:
    found = [
        *_growth(measures, rows),
        Chart("Parameters", "of the layers of each row", [row.params for row in rows], count_text),
        Chart("MACs", "for one image; bias and norm not counted", [row.macs for row in rows], count_text),
        Chart(
            "Memory", "peak while the row runs: float32, one image", [row.memory for row in rows], bytes_text, unit="B"
        ),
    ]
    return element("div", *(_figure(chart, rows) for chart in found), class_="charts")


def _growth(measures: Measures, rows: Sequence[Row]) -> list[Chart]:
    """The receptive field after each row; over each axis of its own where the two differ."""
    sizes = [
        [None if reach.unknown else reach.size for reach in (measures.reaches[row.last][axis] for row in rows)]
        for axis in (0, 1)
    ]
    image = measures.graph.input.size
    if sizes[0] == sizes[1] and image[0] == image[1]:
        return [Chart("Receptive field", "pixels on a side, after each row", sizes[0], count_text, (image[0], "image"))]
    return [
        Chart(f"Receptive field, {name}", "pixels, after each row", sizes[axis], count_text, (image[axis], "image"))
        for axis, name in enumerate(("height", "width"))
    ]


def _figure(chart: Chart, rows: Sequence[Row]) -> Markup:
    known = [(value, row) for value, row in zip(chart.values, rows, strict=True) if value is not None]
    top, highest = max(known, default=(0, rows[0]), key=lambda pair: pair[0])
    label = f"{chart.title} by row: at most {chart.text(top)}, in {highest.name}. The table below has the numbers."
    caption = element("figcaption", element("b", chart.title), " ", element("span", chart.note, class_="muted"))
    parts = [*_axis(chart, top), *_blocks(rows), _bars(chart, top), _cursor(rows), *_mark(chart, top)]
    step = PLOT[0] / len(rows)
    drawing = element(
        "svg",
        *parts,
        class_="chart",
        role="img",
        aria_label=label,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        data_left=LEFT,
        data_step=round(step, 4),
        data_width=WIDTH,
    )
    return element("figure", caption, drawing)


def _y(value: float, top: int) -> float:
    return round(TOP + PLOT[1] * (1 - value / (top or 1)), 2)


def _axis(chart: Chart, top: int) -> list[Markup]:
    """Lines at round values, with their numbers."""
    found = []
    for value in ticks(top):
        y = _y(value, top)
        found.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        found.append(element("text", short(value, chart.unit), x=LEFT - 5, y=y + 3.5, class_="tick"))
    return found


def ticks(top: int) -> list[int]:
    """Zero and up to four round values, at most `top`.

    >>> ticks(81), ticks(3), ticks(0)
    ([0, 20, 40, 60, 80], [0, 1, 2, 3], [0])
    """
    if top < 1:
        return [0]
    size = 10 ** (len(str(top)) - 1)
    steps = (max(1, size * share // 100) for share in (5, 10, 20, 25, 50, 100, 200, 250, 500))
    step = next(step for step in steps if top // step <= 4)
    return list(range(0, top + 1, step))


def short(value: int, unit: str = "") -> str:
    """`36,864 -> 36.9k`, and with a unit `36.9 kB`."""
    prefix, size = next(((name, size) for name, size in PREFIXES if value >= size), ("", 1))
    return f"{value / size:.3g}{' ' * bool(unit)}{prefix}{unit}" if value else "0"


def _bars(chart: Chart, top: int) -> Markup:
    step, found = PLOT[0] / len(chart.values), []
    gap = min(2.0, step * 0.2)
    for number, value in enumerate(chart.values):
        if value:
            x, y = LEFT + number * step + gap / 2, _y(value, top)
            found.append(f"M{x:.2f} {TOP + PLOT[1]}V{y:g}h{step - gap:.2f}V{TOP + PLOT[1]}z")
    return element("path", d="".join(found), class_="bars")


def _cursor(rows: Sequence[Row]) -> Markup:
    """The column of the active row, which the script moves."""
    width = round(PLOT[0] / len(rows), 2)
    return element("rect", x=LEFT, y=TOP, width=width, height=PLOT[1], class_="cursor")


def _blocks(rows: Sequence[Row]) -> list[Markup]:
    """The names of the blocks below their first row, where there is room."""
    step, found, free = PLOT[0] / len(rows), list[Markup](), 0.0
    starts = [0, *(number for number, (a, b) in enumerate(pairwise(rows), 1) if _top(a) != _top(b))]
    for number in starts:
        x, name = LEFT + number * step, fitted(_top(rows[number]), 8)
        if name:
            found.append(element("line", x1=x, x2=x, y1=TOP + PLOT[1], y2=TOP + PLOT[1] + 4, class_="grid"))
        if name and x >= free and x + 6 * len(name) <= WIDTH:
            found.append(element("text", name, x=x + 1, y=HEIGHT - 4, class_="block-name"))
            free = x + 6.5 * len(name) + 4
    return found


def _top(row: Row) -> str:
    return row.block.partition("/")[0]


def _mark(chart: Chart, top: int) -> list[Markup]:
    if chart.mark is None or not chart.mark[0] <= top:
        return []
    value, name = chart.mark
    y = _y(value, top)
    line = element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="mark")
    return [line, element("text", f"{name} {value}", x=LEFT + 4, y=y - 3, class_="mark-name")]
