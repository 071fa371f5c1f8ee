"""Failure detection: each process of a training sends heartbeats to a store that all of them read.

When a process dies, its connections close, so communication with it fails at once in the others; the store tells them
which process it was. One that hangs is given up after `MISSED_LIMIT` heartbeats. Each process counts the heartbeats
of others against its own, so that suspending the whole machine loses no process.
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

from advconv.system.console import USAGE, print_error
from advconv.text.visible import first_line
from advconv.training.errors import ComputeError, TrainingError
from advconv.training.ranks import Rank

HEARTBEAT = 0.5
"""Seconds between two heartbeats."""

MISSED_ON_ERROR, MISSED_LIMIT = 4, 20
"""Missed heartbeats after which a process counts as lost: once communication has failed, and otherwise."""

STORE_TIMEOUT = timedelta(seconds=MISSED_ON_ERROR * HEARTBEAT)


class PeerFailed(TrainingError):
    """Another process has failed; it reports the reason itself."""


class PeerLost(PeerFailed):
    """Another process has exited or hangs; the text says which, and why as far as it is known."""


class Peers:
    """The processes of a training. On an error, leaving the context tells the others, and raises PeerLost if a lost
    process is its cause.

    `abort` is called from another thread with the reason if a process hangs.
    """

    def __init__(self, store: Any, process: Rank, is_store_host: bool, abort: Callable[[str], None]) -> None:
        self.store, self.process, self.is_store_host, self.abort = store, process, is_store_host, abort
        self.heartbeats, self.missed = [0] * process.world_size, [0] * process.world_size
        # By rank, why a process has left; empty if it had finished.
        self.exit_reasons: dict[int, str] = {}
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self._send_heartbeats, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, _: TracebackType | None
    ) -> None:
        with _ignore_sigterm():
            lost = self.find_lost() if is_communication_error(problem) else ""
            self._leave(lost or (f"rank {self.process.rank} {_exit_reason(problem)}" if problem else ""))
        if lost:
            raise PeerLost(lost) from problem

    def _leave(self, reason: str) -> None:
        self.closing.set()
        self.thread.join()
        with suppress(RuntimeError):
            self.store.set(f"left/{self.process.rank}", reason)
        if reason and self.is_store_host:
            # The store ends with this process, and the others have to read the reason.
            time.sleep(2 * HEARTBEAT)

    def find_lost(self) -> str:
        """Which process is lost, and why as far as it is known; empty if none is."""
        for _ in range(2 * MISSED_ON_ERROR):
            if lost := next(filter(None, self.exit_reasons.values()), "") or self._silent_for(MISSED_ON_ERROR):
                return lost
            time.sleep(HEARTBEAT)
        return ""

    def _silent_for(self, heartbeats: int) -> str:
        silent = [rank for rank, missed in enumerate(self.missed) if missed >= heartbeats]
        if not silent:
            return ""
        names = f"rank{'s' * (len(silent) > 1)} {', '.join(map(str, silent))}"
        return self.exit_reasons.get(silent[0]) or f"{names} sent no heartbeat for {heartbeats * HEARTBEAT:g} s"

    def _send_heartbeats(self) -> None:
        while not self.closing.wait(HEARTBEAT):
            try:
                self._exchange()
            except RuntimeError:
                # Without torchrun the store belongs to rank 0; torchrun's own store ends with torchrun.
                self.missed[0] += 0 if _has_agent() else 1
            if lost := self._silent_for(MISSED_LIMIT):
                self.abort(lost)

    def _exchange(self) -> None:
        self.store.add(f"heartbeat/{self.process.rank}", 1)
        for rank in range(self.process.world_size):
            if rank == self.process.rank or self.exit_reasons.get(rank) == "":
                continue
            count = self.store.add(f"heartbeat/{rank}", 0)
            self.missed[rank] = self.missed[rank] + 1 if count == self.heartbeats[rank] else 0
            self.heartbeats[rank] = count
            if self.store.check([f"left/{rank}"]):
                self.exit_reasons[rank] = self.store.get(f"left/{rank}").decode()
                # A process that has finished is not missed.
                self.missed[rank] = self.missed[rank] if self.exit_reasons[rank] else 0


def connect_peers(process: Rank) -> Peers:
    """The peers of this process, once the process group is initialised."""
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = dist.TCPStore(address, port, is_master=False, timeout=STORE_TIMEOUT)  # type: ignore[attr-defined]
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    is_store_host = process.is_main and not _has_agent()
    own_keys = dist.PrefixStore(f"advconv/{attempt}", store)  # type: ignore[attr-defined]
    return Peers(own_keys, process, is_store_host, abort)


def _has_agent() -> bool:
    """Whether torchrun's agent hosts the store."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def abort(lost: str) -> NoReturn:
    """Ends this process, whose main thread waits in torch for a process that hangs."""
    print_error(f"{lost}; {ADVICE[-1]}")
    sys.stdout.flush()
    os._exit(USAGE)


ADVICE = ["start it again"]
"""What `abort` tells to do: the last one."""


@contextmanager
def advice_on_abort(advice: str) -> Iterator[None]:
    ADVICE.append(advice)
    try:
        yield
    finally:
        ADVICE.pop()


def is_communication_error(problem: BaseException | None) -> bool:
    """Whether an error may come from communication between processes."""
    while problem:
        if isinstance(problem, TrainingError):
            return isinstance(problem, ComputeError)
        if isinstance(problem, RuntimeError):
            return True
        problem = problem.__cause__ or problem.__context__
    return False


def _exit_reason(problem: BaseException) -> str:
    if not isinstance(problem, Exception):
        return "was ended by a signal"
    return f"failed: {first_line(problem)}"


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Raises SystemExit on SIGTERM, which torchrun sends to the remaining processes; they still have to report why."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _ignore_sigterm() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
