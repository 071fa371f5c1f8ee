"""How a network is trained: the sections `data` and `train` of a file."""

from typing import Annotated, Any

from advconv.blocks.base import Fields
from advconv.language.data_sets import SETS
from advconv.values.forms import Count, Form, is_int, is_number, positive, refuse, shown, word

DATA = word("data", *SETS)
Data = Annotated[str, DATA]


LARGEST = 1e18
"""The optimizer multiplies two of these numbers, and the product has to fit into float32, which ends at 3.4e38."""

SMALLEST = 1.2e-38
"""The smallest normal number of float32."""

BELOW_ONE = 1 - 2**-24
"""The largest number of float32 below 1."""

MOST_EPOCHS = 1_000_000


def epochs(value: Any) -> int:
    if positive(value) > MOST_EPOCHS:
        refuse(f"this must be at most {MOST_EPOCHS:,}, not {shown(value)}")
    return int(value)


def from_zero(value: Any) -> int:
    if not is_int(value) or value < 0:
        refuse(f"this must be a whole number of at least 0, not {shown(value)}")
    return int(value)


def above_zero(value: Any) -> float:
    if not is_number(value) or value <= 0:
        refuse(f"this must be a number above 0, not {shown(value)}")
    return held(value)


def at_least_zero(value: Any) -> float:
    if not is_number(value) or value < 0:
        refuse(f"this must be a number of at least 0, not {shown(value)}")
    return held(value)


def share(value: Any) -> float:
    if not is_number(value) or not 0 <= value < 1:
        refuse(f"this must be at least 0 and below 1, not {shown(value)}")
    if value > BELOW_ONE:
        refuse(f"this must be at most {BELOW_ONE:.8f}, not {shown(value)}", "write less: float32 rounds it to 1")
    return held(value)


def held(value: float) -> float:
    """A number of at least 0 that a step in float32 can compute with."""
    if value > LARGEST:
        help = "write less: a step multiplies two such numbers, and float32 ends at 3.4e+38"
        refuse(f"this must be at most {LARGEST:g}, not {shown(value)}", help)
    if 0 < value < SMALLEST:
        help = "write more, or 0 where that is meant: float32 rounds it to 0"
        refuse(f"this must be at least {SMALLEST:g} where it is not 0, not {shown(value)}", help)
    return float(value)


def seed(value: Any) -> int:
    if not is_int(value) or not 0 <= value < 2**32:
        refuse(f"this must be a whole number of at least 0 and below 2^32, not {shown(value)}")
    return int(value)


Epochs = Annotated[int, Form(epochs)]
FromZero = Annotated[int, Form(from_zero)]
AboveZero = Annotated[float, Form(above_zero)]
AtLeastZero = Annotated[float, Form(at_least_zero)]
Share = Annotated[float, Form(share)]
Seed = Annotated[int, Form(seed)]

LEARNING_RATES = {"sgd": 0.3, "adamw": 0.003}


class Train(Fields):
    """The recipe. `lr` is the highest learning rate, that of the optimizer unless it says otherwise."""

    epochs: Epochs = 24
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
