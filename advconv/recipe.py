"""How a network is trained: the sections `data` and `train` of a file."""

from typing import Annotated, Any

from advconv.blocks.base import Fields
from advconv.blocks.fields import Count, Form, is_int, is_number, refuse, shown, word
from advconv.data_sets import SETS

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
