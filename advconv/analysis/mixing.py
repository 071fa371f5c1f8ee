"""Channels that grouped convolutions keep apart up to the last map."""

from math import gcd
from typing import NamedTuple

from advconv.analysis.view import GraphView
from advconv.geometry import Shape
from advconv.graph import Node
from advconv.layers.base import Layer
from advconv.layers.conv import Convolution
from advconv.layers.dense import Flatten, Linear, PadChannels
from advconv.layers.merge import Concat
from advconv.layers.pointwise import GroupNorm


class SeparateChannels(NamedTuple):
    """A convolution from which on the `channels` of its input stay apart in `parts` groups of equal size."""

    node: Node
    parts: int
    channels: int


def separate_channels(view: GraphView) -> SeparateChannels | None:
    """The first of two or more grouped convolutions in a row after which nothing up to the last map mixes all channels.

    Computed from the last maps backwards: of the `parts[i]` equal groups of the channels of node i, each feature of a
    last map depends on one.
    """
    grouped = {reader.node_index for reader, layer in view.convolutions if layer.groups_for(reader.x) > 1}
    if len(grouped) < 2:
        return None
    parts, runs = [0] * len(view.nodes), [0] * len(view.nodes)
    for end in view.measures.last_maps.maps:
        parts[end] = view.nodes[end].shape.channels
    found = None
    for index in range(len(view.nodes) - 1, 0, -1):
        node = view.nodes[index]
        for source in node.inputs if parts[index] else ():
            left = gcd(parts[index], _groups(node.layer, view.nodes[source].shape)) if parts[index] > 1 else 1
            run = runs[index] + (index in grouped)
            parts[source], runs[source] = gcd(parts[source], left), max(runs[source], run)
            if left > 1 and run > 1 and index in grouped:
                found = SeparateChannels(node, left, view.nodes[source].shape.channels)
    return found


def _groups(layer: Layer, x: Shape) -> int:
    """The groups of channels that a layer keeps apart; 0 if it keeps all of them apart.

    Two partitions into equal groups of neighbours have as many groups in common as the gcd of their counts.
    """
    if isinstance(layer, Convolution):
        return layer.groups_for(x)
    if isinstance(layer, GroupNorm):
        return layer.num_groups
    return 1 if isinstance(layer, Concat | PadChannels | Flatten | Linear) else 0
