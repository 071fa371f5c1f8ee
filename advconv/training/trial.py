"""The trial of an augmentation on a few images before the training: whether it fits, and how fast it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from statistics import median
from threading import Timer
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from advconv.geometry import Shape
from advconv.text.finding import Path
from advconv.training.shapes import Image

TRIALS = 30
"""How often a pipeline is tried at most: a transform may choose among others, or among ways to turn."""

TRIAL_SECONDS = 1.0
"""For the first image and for all others; after that no further image is tried."""

PATIENCE = 3.0
"""Seconds after which a trial says what it is doing."""

SLOW = 10
"""Images a second below which a pipeline is called slow."""


class Misfit(Exception):
    """A transform that cannot be had, or that does not keep pictures as the network takes them."""

    def __init__(self, path: Path, message: str, help: str = "") -> None:
        super().__init__(message)
        self.path, self.message, self.help = path, message, help


class Step(NamedTuple):
    """A transform without chance, where it stands in the file, and how likely it is in training."""

    transform: Any
    place: Path
    probability: float

    @property
    def name(self) -> str:
        return f"augment[{self.place[1]}] {self.place[-1]}"


Say = Callable[[str], None]


def try_out(steps: list[Step], size: Shape, say: Say) -> None:
    """Takes images through all steps: each must leave bytes, and the last one the network's size. Raises Misfit."""
    shape, seconds = (size.height, size.width, size.channels), [list[float]() for _ in steps]
    random, start, ends = np.random.default_rng(0), perf_counter(), inf
    for trial in range(TRIALS):
        if trial == 1:
            # The first image pays for what transforms load and set up; where it took too long, it stays the only one.
            ends = perf_counter() + TRIAL_SECONDS if perf_counter() < start + TRIAL_SECONDS else start
        if perf_counter() > ends:
            break
        image: Image = random.integers(0, 256, shape, dtype=np.uint8)
        for step, spent in zip(steps, seconds, strict=True):
            began = perf_counter()
            image = _tried(step, image, say)
            spent.append(perf_counter() - began)
        if image.shape != shape:
            message = f"the pictures come out as {_channels_first(image)}, the network takes {size}"
            raise Misfit(steps[-1].place, message, "end with a crop or Resize")
    if steps:
        _judge_speed(steps, [median(spent[1:] or spent) for spent in seconds], say)


def _judge_speed(steps: list[Step], seconds: list[float], say: Say) -> None:
    """A warning where an image takes long on the average, a transform counting as often as it is drawn."""
    expected = [step.probability * spent for step, spent in zip(steps, seconds, strict=True)]
    if sum(expected) * SLOW <= 1:
        return
    slowest, cost = max(zip(steps, seconds, strict=True), key=lambda pair: pair[0].probability * pair[1])
    say(
        f"warning: the augmentation takes {sum(expected):.3g} s an image, {1 / sum(expected):.3g} images a second in "
        f"each worker; the slowest transform is {slowest.name} with {cost:.3g} s each time it is drawn"
    )


def _tried(step: Step, image: Image, say: Say) -> Image:
    name = str(step.place[-1])
    try:
        with _told(f"{step.name} has taken {PATIENCE:g} s on one {_channels_first(image)} image and goes on", say):
            drawn: Image = step.transform(image=image)["image"]
    except Exception as problem:
        # Each transform has its own way to say that a picture does not suit it.
        message = f"{name} fails on a {_channels_first(image)} picture: {first_line(problem)}"
        raise Misfit(step.place, message, "give it other arguments, or leave it out of `augment`") from problem
    if drawn.dtype != np.uint8:
        message = f"{name} puts out {drawn.dtype}, a picture is bytes"
        raise Misfit(step.place, message, "leave it out, pictures are normalised on the device")
    return drawn


@contextmanager
def _told(text: str, say: Say) -> Iterator[None]:
    """Says a text where what is inside takes long. A transform cannot be ended from outside, but it can be named."""
    timer = Timer(PATIENCE, say, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _channels_first(image: Image) -> str:
    return "x".join(map(str, (*image.shape[2:], *image.shape[:2])))


def first_line(problem: Exception) -> str:
    return str(problem).split("\n")[0] or type(problem).__name__
