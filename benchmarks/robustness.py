"""Attacks by the thousand: mutated files, kills, damaged checkpoints, hostile images, full disks.

The defaults are a trial of some minutes. The counts of docs/reliability.md take hours:

    python -m benchmarks.robustness --files 1000000 --kills 1000 --checkpoints 10000 --images 200 --disks 100 \
        --out docs/results/robustness.json

Ctrl-C writes the figures so far; the same command goes on from there. A failure is seen again by its number:
each trial is drawn from the seed, the attack's name and its number alone.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.attacks.damage import ATTACK as CHECKPOINTS
from benchmarks.attacks.figures import told
from benchmarks.attacks.images import ATTACK as IMAGES
from benchmarks.attacks.texts import ATTACK as FILES
from benchmarks.attacks.trainings import DISKS, KILLS
from benchmarks.attacks.trials import Attack, Figures, as_data, from_data, run
from benchmarks.options import Option, options
from benchmarks.timing import machine

SAVE_EVERY = 30.0
"""Seconds between two writings of the figures so far."""


def main(
    files: int, kills: int, checkpoints: int, images: int, disks: int, seed: int, processes: int, out: Path
) -> int:
    counts = dict(zip(ATTACKS, (files, kills, checkpoints, images, disks), strict=True))
    earlier = _figures(out, seed)
    figures = {attack.name: earlier.get(attack.name, Figures()) for attack in ATTACKS}
    code = 0
    # Each trial computes with one thread; torch reads this when it is imported.
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        for attack, count in counts.items():
            _count(attack, count, figures, seed, processes, out)
    except KeyboardInterrupt:
        code = 130
    _write(out, seed, figures)
    for name, found in figures.items():
        print(
            f"{name}: {found.done:,} trials in {found.seconds:.0f} s, {found.failed:,} failed; {told(found.outcomes)}"
        )
        for number, what in found.failures[:3]:
            print(f"  {number}: {what}")
    return code or int(any(found.failed for found in figures.values()))


ATTACKS = (FILES, KILLS, CHECKPOINTS, IMAGES, DISKS)


def _count(attack: Attack, count: int, figures: dict[str, Figures], seed: int, processes: int, out: Path) -> None:
    found = figures[attack.name]
    written = time.monotonic()
    with tempfile.TemporaryDirectory() as shared:
        for _ in run(attack, seed, count, found, Path(shared), processes):
            if time.monotonic() > written + SAVE_EVERY:
                _write(out, seed, figures)
                written = time.monotonic()


def _figures(out: Path, seed: int) -> dict[str, Figures]:
    """Those of an earlier run with the same seed, to go on from."""
    try:
        said = json.loads(out.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    if said["seed"] != seed:
        sys.exit(f"{out} holds the figures of seed {said['seed']}; name another file with --out")
    return from_data(said["attacks"])


def _write(out: Path, seed: int, figures: dict[str, Figures]) -> None:
    import torch

    said: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "device": f"{machine()}, {os.cpu_count()} processors, torch {torch.__version__}",
        "seed": seed,
        "attacks": as_data(figures),
    }
    part = out.with_name(f".{out.name}.part")
    part.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    part.replace(out)


if __name__ == "__main__":
    known = {
        "files": Option(1000, "mutated files that are checked"),
        "kills": Option(4, "trainings that are killed and resumed"),
        "checkpoints": Option(20, "runs that are damaged and loaded"),
        "images": Option(10, "hostile images"),
        "disks": Option(4, "trainings whose disk is full"),
        "seed": Option(0, "of what is drawn"),
        "processes": Option(os.cpu_count() or 1, "how many trials at once"),
        "out": Option(Path("robustness.json"), "where the figures are written, and read to go on"),
    }
    sys.exit(main(**options(__doc__, **known)))
