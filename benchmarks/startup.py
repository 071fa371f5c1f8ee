"""Cold start of `advconv check`, against importing torch and against a hand-written script with torchinfo.

Bytecode must be compiled on both sides: `uv sync --compile-bytecode` does it for torch, this script for advconv.
"""

import compileall
import subprocess
import sys

from benchmarks.options import Option, options
from benchmarks.timing import machine, medians

BY_HAND = "benchmarks/by_hand.py"


def main(arch: str, runs: int) -> None:
    compileall.compile_dir("advconv", quiet=1)
    ours = [sys.executable, "-m", "advconv", "check", arch]
    commands = {
        "advconv check": ours,
        "import torch": [sys.executable, "-c", "import torch"],
        "torch and torchinfo by hand": [sys.executable, BY_HAND],
    }
    times = medians(commands, runs)
    print(f"{machine()}; medians of {runs} alternating runs")
    for name, took in times.items():
        print(f"{name:<30} {took * 1000:8.0f} ms   {took / times['advconv check']:5.1f} x")
    print(f"advconv check, peak resident memory: {peak_megabytes(ours):.1f} MB (at most 70)")
    print("at most 1/8 of import torch:", verdict(times["import torch"] / times["advconv check"], 8))
    print(
        "at most 1/8 of the script by hand:", verdict(times["torch and torchinfo by hand"] / times["advconv check"], 8)
    )


def verdict(ratio: float, needed: float) -> str:
    return f"1/{ratio:.1f}, {'met' if ratio >= needed else 'MISSED'}"


def peak_megabytes(command: list[str]) -> float:
    """The peak memory of a command, measured in a process whose only child it is."""
    program = f"import subprocess,resource\nsubprocess.run({command!r},check=True,stdout=subprocess.DEVNULL)\n"
    program += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return int(found.stdout) * 1024 / 1e6


if __name__ == "__main__":
    main(
        **options(
            __doc__,
            arch=Option("archs/c1c2c3c4.yaml", "the file to check; by hand it is always c1c2c3c4"),
            runs=Option(9, "runs of each command; the median counts"),
        )
    )
