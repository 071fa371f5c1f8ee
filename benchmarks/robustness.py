"""Attacks by the thousand: mutated files, kills, damaged checkpoints, hostile images, full disks.

The defaults take some minutes. The counts of docs/reliability.md take hours:

    python -m benchmarks.robustness --files 1000000 --kills 1000 --checkpoints 10000 --images 200 --disks 100 \
        --out docs/results/robustness.json

Ctrl-C writes the counts so far; the same command continues from there. A failure can be reproduced by its number:
each trial depends only on the seed, the attack's name and its number.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.attacks.counts_table import format_outcomes
from benchmarks.attacks.damage import ATTACK as CHECKPOINTS
from benchmarks.attacks.images import ATTACK as IMAGES
from benchmarks.attacks.texts import ATTACK as FILES
from benchmarks.attacks.trainings import DISKS, KILLS
from benchmarks.attacks.trials import Attack, AttackCounts, as_data, from_data, run_trials
from benchmarks.options import Option, options
from benchmarks.timing import machine

SAVE_EVERY = 30.0
"""Seconds between two writes of the counts."""


def main(
    files: int, kills: int, checkpoints: int, images: int, disks: int, seed: int, processes: int, out: Path
) -> int:
    trials = dict(zip(ATTACKS, (files, kills, checkpoints, images, disks), strict=True))
    earlier = _earlier_counts(out, seed)
    counts = {attack.name: earlier.get(attack.name, AttackCounts()) for attack in ATTACKS}
    code = 0
    # Each trial computes with one thread; torch reads this on import.
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        for attack, count in trials.items():
            _run_attack(attack, count, counts, seed, processes, out)
    except KeyboardInterrupt:
        code = 130
    _write(out, seed, counts)
    for name, found in counts.items():
        summary = f"{found.done:,} trials in {found.seconds:.0f} s, {found.failed:,} failed"
        print(f"{name}: {summary}; {format_outcomes(found.outcomes)}")
        for number, what in found.failures[:3]:
            print(f"  {number}: {what}")
    return code or int(any(found.failed for found in counts.values()))


ATTACKS = (FILES, KILLS, CHECKPOINTS, IMAGES, DISKS)


def _run_attack(
    attack: Attack, trials: int, counts: dict[str, AttackCounts], seed: int, processes: int, out: Path
) -> None:
    written = time.monotonic()
    with tempfile.TemporaryDirectory() as shared:
        for _ in run_trials(attack, seed, trials, counts[attack.name], Path(shared), processes):
            if time.monotonic() > written + SAVE_EVERY:
                _write(out, seed, counts)
                written = time.monotonic()


def _earlier_counts(out: Path, seed: int) -> dict[str, AttackCounts]:
    """The counts of an earlier run with the same seed, to continue from."""
    try:
        data = json.loads(out.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    if data["seed"] != seed:
        sys.exit(f"{out} has the counts of seed {data['seed']}; name another file with --out")
    return from_data(data["attacks"])


def _write(out: Path, seed: int, counts: dict[str, AttackCounts]) -> None:
    import torch

    data: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "device": f"{machine()}, {os.cpu_count()} processors, torch {torch.__version__}",
        "seed": seed,
        "attacks": as_data(counts),
    }
    part = out.with_name(f".{out.name}.part")
    part.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    part.replace(out)


if __name__ == "__main__":
    known = {
        "files": Option(1000, "number of mutated files to check"),
        "kills": Option(4, "number of trainings to kill and resume"),
        "checkpoints": Option(20, "number of damaged runs to load"),
        "images": Option(10, "number of hostile images"),
        "disks": Option(4, "number of trainings with a full disk"),
        "seed": Option(0, "seed of the random trials"),
        "processes": Option(os.cpu_count() or 1, "number of trials at once"),
        "out": Option(Path("robustness.json"), "the file of the counts; a run continues from it"),
    }
    sys.exit(main(**options(__doc__, **known)))
