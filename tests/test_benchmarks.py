"""The benchmarks: each runs as a module and says what it takes."""

import io
import json
import re
import runpy
import subprocess
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from benchmarks.gpu import LIMIT, Bench, timed, training
from tests.processes import called

pytestmark = pytest.mark.slow

RUN = sorted(
    path.stem
    for path in Path("benchmarks").glob("*.py")
    if 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")
)


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def help_of(name: str) -> str:
    """What `python -m benchmarks.NAME --help` prints, in a process that has imported torch."""
    printed = io.StringIO()
    sys.argv = [name, "--help"]
    with redirect_stdout(printed), pytest.raises(SystemExit, match=r"^0$"):
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")
    return printed.getvalue()


@pytest.mark.parametrize("name", [name for name in RUN if name != "by_hand"])
def test_each_says_what_it_takes_and_what_its_defaults_are(name: str) -> None:
    printed = called(help_of, name)
    text = " ".join(printed.split())

    assert text.startswith(f"usage: python -m benchmarks.{name} [-h] [--")
    assert text.count("default: ") == printed.split("options:")[1].count("  --") > 0


def test_a_small_run_of_what_needs_no_data(tmp_path: Path) -> None:
    assert "     10 " in run("scaling", "--rows", "10", "--runs", "1").stdout
    assert "0 mismatches" in run("verify", "--networks", "3", "--seed", "1").stdout
    rules = run("rules", "--folder", "archs/reference", "--runs", "1", "--batch", "1").stdout
    assert "archs/reference/99850.yaml" in rules
    assert re.search(r"the largest ratio is \d+\.\d\d, at most ", rules)
    assert "\n    1 " in run("suggest", "--batch", "100", "--runs", "1").stdout
    found = run("train_memory", "--data-dir", str(tmp_path))
    assert found.returncode == 1
    assert found.stderr.startswith(f"there is no CIFAR-10 in {tmp_path}; name the directory")


def test_the_benchmark_of_a_gpu_is_tried_on_a_cpu(tmp_path: Path) -> None:
    found = run("gpu", "--small", "--device", "cpu", "--seeds", "1", "--without-tests", "--out", str(tmp_path))
    parts = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))

    assert found.returncode == 0, found.stdout + found.stderr
    for name in ("time to 85%", "full run, seed 0"):
        assert parts[name]["exit"] == 0
        assert parts[name]["result"]["epoch"] == 1
        assert (tmp_path / parts[name]["run"] / "last.safetensors").is_file()
    for name in ("throughput", "throughput, augmented on the device"):
        speeds = parts[name]["images_per_second"]
        assert speeds.keys() == {"train", "bare loop", "loop that people write"}
        assert all(speed > 0 for speed in speeds.values())


def test_a_part_that_fails_or_has_no_time_left_is_recorded(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "none", "missing.yaml", "cpu", small=True, deadline=time.monotonic() + 100)
    late = bench._replace(deadline=time.monotonic() - 1)
    failed = training(bench, "to85")

    assert failed["exit"] == 2
    assert "missing.yaml" in failed["lines"][0]
    assert training(late, "to85")["exit"] < 0
    assert timed(lambda: training(late, "to85"), late) == {"skipped": f"{LIMIT} s are over"}
