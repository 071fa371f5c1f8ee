"""Trainings that are killed, or whose disk is full: what a resume reaches is what an uninterrupted run reaches."""

import json
import math
import random
import signal
import tempfile
import time
from pathlib import Path

from benchmarks.attacks.commands import Started, all_ended, free_port, hold_ended, start
from benchmarks.attacks.trials import Attack, BrokenPromise
from tests.training import metrics, only_run, weights, write_arch

OPTIONS = ["--limit", "32", "--batch-size", "16", "--epochs", "4", "--device", "cpu", "--quiet"]
ROWS = [{"conv": {"out_channels": 8, "stride": 2}}, {"conv": {"out_channels": 8, "dropout": 0.1}}, "gap", "linear"]


def prepare(shared: Path) -> None:
    """An uninterrupted run by one process, and one by two; and how long each took."""
    write_arch(shared / "t.yaml", rows=ROWS)
    for processes in (1, 2):
        directory = shared / str(processes)
        directory.mkdir()
        began = time.monotonic()
        for said in all_ended(launch(directory, processes, train(shared))):
            hold_ended(said, 0)
        took = time.monotonic() - began
        (directory / "took.json").write_text(json.dumps(took), encoding="utf-8")


def train(shared: Path) -> list[str]:
    return ["train", str(shared / "t.yaml"), *OPTIONS]


def launch(directory: Path, processes: int, words: list[str], bytes: int | None = None) -> list[Started]:
    """A training by so many processes, as torchrun starts them."""
    if processes == 1:
        return [start(directory, words, bytes)]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    sizes = {"WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes)}
    ranks = ({"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes))
    return [start(directory, words, bytes, **shared, **sizes, **rank) for rank in ranks]


def killed(chance: random.Random, shared: Path) -> str:
    """SIGKILL to all of its processes at a random moment, one soon after the other, and a resume; twice for some."""
    processes = chance.choice((1, 2))
    whole = shared / str(processes)
    took = json.loads((whole / "took.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as name:
        directory, kills = Path(name), 0
        for _ in range(chance.choice((1, 1, 2))):
            lives = launch(directory, processes, going_on(directory, shared, chance))
            kills += _kill(lives, time.monotonic() + chance.uniform(0, 1.1 * took), chance)
        where = "before the first checkpoint" if not _has_checkpoint(directory) else "with a checkpoint"
        hold_same(directory, processes, shared, chance)
    said = "by one process" if processes == 1 else "by two processes"
    return f"killed {said}, {where}" if kills else "ended before the kill"


def _kill(lives: list[Started], moment: float, chance: random.Random) -> bool:
    """Whether any of them was killed before its end."""
    chance.shuffle(lives)
    found = []
    for life in lives:
        said = life.ended(moment)
        found.append(said or life.kill())
        moment = time.monotonic() + chance.uniform(0, 0.05)
    for said in found:
        # One whose peer is killed may say so in its own words; it must not hang.
        if said.code not in (0, -signal.SIGKILL) and len(lives) == 1:
            raise BrokenPromise(f"exit code {said.code}: {said.err}")
    return any(said.code == -signal.SIGKILL for said in found)


def going_on(directory: Path, shared: Path, chance: random.Random) -> list[str]:
    """The words that go on with what a directory holds, or start."""
    workers = ["--workers", chance.choice("01")]
    runs = directory / "runs"
    there = [path for path in runs.iterdir() if not path.name.startswith(".")] if runs.exists() else []
    return ["train", "--resume", str(there[0]), "--quiet", *workers] if there else [*train(shared), *workers]


def _has_checkpoint(directory: Path) -> bool:
    return any(directory.glob("runs/*/state.pt"))


def hold_same(directory: Path, processes: int, shared: Path, chance: random.Random) -> None:
    """Goes on to the end. Raises BrokenPromise where that is another one than that of the uninterrupted run."""
    for said in all_ended(launch(directory, processes, going_on(directory, shared, chance))):
        hold_ended(said, 0)
    run, whole = only_run(directory), only_run(shared / str(processes))
    for what, of in (("last weights", weights), ("metrics", metrics)):
        if of(run) != of(whole):
            raise BrokenPromise(f"the {what} differ from those of the uninterrupted run")
    left = [path.name for path in run.iterdir() if path.name.endswith(".part")]
    if left:
        raise BrokenPromise(f"{', '.join(left)} was left behind")


def filled(chance: random.Random, shared: Path) -> str:
    """No file may grow beyond a random size, which stands in for a disk: the system refuses the bytes beyond alike."""
    longest = max(path.stat().st_size for path in only_run(shared / "1").iterdir() if path.is_file())
    room = int(math.exp(chance.uniform(0, math.log(1.2 * longest))))
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (said,) = all_ended(launch(directory, 1, [*train(shared), "--workers", "0"], room))
        hold_ended(said, 0, 2)
        if said.code == 0:
            return "enough room"
        where = "with a checkpoint" if _has_checkpoint(directory) else "before the first checkpoint"
        hold_same(directory, 1, shared, chance)
    return f"told, {where}"


KILLS = Attack("kills", killed, prepare)
DISKS = Attack("full disks", filled, prepare)
