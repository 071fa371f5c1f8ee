"""Trials of an attack, by number: each is drawn from its seed alone, so a failure can be seen again and a run go on."""

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
    """What an attack found; the text says what happened."""


class Attack(NamedTuple):
    """`trial` draws an attack, carries it out and says how it ended; it may raise BrokenPromise.

    `prepare` puts into a directory what all trials share. `chunk`: how many a process takes at once.
    """

    name: str
    trial: Callable[[random.Random, Path], str]
    prepare: Callable[[Path], None]
    chunk: int = 1


class Failure(NamedTuple):
    number: int
    what: str


class Ended(NamedTuple):
    """How a trial ended."""

    outcome: str
    failure: Failure | None = None


@dataclass
class Figures:
    """What the trials of an attack came to so far. `failures` are the first ones, each with its number."""

    done: int = 0
    failed: int = 0
    seconds: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)
    failures: list[list[Any]] = field(default_factory=list)

    def add(self, ended: Ended) -> None:
        self.done += 1
        self.outcomes[ended.outcome] = self.outcomes.get(ended.outcome, 0) + 1
        if ended.failure:
            self.failed += 1
            if len(self.failures) < MOST_FAILURES:
                self.failures.append(list(ended.failure))


MOST_FAILURES = 20
BROKEN = "broken promises"


def carried_out(attack: Attack, seed: int, shared: Path, number: int) -> Ended:
    """One trial. Whatever it raises is a failure, our own mistakes too."""
    chance = random.Random(f"{attack.name} {seed} {number}")
    try:
        return Ended(attack.trial(chance, shared))
    except Exception as problem:
        what = str(problem) if isinstance(problem, BrokenPromise) else repr(problem)
        return Ended(BROKEN, Failure(number, DIRECTORIES.sub("", what)[-1000:]))


DIRECTORIES = re.compile(r"(?:/[\w.+-]+)+/")
"""Those of one machine say nothing on another."""


def run(attack: Attack, seed: int, until: int, figures: Figures, shared: Path, processes: int) -> Iterator[Figures]:
    """Carries out the trials that are left, and yields the figures after each."""
    numbers = range(figures.done, until)
    if not numbers:
        return
    before = figures.seconds
    # Started afresh: they fork trainings, which a process with threads must not.
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _leave_interrupts)
    try:
        pool.submit(attack.prepare, shared).result()
        began = time.monotonic()
        one = partial(carried_out, attack, seed, shared)
        progress = tqdm(pool.map(one, numbers, chunksize=attack.chunk), attack.name, until, initial=figures.done)
        for ended in progress:
            figures.add(ended)
            figures.seconds = round(before + time.monotonic() - began, 1)
            progress.set_postfix_str(f"{figures.failed} failed", refresh=False)
            yield figures
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_interrupts() -> None:
    """Ctrl-C is for the process that counts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def as_data(figures: dict[str, Figures]) -> dict[str, Any]:
    return {name: asdict(each) for name, each in figures.items()}


def from_data(data: dict[str, Any]) -> dict[str, Figures]:
    return {name: Figures(**each) for name, each in data.items()}
