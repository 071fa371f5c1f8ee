"""Everything that needs a GPU, in one command of under nine minutes: tests, full trainings, and speeds.

Writes `gpu.json`, the output of each part and the directories of the runs into a folder, and ends with 1 if a part
failed or was not done. `--small` tries all of it with a few steps, also on a CPU, so that the command works the first
time that a GPU is at hand.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.options import Option, options
from benchmarks.timing import machine

LIMIT = 500
"""Seconds after which nothing is started, and what is still running gets a stop request."""

TESTS = ("tests/test_cuda.py", "tests/test_cuda_steps.py")
TESTS_LIMIT = 200
"""Seconds for them."""

GRACE = 30
"""Seconds for a checkpoint after a stop request."""

Result = dict[str, Any]


class Bench(NamedTuple):
    """What all parts share. `deadline`: on the clock `time.monotonic`."""

    folder: Path
    data_dir: str
    arch: str
    device: str
    small: bool
    deadline: float


def main(out: str, data_dir: str, arch: str, device: str, small: bool, seeds: int, without_tests: bool) -> None:
    folder = Path(out).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(folder, data_dir, arch, device, small, time.monotonic() + LIMIT)
    done: Result = {"machine": machine(), "torch": torch.__version__, "device": _name(device), "small": small}
    is_good = True
    for name, part in _parts(bench, seeds, without_tests).items():
        done[name] = timed(part, bench)
        is_good &= done[name].get("exit") == 0
        (folder / "gpu.json").write_text(json.dumps(done, indent=2) + "\n", encoding="utf-8")
        print(f"{name}: {done[name]}", flush=True)
    sys.exit(0 if is_good else 1)


def _parts(bench: Bench, seeds: int, without_tests: bool) -> dict[str, Callable[[], Result]]:
    """The full runs come last, so that they have the time that is left."""
    parts: dict[str, Callable[[], Result]] = {
        "time to 85%": partial(training, bench, "to85", "--epochs", "12", "--until", "85"),
        "throughput": partial(throughput, bench, "workers"),
        "throughput, augmented on the device": partial(throughput, bench, "device"),
    }
    if not without_tests:
        parts["tests"] = partial(tests, bench)
    full = {f"full run, seed {n}": partial(training, bench, f"seed{n}", "--seed", str(n)) for n in range(seeds)}
    return parts | full


def timed(part: Callable[[], Result], bench: Bench) -> Result:
    before = time.monotonic()
    if before > bench.deadline:
        return {"skipped": f"{LIMIT} s are over"}
    return part() | {"wall_seconds": round(time.monotonic() - before, 1)}


def _name(device: str) -> str:
    try:
        return torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    except (RuntimeError, AssertionError) as problem:
        sys.exit(f"there is no device {device!r} here: {problem}")


def tests(bench: Bench) -> Result:
    """The result of each test of a device. Warnings are no errors here: libraries for GPUs have others."""
    words = ["pytest", "-v", "-n", "0", "-W", "default", "-m", "cuda", "-p", "no:cacheprovider", *TESTS]
    bench = bench._replace(deadline=min(bench.deadline, time.monotonic() + TESTS_LIMIT))
    code, lines = _python(bench, "tests", words, ADVCONV_TEST_DEVICE=bench.device)
    ends = Counter(found[1] for line in lines if (found := re.search(r"::.* (PASSED|FAILED|SKIPPED|ERROR)\b", line)))
    return {"exit": code, **ends, "lines": [line for line in lines if "FAILED" in line] + lines[-1:]}


def throughput(bench: Bench, augment_on: str) -> Result:
    size = ["--rounds", "1", "--steps", "4"] if bench.small else ["--rounds", "5", "--steps", "60"]
    given = ["--arch", bench.arch, "--device", bench.device, "--augment-on", augment_on]
    words = ["benchmarks.train_throughput", *given, *size]
    code, lines = _python(bench, f"throughput-{augment_on}", words)
    found = re.findall(r"^(.+): ([\d,]+) images/s", "\n".join(lines), re.MULTILINE)
    speeds = {name: int(speed.replace(",", "")) for name, speed in found}
    return {"exit": code, "images_per_second": speeds, "lines": lines[-5:]}


def training(bench: Bench, name: str, *words: str) -> Result:
    """A training on CIFAR-10, augmented on the device; its run is moved into the folder."""
    size = ["--data", "shapes", "--limit", "256", "--epochs", "1"] if bench.small else []
    given = [*words, *size, "--set", "train.augment_on=device", "--device", bench.device, "--name", name]
    before = set(Path("runs").glob(f"{name}-*"))
    code, lines = _python(bench, name, ["advconv", "train", bench.arch, *given, "--data-dir", bench.data_dir])
    result: Result = {"exit": code, "lines": lines[-4:]}
    for run in set(Path("runs").glob(f"{name}-*")) - before:
        moved = Path(shutil.move(run, bench.folder / run.name))
        found = moved / "result.json"
        result |= {"run": run.name, "result": json.loads(found.read_text(encoding="utf-8")) if found.exists() else {}}
    return result


def _python(bench: Bench, name: str, module: Sequence[str], **environment: str) -> tuple[int, list[str]]:
    """The exit code and the output of a module, which is also written into the folder."""
    path = bench.folder / f"{name}.txt"
    with path.open("wb") as output:
        program = [sys.executable, "-m", *module]
        given = os.environ | environment
        process = subprocess.Popen(program, env=given, stdout=output, stderr=output, start_new_session=True)
        try:
            code = _wait(process, bench.deadline)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return code, path.read_text(encoding="utf-8", errors="replace").strip().splitlines()


def _wait(process: subprocess.Popen[bytes], deadline: float) -> int:
    for number, seconds in ((signal.SIGTERM, deadline - time.monotonic()), (signal.SIGKILL, GRACE)):
        try:
            return process.wait(max(0, seconds))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, number)
    return process.wait()


if __name__ == "__main__":
    main(
        **options(
            __doc__,
            out=Option("gpu", "the folder for the results"),
            data_dir=Option("data", "the directory of CIFAR-10"),
            arch=Option("archs/c1c2c3c4.yaml", "the file that is trained"),
            device=Option("cuda", "cuda, or cpu to try it"),
            small=Option(False, "a few steps of everything"),
            seeds=Option(2, "full runs"),
            without_tests=Option(False, "no tests of the device"),
        )
    )
