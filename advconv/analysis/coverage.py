"""Positions of a map that its readers cover."""

from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache, reduce
from operator import or_
from typing import NamedTuple

from advconv.analysis.view import GraphView, Reader
from advconv.geometry import Window
from advconv.layers.dense import Pad
from advconv.layers.pointwise import Pointwise

MAX_SIZE = 2**16
"""Sides of maps whose positions are counted."""

MAX_AREAS = 64
"""Different areas of a map that its readers read."""

MAX_REGIONS = 64
"""Parts of a map, each read by a different set of readers, that are told apart."""


class UnreadPositions(NamedTuple):
    """A map with positions that no reader covers, reported at the one that reads most, `reader`.

    `rows` and `columns`: how many of them are unread at the end of the map, if its windows touch and all others are
    read, else 0.
    `read` and `total` count positions.
    """

    reader: Reader
    rows: int
    columns: int
    read: int
    total: int

    @property
    def is_edge(self) -> bool:
        return bool(self.rows or self.columns)


@lru_cache(maxsize=1)
def unread_positions(view: GraphView) -> list[UnreadPositions]:
    """All maps with positions that none of their readers covers."""
    suspects = [reader for reader in view.readers.values() if not _reads_all(reader)]
    sources = _computed_from(view) if suspects else []
    found = []
    for source in sorted({sources[reader.source] for reader in suspects}):
        readers = _readers_of(view, source)
        # A map that is read by something other than a window is read as a whole.
        if readers and (unread := _unread(readers)):
            found.append(unread)
    return found


def _computed_from(view: GraphView) -> list[int]:
    """For each map the one that norms, activations and dropout have computed it from, position by position."""
    found: list[int] = []
    for index, node in enumerate(view.nodes):
        found.append(found[node.inputs[0]] if isinstance(node.layer, Pointwise) else index)
    return found


def _readers_of(view: GraphView, source: int) -> list[Reader]:
    """The windows that read a map, or what is computed from it position by position; none if another layer does."""
    found: list[Reader] = []
    ahead = deque(view.graph.consumers[source])
    while ahead:
        index = ahead.popleft()
        if index in view.readers:
            found.append(view.readers[index])
        elif isinstance(view.nodes[index].layer, Pad | Pointwise) and view.graph.consumers[index]:
            ahead += view.graph.consumers[index]
        else:
            return []
    return [] if any(_reads_all(reader) for reader in found) else found


def _reads_all(reader: Reader) -> bool:
    return all(_covers(window, size) for window, size in reader.axes)


@lru_cache(maxsize=1000)
def _covers(window: Window, size: int) -> bool:
    """Whether a window over an axis reads every position; False also where only `read_positions` can say."""
    places = window.output_size(size)
    is_dense = window.dilation == 1 or window.kernel_size == 1 or (window.stride == 1 and places >= window.dilation)
    return (
        is_dense
        and (window.extent >= window.stride or places == 1)
        and (places - 1) * window.stride + window.extent - window.before >= size
    )


def read_positions(window: Window, size: int) -> int:
    """The positions of an axis that a window reads, as a set of bits: bit p for position p."""
    taps = repeated(1, window.kernel_size, window.dilation)
    return repeated(taps, window.output_size(size), window.stride) >> window.before & ((1 << size) - 1)


def repeated(bits: int, times: int, distance: int) -> int:
    """The union of `times` copies of a set of bits, each `distance` above the one before."""
    found, copies = bits, 1
    while 2 * copies <= times:
        found |= found << copies * distance
        copies *= 2
    return found | found << (times - copies) * distance


def _unread(readers: Sequence[Reader]) -> UnreadPositions | None:
    height, width = readers[0].x.size
    if max(height, width) > MAX_SIZE:
        return None
    areas: dict[tuple[int, int], Reader] = {}
    for reader in readers:
        over_height, over_width = (read_positions(window, size) for window, size in reader.axes)
        areas.setdefault((over_height, over_width), reader)
        if len(areas) > MAX_AREAS:
            return None
    read, total = _united(areas, height), height * width
    if read is None or read == total:
        return None
    reader = areas[max(areas, key=lambda area: area[0].bit_count() * area[1].bit_count())]
    over_height, over_width = (reduce(or_, sets) for sets in zip(*areas, strict=True))
    rows, columns = height - over_height.bit_length(), width - over_width.bit_length()
    touch = all(window.extent >= window.stride for window in reader.windows)
    is_edge = touch and read == (height - rows) * (width - columns)
    return UnreadPositions(reader, rows if is_edge else 0, columns if is_edge else 0, read, total)


def _united(areas: Iterable[tuple[int, ...]], height: int) -> int | None:
    """How many positions are in one of several areas, each a set of rows times a set of columns; None if too many."""
    columns_by_rows = {(1 << height) - 1: 0}
    for rows, columns in areas:
        parts: dict[int, int] = {}
        for part, found in columns_by_rows.items():
            parts |= {part & rows: found | columns, part & ~rows: found}
        parts.pop(0, None)
        if len(parts) > MAX_REGIONS:
            return None
        columns_by_rows = parts
    return sum(rows.bit_count() * columns.bit_count() for rows, columns in columns_by_rows.items())
