"""Peak memory of `advconv train` on CIFAR-10, workers included.

The proportional set size of the process and its descendants, minus that of a process that has only imported torch,
torchvision and albumentations.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.options import Option, options
from benchmarks.timing import machine

IMPORTS = "import torch, torchvision, albumentations, time; print('ready', flush=True); time.sleep(60)"


def proportional(pid: int) -> int:
    """The proportional set size of a process in bytes: each shared page is divided by the processes that share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="utf-8")
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def imported() -> int:
    with subprocess.Popen([sys.executable, "-c", IMPORTS], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = proportional(process.pid)
        process.kill()
    return found


def trained(arch: Path, data: Path) -> int:
    """The peak over a training of one epoch, from the start of the process to its end."""
    words = ["train", str(arch), "--data-dir", str(data), "--epochs", "1", "--force"]
    peak = 0
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    program = [sys.executable, "-m", "advconv", *words]
    with tempfile.TemporaryDirectory() as there, subprocess.Popen(program, cwd=there, env=environment) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(proportional, family(process.pid))))
            time.sleep(0.1)
        assert list(Path(there).glob("runs/*/last.safetensors")), "the training did not finish"
    return peak


def main(arch: Path, data_dir: Path) -> None:
    if not (data_dir / "cifar-10-batches-py").is_dir():
        sys.exit(f"there is no CIFAR-10 in {data_dir}; name the directory that has it with --data-dir or $ADVCONV_DATA")
    before, peak = imported(), trained(arch.resolve(), data_dir.resolve())
    print(machine())
    print(f"imports only: {before / 1e6:.0f} MB; peak of training with workers: {peak / 1e6:.0f} MB")
    print(f"difference: {(peak - before) / 1e6:.0f} MB (at most 700)")


if __name__ == "__main__":
    main(
        **options(
            __doc__,
            arch=Option(Path("archs/c1c2c3c4.yaml"), "the file to train"),
            data_dir=Option(Path(os.environ.get("ADVCONV_DATA", "data")), "the directory with CIFAR-10"),
        )
    )
