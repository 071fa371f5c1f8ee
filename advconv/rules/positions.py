"""Positions of a map that are computed and not read, or read and not computed."""

from collections.abc import Iterator

from advconv.analysis.coverage import UnreadPositions, unread_positions
from advconv.analysis.receptive_field import by, square
from advconv.analysis.view import GraphView, Reader
from advconv.geometry import Window
from advconv.layers.base import Windows
from advconv.layers.conv import Convolution
from advconv.layers.pool import AvgPool2d, Pool2d
from advconv.rules.record import WARNING, Rule, in_row
from advconv.text.finding import Finding

LEAST_LOSS = 0.02
"""The part of a map that a strided convolution loses at its edge, from which on it is reported."""


def skipped_positions(view: GraphView) -> Iterator[Finding]:
    for item in unread_positions(view):
        if not item.is_edge and not _is_partial_mean(item):
            over_height, over_width = windows = item.reader.windows
            window, stride = f"{over_height.extent}x{over_width.extent}", (over_height.stride, over_width.stride)
            reads = f"reads {item.read:,} of {item.total:,} positions, and nothing reads the others"
            message = f"a {window} window of stride {square(stride)} {reads}"
            yield in_row(item.reader.node, "AC301", message, _help(windows))


def _help(windows: Windows) -> str:
    """What makes the windows touch, on each axis."""
    if any(window.dilation > 1 and window.kernel_size > 1 for window in windows):
        return "use dilation 1, or stride 1" if any(window.stride > 1 for window in windows) else "use dilation 1"
    larger = [max(window.kernel_size, window.stride) for window in windows]
    smaller = [min(window.kernel_size, window.stride) for window in windows]
    less = " or less" if max(smaller) > 1 else ""
    return f"use kernel_size {_in_yaml(larger)} or more, or stride {_in_yaml(smaller)}{less}"


def _in_yaml(sizes: list[int]) -> str:
    """`2`, `[3, 2]`"""
    return str(sizes[0]) if sizes[0] == sizes[1] else str(sizes)


def lost_by_pooling(view: GraphView) -> Iterator[Finding]:
    for item in unread_positions(view):
        if item.is_edge and isinstance(item.reader.layer, Pool2d) and not _is_partial_mean(item):
            message = f"the windows do not tile the {by(item.reader.x.size)} map: {_edge(item)} dropped"
            help = "use `ceil_mode: true`, or a map whose size the stride divides"
            yield in_row(item.reader.node, "AC303", message, help)


def lost_by_stride(view: GraphView) -> Iterator[Finding]:
    for item in unread_positions(view):
        if (
            item.is_edge
            and isinstance(item.reader.layer, Convolution)
            and item.total - item.read >= LEAST_LOSS * item.total
        ):
            message = f"the windows end before the {by(item.reader.x.size)} map does: {_edge(item)} not read"
            yield in_row(item.reader.node, "AC304", message, _padding_help(item.reader), "padding")


def _padding_help(reader: Reader) -> str:
    """The padding with which the windows reach the end of the map."""
    if all(_reaches_end(window, 0, 0, size) for window, size in reader.axes):
        return "use `padding: valid`"
    if all(_reaches_end(window, (window.extent - 1) // 2, window.extent // 2, size) for window, size in reader.axes):
        return "use `padding: same`"
    sides = [side for window, size in reader.axes for side in (window.before, _least_after(window, size))]
    return f"use `padding: {sides}` (top, bottom, left, right)"


def _reaches_end(window: Window, before: int, after: int, size: int) -> bool:
    """Whether a window of this padding reads the last position."""
    padded = window._replace(before=before, after=after)
    places = padded.output_size(size)
    return places > 0 and _unread_at_end(padded, size) <= 0


def _unread_at_end(window: Window, size: int) -> int:
    return size + window.before - (window.output_size(size) - 1) * window.stride - window.extent


def _least_after(window: Window, size: int) -> int:
    """The padding at the end with which one more window fits, if positions there are unread."""
    unread = _unread_at_end(window, size)
    return window.stride - unread if unread > 0 else window.after


def _edge(item: UnreadPositions) -> str:
    """`the last row and the last 2 columns (12.0% of the positions) are`"""
    counts = ((item.rows, "row"), (item.columns, "column"))
    parts = [f"the last {f'{count} {word}s' if count > 1 else word}" for count, word in counts if count]
    share = (item.total - item.read) / item.total
    verb = "is" if item.rows + item.columns == 1 else "are"
    return f"{' and '.join(parts)} ({share:.1%} of the positions) {verb}"


def partial_mean(view: GraphView) -> Iterator[Finding]:
    for item in unread_positions(view):
        if _is_partial_mean(item):
            message = f"the mean has {item.read:,} of the {item.total:,} positions of the map"
            yield in_row(item.reader.node, "AC305", message, "use `gap`, which pools every position")


def _is_partial_mean(item: UnreadPositions) -> bool:
    """Whether it is an average over a part of the map that leaves one position."""
    return isinstance(item.reader.layer, AvgPool2d) and item.reader.node.shape.size == (1, 1)


RULES = (
    Rule(
        code="AC301",
        severity=WARNING,
        title="positions that nothing reads",
        what=(
            "The windows over a map skip positions, by a stride larger than the window or by dilation together with "
            "stride, and nothing else reads them."
        ),
        why=(
            "A 1x1 convolution of stride 2 reads a quarter of its map; the rest of the map is computed in vain. If "
            "another path reads all positions, as beside the projection of a residual block, the warning does not "
            "apply."
        ),
        fails="- conv: 8\n- conv: {out_channels: 16, kernel_size: 1, stride: 2}",
        passes="- conv: 8\n- residual: [strided: 16, conv: {out_channels: 16, activation: none}]",
        check_network=skipped_positions,
    ),
    Rule(
        code="AC303",
        severity=WARNING,
        title="pooling drops the edge of its map",
        what="The windows of a pooling do not tile its map, and rows or columns at its end are in none of them.",
        why=(
            "A 2x2 pooling of a 7x7 map reads 6x6 positions: 13 of 49 are computed in vain, always those at the bottom "
            "and on the right. torch rounds the output size down unless `ceil_mode` is true."
        ),
        fails="- conv: {out_channels: 8, kernel_size: 6, padding: valid}\n- conv: 8\n- maxpool: 2",
        passes="- conv: 8\n- conv: 8\n- maxpool: 2",
        check_network=lost_by_pooling,
    ),
    Rule(
        code="AC304",
        severity=WARNING,
        title="strided convolution does not read the edge of its map",
        what=(
            "The stride of a convolution does not divide its map, so that rows or columns at the end are in no "
            f"window; less than {LEAST_LOSS:.0%} of the positions are not reported."
        ),
        why="The lost rows are always those at the bottom and on the right, so objects there are seen less.",
        fails="- conv: 8\n- strided: {out_channels: 16, padding: valid}",
        passes="- conv: 8\n- strided: 16",
        check_network=lost_by_stride,
    ),
    Rule(
        code="AC305",
        severity=WARNING,
        title="average pooling covers a part of its map",
        what="An average pooling leaves one position, and its window is smaller than the map.",
        why=(
            "It is meant to be global: with a window of 3 on a 4x4 map it averages 9 of 16 positions. The size of the "
            "map is easily miscounted, or changes with that of the image; `gap` has no size."
        ),
        fails="- strided: 8\n- strided: 8\n- strided: 8\n- conv: 16\n- avgpool: 3",
        passes="- strided: 8\n- strided: 8\n- strided: 8\n- conv: 16\n- gap",
        check_network=partial_mean,
    ),
)
