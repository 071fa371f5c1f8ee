"""Which positions of a map nothing reads."""

from collections.abc import Iterator
from typing import NamedTuple

from advconv.geometry import Window
from advconv.graph import Graph, Node, consumers
from advconv.layers.dense import Pad


class Unread(NamedTuple):
    """A node whose windows leave positions between them that no other node reads either: `read` of every `of`.

    `window` and `stride` are (height, width).
    """

    node: Node
    window: tuple[int, int]
    stride: tuple[int, int]
    read: int
    of: int


def unread(graph: Graph) -> list[Unread]:
    """Maps of which every reader strides further than its window is long, at the first of their readers."""
    readers = consumers(graph)
    found = []
    for index, node in enumerate(graph.nodes):
        ways = [] if isinstance(node.layer, Pad) else list(_ways(graph, readers, index))
        if not ways:
            continue
        first, over_height, over_width = ways[0]
        parts = [
            _read(list(axis), size)
            for axis, size in zip(list(zip(*ways, strict=True))[1:], node.shape.size, strict=True)
        ]
        if any(read < of for read, of in parts):
            (high, of_high), (wide, of_wide) = parts
            window, stride = (over_height.extent, over_width.extent), (over_height.stride, over_width.stride)
            found.append(Unread(graph.nodes[first], window, stride, high * wide, of_high * of_wide))
    return found


def _ways(graph: Graph, readers: list[list[int]], index: int) -> Iterator[tuple[int, Window, Window]]:
    """The nodes that read a map, with their windows; padding is no reading."""
    for reader in readers[index]:
        node = graph.nodes[reader]
        if isinstance(node.layer, Pad):
            yield from _ways(graph, readers, reader)
        else:
            yield reader, *node.layer.windows(graph.nodes[index].shape)


def _read(windows: list[Window], size: int) -> tuple[int, int]:
    """How many positions of how many are read along an axis: all, unless each window is shorter than its stride."""
    longest = max(windows, key=lambda window: window.extent / window.stride)
    skips = all(window.extent < window.stride for window in windows) and longest.output_size(size) > 1
    return (longest.extent, longest.stride) if skips else (1, 1)
