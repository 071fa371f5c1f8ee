"""Trials of an attack, numbered: each depends only on its seed, so a failure can be reproduced and a run continued."""

import multiprocessing
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm


class BrokenPromise(Exception):
    """A trial has found a defect; the text says what happened."""


class Attack(NamedTuple):
    """`trial` runs one random trial and returns its outcome, or raises BrokenPromise.

    `prepare` writes what all trials share into a directory. `chunk`: how many trials a process takes at once.
    """

    name: str
    trial: Callable[[random.Random, Path], str]
    prepare: Callable[[Path], None]
    chunk: int = 1


class Failure(NamedTuple):
    number: int
    what: str


class TrialResult(NamedTuple):
    outcome: str
    failure: Failure | None = None


@dataclass
class AttackCounts:
    """The counts of an attack so far. `failures` are the first ones, each with the number of its trial."""

    done: int = 0
    failed: int = 0
    seconds: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)
    failures: list[list[Any]] = field(default_factory=list)

    def add(self, result: TrialResult) -> None:
        self.done += 1
        self.outcomes[result.outcome] = self.outcomes.get(result.outcome, 0) + 1
        if result.failure:
            self.failed += 1
            if len(self.failures) < MAX_FAILURES:
                self.failures.append(list(result.failure))


MAX_FAILURES = 20
BROKEN = "broken promises"


def run_trial(attack: Attack, seed: int, shared: Path, number: int) -> TrialResult:
    """Runs one trial; any exception is a failure, also an error of the benchmark itself."""
    rng = random.Random(f"{attack.name} {seed} {number}")
    try:
        return TrialResult(attack.trial(rng, shared))
    except Exception as problem:
        what = str(problem) if isinstance(problem, BrokenPromise) else repr(problem)
        return TrialResult(BROKEN, Failure(number, DIRECTORIES.sub("", what)[-1000:]))


DIRECTORIES = re.compile(r"(?:/[\w.+-]+)+/")
"""Paths of this machine, which are removed from messages."""


def run_trials(
    attack: Attack, seed: int, until: int, counts: AttackCounts, shared: Path, processes: int
) -> Iterator[AttackCounts]:
    """Runs the remaining trials and yields the counts after each."""
    numbers = range(counts.done, until)
    if not numbers:
        return
    before = counts.seconds
    # Spawned: trials fork trainings, which a process with threads must not do.
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _initialize)
    try:
        pool.submit(attack.prepare, shared).result()
        started = time.monotonic()
        trial = partial(run_trial, attack, seed, shared)
        progress = tqdm(pool.map(trial, numbers, chunksize=attack.chunk), attack.name, until, initial=counts.done)
        for result in progress:
            counts.add(result)
            counts.seconds = round(before + time.monotonic() - started, 1)
            progress.set_postfix_str(f"{counts.failed} failed", refresh=False)
            yield counts
    finally:
        pool.shutdown(cancel_futures=True)


def _initialize() -> None:
    """The main process handles Ctrl-C. Trainings start their workers as they do from a shell, which a spawn changes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    multiprocessing.set_start_method(None, force=True)


def as_data(counts: dict[str, AttackCounts]) -> dict[str, Any]:
    return {name: asdict(each) for name, each in counts.items()}


def from_data(data: dict[str, Any]) -> dict[str, AttackCounts]:
    return {name: AttackCounts(**each) for name, each in data.items()}
