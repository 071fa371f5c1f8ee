"""What is known of the data sets, and whether their pictures fit a network."""

from typing import NamedTuple

from advconv.geometry import Shape


class DataSet(NamedTuple):
    """What the pictures of a set have; None where that depends on the files."""

    title: str
    channels: int | None
    classes: int | None


SETS = {
    "cifar10": DataSet("CIFAR-10", 3, 10),
    "cifar100": DataSet("CIFAR-100", 3, 100),
    "mnist": DataSet("MNIST", 1, 10),
    "fashion-mnist": DataSet("Fashion-MNIST", 1, 10),
    "svhn": DataSet("SVHN", 3, 10),
    "folder": DataSet("a folder of pictures", None, None),
    "shapes": DataSet("drawn shapes", None, 10),
}


def misfits(data: DataSet, input: Shape, classes: int | None) -> list[tuple[str, str, str]]:
    """Where pictures do not fit a network: the field of the file, what is wrong, and what to change."""
    found = []
    if data.channels is not None and data.channels != input.channels:
        message = f"the input has {input.channels} channels, in {data.title} it is {data.channels}"
        found.append(("input", message, f"write `input: [{data.channels}, {input.height}, {input.width}]`"))
    if data.classes is not None and classes is not None and data.classes != classes:
        message = f"the network puts out {classes} classes, in {data.title} there are {data.classes}"
        found.append(("classes", message, f"write `classes: {data.classes}`"))
    return found
