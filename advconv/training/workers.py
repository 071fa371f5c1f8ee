"""Processes that draw images for a training, and that end with it, whatever ends it and whatever they do.

A worker knows from the start all that it will draw; it is asked up to which batch, and says which one it has drawn. It
holds nothing that has to be put away, so it is killed: one that is stopped or hangs hears nothing else.
"""

import ctypes
import gc
import signal
import sys
import time
from collections.abc import Callable, Iterable
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from traceback import format_exception
from types import TracebackType
from typing import NamedTuple, Self

import cv2
import torch
from torch.multiprocessing import get_context

from advconv.training.errors import TrainingError

GRACE = 2.0
"""Seconds: how long an image is waited for once the training is asked to end, and how long for a killed worker."""


class WorkerLost(TrainingError):
    """A worker that has ended or does not answer, so that there is no next batch."""


class Task(NamedTuple):
    """What one worker does for one batch; batches are counted from 0."""

    batch: int
    draw: Callable[[], object]


class Worker:
    """One process, and the last batch that it has drawn its part of."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        context = get_context()
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(tasks, theirs), daemon=True)
        self.process.start()
        # With the only end of it in the worker, the end of the worker is heard.
        theirs.close()
        self.drawn = -1

    def ask(self, batch: int) -> None:
        """Lets it draw up to a batch."""
        try:
            self.connection.send(batch)
        except OSError as problem:
            raise WorkerLost(self._ending()) from problem

    def hear(self, seconds: float) -> bool:
        """Whether it has said something in so many seconds. Raises what it raised, and WorkerLost."""
        try:
            if not self.connection.poll(seconds):
                return False
            said = self.connection.recv()
        except (EOFError, OSError) as problem:
            raise WorkerLost(self._ending()) from problem
        if isinstance(said, Exception):
            raise said
        self.drawn = said
        return True

    def _ending(self) -> str:
        self.process.join(GRACE)
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"worker process {self.process.pid} has ended with exit code {code}"
        name = signal.Signals(-code).name
        cause = " (memory may be short; take fewer workers)" if -code == signal.SIGKILL else ""
        return f"worker process {self.process.pid} was killed by {name}{cause}"


class Workers:
    """So many processes. Leaving the context ends them within `GRACE` seconds."""

    def __init__(self, tasks: list[Iterable[Task]], is_ending: Callable[[], bool]) -> None:
        self.workers: list[Worker] = []
        self.tasks, self.is_ending = tasks, is_ending

    def __enter__(self) -> Self:
        # Where workers are forked, memory that the garbage collector does not touch stays shared.
        gc.freeze()
        try:
            for tasks in self.tasks:
                self.workers.append(Worker(tasks))
        except BaseException:
            self.close()
            raise
        finally:
            gc.unfreeze()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        for worker in self.workers:
            worker.process.kill()
        end = time.monotonic() + GRACE
        for worker in self.workers:
            worker.process.join(max(0.0, end - time.monotonic()))
            worker.connection.close()

    def wait(self, batch: int, workers: Iterable[Worker]) -> None:
        """Until they have drawn a batch; once the training is asked to end, for `GRACE` seconds more.

        Raises what a worker raised, and WorkerLost.
        """
        end = float("inf")
        for worker in workers:
            while worker.drawn < batch:
                heard = worker.hear(0.1)
                if self.is_ending() and not heard:
                    end = min(end, time.monotonic() + GRACE)
                    if time.monotonic() >= end:
                        raise Unanswered(f"worker process {worker.process.pid} has not answered for {GRACE:g} s")


class Unanswered(WorkerLost):
    """A worker that is not waited for any longer, since the training was asked to end."""


def _work(tasks: Iterable[Task], connection: Connection) -> None:
    """What a worker process does, until all is drawn or the training is gone."""
    _prepare()
    training = parent_process()
    asked = -1
    try:
        for task in tasks:
            while asked < task.batch:
                if connection.poll(1):
                    asked = connection.recv()
                elif training and not training.is_alive():
                    return
            task.draw()
            connection.send(task.batch)
    except (EOFError, ConnectionError):
        return
    except Exception as problem:
        if not isinstance(problem, TrainingError):
            problem.add_note("".join(format_exception(problem)))
        connection.send(problem)


PR_SET_PDEATHSIG = 1


def _prepare() -> None:
    """A worker uses one thread, leaves Ctrl-C and SIGTERM to the training, and does not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
