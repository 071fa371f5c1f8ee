"""The trial of an augmentation: bounded in time, and it tells what is slow before hours are spent on it."""

from pathlib import Path
from threading import Event
from typing import Any

import albumentations as A
import numpy as np
import pytest

from advconv.geometry import Shape
from advconv.language.augment import transform
from advconv.training import figures, start_run, trial
from advconv.training.augment import compile_augment
from advconv.training.shapes import Image
from advconv.training.trial import TrialStep, try_pipeline
from tests.training import command, write_arch

SIZE = Shape(3, 16, 16)


class Clock:
    """Time that passes in transforms alone."""

    now = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(trial, "perf_counter", lambda: found.now)
    return found


class Takes:
    """A transform that takes so many seconds for the first image, and so many for each other."""

    def __init__(self, clock: Clock, first: float, others: float) -> None:
        self.clock, self.first, self.others, self.calls = clock, first, others, 0

    def __call__(self, image: Image) -> dict[str, Any]:
        self.clock.now += self.others if self.calls else self.first
        self.calls += 1
        return {"image": image}


def steps(*transforms: Any, probability: float = 1.0) -> list[TrialStep]:
    return [TrialStep(each, ("augment", index, f"T{index}"), probability) for index, each in enumerate(transforms)]


def test_a_fast_pipeline_is_tried_thirty_times_without_a_word(clock: Clock) -> None:
    said: list[str] = []
    fast = Takes(clock, 0.9, 0.001)
    try_pipeline(steps(fast), SIZE, said.append)

    assert (fast.calls, said) == (30, [])


def test_a_slow_pipeline_is_tried_for_a_second_and_told_with_its_slowest_transform(clock: Clock) -> None:
    said: list[str] = []
    slow, slower = Takes(clock, 0.05, 0.05), Takes(clock, 0.3, 0.3)
    try_pipeline(steps(slow, slower), SIZE, said.append)

    # One that is not counted, and those of a second.
    assert slower.calls == 4
    assert said == [
        "warning: the augmentation takes 0.35 s an image, 2.86 images/s in each worker; "
        "the slowest transform is augment[1] T1 with 0.3 s each time it is applied"
    ]


def test_a_very_slow_pipeline_is_tried_on_one_image(clock: Clock) -> None:
    said: list[str] = []
    slow = Takes(clock, 120, 120)
    try_pipeline(steps(slow, Takes(clock, 0, 0)), SIZE, said.append)

    assert slow.calls == 1
    assert said[0].startswith("warning: the augmentation takes 120 s an image")


def test_a_slow_transform_counts_as_often_as_it_is_drawn(clock: Clock) -> None:
    said: list[str] = []
    try_pipeline(steps(Takes(clock, 0.3, 0.3), probability=0.3), SIZE, said.append)

    assert said == []


def test_one_image_that_takes_long_is_told_while_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The transform waits for the line, so it ends only if the line comes before its end."""
    monkeypatch.setattr(trial, "SLOW_SECONDS", 0.01)
    monkeypatch.setattr(trial, "TRIALS", 1)
    said: list[str] = []
    told = Event()

    def say(text: str) -> None:
        said.append(text)
        told.set()

    def waits(image: Image) -> dict[str, Any]:
        assert told.wait(60)
        return {"image": image}

    try_pipeline(steps(waits), SIZE, say)
    assert said[0] == "augment[0] T0 has taken 0.01 s on one 3x16x16 image so far"


def test_the_pipeline_of_a_file_is_tried_with_its_own_names(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(self: A.HorizontalFlip, img: Image, **_: Any) -> Image:
        clock.now += 0.3
        return np.fliplr(img)

    monkeypatch.setattr(A.HorizontalFlip, "apply", slowly)
    said: list[str] = []
    compile_augment((transform("VerticalFlip"), transform("HorizontalFlip")), (0.5,) * 3, SIZE, said.append)

    # Drawn for half of the images.
    assert said == [
        "warning: the augmentation takes 0.15 s an image, 6.67 images/s in each worker; "
        "the slowest transform is augment[1] HorizontalFlip with 0.3 s each time it is applied"
    ]


def test_a_training_says_it_and_shows_the_epochs_that_it_has_time_for(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def slowly(self: A.HorizontalFlip, img: Image, **_: Any) -> Image:
        clock.now += 0.25
        return np.fliplr(img)

    shown: list[int] = []

    def count(rows: list[list[Image]], title: str) -> bytes:
        shown.append(len(rows[0]))
        return b"png"

    monkeypatch.setattr(A.HorizontalFlip, "apply", slowly)
    monkeypatch.setattr(start_run, "AUGMENTED_SECONDS", 0.0)
    monkeypatch.setattr(figures, "mosaic", count)
    monkeypatch.chdir(tmp_path)
    augment = [{"HorizontalFlip": {"p": 1.0}}]
    file = write_arch(tmp_path / "t.yaml", augment=augment, train={"epochs": 1, "batch_size": 4})

    assert command("train", file, "--limit", "4", "--workers", "0", "--device", "cpu") == 0
    assert "the slowest transform is augment[0] HorizontalFlip" in capsys.readouterr().out
    # The images as they are.
    assert shown == [1]
