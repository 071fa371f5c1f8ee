"""The receptive field of a row on the image: which pixels the middle position of its map depends on."""

from collections.abc import Iterator
from typing import NamedTuple

from advconv.analysis.connectivity import Area, connected_areas, counted
from advconv.analysis.measure import Measures
from advconv.report.page.rows import Row
from advconv.values.quantities import bytes_text, count_text

MAX_RUNS = 60
"""Runs of connected pixels on a side that are drawn; more would not be seen one by one."""

MAX_PIXELS = 4096
"""Pixels on a side of the fields whose gaps are examined for the page."""

Run = tuple[int, int]
"""The first pixel, and how many."""


class Field(NamedTuple):
    """The pixels that position `position` of a map depends on, both ends included; pairs are (height, width).

    They may lie outside of the image, on padding. `connected` is their share that is really connected to the position,
    None if it was not examined; `areas` are the pixels that are, as runs of rows and of columns, if there are gaps.
    """

    position: tuple[int, int]
    first: tuple[int, int]
    last: tuple[int, int]
    image: tuple[int, int]
    connected: float | None
    areas: tuple[tuple[tuple[Run, ...], tuple[Run, ...]], ...]
    note: str

    @property
    def size(self) -> tuple[int, int]:
        return self.last[0] - self.first[0] + 1, self.last[1] - self.first[1] + 1

    @property
    def on_padding(self) -> float:
        """The share of the field that lies outside of the image."""
        height, width = (max(0, min(end, n - 1) - max(start, 0) + 1) for start, end, n in self.axes)
        return 1 - height * width / (self.size[0] * self.size[1])

    @property
    def axes(self) -> Iterator[tuple[int, int, int]]:
        return zip(self.first, self.last, self.image, strict=True)

    @property
    def view(self) -> tuple[float, float, float, float]:
        """What is drawn, in pixels of the image: left, top, width, height, with all of the image and of the field."""
        (top, bottom), (left, right) = ((min(0, start), max(n - 1, end) + 1) for start, end, n in self.axes)
        margin = max(bottom - top, right - left) * 0.04
        return left - margin, top - margin, right - left + 2 * margin, bottom - top + 2 * margin


def fields(measures: Measures, rows: list[Row]) -> list[Field | None]:
    """The field of each row; None where it is unknown."""
    areas = connected_areas(measures)
    return [_field(measures, row, areas.get(row.last, ())) for row in rows]


def _field(measures: Measures, row: Row, areas: tuple[Area, ...]) -> Field | None:
    over_height, over_width = reaches = measures.reaches[row.last]
    if over_height.unknown or over_width.unknown:
        return None
    shape = measures.graph.nodes[row.last].shape
    position = shape.height // 2, shape.width // 2
    first = tuple(reach.jump * p + reach.first for reach, p in zip(reaches, position, strict=True))
    last = tuple(reach.jump * p + reach.last for reach, p in zip(reaches, position, strict=True))
    share, runs = _connected(measures, row, areas, (first[0], first[1]))
    gated = over_height.gated or over_width.gated
    whole = "it sees the whole image" if over_height.whole or over_width.whole else "it sees more than the box"
    note = f"through a gate {whole}" if gated else ""
    return Field(position, (first[0], first[1]), (last[0], last[1]), measures.graph.input.size, share, runs, note)


def _connected(
    measures: Measures, row: Row, areas: tuple[Area, ...], first: tuple[int, int]
) -> tuple[float | None, tuple[tuple[tuple[Run, ...], tuple[Run, ...]], ...]]:
    over_height, over_width = measures.reaches[row.last]
    if not areas or max(over_height.size, over_width.size) > MAX_PIXELS:
        return None, ()
    share = counted(areas, measures, row.last).share
    found = tuple((runs(area.rows, first[0]), runs(area.columns, first[1])) for area in areas)
    is_drawable = all(max(len(rows), len(columns)) <= MAX_RUNS for rows, columns in found)
    return share, found if share < 1 and is_drawable else ()


def runs(bits: int, first: int = 0) -> tuple[Run, ...]:
    """The runs of set bits, where bit 0 is pixel `first`.

    >>> runs(0b110101, -2)
    ((-2, 1), (0, 1), (2, 2))
    """
    found, place = [], first
    while bits:
        zeros = (bits & -bits).bit_length() - 1
        bits >>= zeros
        ones = (~bits & (bits + 1)).bit_length() - 1
        found.append((place + zeros, ones))
        bits >>= ones
        place += zeros + ones
    return tuple(found)


def sentence(row: Row, field: Field | None) -> str:
    """What the screen reader says of the focused row."""
    if field is None:
        return f"{row.label}: the receptive field is unknown, because paths of different strides are merged."
    (top, left), (bottom, right), (height, width) = field.first, field.last, field.size
    text = f"{row.label}: a position of the {row.output} output sees {height}x{width} pixels"
    text += f", rows {top} to {bottom} and columns {left} to {right} of the image"
    share = f"; {percent(field.on_padding)} of them on padding" if field.on_padding else "; none of them on padding"
    gaps = f", {percent(field.connected)} connected" if field.connected is not None else ""
    return f"{text}{share}{gaps}{f'; {field.note}' if field.note else ''}."


TERMS = (
    "Output",
    "Field, height x width",
    "Rows of pixels",
    "Columns of pixels",
    "On padding",
    "Connected",
    "Parameters",
    "MACs",
    "Memory",
)


def readings(row: Row, field: Field | None) -> tuple[str, ...]:
    """The value of each of TERMS."""
    costs = count_text(row.params), count_text(row.macs), bytes_text(row.memory)
    if field is None:
        return row.output, "unknown", "-", "-", "-", "-", *costs
    (top, left), (bottom, right), (height, width) = field.first, field.last, field.size
    connected = "not examined" if field.connected is None else percent(field.connected)
    box = f"{height}x{width}", f"{top} to {bottom}", f"{left} to {right}", percent(field.on_padding), connected
    return row.output, *box, *costs


def percent(share: float) -> str:
    """`0.123 -> 12.3%`; only all is 100%, and only nothing 0%."""
    if 0 < share < 0.001:
        return "under 0.1%"
    return "over 99.9%" if 0.999 < share < 1 else f"{100 * share:.3g}%"
