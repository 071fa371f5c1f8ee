"""The receptive field of a row on the image: which pixels the middle position of its map depends on."""

from collections.abc import Iterator
from typing import NamedTuple

from advconv.analysis.connectivity import Area, connected_areas, counted
from advconv.analysis.measure import Measures
from advconv.geometry import Reach
from advconv.report.page.rows import Row
from advconv.values.quantities import bytes_text, count_text

MAX_RUNS, MAX_RUNS_IN_ALL = 100, 10_000
"""Runs of connected pixels that are drawn in one field, where more would not be seen one by one, and on the page."""

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
    def place(self) -> str:
        """`2, 2`, counted from 0."""
        return f"{self.position[0]}, {self.position[1]}"

    @property
    def runs(self) -> int:
        return sum(len(rows) + len(columns) for rows, columns in self.areas)

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
    areas, room, found = connected_areas(measures), MAX_RUNS_IN_ALL, list[Field | None]()
    for row in rows:
        field = _field(measures, row, areas.get(row.last, ()))
        count = field.runs if field else 0
        room -= count if count <= MAX_RUNS else 0
        is_drawn = count <= MAX_RUNS and room >= 0
        found.append(field if field is None or is_drawn else field._replace(areas=(), note=GAPS_NOT_DRAWN))
    return found


GAPS_NOT_DRAWN = "its gaps are too many to be drawn"


def _field(measures: Measures, row: Row, areas: tuple[Area, ...]) -> Field | None:
    reaches, position = measures.reaches[row.last], measures.graph.nodes[row.last].shape.middle
    if any(reach.unknown for reach in reaches):
        return None
    (top, bottom), (left, right) = (
        (reach.jump * p + reach.first, reach.jump * p + reach.last) for reach, p in zip(reaches, position, strict=True)
    )
    share = None
    if areas and max(reach.size for reach in reaches) <= MAX_PIXELS:
        share = counted(areas, measures, row.last).share
    has_gaps = share is not None and share < 1
    found = tuple((runs(area.rows, top), runs(area.columns, left)) for area in areas) if has_gaps else ()
    return Field(position, (top, left), (bottom, right), measures.graph.input.size, share, found, _note(*reaches))


def _note(over_height: Reach, over_width: Reach) -> str:
    if not (over_height.gated or over_width.gated):
        return ""
    whole = over_height.whole or over_width.whole
    return "through a gate it sees the whole image" if whole else "through a gate it sees more"


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
        return f"{row.name}: the receptive field is unknown, because paths of different strides are merged."
    (top, left), (bottom, right), (height, width) = field.first, field.last, field.size
    text = f"{row.name}: position {field.place} of the {row.output} output sees {height}x{width} pixels"
    text += f", rows {top} to {bottom} and columns {left} to {right} of the image"
    share = f"; {percent(field.on_padding)} of them on padding" if field.on_padding else "; none of them on padding"
    gaps = f", {percent(field.connected)} connected" if field.connected is not None else ""
    return f"{text}{share}{gaps}{f'; {field.note}' if field.note else ''}."


TERMS = (
    "Output",
    "Position",
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
        return row.output, "-", "unknown", "-", "-", "-", "-", *costs
    (top, left), (bottom, right), (height, width) = field.first, field.last, field.size
    connected = "not examined" if field.connected is None else percent(field.connected)
    box = f"{height}x{width}", f"{top} to {bottom}", f"{left} to {right}", percent(field.on_padding), connected
    return row.output, field.place, *box, *costs


def percent(share: float) -> str:
    """`0.123 -> 12.3%`; only all is 100%, and only nothing 0%."""
    if 0 < share < 0.001:
        return "under 0.1%"
    return "over 99.9%" if 0.999 < share < 1 else f"{100 * share:.3g}%"
