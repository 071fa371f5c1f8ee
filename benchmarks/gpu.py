"""Everything that needs a GPU, in one command of under nine minutes: tests, speeds, and full trainings.

Writes `gpu.json` and the directories of the runs into a folder. `--small` tries all of it with a few steps, also on a
CPU, so that the command works the first time that a GPU is at hand.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.options import Option, options
from benchmarks.timing import machine

ARCH = "archs/c1c2c3c4.yaml"
LIMIT = 530
"""Seconds after which nothing more is started."""

Result = dict[str, Any]


def main(out: str, data_dir: str, device: str, small: bool, seeds: int) -> None:
    folder, started = Path(out).resolve(), time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    found: Result = {"machine": machine(), "torch": torch.__version__, "device": _name(device), "small": small}
    train = partial(run, folder, data_dir, device, small)
    parts: dict[str, Callable[[], Result]] = {
        "tests": partial(tests, device),
        "throughput": partial(throughput, device, small),
        "throughput, augmented on the device": partial(throughput, device, small, "--augment-on", "device"),
        "time to 85%": partial(train, "to85", "--epochs", "12", "--until", "85"),
    }
    parts |= {f"full run, seed {seed}": partial(train, f"seed{seed}", "--seed", seed) for seed in range(seeds)}
    for name, part in parts.items():
        if time.monotonic() - started > LIMIT:
            found[name] = {"skipped": f"{LIMIT} s are over"}
            continue
        before = time.monotonic()
        found[name] = part() | {"wall_seconds": round(time.monotonic() - before, 1)}
        (folder / "gpu.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(f"{name}: {found[name]}", flush=True)


def _name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else device


def tests(device: str) -> Result:
    """The summary line of the tests of a device."""
    words = ["-m", "pytest", "-q", "-m", "cuda", "-p", "no:cacheprovider", "tests/test_cuda.py"]
    code, text = _python(words, ADVCONV_TEST_DEVICE=device)
    lines = text.strip().splitlines()
    return {"exit": code, "summary": lines[-1] if lines else "", "failed": [x for x in lines if x.startswith("FAILED")]}


def throughput(device: str, small: bool, *more: str) -> Result:
    size = ["--rounds", "1", "--steps", "4"] if small else ["--rounds", "5", "--steps", "200"]
    code, text = _python(["-m", "benchmarks.train_throughput", "--device", device, *size, *more])
    speeds = {name: int(count.replace(",", "")) for name, count in re.findall(r"(.+): ([\d,]+) images/s", text)}
    return {"exit": code, "images_per_second": speeds, "lines": text.strip().splitlines()[-5:]}


def run(folder: Path, data_dir: str, device: str, small: bool, name: str, *words: object) -> Result:
    """A training on CIFAR-10, with its augmentation on the device."""
    size = ["--data", "shapes", "--limit", "256", "--epochs", "1"] if small else []
    arguments = [ARCH, *words, *size, "--set", "train.augment_on=device", "--device", device, "--name", name]
    program = ["-m", "advconv", "train", *map(str, arguments), "--data-dir", str(Path(data_dir).resolve())]
    code, text = _python(program, folder)
    (path,) = sorted((folder / "runs").glob(f"{name}-*"))[-1:]
    result = json.loads((path / "result.json").read_text(encoding="utf-8")) if (path / "result.json").exists() else {}
    return {"exit": code, "run": path.name, "result": result, "lines": text.strip().splitlines()[-4:]}


def _python(words: Sequence[str], directory: Path | None = None, **environment: str) -> tuple[int, str]:
    """The exit code and the output of a program."""
    here = str(Path.cwd())
    given = os.environ | {"PYTHONPATH": here} | environment
    program = [sys.executable, *words]
    if directory:
        program = [here + "/" + word if word == ARCH else word for word in program]
    done = subprocess.run(program, cwd=directory, env=given, stdout=-1, stderr=-2, text=True, check=False)
    return done.returncode, done.stdout


if __name__ == "__main__":
    main(
        **options(
            __doc__,
            out=Option("gpu", "the folder for the results"),
            data_dir=Option("data", "the directory of CIFAR-10"),
            device=Option("cuda", "cuda, or cpu to try it"),
            small=Option(False, "a few steps of everything"),
            seeds=Option(2, "full runs"),
        )
    )
