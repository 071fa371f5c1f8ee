"""What a run records of its results: `result.json`, `predictions.json` and `augmented.json`."""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field

from advconv.training.files import RunDirectory, RunError
from advconv.training.saved import (
    Flag,
    Natural,
    NonNegative,
    Percent,
    Positive,
    Sha256,
    Text,
    dump_with_checksum,
    parse_object,
    parse_with_checksum,
    validated_as,
)

RESULT, PREDICTIONS, AUGMENTED = "result.json", "predictions.json", "augmented.json"

MAX_BYTES = 2**26
"""Of each of these files."""

PNG = b"\x89PNG\r\n\x1a\n"


def png(text: str) -> str:
    """Refuses what is not a PNG in base64."""
    try:
        if not base64.b64decode(text, validate=True).startswith(PNG):
            raise ValueError("not a PNG")
    except binascii.Error as problem:
        raise ValueError("not base64") from problem
    return text


Tile = Annotated[str, Field(strict=True, max_length=2**17), AfterValidator(png)]
"""A small image: a PNG in base64."""

MAX_IMAGES, MAX_DRAWS = 100, 20
"""Of one record; a training writes fewer."""

Probability = Annotated[float, Field(strict=True, ge=0, le=1)]


@dataclass(frozen=True)
class Result:
    """The result of a finished run. Accuracies in percent, losses in nats.

    `test_accuracy` and `test_loss` are those of the averaged weights after `epoch`; the best epoch is picked on the
    set `best_picked_on`. `promise_kept`: None if nothing is promised, or for the reason `promise_not_judged`.
    """

    epoch: Natural
    data: Text
    test_images: Positive
    test_accuracy: Percent
    test_loss: NonNegative
    best_epoch: Natural
    best_accuracy: Percent | None
    best_picked_on: Text
    promise: Text | None
    promise_kept: Flag | None
    promise_not_judged: Text | None
    training_seconds: NonNegative


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction: the index of the test image, its class and the predicted one as indices."""

    index: Natural
    label: Natural
    predicted: Natural
    probability: Probability
    image: Tile


@dataclass(frozen=True)
class Predictions:
    """What the last weights predict for the test images; `weights` is the SHA-256 of their file.

    `confusion`: (class, predicted class, number of images) wherever there are any. `mistakes`: the most confident ones.
    """

    weights: Sha256
    device: Text
    accuracy: Percent
    loss: NonNegative
    confusion: list[tuple[Natural, Natural, Positive]]
    mistakes: Annotated[list[Mistake], Field(max_length=MAX_IMAGES)]


@dataclass(frozen=True)
class AugmentedImage:
    """A training image as it is, and as the network sees it in the epochs 1, 2, ..."""

    index: Natural
    image: Tile
    draws: Annotated[list[Tile], Field(max_length=MAX_DRAWS)]


@dataclass(frozen=True)
class Augmented:
    """Training images before and after augmentation, which depends on (seed, epoch, index)."""

    seed: Natural
    images: Annotated[list[AugmentedImage], Field(max_length=MAX_IMAGES)]


Kind = TypeVar("Kind", Result, Predictions, Augmented)


def result_text(result: Result) -> str:
    return json.dumps(asdict(result), indent=2) + "\n"


def record_text(record: Predictions | Augmented) -> str:
    return dump_with_checksum(asdict(record))


def read_result(directory: RunDirectory) -> Result | None:
    """The result; None if the run is not finished. Raises RunError if it is damaged."""
    return _read(directory, RESULT, Result, parse_object)


def read_predictions(directory: RunDirectory, classes: int) -> Predictions | None:
    """The predictions; None if there are none. Raises RunError if they are damaged, or have other classes."""
    found = _read(directory, PREDICTIONS, Predictions, parse_with_checksum)
    if found and not _fits(found, classes):
        raise RunError(f"{directory.path / PREDICTIONS} is damaged: it has other classes than the run")
    return found


def _fits(predictions: Predictions, classes: int) -> bool:
    pairs = [(label, predicted) for label, predicted, _ in predictions.confusion]
    pairs += [(mistake.label, mistake.predicted) for mistake in predictions.mistakes]
    return bool(predictions.confusion) and all(max(pair) < classes for pair in pairs)


def read_augmented(directory: RunDirectory) -> Augmented | None:
    """The augmented images; None if there are none. Raises RunError if they are damaged."""
    return _read(directory, AUGMENTED, Augmented, parse_with_checksum)


def _read(
    directory: RunDirectory, name: str, kind: type[Kind], parse: Callable[[bytes], dict[str, Any]]
) -> Kind | None:
    if not directory.has(name):
        return None
    try:
        return validated_as(kind, parse(directory.read(name, MAX_BYTES)))
    except ValueError as problem:
        raise RunError(f"{directory.path / name} is damaged: {problem}") from problem
