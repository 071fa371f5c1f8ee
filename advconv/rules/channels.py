"""Channels that do not mix, that are too few, or that are slow."""

from collections.abc import Iterator
from math import gcd

from advconv.analysis.mixing import separate_channels
from advconv.analysis.view import GraphView
from advconv.layers.conv import Conv2d
from advconv.layers.pointwise import Activation
from advconv.rules.record import INFORMATION, WARNING, LintInput, Rule, in_row
from advconv.text.finding import Finding

FEW_PER_GROUP = 3
MANY_GROUPS = 8

LEAST_ROWS = 4

FAST = 8
"""Tensor cores and vector units compute channels in multiples of this number."""


def almost_depthwise(view: GraphView) -> Iterator[Finding]:
    for reader, layer in view.convolutions:
        groups, channels = layer.groups_for(reader.x), reader.x.channels
        if MANY_GROUPS <= groups < channels <= FEW_PER_GROUP * groups and layer.kernel_size != (1, 1):
            message = (
                f"{groups} groups over {channels} channels are not depthwise: each kernel reads {channels // groups}"
            )
            yield in_row(reader.node, "AC316", message, _groups_help(channels, reader.node.shape.channels), "groups")


def _groups_help(channels: int, out_channels: int) -> str:
    both = gcd(channels, out_channels)
    fewer = next(groups for groups in range(channels // (FEW_PER_GROUP + 1), 0, -1) if both % groups == 0)
    less = f"groups: {fewer} or less" if fewer > 1 else "groups: 1"
    return f"use {less}" if out_channels % channels else f"use `groups: depthwise`, or {less}"


def unmixed_channels(view: GraphView) -> Iterator[Finding]:
    if found := separate_channels(view):
        node, parts, channels = found
        seen = f"each feature of the last map depends on at most {channels // parts} of its {channels} input channels"
        message = f"nothing from here on mixes the {parts} groups of channels: {seen}"
        yield in_row(node, "AC317", message, "add a `pointwise` after it, or use groups: 1 in one of the next rows")


def slow_channels(view: GraphView) -> Iterator[Finding]:
    for reader, layer in view.convolutions:
        channels = reader.node.shape.channels
        is_chosen = isinstance(layer, Conv2d) and channels != view.graph.output.channels
        if is_chosen and channels % FAST and reader.node.shape.size != (1, 1):
            below, above = channels // FAST * FAST, -(-channels // FAST) * FAST
            help = f"use {above}, which takes about the same time" + (f", or {below}" if below else "")
            yield in_row(
                reader.node, "AC318", f"{channels} channels are not a multiple of {FAST}", help, "out_channels"
            )


def narrow_features(subject: LintInput) -> Iterator[Finding]:
    """Activated features of one position, fewer than the classes and than what they are computed from."""
    view, classes = subject.network, subject.spec.classes if subject.spec else None
    if view is None or classes is None:
        return
    for before, after, between in view.weighted_pairs:
        features = after.x.elements
        is_narrow = after.x.size == (1, 1) and features < min(classes, before.x.channels)
        is_activated = is_narrow and any(isinstance(layer, Activation) for layer in between)
        if is_activated and not view.graph.is_gate[after.node_index]:
            message = f"{features} features, computed from {before.x.channels}, must tell {classes} classes apart"
            help = f"use {classes} or more, or no activation between the two layers"
            yield in_row(before.node, "AC319", message, help, "out_channels")


def largest_row(view: GraphView) -> Iterator[Finding]:
    rows: dict[str, list[int]] = {}
    for index, cost in enumerate(view.measures.costs):
        if cost.params:
            rows.setdefault(view.nodes[index].origin.label, []).append(index)
    total = view.measures.total.params
    for indices in rows.values() if len(rows) >= LEAST_ROWS else ():
        params = sum(view.measures.costs[index].params for index in indices)
        if 2 * params > total:
            message = f"{params:,} of the {total:,} parameters ({params / total:.0%}) are in this row"
            help = "pool before a linear row with `gap`, or use a `dwsep`, groups or fewer channels"
            yield in_row(view.nodes[indices[0]], "AC320", message, help)


RULES = (
    Rule(
        code="AC316",
        severity=WARNING,
        title="grouped convolution that looks depthwise",
        what=(
            f"A convolution has {MANY_GROUPS} or more groups, fewer than its input channels, with at most "
            f"{FEW_PER_GROUP} channels in each."
        ),
        why=(
            "`groups: 32` is depthwise on 32 channels; on 64 each kernel reads two channels, which costs twice the "
            "MACs of a depthwise convolution and runs on none of its fast kernels. Published networks have 4 channels "
            "in a group or more (ResNeXt), or one."
        ),
        fails="- conv: 64\n- conv: {out_channels: 64, groups: 32}",
        passes="- conv: 64\n- conv: {out_channels: 64, groups: depthwise}\n- pointwise: 64",
        check_network=almost_depthwise,
    ),
    Rule(
        code="AC317",
        severity=WARNING,
        title="channels that never mix",
        what=(
            "Two or more grouped or depthwise convolutions follow each other, and nothing up to the last map mixes "
            "their groups of channels."
        ),
        why=(
            "The network falls apart into several narrow ones that see a part of the features each. Grouped "
            "convolutions need a pointwise one or a shuffle between them (Zhang et al., ShuffleNet, 2018)."
        ),
        fails="- conv: 32\n- conv: {out_channels: 32, groups: 4}\n- conv: {out_channels: 32, groups: 4}",
        passes="- conv: 32\n- conv: {out_channels: 32, groups: 4}\n- pointwise: 32",
        check_network=unmixed_channels,
    ),
    Rule(
        code="AC318",
        severity=INFORMATION,
        title="channels that are not a multiple of 8",
        what=(
            "A convolution on a map puts out channels that are not a multiple of 8; as many as the output is no "
            "finding."
        ),
        why=(
            "Tensor cores compute 16-bit values, and vector units 32-bit ones, 8 at a time: 33 channels take about as "
            "long as 40."
        ),
        fails="- conv: 33\n- conv: 16",
        passes="- conv: 32\n- conv: 16",
        check_network=slow_channels,
    ),
    Rule(
        code="AC319",
        severity=WARNING,
        title="bottleneck narrower than the classes",
        what=(
            "The features of a single position that a layer of the head reads are fewer than the classes and fewer "
            "than what they are computed from, and an activation cuts them."
        ),
        why=(
            "All that is known of the image has to pass through them. A bottleneck without an activation is not "
            "reported: it is a factorised layer with fewer parameters."
        ),
        fails="classes: 10\nnetwork: {C1: [conv: 32, conv: 4, gap, linear]}",
        passes="classes: 10\nnetwork: {C1: [conv: 32, conv: 16, gap, linear]}",
        check=narrow_features,
    ),
    Rule(
        code="AC320",
        severity=INFORMATION,
        title="one row has most of the parameters",
        what=f"A row has more than half of all parameters of a network in which {LEAST_ROWS} or more rows have any.",
        why=(
            "It is the first place to save parameters. Most often it is a linear row on a flattened map, which global "
            "average pooling does without (Lin et al., Network in Network, 2014)."
        ),
        fails="- strided: 8\n- strided: 16\n- conv: 16\n- flatten\n- linear: 10",
        passes="- strided: 8\n- strided: 16\n- conv: 16\n- conv: 16\n- gap\n- linear: 10",
        check_network=largest_row,
    ),
)
