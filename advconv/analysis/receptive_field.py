"""Theoretical receptive fields, propagated from the picture forwards."""

from typing import NamedTuple

from advconv.geometry import INT64_MAX, UNKNOWN, Reach, Shape, meet
from advconv.graph import Graph, Node

Reaches = tuple[Reach, Reach]
"""What a map sees of the picture's height and of its width."""

START = Reach(), Reach()


def reaches(graph: Graph) -> list[Reaches]:
    """The reach of each node over the height and the width of the input."""
    table: list[Reaches] = []
    for node in graph.nodes:
        if not node.inputs:
            table.append(START)
        elif len(node.inputs) == 1:
            over_height, over_width = node.layer.windows(graph.nodes[node.inputs[0]].shape)
            high, wide = table[node.inputs[0]]
            table.append((_bounded(high.through(over_height)), _bounded(wide.through(over_width))))
        else:
            table.append((_merged(graph, table, node, 0), _merged(graph, table, node, 1)))
    return table


def _merged(graph: Graph, table: list[Reaches], node: Node, axis: int) -> Reach:
    """Where paths meet. A path of one position that is spread over a larger map lets each position see all it saw."""
    size = node.shape.size[axis]
    full = [index for index in node.inputs if graph.nodes[index].shape.size[axis] == size]
    if size == 1:
        return _meet_in_one_position([table[index][axis] for index in full])
    reach = meet([table[index][axis] for index in full])
    return reach._replace(whole=True) if len(full) < len(node.inputs) else reach


def _meet_in_one_position(reaches: list[Reach]) -> Reach:
    """On a map of one position a jump has no meaning; the first path's stands for all."""
    return meet([reach if reach.unknown else reach._replace(jump=reaches[0].jump) for reach in reaches])


def _bounded(reach: Reach) -> Reach:
    return UNKNOWN if max(reach.jump, reach.size) > INT64_MAX else reach


def last_map(graph: Graph) -> int:
    """The last node with a map of more than one position, whose field is the network's; else the picture."""
    for index in range(len(graph.nodes) - 1, 0, -1):
        shape = graph.nodes[index].shape
        if not shape.flat and shape.height * shape.width > 1:
            return index
    return 0


class Field(NamedTuple):
    """The receptive field of a map, in pixels of height and width. None where it is unknown.

    `whole`: through a gate or a global pooling it is the whole picture; `size` and `narrowest` are without it.
    """

    size: tuple[int, int] | None
    narrowest: tuple[int, int] | None
    whole: bool

    @classmethod
    def of(cls, reaches: Reaches) -> "Field":
        high, wide = reaches
        if high.unknown or wide.unknown:
            return cls(None, None, False)
        return cls((high.size, wide.size), (high.narrowest, wide.narrowest), high.whole or wide.whole)

    def __str__(self) -> str:
        if self.size is None:
            return "unknown"
        return "whole image" if self.whole else square(self.size)


def square(size: tuple[int, int]) -> str:
    """`(45, 45) -> 45`, `(45, 3) -> 45x3`."""
    return str(size[0]) if size[0] == size[1] else f"{size[0]}x{size[1]}"


class Meeting(NamedTuple):
    """A node where paths meet that do not agree: `apart` pixels between their centres, None for unequal jumps."""

    node: Node
    apart: float | None


def disagreements(graph: Graph, table: list[Reaches]) -> list[Meeting]:
    """Where the field becomes unknown, and where the paths' centres stand apart."""
    found = []
    for node in graph.nodes:
        full = [index for index in node.inputs if graph.nodes[index].shape.size == node.shape.size]
        if len(full) < 2 or any(reach.unknown for index in full for reach in table[index]):
            continue
        centres = [[table[index][axis].centre for index in full] for axis in (0, 1)]
        apart = max(max(places) - min(places) for places in centres)
        if node.shape.size != (1, 1) and not _same_jumps([table[index] for index in full], node.shape):
            found.append(Meeting(node, None))
        elif apart and node.shape.size != (1, 1):
            found.append(Meeting(node, apart))
    return found


def _same_jumps(paths: list[Reaches], shape: Shape) -> bool:
    return all(size == 1 or len({path[axis].jump for path in paths}) == 1 for axis, size in enumerate(shape.size))
