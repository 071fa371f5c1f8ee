"""The receptive-field calculation table: a row for each convolutional unit and pooling."""

from typing import NamedTuple

from advconv.analysis.features import separable_pairs
from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import Reaches
from advconv.geometry import Window
from advconv.graph import Graph, Node, main_path
from advconv.layers.conv import Conv2d
from advconv.layers.dense import Pad
from advconv.layers.pool import AdaptiveAvgPool2d, MaxPool2d, Pool2d


class Step(NamedTuple):
    """A convolutional unit or a pooling, from the map it reads to the map it puts out; pairs are (height, width)."""

    node: Node
    windows: tuple[Window, Window]
    input_size: tuple[int, int]
    output_size: tuple[int, int]
    before: Reaches
    after: Reaches
    notes: str

    @property
    def leaves_one_position(self) -> bool:
        return self.output_size == (1, 1) and self.input_size != (1, 1)


def steps(measures: Measures) -> list[Step]:
    """The steps on the way to the output, those of gates left out."""
    graph = measures.graph
    pairs, on_path = separable_pairs(graph), main_path(graph)
    last = _last_conv_before_pooling(graph, on_path)
    seconds = set(pairs.values())
    found = []
    for index, node in enumerate(graph.nodes):
        is_gate = node.shape.size == (1, 1) and not on_path[index]
        if index in seconds or is_gate or not isinstance(node.layer, Conv2d | Pool2d | AdaptiveAvgPool2d):
            continue
        notes = _notes(measures, index, index in pairs)
        if last in (index, pairs.get(index)):
            notes += " (Last conv before GAP)"
        found.append(_step(measures, index, pairs.get(index, index), notes))
    return found


def _step(measures: Measures, index: int, end: int, notes: str) -> Step:
    nodes = measures.graph.nodes
    node, source = nodes[index], nodes[index].inputs[0]
    windows = node.layer.windows(nodes[source].shape)
    if isinstance(nodes[source].layer, Pad):
        margins = nodes[source].layer.windows(nodes[source].shape)
        windows = _padded(windows[0], margins[0]), _padded(windows[1], margins[1])
        source = nodes[source].inputs[0]
    sizes = nodes[source].shape.size, nodes[end].shape.size
    return Step(node, windows, *sizes, measures.reaches[source], measures.reaches[end], notes)


def _padded(window: Window, margin: Window) -> Window:
    return window._replace(before=window.before + margin.before, after=window.after + margin.after)


def _last_conv_before_pooling(graph: Graph, on_path: list[bool]) -> int | None:
    """The last convolution before a pooling on the main path leaves one position, whether or not it covers its map."""
    last = None
    for index, node in enumerate(graph.nodes):
        if isinstance(node.layer, Conv2d):
            last = index
        elif on_path[index] and isinstance(node.layer, Pool2d | AdaptiveAvgPool2d) and node.shape.size == (1, 1):
            return last
    return None


def _notes(measures: Measures, index: int, is_separable: bool) -> str:
    node = measures.graph.nodes[index]
    layer = node.layer
    if not isinstance(layer, Conv2d):
        return "Max Pool" if isinstance(layer, MaxPool2d) else "Avg Pool"
    x = measures.graph.input_shapes(node)[0]
    traits = {"Dilated": layer.is_dilated, "Strided": max(layer.stride) > 1}
    words = [" + ".join(trait for trait, has in traits.items() if has)]
    kinds = {
        "Depthwise Separable": is_separable,
        "Depthwise": layer.is_depthwise(x),
        "Pointwise": layer.is_pointwise,
        "Grouped": layer.groups_for(x) > 1,
    }
    words.append(next((kind for kind, has in kinds.items() if has), ""))
    return " ".join([*filter(None, words), "Conv"]) if any(words) else "Normal Conv"
