"""Runs commands in child processes, forked from one that has imported the libraries, so that starting is cheap."""

import os
import resource
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest

from advconv.geometry import Shape
from advconv.training.runtime import tune_runtime
from advconv.training.sets import load_dataset
from benchmarks.attacks.trials import BrokenPromise
from tests.training import INPUT, shorten


class CompletedCommand(NamedTuple):
    """The exit code of a command, negative for a signal, and its output."""

    code: int
    out: str
    err: str

    def is_refusal(self) -> bool:
        """Whether it ended with exit code 2 and one line, as documented."""
        return self.code == 2 and self.err.startswith("advconv: ") and self.err.count("\n") == 1


class RunningCommand(NamedTuple):
    """A running command and the pipes of its output."""

    process: int
    out: int
    err: int

    def wait(self, deadline: float = float("inf")) -> CompletedCommand | None:
        """Waits for the command; None if it still runs at the deadline."""
        while True:
            process, status = os.waitpid(self.process, 0 if deadline == float("inf") else os.WNOHANG)
            if process:
                return CompletedCommand(os.waitstatus_to_exitcode(status), _read(self.out), _read(self.err))
            if time.monotonic() > deadline:
                return None
            time.sleep(0.002)

    def limit_file_size(self, bytes: int) -> CompletedCommand:
        """Lets each write beyond a size fail from now on, and waits for the command."""
        resource.prlimit(self.process, resource.RLIMIT_FSIZE, (bytes, bytes))
        completed = self.wait()
        assert completed is not None
        return completed

    def kill(self) -> CompletedCommand:
        """Kills the command and its workers."""
        os.killpg(self.process, signal.SIGKILL)
        completed = self.wait()
        assert completed is not None
        return completed


def start_command(directory: Path, words: list[str], **environment: str) -> RunningCommand:
    """Starts a command in a directory."""
    # Imported before the fork, so only once. The output goes through pipes, which have no size limit.
    import_all()
    (out, to_out), (err, to_err) = os.pipe(), os.pipe()
    process = os.fork()
    if process == 0:
        _run_child(directory, words, (to_out, to_err), environment)
    # The child does the same; whichever comes first.
    _make_group_leader(process)
    for end in (to_out, to_err):
        os.close(end)
    return RunningCommand(process, out, err)


def wait_all(commands: list[RunningCommand]) -> list[CompletedCommand]:
    """Waits for all commands. If one fails, its peers may hang, so they are killed after a minute."""
    completed: dict[int, CompletedCommand] = {}
    deadline = float("inf")
    while len(completed) < len(commands):
        for command in commands:
            if command.process not in completed and (result := command.wait(time.monotonic())):
                completed[command.process] = result
                deadline = time.monotonic() + GRACE if result.code else deadline
        if time.monotonic() > deadline:
            completed |= {each.process: each.kill() for each in commands if each.process not in completed}
        time.sleep(0.005)
    return [completed[command.process] for command in commands]


GRACE = 60.0
"""Seconds."""


def run_command(directory: Path, *words: str) -> CompletedCommand:
    completed = start_command(directory, list(words)).wait()
    assert completed is not None
    return completed


IMPORTED = (
    "advconv.cli.run_commands", "advconv.training.train", "matplotlib.backends.backend_agg", "torch._dynamo",
)  # fmt: skip


@cache
def import_all() -> None:
    """Imports what commands import, and what those libraries import on first use.

    Trainings draw no figures, and the shapes once: otherwise nearly all attacks would hit matplotlib.
    """
    tune_runtime()
    for module in IMPORTED:
        import_module(module)
    shorten(pytest.MonkeyPatch())
    load_dataset("shapes", Path(), Shape(*INPUT))


def _run_child(directory: Path, words: list[str], streams: tuple[int, int], environment: Mapping[str, str]) -> NoReturn:
    from advconv.cli.main import main

    code = 1
    try:
        _make_group_leader(0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, stream in enumerate(streams, 1):
            os.dup2(stream, number)
        # The old objects still refer to the parent's streams.
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        os.chdir(directory)
        os.environ.update(environment)
        main(words)
    except SystemExit as exit:
        code = exit.code if isinstance(exit.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _make_group_leader(process: int) -> None:
    """Makes a process the leader of a group, so that its workers can be killed with it."""
    # It may have ended, or may be one already.
    with suppress(OSError):
        os.setpgid(process, process)


def _read(end: int) -> str:
    parts = []
    while part := os.read(end, 1 << 16):
        parts.append(part)
    os.close(end)
    return b"".join(parts).decode("utf-8", "replace")


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def check_exit(completed: CompletedCommand, *codes: int) -> None:
    """Raises BrokenPromise for any other exit code, or for an error that is not one line."""
    is_refused = completed.code != 2 or completed.is_refusal()
    if completed.code not in codes or not is_refused or "Traceback" in completed.err:
        raise BrokenPromise(f"exit code {completed.code}: {completed.err or completed.out}")
