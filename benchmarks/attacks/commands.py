"""The command in processes of its own, forked from one that has imported what it needs, so that a start is cheap."""

import os
import resource
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, NoReturn

from advconv.training.openmp import limit_spinning
from benchmarks.attacks.trials import BrokenPromise


class Said(NamedTuple):
    """What a command ended with: its exit code, negative for a signal, and what it printed."""

    code: int
    out: str
    err: str

    def refuses(self) -> bool:
        """Whether it was refused as promised: in a line."""
        return self.code == 2 and self.err.startswith("advconv: ") and self.err.count("\n") == 1


class Started(NamedTuple):
    """A command that runs, and the ends of what it prints."""

    process: int
    out: int
    err: int

    def ended(self, deadline: float = float("inf")) -> Said | None:
        """What it said, or None where it still runs at the deadline."""
        while True:
            found, status = os.waitpid(self.process, 0 if deadline == float("inf") else os.WNOHANG)
            if found:
                return Said(os.waitstatus_to_exitcode(status), _read(self.out), _read(self.err))
            if time.monotonic() > deadline:
                return None
            time.sleep(0.002)

    def kill(self) -> Said:
        """Ends it, and the workers that it has started."""
        os.killpg(self.process, signal.SIGKILL)
        said = self.ended()
        assert said is not None
        return said


def start(directory: Path, words: list[str], bytes: int | None = None, **environment: str) -> Started:
    """A command in a directory; no file that it writes may be longer than `bytes`."""
    # Before the fork, so that it costs once. What they print goes through pipes, which have no limit of a file.
    import_all()
    (out, to_out), (err, to_err) = os.pipe(), os.pipe()
    process = os.fork()
    if process == 0:
        _become(directory, words, (to_out, to_err), bytes, environment)
    # As the child does for itself: whoever is first.
    _lead(process)
    for end in (to_out, to_err):
        os.close(end)
    return Started(process, out, err)


def all_ended(lives: list[Started]) -> list[Said]:
    """What each said. Where one fails, its peers would wait for it, so they have a minute to end."""
    said: dict[int, Said] = {}
    deadline = float("inf")
    while len(said) < len(lives):
        for life in lives:
            if life.process not in said and (found := life.ended(time.monotonic())):
                said[life.process] = found
                deadline = time.monotonic() + GRACE if found.code else deadline
        if time.monotonic() > deadline:
            said |= {life.process: life.kill() for life in lives if life.process not in said}
        time.sleep(0.005)
    return [said[life.process] for life in lives]


GRACE = 60.0
"""Seconds."""


def command(directory: Path, *words: str) -> Said:
    said = start(directory, list(words)).ended()
    assert said is not None
    return said


IMPORTED = (
    "advconv.cli.run_commands", "advconv.training.start", "matplotlib.backends.backend_agg", "torch._dynamo",
)  # fmt: skip


def import_all() -> None:
    """What commands import, and what those libraries import when they are first used."""
    limit_spinning()
    for module in IMPORTED:
        import_module(module)


def _become(
    directory: Path, words: list[str], streams: tuple[int, int], bytes: int | None, environment: Mapping[str, str]
) -> NoReturn:
    from advconv.cli.parser import main

    code = 1
    try:
        _lead(0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, stream in enumerate(streams, 1):
            os.dup2(stream, number)
        # The old ones believe that they write to what they were opened on.
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        os.chdir(directory)
        os.environ.update(environment)
        if bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, bytes))
        main(words)
    except SystemExit as exit:
        code = exit.code if isinstance(exit.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _lead(process: int) -> None:
    """Makes a process the leader of a group, with which its workers can be killed."""
    # It may have ended, or have done so itself.
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


def hold_ended(said: Said, *codes: int) -> None:
    """Raises BrokenPromise where it ended otherwise, or with more than a line."""
    if said.code not in codes or (said.code == 2 and not said.refuses()) or "Traceback" in said.err:
        raise BrokenPromise(f"exit code {said.code}: {said.err or said.out}")
