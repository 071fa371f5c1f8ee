"""Small runs for the tests of reports: two seeds, one with validation, one with hostile names."""

import json
from pathlib import Path

import pytest

from tests.test_data import folder
from tests.training import command, only_run, shorten, write_arch, write_metadata

HOSTILE_CLASSES = (
    "<img src=x onerror=window.hacked=1>",
    "</script><script>window.hacked=1</script>",
    "a|b](javascript:window.hacked=1) `c` $d$ **e** <!--",
)
"""Names that run.json may hold; the second cannot be that of a folder."""


def record(top: Path) -> dict[str, Path]:
    """The directories of the runs by name."""
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch)
        runs = {
            "plain": _train(patch, top / "plain", seed="0"),
            "other": _train(patch, top / "other", seed="1"),
            "validated": _train(patch, top / "validated", seed="0", lr="0.05", val_split="64"),
        }
        runs["hostile"] = _hostile(patch, top / "hostile")
    return runs


def _train(patch: pytest.MonkeyPatch, top: Path, **options: str) -> Path:
    top.mkdir()
    patch.chdir(top)
    file = write_arch(top / "t.yaml", constraints={"params": "< 100k", "accuracy": ">= 1%"})
    given = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
    fixed = ["--limit", "640", "--workers", "0", "--device", "cpu", "--name", top.name, "--quiet"]
    assert command("train", file, *fixed, *given) == 0
    return only_run(top)


def _hostile(patch: pytest.MonkeyPatch, top: Path) -> Path:
    """Class names, a device and versions that would be markup, in a run.json with a checksum that is right."""
    top.mkdir()
    patch.chdir(top)
    file = write_arch(top / "t.yaml", data="folder", classes=3, train={"epochs": 2})
    images = folder(top / "images", classes=("a", "b", "c"))
    fixed = ["--workers", "0", "--device", "cpu", "--name", "hostile", "--quiet"]
    assert command("train", file, "--data-dir", images, *fixed) == 0
    run = only_run(top)
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    told = {
        "classes": list(HOSTILE_CLASSES),
        "device": HOSTILE_CLASSES[1],
        "versions": {HOSTILE_CLASSES[0]: "\u202e|`"},
    }
    write_metadata(run, about | told)
    return run.rename(run.with_name("<b>&'`run|](x)"))
