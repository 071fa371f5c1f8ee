"""Positions of a map that no layer reads."""

from collections.abc import Iterator
from typing import NamedTuple

from advconv.geometry import Window
from advconv.graph import Graph, Node, consumers
from advconv.layers.dense import Pad


class SkippedPositions(NamedTuple):
    """A map with positions that no reader covers, reported at its first reader, `node`.

    `window` and `stride` are (height, width); `read` and `total` count positions.
    """

    node: Node
    window: tuple[int, int]
    stride: tuple[int, int]
    read: int
    total: int


def skipped_positions(graph: Graph) -> list[SkippedPositions]:
    """All maps whose readers all have stride > extent on an axis."""
    if not any(_strides_over(graph, node) for node in graph.nodes):
        return []
    readers = consumers(graph)
    found = []
    for index, node in enumerate(graph.nodes):
        found_readers = [] if isinstance(node.layer, Pad) else list(_readers_through_pads(graph, readers, index))
        if not found_readers:
            continue
        nodes, over_height, over_width = zip(*found_readers, strict=True)
        read = _read(over_height, node.shape.height) * _read(over_width, node.shape.width)
        if read < (positions := node.shape.height * node.shape.width):
            vertical, horizontal = over_height[0], over_width[0]
            window, stride = (vertical.extent, horizontal.extent), (vertical.stride, horizontal.stride)
            found.append(SkippedPositions(graph.nodes[nodes[0]], window, stride, read, positions))
    return found


def _strides_over(graph: Graph, node: Node) -> bool:
    """Whether a window is shorter than its stride."""
    if not node.inputs:
        return False
    over_height, over_width = node.layer.windows(graph.nodes[node.inputs[0]].shape)
    return over_height.stride > over_height.extent or over_width.stride > over_width.extent


def _readers_through_pads(graph: Graph, readers: list[list[int]], index: int) -> Iterator[tuple[int, Window, Window]]:
    """The nodes that read a map, with their windows; a pad counts as part of the window after it."""
    shape = graph.nodes[index].shape
    for reader in readers[index]:
        layer = graph.nodes[reader].layer
        over_height, over_width = layer.windows(shape)
        if not isinstance(layer, Pad):
            yield reader, over_height, over_width
            continue
        for after, vertical, horizontal in _readers_through_pads(graph, readers, reader):
            yield after, vertical.padded_by(over_height), horizontal.padded_by(over_width)


def _read(windows: tuple[Window, ...], size: int) -> int:
    """How many positions of an axis are read: all, unless each window is shorter than its stride."""
    if any(window.extent >= window.stride for window in windows):
        return size
    return max(_covered(window, size) for window in windows)


def _covered(window: Window, size: int) -> int:
    """The positions covered by windows that do not touch: windows inside the map, and those beyond its two ends."""
    count, extent, stride, before = window.output_size(size), window.extent, window.stride, window.before
    first = min(-(-before // stride), count)
    after = max(first, min(count, (size - extent + before) // stride + 1))
    return (after - first) * extent + sum(
        max(0, min(place * stride - before + extent, size) - max(place * stride - before, 0))
        for place in {first - 1, after}
        if 0 <= place < count
    )
