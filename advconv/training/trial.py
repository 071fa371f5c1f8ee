"""Trying an augmentation on a few images before training: whether its output fits the network, and its speed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from statistics import median
from threading import Timer
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from advconv.geometry import Shape
from advconv.text.finding import Finding, Path, Refused
from advconv.text.visible import first_line
from advconv.training.shapes import Image

TRIALS = 30
"""The maximum number of images: a transform may choose at random among others, or among rotations."""

TRIAL_SECONDS = 1.0
"""Seconds for the first image, and for all others together."""

SLOW_SECONDS = 3.0
"""Seconds on one image after which a transform is reported while it runs."""

SLOW_RATE = 10
"""Images per second below which a pipeline is reported as slow."""


class AugmentError(Refused):
    """A transform cannot be constructed, fails, or changes the type or the size of images."""

    def __init__(self, path: Path, message: str, help: str = "") -> None:
        super().__init__(Finding("AC114", path, message, help))


class TrialStep(NamedTuple):
    """A transform that is always applied, its path in the file, and its probability in training."""

    transform: Any
    place: Path
    probability: float

    @property
    def name(self) -> str:
        return f"augment[{self.place[1]}] {self.place[-1]}"


Report = Callable[[str], None]


def try_pipeline(steps: list[TrialStep], size: Shape, report: Report) -> None:
    """Applies all steps to images: each must return uint8, the last one the network's size. Raises AugmentError."""
    shape, seconds = (size.height, size.width, size.channels), [list[float]() for _ in steps]
    random, start, end = np.random.default_rng(0), perf_counter(), inf
    for trial in range(TRIALS):
        if trial == 1:
            # The first image includes what transforms load and set up; if it took too long, it stays the only one.
            end = perf_counter() + TRIAL_SECONDS if perf_counter() < start + TRIAL_SECONDS else start
        if perf_counter() > end:
            break
        image: Image = random.integers(0, 256, shape, dtype=np.uint8)
        for step, spent in zip(steps, seconds, strict=True):
            started = perf_counter()
            image = _apply(step, image, report)
            spent.append(perf_counter() - started)
        if image.shape != shape:
            message = f"augmented images are {_channels_first(image)}, the network takes {size}"
            raise AugmentError(steps[-1].place, message, "end with a crop or Resize")
    if steps:
        _check_speed(steps, [median(spent[1:] or spent) for spent in seconds], report)


def _check_speed(steps: list[TrialStep], seconds: list[float], report: Report) -> None:
    """Warns if an image takes long on average; each transform counts with its probability."""
    expected = [step.probability * spent for step, spent in zip(steps, seconds, strict=True)]
    if sum(expected) * SLOW_RATE <= 1:
        return
    slowest, cost = max(zip(steps, seconds, strict=True), key=lambda pair: pair[0].probability * pair[1])
    report(
        f"warning: the augmentation takes {sum(expected):.3g} s an image, {1 / sum(expected):.3g} images/s in "
        f"each worker; the slowest transform is {slowest.name} with {cost:.3g} s each time it is applied"
    )


def _apply(step: TrialStep, image: Image, report: Report) -> Image:
    name = str(step.place[-1])
    try:
        with _reported_if_slow(
            f"{step.name} has taken {SLOW_SECONDS:g} s on one {_channels_first(image)} image so far", report
        ):
            output: Image = step.transform(image=image)["image"]
    except Exception as problem:
        # The type of error depends on the transform.
        message = f"{name} fails on a {_channels_first(image)} image: {first_line(problem)}"
        raise AugmentError(step.place, message, "give it other arguments, or leave it out of `augment`") from problem
    if output.dtype != np.uint8:
        message = f"{name} returns {output.dtype}, images are uint8"
        raise AugmentError(step.place, message, "leave it out, images are normalised on the device")
    return output


@contextmanager
def _reported_if_slow(text: str, report: Report) -> Iterator[None]:
    """Reports a text if the block takes long. A transform cannot be interrupted, but it can be named."""
    timer = Timer(SLOW_SECONDS, report, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _channels_first(image: Image) -> str:
    return "x".join(map(str, (*image.shape[2:], *image.shape[:2])))
