"""Which of several processes are alive: each counts up a number in a store that all of them read.

A process that dies takes its connections with it, so what the others say to it fails at once; the store tells them
which one it was. One that hangs is given up after `LOST` beats. Only one's own beats are counted, so that a machine
that was asleep loses nobody.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self

import torch.distributed as dist

from advconv.system.console import USAGE, complain
from advconv.training.errors import ComputeError, TrainingError
from advconv.training.loader import Share

BEAT = 0.5
"""Seconds between two signs of life."""

SILENT, LOST = 4, 20
"""Beats without a sign of life: what makes a process the lost one where an exchange has failed, and where none has."""


WAIT = timedelta(seconds=SILENT * BEAT)
"""How long an answer of the store is waited for."""


class PeerLost(TrainingError):
    """Another process has gone, so that this one cannot go on."""


class Peers:
    """The processes of a training. Leaving the context tells the others why; it raises PeerLost where that is why."""

    # `said`: what the processes that have left have said of why, nothing where they had come to their end.
    def __init__(self, store: Any, share: Share, hosts: bool, give_up: Callable[[str], None]) -> None:
        self.store, self.share, self.hosts, self.give_up = store, share, hosts, give_up
        self.counts, self.silent = [0] * share.of, [0] * share.of
        self.said: dict[int, str] = {}
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, _: TracebackType | None
    ) -> None:
        with _no_sigterm():
            lost = self.lost() if is_of_torch(problem) else ""
            self._leave(lost or (f"rank {self.share.rank} {_reason(problem)}" if problem else ""))
        if lost:
            raise PeerLost(lost) from problem

    def _leave(self, why: str) -> None:
        self.closing.set()
        self.thread.join()
        with suppress(RuntimeError):
            self.store.set(f"left/{self.share.rank}", why)
        if why and self.hosts:
            # The store ends with this process, and the others have to read why.
            time.sleep(2 * BEAT)

    def lost(self) -> str:
        """Which process is gone, and what is known of why; empty where all are there."""
        for _ in range(2 * SILENT):
            if found := next(filter(None, self.said.values()), "") or self._silent_for(SILENT):
                return found
            time.sleep(BEAT)
        return ""

    def _silent_for(self, beats: int) -> str:
        silent = [rank for rank, count in enumerate(self.silent) if count >= beats]
        if not silent:
            return ""
        names = f"rank{'s' * (len(silent) > 1)} {', '.join(map(str, silent))}"
        return self.said.get(silent[0]) or f"{names} gave no sign of life for {beats * BEAT:g} s"

    def _beat(self) -> None:
        while not self.closing.wait(BEAT):
            try:
                self._exchange()
            except RuntimeError:
                # By hand the store is the first process's; torchrun's own ends with torchrun, which loses no process.
                self.silent[0] += 0 if _has_agent() else 1
            if found := self._silent_for(LOST):
                self.give_up(found)

    def _exchange(self) -> None:
        self.store.add(f"beat/{self.share.rank}", 1)
        for rank in range(self.share.of):
            if rank == self.share.rank or self.said.get(rank) == "":
                continue
            count = self.store.add(f"beat/{rank}", 0)
            self.silent[rank] = self.silent[rank] + 1 if count == self.counts[rank] else 0
            self.counts[rank] = count
            if self.store.check([f"left/{rank}"]):
                self.said[rank] = self.store.get(f"left/{rank}").decode()
                # One that has ended in order is not missed.
                self.silent[rank] = self.silent[rank] if self.said[rank] else 0


def peers(share: Share) -> Peers:
    """Of the processes that have just met."""
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = dist.TCPStore(address, port, is_master=False, timeout=WAIT)  # type: ignore[attr-defined]
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    hosts = share.rank == 0 and not _has_agent()
    ours = dist.PrefixStore(f"advconv/{attempt}", store)  # type: ignore[attr-defined]
    return Peers(ours, share, hosts, give_up)


def _has_agent() -> bool:
    """Whether torchrun holds the store."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def give_up(lost: str) -> NoReturn:
    """Ends this process, whose main thread waits in torch for one that will not come."""
    complain(f"{lost}; go on with the command that started the training, and --resume RUN for its file")
    sys.stdout.flush()
    os._exit(USAGE)


def is_of_torch(problem: BaseException | None) -> bool:
    """Whether an exchange between processes may be what has failed."""
    while problem:
        if isinstance(problem, TrainingError):
            return isinstance(problem, ComputeError)
        if isinstance(problem, RuntimeError):
            return True
        problem = problem.__cause__ or problem.__context__
    return False


def _reason(problem: BaseException) -> str:
    if not isinstance(problem, Exception):
        return "was ended by a signal"
    return f"failed: {(str(problem).strip().splitlines() or [type(problem).__name__])[0]}"


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM as an exception: torchrun sends it to the processes that are left, which have to say why they end."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _no_sigterm() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
