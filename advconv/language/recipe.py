"""The sections `data` and `train` of a file: how a network is trained."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, model_validator

from advconv.blocks.base import Fields
from advconv.language.data_sets import SETS
from advconv.language.recipe_forms import (
    ABOVE_ZERO,
    AT_LEAST_ZERO,
    EPOCHS,
    FRACTION,
    FROM_ZERO,
    PART,
    SEED,
    TEACHER,
)
from advconv.values.forms import Count, refuse, word
from advconv.values.schemas import DefaultText


class Optimizer(NamedTuple):
    """An optimizer; `lr` is the learning rate if the recipe has none."""

    about: str
    lr: float


OPTIMIZERS = {
    "sgd": Optimizer("with Nesterov momentum", 0.3),
    "adamw": Optimizer("Adam with decoupled decay", 0.003),
    "muon": Optimizer("orthogonal steps of matrices and kernels, NAdamW for depthwise kernels, norms and biases", 0.02),
}

WARM_UP = 0.2
"""The fraction of a onecycle schedule in which the rate rises."""

START_FACTOR, END_FACTOR = 0.1, 0.001
"""The first and the last rate of a onecycle schedule, as fractions of its peak."""

STEP_FACTORS = {0.5: 0.1, 0.75: 0.01}
"""The rate of a step schedule as a fraction of its peak, from a fraction of the steps on."""

SCHEDULES = {
    "onecycle": f"from {START_FACTOR:g} to 1 in {WARM_UP:.0%} of the steps, then down to {END_FACTOR:g}",
    "cosine": "from 1 to 0 along half a cosine",
    "step": ", ".join(f"{factor:g} from {start:.0%} of the steps on" for start, factor in STEP_FACTORS.items()),
    "constant": "1",
}

GROWTH = 0.8
"""The part of the steps in which images grow to their whole size."""

PLACES = {
    "workers": "each image by albumentations, in worker processes on the CPU",
    "device": "whole batches on the device that trains, with HorizontalFlip, ShiftScaleRotate and CoarseDropout alone",
}

PRECISIONS = {
    "auto": "bfloat16 if the device supports it",
    "float32": "without autocast",
    "bfloat16": "by autocast",
}


def listed(words: Mapping[str, str]) -> str:
    """`sgd (with Nesterov momentum), adamw (...)`"""
    return ", ".join(f"{word} ({about})" for word, about in words.items())


Data = Annotated[
    str,
    word("data", *SETS),
    Field(description=f"Data set to train on: {listed({word: what.about for word, what in SETS.items()})}."),
]


class Distill(Fields):
    """Distillation: beside the labels the network learns the scores of a trained one."""

    run: Annotated[str, TEACHER, Field(description="The teacher.", examples=["runs/wider"])]
    weight: Annotated[float, PART, Field(description="Part of the loss that compares with the teacher.")] = 0.9
    temperature: Annotated[float, ABOVE_ZERO, Field(description="Both softmaxes divide their scores by it.")] = 4.0


def given_distill(value: Any) -> Any:
    if value is None:
        refuse("distill is empty", "write `distill: {run: RUN}`, or leave it out")
    return value


class Train(Fields):
    """The recipe. `lr` is the peak learning rate; None is the default of the optimizer."""

    epochs: Annotated[int, EPOCHS, Field(description="Passes over the training images.")] = 24
    batch_size: Annotated[
        Count,
        Field(description="Images in a step of all processes together; an incomplete last batch is dropped."),
    ] = 128
    optimizer: Annotated[
        str,
        word("optimizer", *OPTIMIZERS),
        Field(description=f"Optimizer: {listed({word: what.about for word, what in OPTIMIZERS.items()})}."),
    ] = "sgd"
    lr: Annotated[
        float | None,
        ABOVE_ZERO,
        Field(description="Peak learning rate."),
        DefaultText(", ".join(f"{what.lr:g} for `{word}`" for word, what in OPTIMIZERS.items())),
    ] = None
    momentum: Annotated[float, FRACTION, Field(description="Momentum of sgd and muon; the first beta of adamw.")] = 0.9
    weight_decay: Annotated[
        float, AT_LEAST_ZERO, Field(description="Weight decay, of weights; norms and biases have none.")
    ] = 5e-4
    schedule: Annotated[
        str,
        word("schedule", *SCHEDULES),
        Field(description=f"Learning rate over the steps as a factor of `lr`: {listed(SCHEDULES)}."),
    ] = "onecycle"
    label_smoothing: Annotated[
        float, FRACTION, Field(description="Label smoothing: the part of the target distributed over all classes.")
    ] = 0.1
    mixup: Annotated[
        float,
        AT_LEAST_ZERO,
        Field(description="Mixup: alpha of the beta distribution of the mixing weights; 0 turns it off."),
    ] = 0.0
    cutmix: Annotated[
        float,
        AT_LEAST_ZERO,
        Field(
            description="CutMix: alpha of the beta distribution of the part that remains of an image; 0 turns it off. "
            "With mixup, each is taken in half of the steps."
        ),
    ] = 0.0
    distill: Annotated[
        Distill | None,
        BeforeValidator(given_distill),
        Field(description="Distillation from a trained network: `run`, `weight` and `temperature`."),
        DefaultText("none"),
    ] = None
    ema: Annotated[
        float,
        FRACTION,
        Field(description="EMA decay of the averaged weights, smaller in the first steps; 0 turns averaging off."),
    ] = 0.995
    clip: Annotated[float, AT_LEAST_ZERO, Field(description="Maximum norm of the gradient; 0 does not clip.")] = 0.0
    initial_scale: Annotated[
        float,
        PART,
        Field(
            description="Progressive resizing: size of the images in the first step as a part of `input`; it grows to "
            f"the whole size in {GROWTH:.0%} of the steps."
        ),
    ] = 1.0
    augment_on: Annotated[
        str, word("augment_on", *PLACES), Field(description=f"Where images are augmented: {listed(PLACES)}.")
    ] = "workers"
    precision: Annotated[
        str, word("precision", *PRECISIONS), Field(description=f"Precision of the computation: {listed(PRECISIONS)}.")
    ] = "auto"
    seed: Annotated[
        int, SEED, Field(description="Seed of the weights, the order of the images, and all other random numbers.")
    ] = 0
    val_split: Annotated[
        int,
        FROM_ZERO,
        Field(
            description="Training images held out for validation; if there are any, the test set is evaluated once, "
            "after the last epoch."
        ),
    ] = 0
    patience: Annotated[
        int,
        FROM_ZERO,
        Field(
            description="Early stopping: epochs without a better validation accuracy after which training ends; 0 is "
            "off. It needs `val_split`."
        ),
    ] = 0

    @model_validator(mode="after")
    def check_patience(self) -> "Train":
        if self.patience and not self.val_split:
            help = "hold images out with `val_split: 5000`: the test set must not choose the epoch"
            refuse("patience needs validation images", help, "AC505", at=("patience",))
        return self

    @property
    def peak_lr(self) -> float:
        return OPTIMIZERS[self.optimizer].lr if self.lr is None else self.lr
