"""Networks that run but are probably a mistake."""

from collections.abc import Iterator

from advconv.analysis.coverage import skipped_positions
from advconv.analysis.receptive_field import square
from advconv.language.data_sets import channels_first
from advconv.rules.record import WARNING, LintInput, Rule
from advconv.text.finding import Finding


def unread_positions(subject: LintInput) -> Iterator[Finding]:
    for item in skipped_positions(subject.measures.graph) if subject.measures else ():
        row, window = item.node.origin, "x".join(map(str, item.window))
        reads = f"reads {item.read:,} of {item.total:,} positions, and nothing reads the others"
        message = f"{row.label}: a {window} window of stride {square(item.stride)} {reads}"
        help = f"use a kernel_size of {square(item.stride)} or more, or stride {square(item.window)}"
        yield Finding("AC301", row.place, message, help, at_key=True)


def channels_last(subject: LintInput) -> Iterator[Finding]:
    """Unless another finding is about the input."""
    meant = channels_first(subject.input)
    if meant is None or any(found.code == "AC503" and found.path == ("input",) for found in subject.errors):
        return
    order = [meant.height, meant.width, meant.channels]
    message = f"input is [channels, height, width], and {order} looks like [height, width, channels]"
    help = f"write `input: [{meant.channels}, {meant.height}, {meant.width}]`"
    yield Finding("AC302", ("input",), message, help)


RULES = (
    Rule(
        code="AC301",
        severity=WARNING,
        title="positions that nothing reads",
        what=(
            "A window smaller than its stride skips positions, and nothing else reads them. Positions skipped "
            "by dilation are not reported."
        ),
        why=(
            "A 1x1 convolution of stride 2 reads a quarter of its map; the rest of the map is computed in vain. "
            "If another path reads all positions, as beside the projection of a residual block, the warning "
            "does not apply."
        ),
        fails="- conv: 8\n- conv: {out_channels: 16, kernel_size: 1, stride: 2}",
        passes="- conv: 8\n- residual: [strided: 16]",
        check=unread_positions,
    ),
    Rule(
        code="AC302",
        severity=WARNING,
        title="input looks like height, width, channels",
        what=(
            "The last number of `input` is 1, 3 or 4, and the first two look like the sides of an image: both "
            "are at least 8, and neither is more than four times the other."
        ),
        why=(
            "TensorFlow and image files have the channels last, PyTorch and `input` have them first. Read in "
            "this order, [32, 32, 3] is a map of 32 channels and 32x3 positions."
        ),
        fails="advconv: 1\nname: example\ninput: [32, 32, 3]\nnetwork: {C1: [conv: 32]}",
        passes="advconv: 1\nname: example\ninput: [3, 32, 32]\nnetwork: {C1: [conv: 32]}",
        check=channels_last,
    ),
)
