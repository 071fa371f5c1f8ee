"""Padding that adds positions without content, or takes the place of content."""

from collections.abc import Iterator
from functools import lru_cache

from advconv.analysis.receptive_field import by, square
from advconv.analysis.view import GraphView, Reader
from advconv.geometry import Window
from advconv.layers.conv import Convolution
from advconv.rules.record import WARNING, Rule, in_row
from advconv.text.finding import Finding

MAX_TAPS = 64
"""Taps along an axis of kernels whose reads are counted."""

MOST_PADDING = 0.4
"""The part of a row's reads that may fall on padding."""


def padded_points(view: GraphView) -> Iterator[Finding]:
    for reader, layer in view.convolutions:
        if layer.kernel_size == (1, 1) and reader.is_padded and (outside := positions_outside(reader)):
            total = reader.node.shape.height * reader.node.shape.width
            message = f"{outside:,} of its {total:,} positions are a border of constants, from the padding of a 1x1"
            yield in_row(reader.node, "AC306", message, "use `padding: 0`", "padding")


def padding_without_dilation(view: GraphView) -> Iterator[Finding]:
    for reader, _ in view.convolutions:
        if any(_ignores_dilation(window) for window in reader.windows):
            sizes = f"{square(reader.x.size)} to {square(reader.node.shape.size)}"
            message = f"the padding fits the kernel without its dilation, and the map shrinks from {sizes}"
            help = "use `padding: same`, or `padding: valid` if the map is meant to shrink"
            yield in_row(reader.node, "AC307", message, help, "padding")


def _ignores_dilation(window: Window) -> bool:
    """Whether the padding is that of the kernel without dilation."""
    plain = window.kernel_size - 1
    is_dilated = window.dilation > 1 and plain > 0
    return is_dilated and window.before == window.after == plain // 2 > 0 and plain < window.extent - 1


def mostly_padding(view: GraphView) -> Iterator[Finding]:
    for reader, layer in view.convolutions:
        if not reader.is_padded or reader.is_larger_than_map or max(layer.kernel_size) > MAX_TAPS:
            continue
        share = 1 - real_share(reader)
        if share > MOST_PADDING and not positions_outside(reader):
            message = f"{share:.0%} of what its windows read is padding, on a {by(reader.x.size)} map"
            yield in_row(reader.node, "AC308", message, _help(layer))


def _help(layer: Convolution) -> str:
    return f"{'dilate less, ' if layer.is_dilated else ''}use a smaller kernel_size, or stride less before it"


def real_share(reader: Reader) -> float:
    """The part of the reads that fall inside the map."""
    inside, total = 1, 1
    for window, size in reader.axes:
        if window.before or window.after:
            inside *= _reads_inside(window, size)
            total *= window.output_size(size) * window.kernel_size
    return inside / total


@lru_cache(maxsize=1000)
def _reads_inside(window: Window, size: int) -> int:
    """How many reads along one axis fall inside the map."""
    places, inside = window.output_size(size), 0
    for tap in range(window.kernel_size):
        # The positions p with 0 <= p*stride + offset < size.
        offset = tap * window.dilation - window.before
        first, last = max(0, -(offset // window.stride)), min(places - 1, (size - 1 - offset) // window.stride)
        inside += max(0, last - first + 1)
    return inside


def padding_alone(view: GraphView) -> Iterator[Finding]:
    for reader, layer in view.convolutions:
        outside = positions_outside(reader) if reader.is_padded and layer.kernel_size != (1, 1) else 0
        if outside:
            height, width = reader.node.shape.size
            message = f"{outside:,} of its {height * width:,} positions are computed from padding alone"
            yield in_row(
                reader.node, "AC309", message, "pad less than the kernel spans, as `padding: same` does", "padding"
            )


def positions_outside(reader: Reader) -> int:
    """How many positions of its output are computed from padding alone."""
    over_height, over_width = (_places_outside(window, size) for window, size in reader.axes)
    height, width = reader.node.shape.size
    return height * width - (height - over_height) * (width - over_width)


@lru_cache(maxsize=1000)
def _places_outside(window: Window, size: int) -> int:
    """How many places of a window have no tap inside the map."""
    places = window.output_size(size)
    if window.dilation > size and window.kernel_size <= MAX_TAPS:
        # Two taps are never inside at once.
        return places - _reads_inside(window, size)
    if max(window.before, window.after) < window.extent:
        return 0
    before = max(0, (window.before - window.extent) // window.stride + 1)
    first_after = -(-(size + window.before) // window.stride)
    return min(places, before + max(0, places - first_after))


def larger_than_map(view: GraphView) -> Iterator[Finding]:
    for reader, layer in view.convolutions:
        if reader.is_larger_than_map:
            extents = by((reader.windows[0].extent, reader.windows[1].extent))
            message = f"the kernel spans {extents} positions of a {by(reader.x.size)} map"
            yield in_row(reader.node, "AC310", message, _help(layer))


def shifted_maps(view: GraphView) -> Iterator[Finding]:
    # Of branches that are misaligned, AC211 has the offset.
    merges = {issue.node.origin.path for issue in view.field_issues if issue.misalignment is not None}
    for reader, _ in view.convolutions:
        shift = max(_shift(window) for window in reader.windows)
        path = reader.node.origin.path
        if shift and not any(path[:length] in merges for length in range(1, len(path) + 1)):
            message = f"an even kernel shifts the map by {shift:g} positions: one end is padded by more than the other"
            yield in_row(reader.node, "AC311", message, "use an odd kernel_size", "kernel_size")


@lru_cache(maxsize=1000)
def _shift(window: Window) -> float:
    """The distance from the centre of the first window to position 0, for an even window that moves by odd steps."""
    is_between = window.extent % 2 == 0 and window.stride % 2 == 1
    return abs((window.extent - 1) / 2 - window.before) if is_between and window.before != window.after else 0.0


def vain_dilation(view: GraphView) -> Iterator[Finding]:
    for reader, layer in view.convolutions:
        if layer.kernel_size == (1, 1) and layer.dilation != (1, 1):
            message = f"dilation {square(layer.dilation)} has no effect: a 1x1 kernel has a single tap"
            yield in_row(reader.node, "AC313", message, "use a larger kernel_size, or dilation 1", "dilation", fix="1")


RULES = (
    Rule(
        code="AC306",
        severity=WARNING,
        title="padding of a 1x1 convolution",
        what="A 1x1 convolution has padding.",
        why=(
            "It does not keep the size of the map, as padding of larger kernels does: the map grows by a border in "
            "which every position has the same value, the bias."
        ),
        fails="- conv: 8\n- conv: {out_channels: 16, kernel_size: 1, padding: 1}",
        passes="- conv: 8\n- conv: {out_channels: 16, kernel_size: 1}",
        check_network=padded_points,
    ),
    Rule(
        code="AC307",
        severity=WARNING,
        title="padding that ignores the dilation",
        what="A dilated convolution has the padding that its kernel would need without dilation, and its map shrinks.",
        why=(
            "A 3x3 kernel of dilation 2 spans 5 positions and needs padding 2 to keep the size of its map; with "
            "padding 1 the map loses two rows and two columns. A convolution without padding is not reported: there it "
            "is meant."
        ),
        fails="- conv: 8\n- dilated: {out_channels: 8, padding: 1}",
        passes="- conv: 8\n- dilated: {out_channels: 8, padding: 2}",
        check_network=padding_without_dilation,
    ),
    Rule(
        code="AC308",
        severity=WARNING,
        title="much of what is read is padding",
        what=f"More than {MOST_PADDING:.0%} of what the windows of a convolution read falls on padding.",
        why=(
            "The taps that mostly see zeros learn little and cost as much as the others. It happens where the dilation "
            "grows and the map shrinks."
        ),
        fails="- strided: 8\n- strided: 8\n- conv: 8\n- dilated: {out_channels: 8, dilation: 3}",
        passes="- strided: 8\n- strided: 8\n- conv: 8\n- dilated: 8",
        check_network=mostly_padding,
    ),
    Rule(
        code="AC309",
        severity=WARNING,
        title="positions computed from padding alone",
        what="A convolution has so much padding that some of its windows lie outside of the map.",
        why="These positions are the same for every image: they cost time and tell the next layer nothing.",
        fails="- conv: {out_channels: 8, padding: 3}",
        passes="- conv: {out_channels: 8, padding: 1}",
        check_network=padding_alone,
    ),
    Rule(
        code="AC310",
        severity=WARNING,
        title="kernel larger than its map",
        what="A kernel spans more positions than the map has, dilation counted.",
        why=(
            "Some of its taps see padding wherever the window is. A smaller kernel with less dilation does the same "
            "with fewer parameters."
        ),
        fails="- strided: 8\n- strided: 8\n- strided: 8\n- dilated: 8",
        passes="- strided: 8\n- strided: 8\n- strided: 8\n- conv: 8",
        check_network=larger_than_map,
    ),
    Rule(
        code="AC311",
        severity=WARNING,
        title="even kernel shifts the map",
        what=(
            "A window of an even number of positions moves by an odd stride, padded at one end by more than at the "
            "other."
        ),
        why=(
            "No position is in the middle of an even window, so the map moves by half a pixel against its input, and "
            "with every further such layer again. A window whose stride is even, such as 2x2 of stride 2, does not "
            "shift."
        ),
        fails="- conv: {out_channels: 8, kernel_size: 4}",
        passes="- conv: {out_channels: 8, kernel_size: 2, stride: 2}",
        check_network=shifted_maps,
    ),
    Rule(
        code="AC313",
        severity=WARNING,
        title="dilation of a 1x1 kernel",
        what="A 1x1 convolution has a dilation.",
        why="Dilation is the distance between taps, and a 1x1 kernel has a single one: the number does nothing.",
        fails="- conv: 8\n- dilated: {out_channels: 8, kernel_size: 1}",
        passes="- conv: 8\n- dilated: 8",
        check_network=vain_dilation,
    ),
)
