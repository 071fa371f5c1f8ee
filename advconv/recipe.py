"""How a network is trained: the sections `data` and `train` of a file, and what is known of the data sets."""

from typing import Annotated, Any, NamedTuple

from advconv.blocks.base import Fields
from advconv.blocks.fields import Count, Form, is_int, is_number, refuse, shown, word
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


def channels_first(input: Shape) -> Shape | None:
    """The shape that is meant by one that looks like height, width, channels: `[32, 32, 3] -> [3, 32, 32]`.

    It ends in the channels of an image, 1, 3 or 4, and begins with two sides of at least 8, neither of them more than
    four times the other: [64, 8, 3] may well be 64 channels.
    """
    height, width, channels = input.channels, input.height, input.width
    is_image = min(height, width) >= 8 and max(height, width) <= 4 * min(height, width)
    return Shape(channels, height, width) if is_image and channels in (1, 3, 4) else None


def misfits(data: DataSet, input: Shape, classes: int | None) -> list[tuple[str, str, str]]:
    """Where pictures do not fit a network: the field of the file, what is wrong, and what to change."""
    found = []
    if data.channels is not None and data.channels != input.channels:
        message = f"the input has {input.channels} channels, in {data.title} it is {data.channels}"
        height, width = (channels_first(input) or input).size
        found.append(("input", message, f"write `input: [{data.channels}, {height}, {width}]`"))
    if data.classes is not None and classes is not None and data.classes != classes:
        message = f"the network puts out {classes} classes, in {data.title} there are {data.classes}"
        found.append(("classes", message, f"write `classes: {data.classes}`"))
    return found


DATA = word("data", *SETS)
Data = Annotated[str, DATA]


def from_zero(value: Any) -> int:
    if not is_int(value) or value < 0:
        refuse(f"this must be a whole number of at least 0, not {shown(value)}")
    return int(value)


def above_zero(value: Any) -> float:
    if not is_number(value) or value <= 0:
        refuse(f"this must be a number above 0, not {shown(value)}")
    return float(value)


def at_least_zero(value: Any) -> float:
    if not is_number(value) or value < 0:
        refuse(f"this must be a number of at least 0, not {shown(value)}")
    return float(value)


def share(value: Any) -> float:
    if not is_number(value) or not 0 <= value < 1:
        refuse(f"this must be at least 0 and below 1, not {shown(value)}")
    return float(value)


def seed(value: Any) -> int:
    if not is_int(value) or not 0 <= value < 2**32:
        refuse(f"this must be a whole number of at least 0 and below 2^32, not {shown(value)}")
    return int(value)


FromZero = Annotated[int, Form(from_zero)]
AboveZero = Annotated[float, Form(above_zero)]
AtLeastZero = Annotated[float, Form(at_least_zero)]
Share = Annotated[float, Form(share)]
Seed = Annotated[int, Form(seed)]

LEARNING_RATES = {"sgd": 0.3, "adamw": 0.003}


class Train(Fields):
    """The recipe. `lr` is the highest learning rate, that of the optimizer unless it says otherwise."""

    epochs: Count = 24
    batch_size: Count = 128
    optimizer: Annotated[str, word("optimizer", *LEARNING_RATES)] = "sgd"
    lr: Annotated[float | None, Form(above_zero)] = None
    momentum: Share = 0.9
    weight_decay: AtLeastZero = 5e-4
    schedule: Annotated[str, word("schedule", "onecycle", "cosine", "step", "constant")] = "onecycle"
    label_smoothing: Share = 0.1
    mixup: AtLeastZero = 0.0
    ema: Share = 0.995
    clip: AtLeastZero = 0.0
    precision: Annotated[str, word("precision", "auto", "float32", "bfloat16")] = "auto"
    seed: Seed = 0
    val_split: FromZero = 0

    @property
    def peak_lr(self) -> float:
        return LEARNING_RATES[self.optimizer] if self.lr is None else self.lr
