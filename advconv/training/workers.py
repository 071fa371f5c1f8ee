"""Worker processes that load images for a training and never outlive it.

A worker is given all its tasks at the start; the training requests batches up to a number, and it answers with
each batch that it has finished. It owns nothing that has to be closed, so the pool kills its workers: one that is
stopped or hangs reacts to nothing else.
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
from advconv.training.signals import STOP_SIGNALS

GRACE = 2.0
"""Seconds to wait for a batch after a stop request, and for a worker that was killed."""


class WorkerLost(TrainingError):
    """A worker has exited or does not answer, so there is no next batch."""


class WorkerTimeout(WorkerLost):
    """A worker has not answered within `GRACE` seconds after a stop request."""


class Task(NamedTuple):
    """What one worker runs for one batch; batches are counted from 0."""

    batch: int
    run: Callable[[], object]


class Worker:
    """One process; `finished` is the last batch that it has finished its part of, or -1."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        context = get_context()
        self.connection, worker_end = context.Pipe()
        self.process = context.Process(target=_run_tasks, args=(tasks, worker_end), daemon=True)
        self.process.start()
        # The worker keeps the only copy of its end, so that the pipe closes when the worker exits.
        worker_end.close()
        self.finished = -1

    def request(self, batch: int) -> None:
        """Lets the worker run its tasks up to a batch. Raises WorkerLost."""
        try:
            self.connection.send(batch)
        except OSError as problem:
            raise WorkerLost(self._exit_reason()) from problem

    def poll(self, seconds: float) -> bool:
        """Whether an answer arrives within so many seconds. Raises what the worker raised, and WorkerLost."""
        try:
            if not self.connection.poll(seconds):
                return False
            answer = self.connection.recv()
        except (EOFError, OSError) as problem:
            raise WorkerLost(self._exit_reason()) from problem
        if isinstance(answer, Exception):
            raise answer
        self.finished = answer
        return True

    def _exit_reason(self) -> str:
        self.process.join(GRACE)
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"worker process {self.process.pid} has ended with exit code {code}"
        name = signal.Signals(-code).name
        cause = " (memory may be short; take fewer workers)" if -code == signal.SIGKILL else ""
        return f"worker process {self.process.pid} was killed by {name}{cause}"


class WorkerPool:
    """One worker for each list of tasks. Leaving the context kills them and waits for at most `GRACE` seconds."""

    def __init__(self, tasks: list[Iterable[Task]], is_stopping: Callable[[], bool]) -> None:
        self.workers: list[Worker] = []
        self.tasks, self.is_stopping = tasks, is_stopping

    def __enter__(self) -> Self:
        # Forked workers share memory pages as long as the garbage collector does not write to them.
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
        """Waits until the workers have finished a batch; after a stop request, for at most `GRACE` seconds more.

        Raises what a worker raised, WorkerLost and WorkerTimeout.
        """
        deadline = float("inf")
        for worker in workers:
            while worker.finished < batch:
                has_answered = worker.poll(0.1)
                if self.is_stopping() and not has_answered:
                    deadline = min(deadline, time.monotonic() + GRACE)
                    if time.monotonic() >= deadline:
                        raise WorkerTimeout(f"worker process {worker.process.pid} has not answered for {GRACE:g} s")


def _run_tasks(tasks: Iterable[Task], connection: Connection) -> None:
    """The main function of a worker: returns when all tasks are done or the training process has ended."""
    _configure_process()
    training = parent_process()
    requested = -1
    try:
        for task in tasks:
            while requested < task.batch:
                if connection.poll(1):
                    requested = connection.recv()
                elif training and not training.is_alive():
                    return
            task.run()
            connection.send(task.batch)
    except (EOFError, ConnectionError):
        return
    except Exception as problem:
        if not isinstance(problem, TrainingError):
            problem.add_note("".join(format_exception(problem)))
        connection.send(problem)


PR_SET_PDEATHSIG = 1


def _configure_process() -> None:
    """A worker has one thread, leaves the signals that stop a training to it, and is killed when the training ends."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
