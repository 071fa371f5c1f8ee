"""Theoretical receptive fields, propagated from the picture forwards."""

from typing import NamedTuple

from advconv.geometry import INT64_MAX, UNKNOWN, Reach, meet
from advconv.graph import Graph, Node, full_inputs
from advconv.layers.pool import AdaptiveAvgPool2d, Pool2d

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
    """Where paths meet. A path of one position that is spread over a larger map is a gate, whose reach is left out."""
    full = full_inputs(graph.nodes, node)
    size = node.shape.size[axis]
    reach = meet([table[index][axis] for index in full], size)
    gates = [table[index][axis] for index in node.inputs if index not in full]
    if reach.unknown or not gates:
        return reach
    low, high = max(0, reach.first), min(graph.input.size[axis] - 1, reach.jump * (size - 1) + reach.last)
    sees_all = any(not gate.unknown and gate.first <= low and gate.last >= high for gate in gates)
    return reach._replace(gated=True, whole=reach.whole or sees_all)


def _bounded(reach: Reach) -> Reach:
    return UNKNOWN if max(reach.jump, reach.size) > INT64_MAX else reach


class Ends(NamedTuple):
    """Where the receptive field of a network is read: its last maps, and the global poolings that read them."""

    maps: list[int]
    poolings: list[int]


def ends(graph: Graph) -> Ends:
    """The last maps before the first global pooling on the ways to the output; the output's where there is none."""
    behind_pooling: list[bool] = []
    for node in graph.nodes:
        is_behind = any(behind_pooling[source] for source in full_inputs(graph.nodes, node))
        behind_pooling.append(is_behind or is_global_pooling(graph, node))
    found = Ends([], [])
    seen, ahead = set(), [len(graph.nodes) - 1]
    while ahead:
        index = ahead.pop()
        node = graph.nodes[index]
        if index in seen:
            continue
        seen.add(index)
        if not behind_pooling[index] and not node.shape.flat:
            found.maps.append(index)
            continue
        if is_global_pooling(graph, node) and not behind_pooling[node.inputs[0]]:
            found.poolings.append(index)
        ahead += full_inputs(graph.nodes, node)
    return Ends(sorted(found.maps), sorted(found.poolings))


def is_global_pooling(graph: Graph, node: Node) -> bool:
    """A pooling that leaves one position of several, whether or not it covers its map."""
    is_pooling = isinstance(node.layer, Pool2d | AdaptiveAvgPool2d) and node.shape.size == (1, 1)
    return is_pooling and graph.nodes[node.inputs[0]].shape.size != (1, 1)


class Field(NamedTuple):
    """The receptive field of a map, in pixels of height and width. None where it is unknown.

    `gated`: a gate, which `size` and `narrowest` leave out, lets each position see more; `whole`: the whole image.
    """

    size: tuple[int, int] | None
    narrowest: tuple[int, int] | None
    gated: bool
    whole: bool

    @classmethod
    def of(cls, *maps: Reaches) -> "Field":
        """The field of a map; of several side by side, the widest on each axis, and the narrowest path of all."""
        every = [reach for reaches in maps for reach in reaches]
        gated, whole = any(reach.gated for reach in every), any(reach.whole for reach in every)
        if any(reach.unknown for reach in every):
            return cls(None, None, gated, whole)
        heights, widths = zip(*maps, strict=True)
        widest = max(reach.size for reach in heights), max(reach.size for reach in widths)
        narrowest = min(reach.narrowest for reach in heights), min(reach.narrowest for reach in widths)
        return cls(widest, narrowest, gated, whole)

    @property
    def note(self) -> str:
        """What the number leaves out; empty where it is all."""
        if not self.gated:
            return ""
        return "a gate sees the whole image" if self.whole else "a gate sees more than that"

    def __str__(self) -> str:
        return "unknown" if self.size is None else square(self.size)


def square(size: tuple[int, int]) -> str:
    """`(45, 45) -> 45`, `(45, 3) -> 45x3`."""
    return str(size[0]) if size[0] == size[1] else f"{size[0]}x{size[1]}"


class Finding(NamedTuple):
    """A node at which the field becomes unknown, or, with `apart`, whose paths' centres are so many pixels apart.

    `is_too_large`: it is unknown because 64 bits cannot hold it.
    """

    node: Node
    apart: float | None = None
    is_too_large: bool = False


def findings(graph: Graph, table: list[Reaches]) -> list[Finding]:
    """Where the field is not what a reader expects."""
    found = []
    for node, reaches in zip(graph.nodes, table, strict=True):
        before = [reach for source in node.inputs for reach in table[source]]
        if any(reach.unknown for reach in before):
            continue
        if any(reach.unknown for reach in reaches):
            # Strides multiply: a field can outgrow 64 bits on a map of one position.
            is_too_large = len(node.inputs) == 1 and all(reach.jump for reach in before)
            found.append(Finding(node, is_too_large=is_too_large))
        elif len(node.inputs) > 1 and (apart := max(_apart(graph, table, node, axis) for axis in (0, 1))):
            found.append(Finding(node, apart))
    return found


def _apart(graph: Graph, table: list[Reaches], node: Node, axis: int) -> float:
    """The distance between the centres of the paths that meet; gates, and maps of one position, have no centre."""
    if node.shape.size[axis] == 1:
        return 0.0
    centres = [table[index][axis].centre for index in full_inputs(graph.nodes, node)]
    return max(centres) - min(centres)
