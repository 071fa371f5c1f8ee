"""Trainings that are killed or whose disk is full: a resume must give the result of an uninterrupted run."""

import json
import math
import random
import signal
import tempfile
import time
from pathlib import Path

from benchmarks.attacks.commands import RunningCommand, check_exit, free_port, import_all, start_command, wait_all
from benchmarks.attacks.trials import Attack, BrokenPromise
from tests.training import metrics, only_run, weights, write_arch

OPTIONS = ["--limit", "64", "--batch-size", "16", "--epochs", "8", "--device", "cpu", "--quiet"]
ROWS = [{"conv": {"out_channels": 8, "stride": 2}}, {"conv": {"out_channels": 8, "dropout": 0.1}}, "gap", "linear"]


def prepare(shared: Path) -> None:
    """Trains uninterrupted runs, with one process and with two, and records their duration."""
    write_arch(shared / "t.yaml", rows=ROWS)
    import_all()
    for processes in (1, 2):
        directory = shared / str(processes)
        directory.mkdir()
        started = time.monotonic()
        for completed in wait_all(start_training(directory, processes, train_words(shared))):
            check_exit(completed, 0)
        seconds = time.monotonic() - started
        (directory / "seconds.json").write_text(json.dumps(seconds), encoding="utf-8")


def train_words(shared: Path) -> list[str]:
    return ["train", str(shared / "t.yaml"), *OPTIONS]


def start_training(directory: Path, processes: int, words: list[str]) -> list[RunningCommand]:
    """Starts a training with so many processes, as torchrun does."""
    if processes == 1:
        return [start_command(directory, words)]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    sizes = {"WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes)}
    ranks = ({"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes))
    return [start_command(directory, words, **shared, **sizes, **rank) for rank in ranks]


def kill_trial(rng: random.Random, shared: Path) -> str:
    """Kills all processes of a training at a random moment, one after the other, once or twice; then resumes it."""
    processes = rng.choice((1, 2))
    seconds = json.loads((shared / str(processes) / "seconds.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as name:
        directory, kills = Path(name), 0
        for _ in range(rng.choice((1, 1, 2))):
            commands = start_training(directory, processes, resume_or_start(directory, shared, rng))
            kills += _kill(commands, time.monotonic() + rng.uniform(0, seconds), rng)
        where = "before the first checkpoint" if not _has_checkpoint(directory) else "with a checkpoint"
        check_same_result(directory, processes, shared, rng)
    killed = "one process killed" if processes == 1 else "two processes killed"
    return f"{killed}, {where}" if kills else "ended before the kill"


def _kill(commands: list[RunningCommand], moment: float, rng: random.Random) -> bool:
    """Kills the processes in random order; whether any of them was still running."""
    rng.shuffle(commands)
    results = []
    for command in commands:
        completed = command.wait(moment)
        results.append(completed or command.kill())
        moment = time.monotonic() + rng.uniform(0, 0.05)
    for completed in results:
        # A process whose peer is killed may report that with another exit code, but it must not hang.
        if completed.code not in (0, -signal.SIGKILL) and len(commands) == 1:
            raise BrokenPromise(f"exit code {completed.code}: {completed.err}")
    return any(completed.code == -signal.SIGKILL for completed in results)


def resume_or_start(directory: Path, shared: Path, rng: random.Random) -> list[str]:
    """The arguments that resume the run in a directory, or start one."""
    workers = ["--workers", rng.choice("01")]
    runs = directory / "runs"
    found = [path for path in runs.iterdir() if not path.name.startswith(".")] if runs.exists() else []
    return ["train", "--resume", str(found[0]), "--quiet", *workers] if found else [*train_words(shared), *workers]


def _has_checkpoint(directory: Path) -> bool:
    return any(directory.glob("runs/*/state.pt"))


def check_same_result(directory: Path, processes: int, shared: Path, rng: random.Random) -> None:
    """Trains to the end. Raises BrokenPromise if the result differs from that of the uninterrupted run."""
    for completed in wait_all(start_training(directory, processes, resume_or_start(directory, shared, rng))):
        check_exit(completed, 0)
    run, uninterrupted = only_run(directory), only_run(shared / str(processes))
    for what, read in (("last weights", weights), ("metrics", metrics)):
        if read(run) != read(uninterrupted):
            raise BrokenPromise(f"the {what} differ from those of the uninterrupted run")
    left = [path.name for path in run.iterdir() if path.name.endswith(".part")]
    if left:
        raise BrokenPromise(f"{', '.join(left)} was left behind")


def full_disk_trial(rng: random.Random, shared: Path) -> str:
    """At a random moment limits the size of files, which fails like a full disk; then resumes without the limit."""
    seconds = json.loads((shared / "1" / "seconds.json").read_text(encoding="utf-8"))
    largest = max(path.stat().st_size for path in only_run(shared / "1").iterdir() if path.is_file())
    limit = int(math.exp(rng.uniform(0, math.log(largest))))
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (command,) = start_training(directory, 1, [*train_words(shared), "--workers", "0"])
        completed = command.wait(time.monotonic() + rng.uniform(0, seconds)) or command.limit_file_size(limit)
        check_exit(completed, 0, 2)
        if completed.code == 0:
            return "enough room"
        where = "with a checkpoint" if _has_checkpoint(directory) else "before the first checkpoint"
        check_same_result(directory, 1, shared, rng)
    return f"error reported, {where}"


KILLS = Attack("kills", kill_trial, prepare)
DISKS = Attack("full disks", full_disk_trial, prepare)
