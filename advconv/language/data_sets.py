"""What is known of the data sets, and whether their pictures fit a network."""

from typing import NamedTuple

from advconv.geometry import Shape
from advconv.text.finding import Finding


class DataSet(NamedTuple):
    """What the pictures of a set have; None where that depends on the files. `counts`: for training, for the test."""

    title: str
    channels: int | None
    classes: int | None
    counts: tuple[int, int] | None


SETS = {
    "cifar10": DataSet("CIFAR-10", 3, 10, (50_000, 10_000)),
    "cifar100": DataSet("CIFAR-100", 3, 100, (50_000, 10_000)),
    "mnist": DataSet("MNIST", 1, 10, (60_000, 10_000)),
    "fashion-mnist": DataSet("Fashion-MNIST", 1, 10, (60_000, 10_000)),
    "svhn": DataSet("SVHN", 3, 10, (73_257, 26_032)),
    "folder": DataSet("a folder of pictures", None, None, None),
    "shapes": DataSet("drawn shapes", None, 10, (5_000, 1_000)),
}


def channels_first(input: Shape) -> Shape | None:
    """The shape that is meant by one that looks like height, width, channels: `[32, 32, 3] -> [3, 32, 32]`.

    It ends in the channels of an image, 1, 3 or 4, and begins with two sides of at least 8, neither of them more than
    four times the other: [64, 8, 3] may well be 64 channels.
    """
    height, width, channels = input.channels, input.height, input.width
    is_image = min(height, width) >= 8 and max(height, width) <= 4 * min(height, width)
    return Shape(channels, height, width) if is_image and channels in (1, 3, 4) else None


def misfits(data: DataSet, input: Shape, classes: int | None) -> list[Finding]:
    """Where images do not fit a network, at the field of the file."""
    found = []
    if data.channels is not None and data.channels != input.channels:
        message = f"the input has {input.channels} channels, in {data.title} it is {data.channels}"
        height, width = (channels_first(input) or input).size
        found.append(Finding("AC503", ("input",), message, f"write `input: [{data.channels}, {height}, {width}]`"))
    if data.classes is not None and classes is not None and data.classes != classes:
        message = f"the network puts out {classes} classes, in {data.title} there are {data.classes}"
        found.append(Finding("AC503", ("classes",), message, f"write `classes: {data.classes}`"))
    return found
