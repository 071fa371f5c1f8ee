"""Theoretical receptive fields, propagated from the picture forwards."""

from typing import NamedTuple

from advconv.geometry import INT64_MAX, UNKNOWN, Reach, meet
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
    """Where paths meet. One of one position is a gate if it is spread over a larger map: each position sees all it saw.

    That is the whole picture, as far as the other paths see it at all; a gate that saw less leaves no interval right.
    """
    size = node.shape.size[axis]
    full = [index for index in node.inputs if graph.nodes[index].shape.size[axis] == size]
    if size == 1:
        return _meet_in_one_position([table[index][axis] for index in full])
    reach = meet([table[index][axis] for index in full])
    spread = [table[index][axis] for index in node.inputs if index not in full]
    if reach.unknown or not spread:
        return reach
    low, high = max(0, reach.first), min(graph.input.size[axis] - 1, reach.jump * (size - 1) + reach.last)
    sees_all = all(gate.whole or (gate.first <= low and gate.last >= high) for gate in spread)
    return reach._replace(whole=True) if sees_all else UNKNOWN


def _meet_in_one_position(reaches: list[Reach]) -> Reach:
    """On a map of one position a jump has no meaning; the first path's stands for all."""
    return meet([reach if reach.unknown else reach._replace(jump=reaches[0].jump) for reach in reaches])


def _bounded(reach: Reach) -> Reach:
    return UNKNOWN if max(reach.jump, reach.size) > INT64_MAX else reach


def last_maps(graph: Graph) -> list[int]:
    """The last maps of more than one position on the ways to the output; the picture where there is none."""
    found, seen, ahead = [], set(), [len(graph.nodes) - 1]
    while ahead:
        index = ahead.pop()
        shape = graph.nodes[index].shape
        if index in seen:
            continue
        seen.add(index)
        if index == 0 or (not shape.flat and shape.height * shape.width > 1):
            found.append(index)
        else:
            ahead += graph.nodes[index].inputs
    return sorted(found)


class Field(NamedTuple):
    """The receptive field of a map, in pixels of height and width. None where it is unknown.

    `whole`: through a gate or a global pooling it is the whole picture; `size` and `narrowest` are without it.
    """

    size: tuple[int, int] | None
    narrowest: tuple[int, int] | None
    whole: bool

    @classmethod
    def of(cls, *maps: Reaches) -> "Field":
        """The field of a map; of several side by side, the widest on each axis, and the narrowest path of all."""
        if any(reach.unknown for reaches in maps for reach in reaches):
            return cls(None, None, False)
        heights, widths = zip(*maps, strict=True)
        widest = max(reach.size for reach in heights), max(reach.size for reach in widths)
        narrowest = min(reach.narrowest for reach in heights), min(reach.narrowest for reach in widths)
        return cls(widest, narrowest, any(reach.whole for reaches in maps for reach in reaches))

    def __str__(self) -> str:
        if self.size is None:
            return "unknown"
        return "whole image" if self.whole else square(self.size)


def square(size: tuple[int, int]) -> str:
    """`(45, 45) -> 45`, `(45, 3) -> 45x3`."""
    return str(size[0]) if size[0] == size[1] else f"{size[0]}x{size[1]}"


class Finding(NamedTuple):
    """A node at which the field becomes unknown, or, with `apart`, whose paths' centres are so many pixels apart."""

    node: Node
    apart: float | None = None


def findings(graph: Graph, table: list[Reaches]) -> list[Finding]:
    """Where the field is not what a reader expects."""
    found = []
    for node, reaches in zip(graph.nodes, table, strict=True):
        if any(reach.unknown for source in node.inputs for reach in table[source]):
            continue
        if any(reach.unknown for reach in reaches):
            found.append(Finding(node))
        elif len(node.inputs) > 1 and (apart := max(_apart(graph, table, node, axis) for axis in (0, 1))):
            found.append(Finding(node, apart))
    return found


def _apart(graph: Graph, table: list[Reaches], node: Node, axis: int) -> float:
    """The distance between the centres of the paths that meet; gates, and maps of one position, have no centre."""
    size = node.shape.size[axis]
    centres = [table[i][axis].centre for i in node.inputs if graph.nodes[i].shape.size[axis] == size > 1]
    return max(centres) - min(centres) if centres else 0.0
