"""A graph as rules look at it: each window with the map that it reads, and who reads each map."""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import ReceptiveFieldIssue, receptive_field_issues
from advconv.geometry import Shape, Window
from advconv.graph import Node
from advconv.layers.base import Layer, Windows
from advconv.layers.conv import Convolution
from advconv.layers.dense import Linear, Pad
from advconv.layers.pointwise import Dropout
from advconv.layers.pool import AdaptiveAvgPool2d, Pool2d, Subsample


class Reader(NamedTuple):
    """A convolution, pooling or linear layer: node `node_index`, which reads node `source` of shape `x`.

    A Pad before it belongs to `windows`, and `source` is the map before the Pad.
    """

    node_index: int
    node: Node
    layer: Layer
    source: int
    x: Shape
    windows: Windows

    @property
    def axes(self) -> tuple[tuple[Window, int], tuple[Window, int]]:
        """The window over each axis, with the size of the map there."""
        return (self.windows[0], self.x.height), (self.windows[1], self.x.width)

    @property
    def is_padded(self) -> bool:
        over_height, over_width = self.windows
        return bool(over_height.before or over_height.after or over_width.before or over_width.after)

    @property
    def is_larger_than_map(self) -> bool:
        """Whether the window spans more positions than the map has, on any axis."""
        over_height, over_width = self.windows
        return over_height.extent > self.x.height or over_width.extent > self.x.width

    @property
    def is_weighted(self) -> bool:
        return isinstance(self.layer, WEIGHTED)


WEIGHTED = (Convolution, Linear)
KINDS = (*WEIGHTED, Pool2d, AdaptiveAvgPool2d, Subsample)


class GraphView:
    """The measures of a network with the lookups that rules share, each computed once."""

    def __init__(self, measures: Measures) -> None:
        self.measures = measures
        self.graph = measures.graph
        self.nodes = measures.graph.nodes

    @cached_property
    def readers(self) -> dict[int, Reader]:
        """All convolutions, poolings and linear layers by the index of their node."""
        return {index: self._reader(index, self.nodes[index]) for index in self.graph.indices_of(*KINDS)}

    def nodes_of(self, *kinds: type) -> list[Node]:
        """The nodes whose layer is of one of these types, in order."""
        return [self.nodes[index] for index in self.graph.indices_of(*kinds)]

    @cached_property
    def convolutions(self) -> list[tuple[Reader, Convolution]]:
        return [(reader, reader.layer) for reader in self.readers.values() if isinstance(reader.layer, Convolution)]

    @cached_property
    def field_issues(self) -> list[ReceptiveFieldIssue]:
        """Nodes with an unknown or misaligned receptive field."""
        return receptive_field_issues(self.graph, self.measures.flow.ungated_inputs, self.measures.reaches)

    def _reader(self, index: int, node: Node) -> Reader:
        source = node.inputs[0]
        x = self.nodes[source]
        over_height, over_width = node.layer.windows(x.shape)
        while isinstance(x.layer, Pad):
            source = x.inputs[0]
            top_bottom, left_right = x.layer.windows(x.shape)
            over_height, over_width = over_height.padded_by(top_bottom), over_width.padded_by(left_right)
            x = self.nodes[source]
        return Reader(index, node, node.layer, source, x.shape, (over_height, over_width))

    def chain_to(self, index: int) -> Iterator[int]:
        """The nodes before one, the nearest first, as long as each has one input and one consumer; without dropout."""
        while len(inputs := self.nodes[index].inputs) == 1:
            (index,) = inputs
            if len(self.graph.consumers[index]) > 1:
                return
            if not isinstance(self.nodes[index].layer, Dropout):
                yield index

    @cached_property
    def weighted_pairs(self) -> list[tuple[Reader, Reader, list[Layer]]]:
        """Convolutions and linear layers of which the second reads the first alone, with the layers between them."""
        found = []
        for after in self.readers.values():
            between: list[Layer] = []
            for index in self.chain_to(after.node_index) if after.is_weighted else ():
                reader = self.readers.get(index)
                if reader and reader.is_weighted:
                    found.append((reader, after, between[::-1]))
                    break
                between.append(self.nodes[index].layer)
        return found
