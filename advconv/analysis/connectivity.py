"""The pixels of a receptive field that are connected to the map; a stack of dilated convolutions leaves gaps."""

from collections import Counter
from collections.abc import Collection, Iterable
from functools import reduce
from operator import or_
from typing import NamedTuple

from advconv.analysis.coverage import repeated
from advconv.analysis.measure import Measures
from advconv.geometry import POINTS, Window
from advconv.graph import Node

MAX_FIELD = 2**14
"""Pixels on a side of receptive fields whose pixels are examined."""

MAX_AREAS = 32
"""Areas that the connected pixels of one field are the union of."""


class Area(NamedTuple):
    """Rows times columns of a receptive field, as sets of bits: bit p for pixel p of the field."""

    rows: int
    columns: int

    @property
    def pixels(self) -> int:
        return self.rows.bit_count() * self.columns.bit_count()

    def is_inside(self, other: "Area") -> bool:
        return not (self.rows & ~other.rows or self.columns & ~other.columns)


class Connected(NamedTuple):
    """The pixels of the receptive field of a node that are connected to it, of `total` in the field."""

    pixels: int
    total: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.pixels / self.total


def connected(measures: Measures, filled: Collection[int] = ()) -> Connected | None:
    """The connected pixels of the network's receptive field; of several last maps, of the one with the least share.

    None if the field is unknown, or too large to be examined. Nodes in `filled` count as if their windows had a tap at
    every position that they span.
    """
    areas = connected_areas(measures, filled)
    found = [counted(areas[index], measures, index) for index in measures.last_maps.maps if areas.get(index)]
    return min(found, key=lambda each: each.share) if len(found) == len(measures.last_maps.maps) else None


def connected_areas(measures: Measures, filled: Collection[int] = ()) -> dict[int, tuple[Area, ...]]:
    """For each node that the last maps depend on, without gates, the areas whose union is connected to a position.

    An area is relative to the first pixel of the node's receptive field. Empty for a node whose field is unknown.
    """
    graph, inputs, reaches = measures.graph, measures.flow.ungated_inputs, measures.reaches
    found: dict[int, tuple[Area, ...]] = {}
    for index in sorted(_ancestors(inputs, measures.last_maps.maps)):
        over_height, over_width = reaches[index]
        sources = inputs[index]
        if over_height.unknown or over_width.unknown or max(over_height.size, over_width.size) > MAX_FIELD:
            found[index] = ()
        elif not sources:
            found[index] = (Area(1, 1),)
        elif len(graph.nodes[index].inputs) == 1:
            (source,) = sources
            windows = graph.nodes[index].layer.windows(graph.nodes[source].shape)
            if windows == POINTS:
                found[index] = found[source]
                continue
            if index in filled:
                windows = _filled(windows[0]), _filled(windows[1])
            jumps = reaches[source][0].jump, reaches[source][1].jump
            found[index] = tuple(
                Area(_through(area.rows, windows[0], jumps[0]), _through(area.columns, windows[1], jumps[1]))
                for area in found[source]
            )
        else:
            found[index] = _united(measures, found, index)
    return found


def _ancestors(inputs: list[tuple[int, ...]], ends: Iterable[int]) -> set[int]:
    """The nodes that some nodes depend on, themselves included."""
    found, ahead = set[int](), list(ends)
    while ahead:
        index = ahead.pop()
        if index not in found:
            found.add(index)
            ahead += inputs[index]
    return found


def _filled(window: Window) -> Window:
    return window._replace(kernel_size=window.extent, dilation=1)


def _through(bits: int, window: Window, jump: int) -> int:
    return repeated(bits, window.kernel_size, window.dilation * jump)


def _united(measures: Measures, found: dict[int, tuple[Area, ...]], index: int) -> tuple[Area, ...]:
    """The areas of a merge, without those that lie inside another."""
    reaches, moved = measures.reaches, dict[Area, None]()
    over_height, over_width = reaches[index]
    for source in measures.flow.ungated_inputs[index]:
        above, left = reaches[source][0].first - over_height.first, reaches[source][1].first - over_width.first
        if not found[source]:
            return ()
        moved |= dict.fromkeys(Area(area.rows << above, area.columns << left) for area in found[source])
    kept = list[Area]()
    # No area lies inside a smaller one, so none is taken back, and a merge of many paths ends early.
    for area in sorted(moved, key=lambda area: area.pixels, reverse=True):
        if not any(area.is_inside(other) for other in kept):
            kept.append(area)
            if len(kept) > MAX_AREAS:
                return ()
    return tuple(kept)


def counted(areas: tuple[Area, ...], measures: Measures, index: int) -> Connected:
    """How many pixels of the field of a node are in any of its areas."""
    over_height, over_width = measures.reaches[index]
    if len(areas) == 1:
        pixels = areas[0].pixels
    else:
        # Rows that are in the same areas have the same pixels.
        rows = Counter(zip(*(f"{area.rows:0{over_height.size}b}" for area in areas), strict=True))
        pixels = sum(count * _columns_of(areas, members).bit_count() for members, count in rows.items())
    return Connected(pixels, over_height.size * over_width.size)


def _columns_of(areas: tuple[Area, ...], members: tuple[str, ...]) -> int:
    """The columns of the areas whose member is "1"."""
    return reduce(or_, (area.columns for area, member in zip(areas, members, strict=True) if member == "1"), 0)


def full_dilations(measures: Measures) -> tuple[list[tuple[Node, int]], int]:
    """Dilations that leave no gap in the receptive field, for the dilated convolutions, and the field's size then.

    Each dilation is at most the extent of the field before it, so that taps touch; what one loses the next one gets.
    Empty unless the network is one path of square windows whose strides leave no gaps either.
    """
    found, size, jump, owed = list[tuple[Node, int]](), 1, 1, 0
    for index in sorted(_ancestors(measures.flow.ungated_inputs, measures.last_maps.maps)):
        node, inputs = measures.graph.nodes[index], measures.flow.ungated_inputs[index]
        if not inputs:
            continue
        window, over_width = node.layer.windows(measures.graph.nodes[inputs[0]].shape)
        if len(inputs) > 1 or window[:3] != over_width[:3]:
            return [], 0
        dilation = window.dilation
        if window.kernel_size > 1 and dilation > 1:
            dilation = max(1, min(dilation + owed, size // jump))
            owed += window.dilation - dilation
            found.append((node, dilation))
        if window.kernel_size > 1 and jump * dilation > size:
            return [], 0
        size, jump = size + jump * dilation * (window.kernel_size - 1), jump * window.stride
    return found, size
