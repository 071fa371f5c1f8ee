"""The data sets, and whether their images fit a network."""

from typing import NamedTuple

from advconv.geometry import Shape
from advconv.text.finding import Finding
from advconv.values.quantities import counted


class DataSet(NamedTuple):
    """A data set; None if a number depends on the files. `counts`: training and test images.

    `torchvision`: its class there, for a set of torchvision.
    """

    title: str
    channels: int | None
    classes: int | None
    counts: tuple[int, int] | None
    torchvision: str = ""
    note: str = ""

    @property
    def about(self) -> str:
        return f"{self.title}{self.note}"


SETS = {
    "cifar10": DataSet("CIFAR-10", 3, 10, (50_000, 10_000), "CIFAR10"),
    "cifar100": DataSet("CIFAR-100", 3, 100, (50_000, 10_000), "CIFAR100"),
    "mnist": DataSet("MNIST", 1, 10, (60_000, 10_000), "MNIST"),
    "fashion-mnist": DataSet("Fashion-MNIST", 1, 10, (60_000, 10_000), "FashionMNIST"),
    "svhn": DataSet("SVHN", 3, 10, (73_257, 26_032), "SVHN"),
    "folder": DataSet("a folder of images", None, None, None, note=" in train/CLASS/ and test/CLASS/ or val/CLASS/"),
    "shapes": DataSet("drawn shapes", None, 10, (5_000, 1_000), note=" in noise"),
}


def channels_first(input: Shape) -> Shape | None:
    """The probable shape, for one that looks like height, width, channels: `[32, 32, 3] -> [3, 32, 32]`.

    It ends in 1, 3 or 4 channels and begins with two sides of at least 8, neither of them more than four times the
    other: [64, 8, 3] may well be 64 channels.
    """
    height, width, channels = input.channels, input.height, input.width
    is_image = min(height, width) >= 8 and max(height, width) <= 4 * min(height, width)
    return Shape(channels, height, width) if is_image and channels in (1, 3, 4) else None


def field_findings(data: DataSet, input: Shape, classes: int | None) -> list[Finding]:
    """A finding for each field of the file that does not fit the images of a data set."""
    found = []
    if data.channels is not None and data.channels != input.channels:
        message = f"the input has {counted(input.channels, 'channel')}, {data.title} has {data.channels}"
        height, width = (channels_first(input) or input).size
        found.append(Finding("AC503", ("input",), message, f"write `input: [{data.channels}, {height}, {width}]`"))
    if data.classes is not None and classes is not None and data.classes != classes:
        message = f"the network has {counted(classes, 'class')}, {data.title} has {data.classes}"
        found.append(Finding("AC503", ("classes",), message, f"write `classes: {data.classes}`"))
    return found
