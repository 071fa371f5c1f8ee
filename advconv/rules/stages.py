"""The order of convolutions, norms, activations and dropout."""

from collections.abc import Iterator

from advconv.analysis.view import GraphView, Reader
from advconv.graph import Node
from advconv.layers.base import Layer
from advconv.layers.conv import Convolution
from advconv.layers.dense import Flatten, Pad
from advconv.layers.merge import Add
from advconv.layers.pointwise import Activation, BatchNorm2d, Dropout, GroupNorm
from advconv.layers.pool import AdaptiveAvgPool2d, AvgPool2d, Subsample
from advconv.rules.record import WARNING, Rule, in_row, vain_row
from advconv.text.finding import Finding

LINEAR = (BatchNorm2d, Flatten, AdaptiveAvgPool2d, AvgPool2d, Pad, Subsample)
"""Layers that are linear at inference, and leave a pair of linear layers around them linear."""

IDEMPOTENT = ("relu", "relu6")
"""Activations that change nothing the second time."""

NORMS = (BatchNorm2d, GroupNorm)
Kinds = tuple[type[Layer], ...]

NON_NEGATIVE = ("relu", "relu6", "sigmoid", "hardsigmoid")


def points_in_a_row(view: GraphView) -> Iterator[Finding]:
    for before, after in _linear_pairs(view):
        if _is_point(before) and _is_point(after):
            message = "a 1x1 convolution of a 1x1 convolution, with no non-linearity between them"
            yield in_row(after.node, "AC321", message, "leave one of them out, or put an activation between them")


def no_activation_between(view: GraphView) -> Iterator[Finding]:
    for before, after in _linear_pairs(view):
        if not (_is_point(before) and _is_point(after)):
            layers = f"{before.node.origin.label} and this {after.layer.kind}"
            message = f"no non-linearity between {layers}: together they are one linear layer"
            yield in_row(after.node, "AC322", message, "put an activation between them")


def _linear_pairs(view: GraphView) -> Iterator[tuple[Reader, Reader]]:
    """Weighted layers with no non-linearity between them, unless they are meant as the factors of one layer."""
    linear = [pair for *pair, between in view.weighted_pairs if all(isinstance(layer, LINEAR) for layer in between)]
    ends_linear = {before.node_index for before, _ in linear}
    for before, after in linear:
        if not _are_factors(before, after, after.node_index in ends_linear):
            yield before, after


def _are_factors(before: Reader, after: Reader, goes_on: bool) -> bool:
    """Whether a pair has fewer parameters than the layer it stands for: separable, or through fewer channels.

    `goes_on`: a third layer follows without a non-linearity.
    """
    between = before.node.shape.channels
    if between < min(before.x.channels, after.node.shape.channels):
        return True
    if not (isinstance(before.layer, Convolution) and isinstance(after.layer, Convolution)):
        return False
    if before.layer.is_depthwise(before.x):
        # Of two depthwise ones the second is dilated: a large kernel (Guo et al., Visual Attention Network, 2022).
        return after.layer.kernel_size == (1, 1) or (after.layer.is_depthwise(after.x) and after.layer.is_dilated)
    if _is_point(before) and after.layer.is_depthwise(after.x):
        # Pointwise first (Haase and Amthor, Rethinking Depthwise Separable Convolutions, 2020).
        return not goes_on
    (height, width), (next_height, next_width) = before.layer.kernel_size, after.layer.kernel_size
    return height == next_width == 1 < min(width, next_height) or width == next_height == 1 < min(height, next_width)


def _is_point(reader: Reader) -> bool:
    return isinstance(reader.layer, Convolution) and reader.layer.is_pointwise(reader.x)


def _pairs(view: GraphView, kind: Kinds, next_kind: Kinds) -> Iterator[tuple[Layer, Node]]:
    """Layers of one kind with the node of another kind that reads them directly."""
    for node in view.nodes_of(*next_kind):
        if isinstance(layer := view.nodes[node.inputs[0]].layer, kind):
            yield layer, node


def activations_in_a_row(view: GraphView) -> Iterator[Finding]:
    for first, node in _pairs(view, (Activation,), (Activation,)):
        message = f"{node.layer.kind} of {first.kind}, with nothing between them"
        if node.layer == first and isinstance(first, Activation) and first.name in IDEMPOTENT:
            yield vain_row(node, "AC323", message)
        else:
            yield in_row(node, "AC323", message, "leave one of them out")


def norms_in_a_row(view: GraphView) -> Iterator[Finding]:
    for first, node in _pairs(view, NORMS, NORMS):
        message = f"{node.layer.kind} of {first.kind}, with nothing between them"
        yield in_row(node, "AC331", message, "leave one of them out")


def dropout_before_norm(view: GraphView) -> Iterator[Finding]:
    for _, node in _pairs(view, (Dropout,), (BatchNorm2d,)):
        message = f"{node.layer.kind} directly after dropout"
        yield in_row(node, "AC329", message, "drop after the norm or after the activation")


def bias_before_norm(view: GraphView) -> Iterator[Finding]:
    for reader, layer in view.convolutions:
        consumers = view.graph.consumers[reader.node_index]
        if layer.bias and len(consumers) == 1 and _subtracts_mean(view.nodes[consumers[0]].layer, reader):
            channels = reader.node.shape.channels
            message = f"the norm after this convolution subtracts its bias again ({channels:,} parameters in vain)"
            yield in_row(reader.node, "AC327", message, "use `bias: false`", "bias", fix="false")


def _subtracts_mean(layer: Layer, reader: Reader) -> bool:
    """Whether it subtracts the mean of each channel."""
    channels = reader.node.shape.channels
    return isinstance(layer, BatchNorm2d) or (isinstance(layer, GroupNorm) and layer.num_groups == channels)


def norm_of_one_position(view: GraphView) -> Iterator[Finding]:
    for index in view.graph.indices_of(BatchNorm2d):
        node = view.nodes[index]
        if node.shape.size == (1, 1) and not view.graph.is_gate[index]:
            message = f"{node.layer.kind} of a {node.shape} map: each channel of an image has a single value"
            yield in_row(node, "AC328", message, "use `norm: none`, or `norm: layer`", "norm")


def activated_before_sum(view: GraphView) -> Iterator[Finding]:
    for node in view.nodes_of(Add):
        if node.origin.kind == "residual":
            index = node.inputs[0]
            while isinstance(view.nodes[index].layer, Dropout):
                (index,) = view.nodes[index].inputs
            last = view.nodes[index].layer
            if isinstance(last, Activation) and last.name in NON_NEGATIVE:
                message = f"the main path ends with {last.kind}, so it can add and never subtract"
                yield in_row(node, "AC330", message, "end it with `activation: none`; the sum has an activation")


RULES = (
    Rule(
        code="AC321",
        severity=WARNING,
        title="1x1 convolution of a 1x1 convolution",
        what=(
            "Two 1x1 convolutions follow each other with no non-linearity between them, and the channels between them "
            "are not fewer than before and after."
        ),
        why=(
            "Together they are one 1x1 convolution, at the price of two. Through fewer channels than before and after "
            "it is a linear bottleneck, which saves parameters (Sandler et al., MobileNetV2, 2018)."
        ),
        fails="- conv: 8\n- pointwise: {out_channels: 32, activation: none}\n- pointwise: 16",
        passes="- conv: 8\n- pointwise: 32\n- pointwise: 16",
        check_network=points_in_a_row,
    ),
    Rule(
        code="AC322",
        severity=WARNING,
        title="no non-linearity between two layers",
        what=(
            "Two layers with weights follow each other with no activation between them. Not reported: a depthwise and "
            "a 1x1 convolution in either order, a depthwise and a dilated depthwise one, 1xk and kx1, and layers "
            "through fewer channels than before and after."
        ),
        why=(
            "A linear layer of a linear layer is a linear layer; a batch norm or an average between them is linear "
            "too. What is allowed saves parameters that way."
        ),
        fails="- conv: {out_channels: 16, activation: none}\n- conv: 16",
        passes="- dwsep: 16\n- conv: 16",
        check_network=no_activation_between,
    ),
    Rule(
        code="AC323",
        severity=WARNING,
        title="two activations in a row",
        what="An activation reads the output of an activation.",
        why="ReLU of ReLU is ReLU; any other pair is one odd activation, most often written by accident.",
        fails="- conv: 16\n- activation: relu",
        passes="- conv: {out_channels: 16, activation: none}\n- activation: relu",
        check_network=activations_in_a_row,
    ),
    Rule(
        code="AC327",
        severity=WARNING,
        title="bias before a norm",
        what="A convolution has a bias, and the next layer subtracts the mean of each channel.",
        why=(
            "The norm has a shift of its own, so the bias has no effect and its gradient is 0 (Ioffe and Szegedy, "
            "Batch Normalization, 2015, section 3.2). `bias: auto` leaves it out within one row."
        ),
        fails="- conv: {out_channels: 16, bias: true}",
        passes="- conv: 16",
        check_network=bias_before_norm,
    ),
    Rule(
        code="AC328",
        severity=WARNING,
        title="batch norm of one position",
        what="A batch norm reads a map of a single position; one in a gate is not reported.",
        why=(
            "It then has one value of each channel in an image: its statistics have the noise of the batch size, and a "
            "batch of one image fails in torch."
        ),
        fails="- conv: 16\n- gap\n- pointwise: 32",
        passes="- conv: 16\n- gap\n- pointwise: {out_channels: 32, norm: none}",
        check_network=norm_of_one_position,
    ),
    Rule(
        code="AC329",
        severity=WARNING,
        title="dropout directly before a batch norm",
        what="A batch norm reads the output of a dropout.",
        why=(
            "Dropout changes the variance between training and inference, and the norm has stored that of training (Li "
            "et al., Understanding the Disharmony between Dropout and Batch Normalization, 2019)."
        ),
        fails="- conv: 16\n- dropout: 0.1\n- norm: batch",
        passes="- conv: 16\n- dropout: 0.1\n- conv: 16",
        check_network=dropout_before_norm,
    ),
    Rule(
        code="AC330",
        severity=WARNING,
        title="activation before a residual sum",
        what="The main path of a residual row ends with an activation that is never negative, such as ReLU.",
        why=(
            "The sum can then only grow from row to row. On CIFAR-10 it raised the error of ResNet-110 from 6.6% to "
            "7.8% (He et al., Identity Mappings in Deep Residual Networks, 2016, table 2)."
        ),
        fails="- conv: 16\n- residual: [conv: 16, conv: 16]",
        passes="- conv: 16\n- residual: [conv: 16, conv: {out_channels: 16, activation: none}]",
        check_network=activated_before_sum,
    ),
    Rule(
        code="AC331",
        severity=WARNING,
        title="two norms in a row",
        what="A norm reads the output of a norm.",
        why="The second finds values that are normalised already, and costs memory and time.",
        fails="- conv: {out_channels: 16, activation: none}\n- norm: batch",
        passes="- conv: {out_channels: 16, norm: none, bias: false, activation: none}\n- norm: batch",
        check_network=norms_in_a_row,
    ),
)
