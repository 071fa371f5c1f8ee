"""Augmentation by albumentations; its random numbers depend only on (seed, epoch, index of the image)."""

import os
import random
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from advconv.geometry import Shape
from advconv.language.augment import Transform
from advconv.text.finding import Path
from advconv.text.visible import first_line
from advconv.training.errors import TrainingError
from advconv.training.shapes import Image
from advconv.training.trial import AugmentError, Report, TrialStep, try_pipeline
from advconv.values.forms import in_yaml

if TYPE_CHECKING:
    import albumentations as A

SHIFT_SCALE_ROTATE = "ShiftScaleRotate is a special case of Affine transform"
"""The start of albumentations' warning about a transform that the assignment asks for."""


def compile_augment(
    augment: tuple[Transform, ...], mean: tuple[float, ...], size: Shape, report: Report = lambda text: None
) -> "A.Compose":
    """The declared pipeline, tried on images; `report` gets a warning if it is slow. Raises AugmentError."""
    compiled, always = pipeline(augment, mean), pipeline(tuple(map(_always_applied, augment)), mean)
    steps = zip(always.transforms, compiled.transforms, _places(augment), strict=True)
    try_pipeline([TrialStep(transform, place, random.p) for transform, random, place in steps], size, report)
    return compiled


def pipeline(augment: tuple[Transform, ...], mean: tuple[float, ...]) -> "A.Compose":
    """The declared pipeline. `mean`: of the data set by channel, 0 to 1. Raises AugmentError."""
    compose = _albumentations().Compose
    return compose([_construct(part, place, mean) for part, place in zip(augment, _places(augment), strict=True)])


def _albumentations() -> Any:
    """The library, imported only where an augmentation is compiled: it takes a second, which no prediction needs."""
    # Read by the import, which would otherwise look for a newer version on the network.
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import albumentations

    return albumentations


def _places(augment: tuple[Transform, ...]) -> list[Path]:
    return [("augment", index, transform.name) for index, transform in enumerate(augment)]


def _construct(transform: Transform, place: Path, mean: tuple[float, ...]) -> Any:
    arguments = {key: _python_value(key, value, mean) for key, value in transform.arguments.items()}
    parts = transform.arguments.get("transforms")
    if parts is not None:
        inner = [(*place, "transforms", index, part.name) for index, part in enumerate(parts)]
        arguments["transforms"] = [_construct(part, at, mean) for part, at in zip(parts, inner, strict=True)]
    elif "InitSchema" in vars(getattr(_albumentations(), transform.name)):
        # By default a transform replaces invalid arguments and only warns.
        arguments["strict"] = True
    return _without_advice(lambda: _call(transform.name, arguments, place))


def _python_value(key: str, value: Any, mean: tuple[float, ...]) -> Any:
    """An argument as Python code would pass it."""
    if key == "fill" and value == "mean":
        return tuple(255 * part for part in mean)
    return tuple(value) if isinstance(value, list) else value


def _without_advice(build: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=SHIFT_SCALE_ROTATE)
        return build()


def _call(name: str, arguments: dict[str, Any], place: Path) -> Any:
    try:
        return getattr(_albumentations(), name)(**arguments)
    except Exception as problem:
        path, reason = _reason(problem, arguments)
        raise AugmentError((*place, *path), f"{name}: {reason}") from problem


def _reason(problem: Exception, arguments: dict[str, Any]) -> tuple[Path, str]:
    """Which argument is wrong, and why, from the library's own validation."""
    if not isinstance(problem.__cause__, ValidationError):
        return (), first_line(problem)
    errors = problem.__cause__.errors()
    first = errors[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    forms = [_form(error) for error in errors if error["loc"][:1] == first["loc"][:1]]
    if all(forms):
        what = f"{key} must be {' or '.join(dict.fromkeys(forms))}"
    else:
        reason = str(first["msg"]).removeprefix("Value error, ").split("\n")[0]
        what = f"{key}{': ' if key else ''}{reason[:1].lower()}{reason[1:]}"
    given = f", not {in_yaml(arguments[key])}" if key in arguments else ""
    return (key,) if key else (), f"{what}{given}"


def _form(error: Any) -> str:
    """What an argument must be, from an error of pydantic about its type; empty if it is wrong in another way."""
    if any(isinstance(step, int) for step in error["loc"]):
        return ""
    if error["type"] == "literal_error":
        return str(error["msg"]).removeprefix("Input should be ")
    return next((form for kind, form in FORMS.items() if error["type"].startswith(kind)), "")


FORMS = {"tuple_type": "a list", "int_": "a whole number", "float_": "a number", "bool_": "true or false"}


def _always_applied(transform: Transform) -> Transform:
    """The same transform with probability 1."""
    parts = transform.arguments.get("transforms")
    inner = {"transforms": tuple(map(_always_applied, parts))} if parts is not None else {}
    return Transform(transform.name, transform.arguments | inner | {"p": 1.0})


class TransformError(TrainingError):
    """A transform failed on an image, although it worked on those that it was tried on."""


class Augment:
    """Augments images, uint8 (height, width, channels). The result depends only on (seed, epoch, index)."""

    def __init__(self, pipeline: "A.Compose", seed: int) -> None:
        self.steps, self.seed = pipeline.transforms, seed
        self.bits = np.random.Philox(key=seed)
        self.state = self.bits.state
        self.numbers = random.Random()
        pipeline.set_random_state(np.random.Generator(self.bits), self.numbers)

    def __call__(self, image: Image, epoch: int, index: int) -> Image:
        self._reseed(epoch, index)
        output = image
        # Without the pipeline around the steps, whose checks of boxes and masks take as long as a step.
        for step in self.steps:
            try:
                output = step(image=output)["image"]
            except Exception as problem:
                reason = f"{type(step).__name__} fails on image {index}: {first_line(problem)}"
                raise TransformError(reason) from problem
        if output.shape != image.shape:
            raise TransformError(f"the augmentation resizes image {index} from {image.shape} to {output.shape}")
        return output

    def _reseed(self, epoch: int, index: int) -> None:
        """Philox is a counter-based generator, so any draw can be computed without those before it."""
        self.state["state"]["key"][:] = (self.seed, epoch)
        self.state["state"]["counter"][:] = (0, 0, 0, index)
        self.bits.state = self.state
        self.numbers.seed(self.seed << 96 | epoch << 64 | index)
