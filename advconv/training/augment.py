"""Augmentation by albumentations: compiled from what a file declares, drawn from (seed, epoch, picture) alone."""

import os
import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic import ValidationError

from advconv.geometry import Shape
from advconv.language.augment import Transform
from advconv.text.source import Path
from advconv.training.errors import TrainingError
from advconv.training.shapes import Image
from advconv.training.trial import Misfit, Say, Step, first_line, try_out
from advconv.values.forms import in_yaml

# Read when the library is imported, which would otherwise ask the network for a newer version.
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import albumentations as A

OUR_CHOICE = "ShiftScaleRotate is a special case of Affine transform"
"""How albumentations advises against a transform that it still has, and that the assignment asks for."""


def compile_augment(
    augment: tuple[Transform, ...], mean: tuple[float, ...], size: Shape, say: Say = lambda text: None
) -> A.Compose:
    """The declared pipeline, tried on images; what is slow about it goes to `say`. Raises Misfit."""
    compiled, without_chance = pipeline(augment, mean), pipeline(tuple(map(_always, augment)), mean)
    pairs = zip(without_chance.transforms, compiled.transforms, _places(augment), strict=True)
    try_out([Step(always, place, chance.p) for always, chance, place in pairs], size, say)
    return compiled


def pipeline(augment: tuple[Transform, ...], mean: tuple[float, ...]) -> A.Compose:
    """The declared pipeline. `mean`: of the data set, 0 to 1, a channel each. Raises Misfit."""
    return A.Compose([_built(part, place, mean) for part, place in zip(augment, _places(augment), strict=True)])


def _places(augment: tuple[Transform, ...]) -> list[Path]:
    return [("augment", index, transform.name) for index, transform in enumerate(augment)]


def _built(transform: Transform, place: Path, mean: tuple[float, ...]) -> Any:
    arguments = {key: _given(key, value, mean) for key, value in transform.arguments.items()}
    parts = transform.arguments.get("transforms")
    if parts is not None:
        inner = [(*place, "transforms", index, part.name) for index, part in enumerate(parts)]
        arguments["transforms"] = [_built(part, at, mean) for part, at in zip(parts, inner, strict=True)]
    elif "InitSchema" in vars(getattr(A, transform.name)):
        # Else what a transform refuses is a warning, and other arguments are used in its place.
        arguments["strict"] = True
    return _quietly(lambda: _called(transform.name, arguments, place))


def _given(key: str, value: Any, mean: tuple[float, ...]) -> Any:
    """A value as Python code would give it."""
    if key == "fill" and value == "mean":
        return tuple(255 * part for part in mean)
    return tuple(value) if isinstance(value, list) else value


def _quietly(build: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=OUR_CHOICE)
        return build()


def _called(name: str, arguments: dict[str, Any], place: Path) -> Any:
    try:
        return getattr(A, name)(**arguments)
    except Exception as problem:
        path, reason = _reason(problem, arguments)
        raise Misfit((*place, *path), f"{name}: {reason}") from problem


def _reason(problem: Exception, arguments: dict[str, Any]) -> tuple[Path, str]:
    """Which argument is wrong, and why, as the library's own validation says it."""
    if not isinstance(problem.__cause__, ValidationError):
        return (), first_line(problem)
    first = problem.__cause__.errors()[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    reason = str(first["msg"]).removeprefix("Value error, ").split("\n")[0]
    given = f", not {in_yaml(arguments[key])}" if key in arguments else ""
    what = f"{key}: " if key else ""
    return (key,) if key else (), f"{what}{reason[:1].lower()}{reason[1:]}{given}"


def _always(transform: Transform) -> Transform:
    """The same transform without chance, so that a trial shows what it does."""
    parts = transform.arguments.get("transforms")
    inner = {"transforms": tuple(map(_always, parts))} if parts is not None else {}
    return Transform(transform.name, transform.arguments | inner | {"p": 1.0})


class DrawError(TrainingError):
    """A picture that a pipeline did not take, although it took all that it was tried on."""


class Augment:
    """Draws pictures. What is drawn depends on the seed, the epoch and the picture's index, and on nothing else."""

    def __init__(self, pipeline: A.Compose, seed: int) -> None:
        self.steps, self.seed = pipeline.transforms, seed
        self.bits = np.random.Philox(key=seed)
        self.state = self.bits.state
        self.numbers = random.Random()
        pipeline.set_random_state(np.random.Generator(self.bits), self.numbers)

    def __call__(self, picture: Image, epoch: int, index: int) -> Image:
        self._reseed(epoch, index)
        shape, drawn = picture.shape, picture
        # The steps without the pipeline around them, whose checks of boxes and masks take as long as a step.
        for step in self.steps:
            try:
                drawn = step(image=drawn)["image"]
            except Exception as problem:
                reason = f"{type(step).__name__} fails on picture {index}: {first_line(problem)}"
                raise DrawError(reason) from problem
        if drawn.shape != shape:
            raise DrawError(f"the augmentation makes picture {index} {drawn.shape}, it has to stay {shape}")
        return drawn

    def _reseed(self, epoch: int, index: int) -> None:
        """Philox numbers its draws, so any draw can be had without those before it."""
        self.state["state"]["key"][:] = (self.seed, epoch)
        self.state["state"]["counter"][:] = (0, 0, 0, index)
        self.bits.state = self.state
        self.numbers.seed(self.seed << 96 | epoch << 64 | index)
