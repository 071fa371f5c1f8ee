"""Receptive fields that are not connected everywhere, and those that are larger than the image."""

from collections.abc import Iterator

from advconv.analysis.connectivity import connected
from advconv.analysis.coverage import unread_positions
from advconv.analysis.receptive_field import square
from advconv.analysis.view import GraphView, Reader
from advconv.constraints.receptive_field import without_gaps
from advconv.rules.record import INFORMATION, WARNING, Rule, in_row
from advconv.text.finding import Finding

LEAST_SHARE = 0.9
"""The part of a receptive field that has to be connected."""


def gridding(view: GraphView) -> Iterator[Finding]:
    dilated = [reader for reader, layer in view.convolutions if layer.is_dilated]
    found = connected(view.measures) if any(_spreads_taps(view, reader) for reader in dilated) else None
    if found is None or found.share >= LEAST_SHARE:
        return
    # Gaps of a stride, and of a dilation together with a stride, are those of AC301.
    skipping = {item.reader.node_index for item in unread_positions(view)}
    dilated = [reader for reader in dilated if reader.node_index not in skipping]
    filled = connected(view.measures, {reader.node_index for reader in dilated})
    if filled is None or filled.share - found.share <= 1 - LEAST_SHARE:
        return
    field = view.measures.receptive_field
    counts = f"{found.pixels:,} of its {found.total:,} pixels are connected ({found.share:.0%})"
    message = f"the receptive field is {field}, and {counts}: dilated kernels leave gaps"
    yield in_row(dilated[-1].node, "AC312", message, without_gaps(view.measures), "dilation")


def _spreads_taps(view: GraphView, reader: Reader) -> bool:
    """Whether its taps are further apart than what each of them sees: without such a layer dilation leaves no gap."""
    reaches = view.measures.reaches[reader.source]
    return any(
        window.kernel_size > 1 and window.dilation * reach.jump > reach.size
        for window, reach in zip(reader.windows, reaches, strict=True)
    )


def larger_than_image(view: GraphView) -> Iterator[Finding]:
    """At the first convolution that adds nothing to a receptive field of the whole image, along every path."""
    reaches, image = view.measures.reaches, view.graph.input.size
    beyond = [
        reader
        for reader, layer in view.convolutions
        if layer.kernel_size != (1, 1)
        and not view.measures.flow.pooled[reader.source]
        and all(
            not reach.unknown and reach.narrowest > pixels
            for reach, pixels in zip(reaches[reader.source], image, strict=True)
        )
    ]
    if beyond:
        labels = list(dict.fromkeys(reader.node.origin.label for reader in beyond))
        field = square((reaches[beyond[0].source][0].narrowest, reaches[beyond[0].source][1].narrowest))
        after = len(labels) - 1
        others = f", nor {'does 1 row' if after == 1 else f'do {after} rows'} after it" if after else ""
        sizes = f"the receptive field of its input, {field}, is larger than the image, {square(image)}"
        yield in_row(
            beyond[0].node, "AC314", f"{sizes}: it adds no context{others}", "a 1x1 convolution may do as well"
        )


RULES = (
    Rule(
        code="AC312",
        severity=WARNING,
        title="receptive field with gaps",
        what=(
            f"Less than {LEAST_SHARE:.0%} of the pixels in the theoretical receptive field are connected to the last "
            "map, in a network with dilated convolutions. The constraint `coverage` takes another limit."
        ),
        why=(
            "A stack of equal dilations reads every second pixel, or every third: three 3x3 convolutions of dilation 2 "
            "span 13x13 pixels and connect 49 of the 169. Dilations without a common divisor close the gaps (Wang et "
            "al., Understanding Convolution for Semantic Segmentation, 2018)."
        ),
        fails="- dilated: 8\n- dilated: 8\n- dilated: 8",
        passes="- conv: 8\n- dilated: 8\n- dilated: {out_channels: 8, dilation: 3}",
        check_network=gridding,
    ),
    Rule(
        code="AC314",
        severity=INFORMATION,
        title="receptive field larger than the image",
        what=(
            "The input of a convolution, larger than 1x1, already has a receptive field larger than the image, on "
            "every path to it."
        ),
        why=(
            "Such a layer adds no context; what it adds are parameters and non-linearity. Networks lose little "
            "accuracy without such layers (Richter et al., Should You Go Deeper?, 2021). A limit such as "
            "`receptive_field: > 44` for 32x32 images asks for them."
        ),
        fails="- strided: 8\n- strided: 8\n- strided: 8\n- strided: 8\n- conv: 8\n- conv: 8",
        passes="- strided: 8\n- strided: 8\n- conv: 8",
        check_network=larger_than_image,
    ),
)
