"""Peak memory of `advconv train` on CIFAR-10, its workers counted: python benchmarks/train_memory.py DATA_DIR

The proportional set size of the process and all that it starts, over that of a process that has imported torch,
torchvision and albumentations.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from timing import machine

IMPORTS = "import torch, torchvision, albumentations, time; print('ready', flush=True); time.sleep(60)"
ARCH = Path("archs/c1c2c3c4.yaml").resolve()


def proportional(pid: int) -> int:
    """Bytes of a process, each shared page divided by those that share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def family(pid: int) -> list[int]:
    """A process and all that come from it."""
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


def trained(data: str) -> int:
    """The peak over an epoch, from the start of the process to the last picture that it writes."""
    words = ["train", str(ARCH), "--data-dir", data, "--epochs", "1", "--force"]
    peak = 0
    environment = os.environ | {"PYTHONPATH": str(ARCH.parents[1])}
    program = [sys.executable, "-m", "advconv", *words]
    with tempfile.TemporaryDirectory() as there, subprocess.Popen(program, cwd=there, env=environment) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(proportional, family(process.pid))))
            time.sleep(0.1)
        assert list(Path(there).glob("runs/*/last.safetensors")), "the training did not get that far"
    return peak


def main() -> None:
    before, peak = imported(), trained(str(Path(sys.argv[1]).resolve()))
    print(machine())
    print(f"imports alone: {before / 1e6:.0f} MB; training, at its peak, with its workers: {peak / 1e6:.0f} MB")
    print(f"difference: {(peak - before) / 1e6:.0f} MB (at most 700)")


if __name__ == "__main__":
    main()
