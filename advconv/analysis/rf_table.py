"""The receptive-field calculation table: a row for each convolutional unit and pooling."""

from typing import NamedTuple

from advconv.analysis.features import separable_pairs
from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import Reaches
from advconv.geometry import Window
from advconv.graph import Graph, Node, gates, main_input, main_path
from advconv.layers.conv import Convolution
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
    def closes_the_table(self) -> bool:
        """A pooling that leaves one position of several."""
        is_pooling = isinstance(self.node.layer, Pool2d | AdaptiveAvgPool2d)
        return is_pooling and self.output_size == (1, 1) and self.input_size != (1, 1)


def steps(measures: Measures) -> list[Step]:
    """The steps on the way to the output, those of gates left out."""
    graph = measures.graph
    pairs, in_gate = _single_rows(graph), gates(graph)
    last = _last_conv_before_pooling(graph)
    seconds = set(pairs.values())
    found = []
    for index, node in enumerate(graph.nodes):
        is_step = isinstance(node.layer, Convolution | Pool2d | AdaptiveAvgPool2d)
        if is_step and index not in seconds and not in_gate[index]:
            notes = _notes(measures, index, index in pairs)
            is_last = last is not None and last in (index, pairs.get(index))
            notes += " (Last conv before GAP)" if is_last else ""
            found.append(_step(measures, index, pairs.get(index, index), notes))
    return found


def _single_rows(graph: Graph) -> dict[int, int]:
    """The separable pairs that one row can tell: the second neither strides nor pads."""
    pairs = separable_pairs(graph).items()
    layers = {second: graph.nodes[second].layer for _, second in pairs}
    return {first: second for first, second in pairs if getattr(layers[second], "is_plain", False)}


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


def _last_conv_before_pooling(graph: Graph) -> int | None:
    """The last convolution before a pooling on the main path leaves one position, whether or not it covers its map.

    Where paths have met, the first of them counts.
    """
    on_path = main_path(graph)
    for index, node in enumerate(graph.nodes):
        if on_path[index] and isinstance(node.layer, Pool2d | AdaptiveAvgPool2d) and node.shape.size == (1, 1):
            while index and not isinstance(graph.nodes[index].layer, Convolution):
                index = main_input(graph.nodes, index)
            return index or None
    return None


def _notes(measures: Measures, index: int, is_separable: bool) -> str:
    node = measures.graph.nodes[index]
    layer = node.layer
    if not isinstance(layer, Convolution):
        return "Max Pool" if isinstance(layer, MaxPool2d) else "Avg Pool"
    x = measures.graph.input_shapes(node)[0]
    traits = {"Dilated": layer.is_dilated, "Strided": max(layer.stride) > 1}
    words = [" + ".join(trait for trait, has in traits.items() if has)]
    kinds = {
        "Depthwise Separable": is_separable,
        "Depthwise": layer.is_depthwise(x),
        "Pointwise": layer.kernel_size == (1, 1),
        "Grouped": layer.groups_for(x) > 1,
    }
    words.append(next((kind for kind, has in kinds.items() if has), ""))
    return " ".join([*filter(None, words), "Conv"]) if any(words) else "Normal Conv"
