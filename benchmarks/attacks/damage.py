"""Damaged runs: whoever loads one notices, or gives what the undamaged one gives."""

import json
import random
import shutil
import tempfile
from pathlib import Path

from benchmarks.attacks.commands import Said, command, hold_ended
from benchmarks.attacks.images import picture
from benchmarks.attacks.trainings import ROWS
from benchmarks.attacks.trials import Attack, BrokenPromise
from tests.training import metrics, only_run, weights, write_arch

TRAINED = ["--limit", "32", "--batch-size", "16", "--epochs", "2", "--device", "cpu", "--workers", "0", "--quiet"]


def prepare(shared: Path) -> None:
    """A run that stopped behind its first epoch, since it had come to `until`, and what is made of it."""
    write_arch(shared / "t.yaml", rows=ROWS)
    picture().save(shared / "picture.png")
    hold_ended(command(shared, "train", "t.yaml", *TRAINED, "--until", "1.5"), 0)
    (shared / "predicted.json").write_text(json.dumps([predicted(shared, which).out for which in WEIGHTS]))
    whole = Path(shutil.copytree(shared / "runs", shared / "whole" / "runs")).parent
    hold_ended(resumed(whole), 0)


WEIGHTS = ("last", "best")


def predicted(directory: Path, which: str) -> Said:
    run = str(only_run(directory))
    return command(directory, "predict", run, "picture.png", "--weights", which, "--format", "csv", "--top", "10")


def resumed(directory: Path) -> Said:
    words = ["--device", "cpu", "--workers", "0", "--until", "99.9", "--quiet"]
    return command(directory, "train", "--resume", str(only_run(directory)), *words)


def flipped(data: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 1, 8))):
        damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def truncated(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def zeroed(data: bytes, chance: random.Random) -> bytes:
    """As a block of a disk that was never written."""
    start, length = chance.randrange(len(data)), chance.choice((16, 512, 4096))
    return data[:start] + bytes(min(length, len(data) - start)) + data[start + length :]


LOADED = ("run.json", "arch.yaml", "state.pt", "last.safetensors", "best.safetensors")
"""What is read again; the other files of a run are for people."""

DAMAGES = (flipped, truncated, zeroed)


def trial(chance: random.Random, shared: Path) -> str:
    damage = chance.choice(DAMAGES)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        shutil.copytree(shared / "runs", directory / "runs")
        shutil.copy(shared / "picture.png", directory)
        files = sorted(path for path in only_run(directory).iterdir() if path.is_file() and path.stat().st_size)
        file = chance.choice([path for path in files if path.name in LOADED] if chance.random() < 0.8 else files)
        file.write_bytes(damage(file.read_bytes(), chance))
        resumes = file.name == "state.pt" or (file.name in ("run.json", "arch.yaml") and chance.random() < 0.5)
        ended = hold_resumed(directory, shared, file.name) if resumes else hold_predicted(directory, shared, file.name)
    return f"{ended} ({damage.__name__})"


def hold_predicted(directory: Path, shared: Path, file: str) -> str:
    which = WEIGHTS.index("best") if file == "best.safetensors" else 0
    said = predicted(directory, WEIGHTS[which])
    hold_ended(said, 0, 2)
    if said.code == 2:
        return "noticed"
    expected = json.loads((shared / "predicted.json").read_text())[which]
    return _same("predictions", file, said.out == expected)


def hold_resumed(directory: Path, shared: Path, file: str) -> str:
    said = resumed(directory)
    hold_ended(said, 0, 2)
    if said.code == 2:
        return "noticed"
    run, whole = only_run(directory), only_run(shared / "whole")
    return _same("weights", file, weights(run) == weights(whole) and metrics(run) == metrics(whole))


def _same(what: str, file: str, is_same: bool) -> str:
    if not is_same:
        raise BrokenPromise(f"damage in {file} went unnoticed and gave other {what}")
    return "identical"


ATTACK = Attack("damaged checkpoints", trial, prepare)
