"""The features that a network uses, counted in its graph, whichever blocks it was written with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from advconv.geometry import Shape
from advconv.graph import Graph, Node
from advconv.layers.conv import Convolution
from advconv.layers.dense import Flatten, Linear
from advconv.layers.merge import Add, Concat, Multiply
from advconv.layers.pointwise import Activation, Dropout, Norm
from advconv.layers.pool import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d

CONVOLUTIONS: dict[str, Callable[[Any, Shape], bool]] = {
    "conv": lambda conv, x: True,
    "pointwise": lambda conv, x: conv.kernel_size == (1, 1),
    "depthwise": lambda conv, x: conv.is_depthwise(x),
    "grouped": lambda conv, x: conv.groups_for(x) > 1 and not conv.is_depthwise(x),
    "dilated": lambda conv, x: conv.is_dilated,
    "strided": lambda conv, x: max(conv.stride) > 1,
}
"""Whether a convolution on an input of this shape has the feature."""

LAYERS: dict[str, type] = {
    "maxpool": MaxPool2d,
    "avgpool": AvgPool2d,
    "linear": Linear,
    "flatten": Flatten,
    "norm": Norm,
    "activation": Activation,
    "dropout": Dropout,
    "add": Add,
    "concat": Concat,
    "multiply": Multiply,
}
AVERAGES = (AdaptiveAvgPool2d, AvgPool2d)
GRAPH_FEATURES = ("dwsep", "gap")
FEATURES = (*CONVOLUTIONS, *LAYERS, *GRAPH_FEATURES)

CHANNELS = ("in_channels", "out_channels")
WINDOWS = ("kernel_size", "stride", *CHANNELS)
NARROWED_BY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(FEATURES, CHANNELS),
    **dict.fromkeys(("maxpool", "avgpool"), WINDOWS),
    **dict.fromkeys(
        ("conv", "pointwise", "depthwise", "grouped", "dilated", "strided", "dwsep"), (*WINDOWS, "dilation")
    ),
}
"""The fields by which a constraint can narrow each feature."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One occurrence: its node, and the fields by which a constraint can narrow it."""

    name: str
    index: int
    fields: dict[str, Any]

    def has(self, narrowing: dict[str, Any]) -> bool:
        return all(self.fields.get(field) == value for field, value in narrowing.items())


def features(graph: Graph, names: tuple[str, ...] = FEATURES) -> list[Feature]:
    """The occurrences of the named features, in graph order for each name."""
    return [
        Feature(name, first, _fields(graph, name, graph.nodes[first], graph.nodes[last]))
        for name in names
        for first, last in _spans(graph, name)
    ]


def _spans(graph: Graph, name: str) -> list[tuple[int, int]]:
    """The first and the last node of each occurrence."""
    if name == "dwsep":
        return list(separable_pairs(graph).items())
    return [(index, index) for index in _places(graph, name)]


def _places(graph: Graph, name: str) -> list[int]:
    if name == "gap":
        return global_poolings(graph)
    if kind := LAYERS.get(name):
        return graph.indices_of(kind)
    has_feature, nodes = CONVOLUTIONS[name], graph.nodes
    return [
        index
        for index in graph.indices_of(Convolution)
        if has_feature(nodes[index].layer, nodes[nodes[index].inputs[0]].shape)
    ]


def _fields(graph: Graph, name: str, node: Node, last: Node) -> dict[str, Any]:
    """The sizes of the first node, the channels from its input to the last's output."""
    channels = {"in_channels": graph.nodes[node.inputs[0]].shape.channels, "out_channels": last.shape.channels}
    return {field: channels[field] if field in channels else getattr(node.layer, field) for field in NARROWED_BY[name]}


def separable_pairs(graph: Graph) -> dict[int, int]:
    """Each depthwise convolution that a 1x1 convolution follows, with at most norm, activation or dropout between."""
    readers = graph.consumers
    pairs = {}
    for index in _places(graph, "depthwise"):
        after = _only_reader(readers, index)
        while after is not None and isinstance(graph.nodes[after].layer, Norm | Activation | Dropout):
            after = _only_reader(readers, after)
        if after is not None and _is_full_pointwise(graph, graph.nodes[after]):
            pairs[index] = after
    return pairs


def _is_full_pointwise(graph: Graph, node: Node) -> bool:
    return isinstance(node.layer, Convolution) and node.layer.is_pointwise(graph.input_shapes(node)[0])


def _only_reader(readers: list[list[int]], index: int) -> int | None:
    return readers[index][0] if len(readers[index]) == 1 else None


def global_poolings(graph: Graph) -> list[int]:
    """Average poolings that cover their whole map, except those of gates."""
    return [
        index
        for index in graph.indices_of(*AVERAGES)
        if not graph.is_gate[index] and _averages_all(graph, graph.nodes[index])
    ]


def _averages_all(graph: Graph, node: Node) -> bool:
    return not isinstance(node.layer, AvgPool2d) or node.layer.covers(graph.input_shapes(node)[0])
