"""Damaged runs: a command that loads one reports it, or gives the same result as with the undamaged run."""

import json
import random
import shutil
import tempfile
from pathlib import Path

from benchmarks.attacks.commands import CompletedCommand, check_exit, run_command
from benchmarks.attacks.images import gradient
from benchmarks.attacks.trainings import ROWS
from benchmarks.attacks.trials import Attack, BrokenPromise
from tests.training import metrics, only_run, weights, write_arch

TRAINED = ["--limit", "32", "--batch-size", "16", "--epochs", "2", "--device", "cpu", "--workers", "0", "--quiet"]


def prepare(shared: Path) -> None:
    """Trains a run that `until` ends after its first epoch, and records its predictions and its resumed result."""
    write_arch(shared / "t.yaml", rows=ROWS)
    gradient().save(shared / "image.png")
    check_exit(run_command(shared, "train", "t.yaml", *TRAINED, "--until", "1.5"), 0)
    (shared / "predicted.json").write_text(json.dumps([predict(shared, which).out for which in WEIGHTS]))
    undamaged = Path(shutil.copytree(shared / "runs", shared / "undamaged" / "runs")).parent
    check_exit(resume(undamaged), 0)


WEIGHTS = ("last", "best")


def predict(directory: Path, which: str) -> CompletedCommand:
    run = str(only_run(directory))
    return run_command(directory, "predict", run, "image.png", "--weights", which, "--format", "csv", "--top", "10")


def resume(directory: Path) -> CompletedCommand:
    words = ["--device", "cpu", "--workers", "0", "--until", "99.9", "--quiet"]
    return run_command(directory, "train", "--resume", str(only_run(directory)), *words)


def flipped(data: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 1, 8))):
        damaged[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def truncated(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def zeroed(data: bytes, rng: random.Random) -> bytes:
    """A block of a disk that was never written."""
    start, length = rng.randrange(len(data)), rng.choice((16, 512, 4096))
    return data[:start] + bytes(min(length, len(data) - start)) + data[start + length :]


LOADED = ("run.json", "arch.yaml", "state.pt", "last.safetensors", "best.safetensors")
"""Files that commands read; the others are for people."""

DAMAGES = (flipped, truncated, zeroed)


def trial(rng: random.Random, shared: Path) -> str:
    damage = rng.choice(DAMAGES)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        shutil.copytree(shared / "runs", directory / "runs")
        shutil.copy(shared / "image.png", directory)
        files = sorted(path for path in only_run(directory).iterdir() if path.is_file() and path.stat().st_size)
        file = rng.choice([path for path in files if path.name in LOADED] if rng.random() < 0.8 else files)
        file.write_bytes(damage(file.read_bytes(), rng))
        resumes = file.name == "state.pt" or (file.name in ("run.json", "arch.yaml") and rng.random() < 0.5)
        check = check_resume if resumes else check_prediction
        outcome = check(directory, shared, file.name)
    return f"{outcome} ({damage.__name__})"


def check_prediction(directory: Path, shared: Path, file: str) -> str:
    which = WEIGHTS.index("best") if file == "best.safetensors" else 0
    completed = predict(directory, WEIGHTS[which])
    check_exit(completed, 0, 2)
    if completed.code == 2:
        return "noticed"
    expected = json.loads((shared / "predicted.json").read_text())[which]
    return _compare("predictions", file, completed.out == expected)


def check_resume(directory: Path, shared: Path, file: str) -> str:
    completed = resume(directory)
    check_exit(completed, 0, 2)
    if completed.code == 2:
        return "noticed"
    run, undamaged = only_run(directory), only_run(shared / "undamaged")
    return _compare("weights", file, weights(run) == weights(undamaged) and metrics(run) == metrics(undamaged))


def _compare(what: str, file: str, is_same: bool) -> str:
    if not is_same:
        raise BrokenPromise(f"damage in {file} went unnoticed and gave other {what}")
    return "identical"


ATTACK = Attack("damaged checkpoints", trial, prepare)
