"""A small sweep for tests, and what is compared of two."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from advconv.training.sweep.plan import Plan
from tests.training import command, metrics, only_run, shorten, weights, write_arch

FIXED = ("--limit", "160", "--epochs", "2", "--workers", "0", "--device", "cpu")
VARIED = ("--set", "train.lr=0.02,0.2", "--set", "train.mixup=0.2", "--seeds", "3,1")
STEPS = 40
"""Of four trials with two epochs of five batches."""


def trials(sweep: Path) -> list[Path]:
    return sorted(path for path in sweep.iterdir() if path.is_dir())


def rows(sweep: Path) -> list[dict[str, str]]:
    """The rows of the table, without what a clock says."""
    found = list(csv.DictReader(io.StringIO((sweep / "sweep.csv").read_text(encoding="utf-8"))))
    return [{key: value for key, value in row.items() if key != "mean time"} for row in found]


def same(sweep: Path, other: Path) -> bool:
    """Whether two sweeps have the same table, metrics and weights."""
    pairs = list(zip(trials(sweep), trials(other), strict=True))
    return rows(sweep) == rows(other) and all(
        one.name == two.name and weights(one) == weights(two) and metrics(one) == metrics(two) for one, two in pairs
    )


def record(top: Path) -> Path:
    """The directory of a sweep that nothing has interrupted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(top)
        shorten(patch)
        assert command("sweep", write_arch(top / "t.yaml"), *FIXED, *VARIED) == 0
    return only_run(top)


def with_values(plan: Plan, values: list[str]) -> Plan:
    """A plan in which one field has these values."""
    return replace(plan, axes=[replace(plan.axes[0], values=["2"]), replace(plan.varied[0], values=values)])
