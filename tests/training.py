"""Small trainings for tests: a network, the command line, and where CIFAR-10 is."""

import json
import lzma
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from advconv.cli.main import main
from advconv.training.saved import CHECKSUM, dump_with_checksum
from advconv.training.shapes import draw_shapes
from tests import build

SHARED = Path(__file__).parents[2] / "shared" / "cifar10"
BATCHES = "cifar-10-batches-py"

ROWS = [{"conv": 16}, {"strided": {"out_channels": 32, "dropout": 0.1}}, {"strided": 32}, {"residual": [{"conv": 32}]}]
HEAD = ["gap", "linear"]
INPUT = (3, 16, 16)


def small(**sections: Any) -> dict[str, Any]:
    """A network for 16x16 images that learns drawn shapes; dropout uses random numbers in each step."""
    train = {"epochs": 2, "batch_size": 32, "lr": 0.1} | sections.pop("train", {})
    augment = ["HorizontalFlip", {"ShiftScaleRotate": {"rotate_limit": 10}}]
    given = {"classes": 10, "data": "shapes", "augment": augment, "train": train} | sections
    rows = given.pop("rows", [*ROWS, *HEAD])
    return build.arch(*rows, **({"input": INPUT} | given))


def write_arch(path: Path, **sections: Any) -> str:
    path.write_text(yaml.safe_dump(small(**sections), sort_keys=False), encoding="utf-8")
    return str(path)


def command(*arguments: str | Path) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def only_run(directory: Path) -> Path:
    (run,) = [path for path in (directory / "runs").iterdir() if not path.name.startswith(".")]
    return run


def metrics(run: Path) -> list[dict[str, Any]]:
    """The rows of a run, without what a clock says."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{key: row[key] for key in row if key not in ("seconds", "images_per_second")} for row in rows]


def weights(run: Path) -> bytes:
    return (run / "last.safetensors").read_bytes()


def write_metadata(run: Path, about: dict[str, Any]) -> None:
    """A `run.json` that says something else, with a checksum that is right."""
    (run / "run.json").write_text(
        dump_with_checksum({key: about[key] for key in about if key != CHECKSUM}), encoding="utf-8"
    )


def with_new_checksums(run: Path) -> Path:
    """A run with the checksums of its present files, such as an attacker can write."""
    (checkpoint,) = json.loads((run / "checkpoints.json").read_text(encoding="utf-8"))["checkpoints"]
    checkpoint["sha256"] = {name: sha256((run / name).read_bytes()).hexdigest() for name in checkpoint["sha256"]}
    (run / "checkpoints.json").write_text(dump_with_checksum({"checkpoints": [checkpoint]}), encoding="utf-8")
    return run


def real_images(into: Path) -> Path:
    """CIFAR-10 as torchvision reads it, from `$ADVCONV_DATA` or the copy beside the clone; else the test is skipped."""
    given = Path(os.environ.get("ADVCONV_DATA", "data"))
    if (given / BATCHES).is_dir():
        shutil.copytree(given / BATCHES, into / BATCHES)
        return into
    if not SHARED.is_dir():
        pytest.skip("CIFAR-10 is neither in $ADVCONV_DATA nor in ../shared/cifar10")
    (into / BATCHES).mkdir(parents=True)
    for packed in SHARED.glob("*.xz"):
        (into / BATCHES / packed.stem).write_bytes(lzma.decompress(packed.read_bytes()))
    shutil.copy(SHARED / "batches.meta", into / BATCHES)
    return into


def linked(directory: Path, copy: Path) -> Path:
    """A copy whose files are links to the same bytes: one may be left out or put in the place of another."""
    return shutil.copytree(directory, copy, copy_function=os.link)


drawn = cache(draw_shapes)

NO_FIGURES = SimpleNamespace(**dict.fromkeys(("confusion", "curves", "misclassified", "mosaic"), lambda *_: b"none"))


def shorten(patch: pytest.MonkeyPatch) -> None:
    """Trainings draw no figures and each set of shapes once for all tests: both take longer than the training does.

    `test_training.py` has a run with all that belongs to it.
    """

    def draw_once(count: int, size: tuple[int, int, int], seed: int) -> Any:
        # What reads the data set may write to it.
        return tuple(part.copy() for part in drawn(count, size, seed))

    patch.setattr("advconv.training.sets.draw_shapes", draw_once)
    for module in ("results", "start_run"):
        patch.setattr(f"advconv.training.{module}.figures", NO_FIGURES)


@contextmanager
def short_trainings_in(directory: Path) -> Iterator[pytest.MonkeyPatch]:
    """The working directory of a fixture for several tests, whose trainings are short."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        shorten(patch)
        yield patch
