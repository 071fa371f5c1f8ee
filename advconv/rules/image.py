"""The image that the network reads."""

from collections.abc import Iterator

from advconv.language.data_sets import channels_first
from advconv.rules.record import WARNING, LintInput, Rule
from advconv.text.finding import Finding


def channels_last(subject: LintInput) -> Iterator[Finding]:
    """Unless another finding is about the input."""
    meant = channels_first(subject.input)
    if meant is None or any(found.code == "AC503" and found.path == ("input",) for found in subject.errors):
        return
    order = [meant.height, meant.width, meant.channels]
    message = f"input is [channels, height, width], and {order} looks like [height, width, channels]"
    help = f"write `input: [{meant.channels}, {meant.height}, {meant.width}]`"
    place = subject.network.nodes[0].origin.place if subject.network else ("input",)
    yield Finding("AC302", place, message, help)


RULES = (
    Rule(
        code="AC302",
        severity=WARNING,
        title="input looks like height, width, channels",
        what=(
            "The last number of `input` is 1, 3 or 4, and the first two look like the sides of an image: both are at "
            "least 8, and neither is more than four times the other."
        ),
        why=(
            "TensorFlow and image files have the channels last, PyTorch and `input` have them first. Read in this "
            "order, [32, 32, 3] is a map of 32 channels and 32x3 positions."
        ),
        fails="advconv: 1\nname: example\ninput: [32, 32, 3]\nnetwork: {C1: [conv: 32]}",
        passes="advconv: 1\nname: example\ninput: [3, 32, 32]\nnetwork: {C1: [conv: 32]}",
        check=channels_last,
    ),
)
