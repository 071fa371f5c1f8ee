"""The plan of a sweep: its file, the values that are set, the seeds and the options, as `sweep.json` records them."""

import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field

from advconv.language.overrides import Setting, setting
from advconv.training.errors import TrainingError
from advconv.training.files import RunDirectory, RunError
from advconv.training.names import SWEEP
from advconv.training.options import RunOptions
from advconv.training.saved import Flag, Natural, Text, dump_with_checksum, parse_with_checksum, validated_as
from advconv.values.names import TITLE
from advconv.values.quantities import counted

MAX_TRIALS = 1_000
"""Trainings of one sweep."""

MAX_PLAN_BYTES = 2**24

SEED = "train.seed"


class SweepError(TrainingError):
    """A sweep cannot be started; the text says why."""


@dataclass(frozen=True)
class Axis:
    """A field of the file by its path, and its values as written; a single one is the same in all trainings.

    `option`: what sets it, `--set` or an option of its own such as `--lr`.
    """

    path: Text
    values: Annotated[list[Text], Field(min_length=1)]
    option: Text = "--set"

    def setting(self, value: str) -> Setting:
        """Raises SettingError."""
        written = f"--set {self.path}={value}" if self.option == "--set" else f"{self.option} {value}"
        return setting(self.path, value, written)


class Combination(NamedTuple):
    """One value of each axis; `number` counts from 1. `indices`: the index of each value on its axis."""

    number: int
    axes: tuple[Axis, ...]
    indices: tuple[int, ...]

    @property
    def settings(self) -> list[Setting]:
        """Raises SettingError."""
        return [axis.setting(axis.values[index]) for axis, index in zip(self.axes, self.indices, strict=True)]

    @property
    def varied(self) -> list[tuple[Axis, int]]:
        """The axes with several values, each with the index of its value."""
        return [(axis, index) for axis, index in zip(self.axes, self.indices, strict=True) if len(axis.values) > 1]

    def __str__(self) -> str:
        """`train.lr=0.1, train.mixup=0.2`; empty if nothing is varied."""
        return ", ".join(f"{axis.path}={axis.values[index]}" for axis, index in self.varied)


class Trial(NamedTuple):
    """The training of a combination with a seed; `number` counts from 1. `name` is that of its directory."""

    number: int
    combination: Combination
    seed: int
    name: str

    @property
    def settings(self) -> list[Setting]:
        """Raises SettingError."""
        return [*self.combination.settings, setting(SEED, str(self.seed), f"--seeds {self.seed}")]

    def __str__(self) -> str:
        """`train.lr=0.1, seed 0`"""
        return ", ".join(filter(None, (str(self.combination), f"seed {self.seed}")))


@dataclass(frozen=True)
class Plan:
    """The content of `sweep.json`. `file` is the name of the file in messages, `text` its content."""

    name: Annotated[str, Field(strict=True, pattern=f"^{TITLE.pattern}$")]
    started: Text
    file: Text
    text: Annotated[str, Field(strict=True)]
    axes: list[Axis]
    seeds: Annotated[list[Natural], Field(min_length=1)]
    options: RunOptions
    workers: Natural | None
    force: Flag

    @property
    def varied(self) -> list[Axis]:
        return [axis for axis in self.axes if len(axis.values) > 1]

    @property
    def count(self) -> int:
        """The number of combinations."""
        return math.prod(len(axis.values) for axis in self.axes)

    def combinations(self) -> list[Combination]:
        """All of them; the last axis varies fastest."""
        indices = product(*(range(len(axis.values)) for axis in self.axes))
        return [Combination(number, tuple(self.axes), each) for number, each in enumerate(indices, 1)]

    def trials(self) -> Iterator[Trial]:
        """Every combination with every seed, in the order in which they are trained."""
        width = len(str(self.count * len(self.seeds)))
        pairs = product(self.combinations(), self.seeds)
        for number, (combination, seed) in enumerate(pairs, 1):
            yield Trial(number, combination, seed, _name(f"{number:0{max(2, width)}}", combination, seed))


MAX_NAME = 80
SIMPLE = re.compile(r"[A-Za-z0-9._-]{1,16}")


def _name(number: str, combination: Combination, seed: int) -> str:
    """`04-lr-0.2-seed-1`; the number alone makes it unique. Values that do not fit into a name are numbered."""
    parts = [number]
    for axis, index in combination.varied:
        path = re.sub(r"[^A-Za-z0-9_]+", "-", axis.path.removeprefix("train.")).strip("-")
        value = axis.values[index]
        parts += [path, value if SIMPLE.fullmatch(value) else f"v{index + 1}"]
    name = "-".join([*parts, "seed", str(seed)])
    return name if len(name) <= MAX_NAME else f"{number}-seed-{seed}"


def check(plan: Plan) -> None:
    """Raises ValueError if a plan is contradictory or too large."""
    paths = [axis.path for axis in plan.axes]
    for axis in plan.axes:
        if axis.path == SEED:
            raise ValueError(f"{SEED} is set by --seeds, not by {axis.option}")
        if paths.count(axis.path) > 1:
            options = sorted({each.option for each in plan.axes if each.path == axis.path})
            raise ValueError(f"{axis.path} is set twice, by {' and '.join(options)}; give all its values at once")
    if len(set(plan.seeds)) < len(plan.seeds):
        raise ValueError("a seed is given twice")
    if (count := plan.count * len(plan.seeds)) > MAX_TRIALS:
        what = f"{counted(plan.count, 'combination')} with {counted(len(plan.seeds), 'seed')}"
        raise ValueError(f"{what} are {count:,} trainings; the most is {MAX_TRIALS:,}")


def plan_text(plan: Plan) -> str:
    return dump_with_checksum(asdict(plan))


class Sweep(NamedTuple):
    """A sweep on disk."""

    directory: RunDirectory
    plan: Plan

    @property
    def path(self) -> Path:
        return self.directory.path


def is_sweep(path: Path) -> bool:
    return (path / SWEEP).is_file()


def open_sweep(path: Path) -> Sweep:
    """Opens and validates the sweep in a directory. Raises RunError."""
    if not is_sweep(path):
        raise RunError(f"{path} is not a sweep: it has no {SWEEP}")
    directory = RunDirectory(path)
    try:
        plan = validated_as(Plan, parse_with_checksum(directory.read(SWEEP, MAX_PLAN_BYTES)))
        check(plan)
    except ValueError as problem:
        raise RunError(f"{path / SWEEP} is damaged: {problem}") from problem
    return Sweep(directory, plan)
