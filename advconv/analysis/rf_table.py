"""The receptive-field calculation table: a row for each convolutional unit and pooling."""

from typing import NamedTuple

from advconv.analysis.features import separable_pairs
from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import Reaches, ReceptiveField, is_global_pooling
from advconv.geometry import Window
from advconv.graph import Graph, Node
from advconv.layers.conv import Convolution
from advconv.layers.dense import Pad
from advconv.layers.pool import AdaptiveAvgPool2d, MaxPool2d, Pool2d


class RfStep(NamedTuple):
    """A convolutional unit or a pooling, from its input map to its output map; pairs are (height, width)."""

    node: Node
    windows: tuple[Window, Window]
    input_size: tuple[int, int]
    output_size: tuple[int, int]
    before: Reaches
    after: Reaches
    notes: str
    is_global_pooling: bool
    is_widest: bool
    """Whether it has the largest receptive field of the rows before the head."""


def steps(measures: Measures) -> list[RfStep]:
    """The steps on the paths to the output, except those of gates."""
    graph = measures.graph
    pairs, widest = _single_rows(graph), _widest_before_the_head(measures)
    seconds = set(pairs.values())
    found = []
    for index, node in enumerate(graph.nodes):
        if _has_a_row(node) and index not in seconds and not graph.is_gate[index]:
            end = pairs.get(index, index)
            found.append(_step(measures, index, end, _notes(measures, index, end != index), end == widest))
    return found


def _has_a_row(node: Node) -> bool:
    return isinstance(node.layer, Convolution | Pool2d | AdaptiveAvgPool2d)


def _single_rows(graph: Graph) -> dict[int, int]:
    """The separable pairs that share a row: those whose second convolution neither strides nor pads."""
    pairs = separable_pairs(graph).items()
    layers = {second: graph.nodes[second].layer for _, second in pairs}
    return {first: second for first, second in pairs if getattr(layers[second], "keeps_geometry", False)}


def _step(measures: Measures, index: int, end: int, notes: str, is_widest: bool) -> RfStep:
    nodes = measures.graph.nodes
    node, source = nodes[index], nodes[index].inputs[0]
    windows = node.layer.windows(nodes[source].shape)
    if isinstance(nodes[source].layer, Pad):
        margins = nodes[source].layer.windows(nodes[source].shape)
        windows = windows[0].padded_by(margins[0]), windows[1].padded_by(margins[1])
        source = nodes[source].inputs[0]
    sizes = nodes[source].shape.size, nodes[end].shape.size
    reaches, is_global = (measures.reaches[source], measures.reaches[end]), is_global_pooling(measures.graph, node)
    return RfStep(node, windows, *sizes, *reaches, notes, is_global, is_widest)


def _widest_before_the_head(measures: Measures) -> int | None:
    """Of the last convolutions or poolings before a global pooling, the one with the largest receptive field."""
    nodes, found, ungated_inputs = measures.graph.nodes, measures.last_maps, measures.flow.ungated_inputs
    last, seen, ahead = [], set(), list(found.maps if found.poolings else ())
    while ahead:
        index = ahead.pop()
        if index in seen:
            continue
        seen.add(index)
        if _has_a_row(nodes[index]):
            last.append(index)
        else:
            ahead += ungated_inputs[index]
    return max(last, key=lambda index: (_area(measures.reaches[index]), index), default=None)


def _area(reaches: Reaches) -> int:
    height, width = ReceptiveField.of(reaches).size or (0, 0)
    return height * width


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
