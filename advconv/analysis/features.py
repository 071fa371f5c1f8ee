"""What a network uses, counted in its graph, whatever words wrote it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from advconv.geometry import Shape
from advconv.graph import Graph, Node, consumers, main_path
from advconv.layers.base import Layer
from advconv.layers.conv import Conv2d
from advconv.layers.dense import Flatten, Linear
from advconv.layers.merge import Add, Concat, Multiply
from advconv.layers.pointwise import Activation, Dropout, Norm
from advconv.layers.pool import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d

Test = Callable[[Layer, Shape], bool]
"""Whether a layer on an input of this shape has the feature."""


def _is(kind: type) -> Test:
    return lambda layer, x: isinstance(layer, kind)


def _conv(test: Callable[[Conv2d, Shape], bool]) -> Test:
    return lambda layer, x: isinstance(layer, Conv2d) and test(layer, x)


LAYER_FEATURES: dict[str, Test] = {
    "conv": _is(Conv2d),
    "pointwise": _conv(lambda conv, x: conv.is_pointwise),
    "depthwise": _conv(lambda conv, x: conv.is_depthwise(x)),
    "grouped": _conv(lambda conv, x: conv.groups_for(x) > 1 and not conv.is_depthwise(x)),
    "dilated": _conv(lambda conv, x: conv.is_dilated),
    "strided": _conv(lambda conv, x: max(conv.stride) > 1),
    "maxpool": _is(MaxPool2d),
    "avgpool": _is(AvgPool2d),
    "linear": _is(Linear),
    "flatten": _is(Flatten),
    "norm": _is(Norm),
    "activation": _is(Activation),
    "dropout": _is(Dropout),
    "add": _is(Add),
    "concat": _is(Concat),
    "multiply": _is(Multiply),
}
GRAPH_FEATURES = ("dwsep", "gap")
FEATURES = (*LAYER_FEATURES, *GRAPH_FEATURES)


@dataclass(frozen=True, slots=True)
class Feature:
    """One occurrence: the node that shows it, and the fields that a constraint may ask for."""

    name: str
    index: int
    fields: dict[str, Any]

    def has(self, narrowing: dict[str, Any]) -> bool:
        return all(self.fields.get(field) == value for field, value in narrowing.items())


def features(graph: Graph, names: tuple[str, ...] = FEATURES) -> list[Feature]:
    """The occurrences of the named features, in graph order for each name."""
    found = []
    for name in names:
        found += [Feature(name, index, _fields(graph, graph.nodes[index])) for index in _places(graph, name)]
    return found


def _places(graph: Graph, name: str) -> list[int]:
    if name == "dwsep":
        return list(separable_pairs(graph))
    if name == "gap":
        return global_poolings(graph)
    test = LAYER_FEATURES[name]
    return [
        index
        for index, node in enumerate(graph.nodes)
        if node.inputs and test(node.layer, graph.nodes[node.inputs[0]].shape)
    ]


def _fields(graph: Graph, node: Node) -> dict[str, Any]:
    named = ("kernel_size", "stride", "dilation")
    sizes = {field: getattr(node.layer, field) for field in named if hasattr(node.layer, field)}
    channels = {"in_channels": graph.nodes[node.inputs[0]].shape.channels, "out_channels": node.shape.channels}
    return sizes | channels


def separable_pairs(graph: Graph) -> dict[int, int]:
    """Each depthwise convolution that a 1x1 convolution follows, with at most norm, activation or dropout between."""
    readers = consumers(graph)
    pairs = {}
    for index in _places(graph, "depthwise"):
        after = _only_reader(readers, index)
        while after is not None and isinstance(graph.nodes[after].layer, Norm | Activation | Dropout):
            after = _only_reader(readers, after)
        layer = graph.nodes[after].layer if after is not None else None
        if after is not None and isinstance(layer, Conv2d) and layer.is_pointwise and layer.groups == 1:
            pairs[index] = after
    return pairs


def _only_reader(readers: list[list[int]], index: int) -> int | None:
    return readers[index][0] if len(readers[index]) == 1 else None


def global_poolings(graph: Graph) -> list[int]:
    """Average poolings on the main path that cover their whole map."""
    on_path = main_path(graph)
    return [
        index
        for index, node in enumerate(graph.nodes)
        if on_path[index] and node.inputs and _averages_all(node.layer, graph.nodes[node.inputs[0]].shape)
    ]


def _averages_all(layer: Layer, x: Shape) -> bool:
    return isinstance(layer, AdaptiveAvgPool2d) or (isinstance(layer, AvgPool2d) and layer.covers(x))
