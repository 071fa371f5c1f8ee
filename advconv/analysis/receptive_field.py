"""Theoretical receptive fields, propagated from the image forwards."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from advconv.geometry import INT64_MAX, POINTS, UNKNOWN, Reach, Window, union
from advconv.graph import Graph, Node, full_inputs
from advconv.layers.base import Windows
from advconv.layers.dense import Pad
from advconv.layers.pool import AdaptiveAvgPool2d, Pool2d

Reaches = tuple[Reach, Reach]
"""What a map sees of the image's height and of its width."""

START = Reach(), Reach()


class Flow(NamedTuple):
    """Per node, the inputs that count for the receptive field.

    `ungated_inputs`: its inputs without gates. A gate is a 1x1 input broadcast over a larger map, or a globally pooled
    input merged with one that is not. `pooled`: whether every path to the node leads through a global pooling.
    """

    ungated_inputs: list[tuple[int, ...]]
    pooled: list[bool]


NO_FLOW = Flow([], [])


def flow(graph: Graph, known: Flow = NO_FLOW) -> Flow:
    """`known`: the flow of the first nodes."""
    found = Flow([*known.ungated_inputs], [*known.pooled])
    for node in graph.nodes[len(known.pooled) :]:
        inputs = full_inputs(graph.nodes, node)
        is_pooled = bool(inputs)
        for index in inputs:
            is_pooled = is_pooled and found.pooled[index]
        if len(inputs) > 1 and not is_pooled:
            inputs = tuple(index for index in inputs if not found.pooled[index])
        found.ungated_inputs.append(inputs)
        found.pooled.append(is_pooled or is_global_pooling(graph, node))
    return found


def reaches(graph: Graph, ungated_inputs: list[tuple[int, ...]], known: Sequence[Reaches] = ()) -> list[Reaches]:
    """The reach of each node over the height and the width of the input; `known`: those of the first nodes."""
    table: list[Reaches] = [*known]
    for index, node in enumerate(graph.nodes[len(known) :], len(known)):
        if not node.inputs:
            table.append(START)
        elif len(node.inputs) == 1:
            (source,) = node.inputs
            table.append(_through(table[source], node.layer.windows(graph.nodes[source].shape)))
        else:
            inputs = ungated_inputs[index]
            table.append((_merged(graph, table, node, inputs, 0), _merged(graph, table, node, inputs, 1)))
    return table


def _merged(graph: Graph, table: list[Reaches], node: Node, inputs: tuple[int, ...], axis: int) -> Reach:
    """The reach of a merge."""
    size = node.shape.size[axis]
    reach = union([table[index][axis] for index in inputs], size)
    gates = [table[index][axis] for index in node.inputs if index not in inputs]
    if reach.unknown or not gates:
        return reach
    low, high = max(0, reach.first), min(graph.input.size[axis] - 1, reach.jump * (size - 1) + reach.last)
    sees_all = any(not gate.unknown and gate.first <= low and gate.last >= high for gate in gates)
    return reach._replace(gated=True, whole=reach.whole or sees_all)


def _through(before: Reaches, windows: Windows) -> Reaches:
    if windows == POINTS:
        return before
    (vertical, horizontal), (over_height, over_width) = before, windows
    after = _on_axis(vertical, over_height)
    is_alike = vertical == horizontal and over_height == over_width
    return after, after if is_alike else _on_axis(horizontal, over_width)


def _on_axis(reach: Reach, window: Window) -> Reach:
    after = reach.through(window)
    return UNKNOWN if max(after.jump, after.size) > INT64_MAX else after


class LastMaps(NamedTuple):
    """The last maps of a network, which define its receptive field, and the global poolings that read them."""

    maps: list[int]
    poolings: list[int]


def last_maps(graph: Graph, flow: Flow) -> LastMaps:
    """The last maps before the first global pooling on the paths to the output; the last ones if there is none."""
    found = LastMaps([], [])
    seen, ahead = set(), [len(graph.nodes) - 1]
    while ahead:
        index = ahead.pop()
        node = graph.nodes[index]
        if index in seen:
            continue
        seen.add(index)
        if not flow.pooled[index] and not node.shape.flat:
            found.maps.append(index)
            continue
        if is_global_pooling(graph, node) and not flow.pooled[node.inputs[0]]:
            found.poolings.append(index)
        ahead += flow.ungated_inputs[index]
    return LastMaps(sorted(found.maps), sorted(found.poolings))


def is_global_pooling(graph: Graph, node: Node) -> bool:
    """A pooling from several positions to one, whether or not it covers its map. Padding adds no position."""
    if node.shape.height != 1 or node.shape.width != 1 or not isinstance(node.layer, Pool2d | AdaptiveAvgPool2d):
        return False
    source = graph.nodes[node.inputs[0]]
    source = graph.nodes[source.inputs[0]] if isinstance(source.layer, Pad) else source
    return source.shape.size != (1, 1)


class ReceptiveField(NamedTuple):
    """The receptive field of a map, in pixels of height and width. None if it is unknown.

    `gated`: through a gate, which `size` and `narrowest` exclude, positions see more; `whole`: the whole image.
    """

    size: tuple[int, int] | None
    narrowest: tuple[int, int] | None
    gated: bool
    whole: bool

    @classmethod
    def of(cls, *maps: Reaches) -> "ReceptiveField":
        """The receptive field of a map; of several maps, the widest on each axis, and the narrowest path."""
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
        """What the number excludes; empty if nothing."""
        if not self.gated:
            return ""
        return "gate: whole image" if self.whole else "gates excluded"

    def __str__(self) -> str:
        return "unknown" if self.size is None else square(self.size)


def square(size: tuple[int, int]) -> str:
    """`(45, 45) -> 45`, `(45, 3) -> 45x3`."""
    return str(size[0]) if size[0] == size[1] else f"{size[0]}x{size[1]}"


def by(size: tuple[int, int]) -> str:
    """`(45, 45) -> 45x45`."""
    return f"{size[0]}x{size[1]}"


class ReceptiveFieldIssue(NamedTuple):
    """A node at which the receptive field becomes unknown, or whose paths have centres `misalignment` pixels apart.

    `is_too_large`: it is unknown because it does not fit in 64 bits.
    """

    node: Node
    misalignment: float | None = None
    is_too_large: bool = False


def receptive_field_issues(
    graph: Graph, ungated_inputs: list[tuple[int, ...]], table: list[Reaches]
) -> list[ReceptiveFieldIssue]:
    """Nodes with an unknown or misaligned receptive field; gates are excluded."""
    found = dict(_unknown_issues(graph, ungated_inputs, table)) | dict(_misaligned(graph, ungated_inputs, table))
    return [found[index] for index in sorted(found) if not graph.is_gate[index]]


Issues = Iterator[tuple[int, ReceptiveFieldIssue]]
"""Issues, each with the index of its node."""


def _unknown_issues(graph: Graph, ungated_inputs: list[tuple[int, ...]], table: list[Reaches]) -> Issues:
    """Nodes with an unknown receptive field whose inputs have a known one."""
    for index, node in enumerate(graph.nodes):
        if _is_unknown(table[index]) and not any(_is_unknown(table[source]) for source in ungated_inputs[index]):
            # Strides multiply: a receptive field can outgrow 64 bits on a map of one position.
            has_jumps = all(reach.jump for source in ungated_inputs[index] for reach in table[source])
            yield index, ReceptiveFieldIssue(node, is_too_large=len(node.inputs) == 1 and has_jumps)


def _is_unknown(reaches: Reaches) -> bool:
    vertical, horizontal = reaches
    return vertical.unknown or horizontal.unknown


def _misaligned(graph: Graph, ungated_inputs: list[tuple[int, ...]], table: list[Reaches]) -> Issues:
    """Merges of paths whose centres differ, with all paths of a row at its last merge."""
    for index, paths in _merged_paths(graph, ungated_inputs).items():
        if any(_is_unknown(table[node]) for node in (index, *ungated_inputs[index])):
            continue
        node = graph.nodes[index]
        if misalignment := max(_misalignment(table, node, paths, axis) for axis in (0, 1)):
            yield index, ReceptiveFieldIssue(node, misalignment)


def _merged_paths(graph: Graph, ungated_inputs: list[tuple[int, ...]]) -> dict[int, list[int]]:
    """The ends of the paths that each row merges, at the last of its merges, which take two at a time."""
    found: dict[int, list[int]] = {}
    for index, inputs in enumerate(ungated_inputs):
        if len(graph.nodes[index].inputs) > 1:
            merged = [source for source in inputs if _extends_merge(graph, source, index)]
            paths = found.pop(merged[0], []) if merged else []
            found[index] = [*paths, *(source for source in inputs if source not in merged)]
    return {index: paths for index, paths in found.items() if len(paths) > 1}


def _extends_merge(graph: Graph, index: int, after: int) -> bool:
    """Whether a merge adds a further path to one of its inputs, another merge of its row."""
    first, second = graph.nodes[index], graph.nodes[after]
    return first.origin == second.origin and len(first.inputs) > 1


def _misalignment(table: list[Reaches], node: Node, paths: list[int], axis: int) -> float:
    """The distance between the centres of the merged paths; 0 on a map of one position, which is always aligned."""
    if node.shape.size[axis] == 1:
        return 0.0
    centres = [table[index][axis].centre for index in paths]
    return max(centres) - min(centres)
