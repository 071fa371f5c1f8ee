"""Worker processes of a search: they end with it, however it ends."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, parent_process
from typing import TypeVar

T = TypeVar("T")


class WorkersLost(Exception):
    """A worker process has ended by itself; the text says so."""


def available_cores() -> int:
    """The cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@contextmanager
def workers(count: int, prepare: Callable[[T], None], argument: T) -> Iterator[ProcessPoolExecutor]:
    """Processes that ignore Ctrl-C, which this process reports; they are killed if an exception ends the search.

    Each calls `prepare(argument)` first. Raises WorkersLost if one of them ends.
    """
    from concurrent.futures.process import BrokenProcessPool

    before = set(active_children())
    pool = ProcessPoolExecutor(count, initializer=_start, initargs=(prepare, argument))
    try:
        with _interrupts_blocked():
            # Starts the processes, which inherit the blocked signal until they ignore it.
            pool.submit(os.getpid).result()
        yield pool
    except BaseException as problem:
        for child in set(active_children()) - before:
            child.kill()
        if isinstance(problem, BrokenProcessPool):
            text = "a worker process of the search has ended, probably because there is not enough memory"
            raise WorkersLost(text) from problem
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(prepare: Callable[[T], None], argument: T) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    prepare(argument)


def _end_with_parent() -> None:
    """Ends this process when its parent has ended, even if that was killed."""
    if parent := parent_process():
        parent.join()
        os._exit(1)
