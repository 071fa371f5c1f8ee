"""The benchmarks: each runs as a module and says what it takes."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

RUN = sorted(
    path.stem
    for path in Path("benchmarks").glob("*.py")
    if 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")
)


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", [name for name in RUN if name != "by_hand"])
def test_each_says_what_it_takes_and_what_its_defaults_are(name: str) -> None:
    found = run(name, "--help")

    assert found.returncode == 0, found.stderr
    text = " ".join(found.stdout.split())
    assert text.startswith(f"usage: python -m benchmarks.{name} [-h] [--")
    assert text.count("default: ") == found.stdout.split("options:")[1].count("  --") > 0


def test_a_small_run_of_what_needs_no_data(tmp_path: Path) -> None:
    assert "     10 " in run("scaling", "--rows", "10", "--runs", "1").stdout
    assert "0 mismatches" in run("verify", "--networks", "3", "--seed", "1").stdout
    rules = run("rules", "--folder", "archs/reference", "--runs", "1", "--batch", "1").stdout
    assert "archs/reference/99850.yaml" in rules
    assert "the largest ratio is 0." in rules
    assert "\n    1 " in run("suggest", "--batch", "100", "--runs", "1").stdout
    found = run("train_memory", "--data-dir", str(tmp_path))
    assert found.returncode == 1
    assert found.stderr.startswith(f"there is no CIFAR-10 in {tmp_path}; name the directory")
