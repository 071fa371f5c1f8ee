"""Trainings in processes of their own, forked from one that has imported torch and computed nothing."""

import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, NoReturn, Self

import pytest

from advconv.cli.main import main
from tests.training import shorten

ROOT = Path(__file__).parents[1]

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["tests.imported"])

PATIENCE = 120
"""Seconds for what must happen at once; a machine may be busy."""


def nothing() -> None:
    """Done before the command."""


def wait_until(is_so: Callable[[], object]) -> None:
    """Until something can be observed."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.002)


class Ended(NamedTuple):
    """The exit code of a process, negative for the signal that killed it, and what it has written."""

    code: int | None
    out: str
    err: str


class Training:
    """`advconv train`, or `sweep`, in a process group of its own, which is killed when the context is left."""

    def __init__(
        self,
        directory: Path,
        *words: str | Path,
        first: Callable[[], object] = nothing,
        command: str = "train",
        **environment: str,
    ) -> None:
        self.said = directory / f"said-{time.monotonic_ns()}"
        self.said.mkdir(parents=True)
        arguments = (directory, self.said, [command, *map(str, words)], first, environment)
        _ensure_server()
        self.process = FORKING.Process(target=_train, args=arguments)
        self.process.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, place: TracebackType | None
    ) -> None:
        self.kill()
        self.process.join()

    def written(self, stream: str) -> str:
        path = self.said / stream
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def wait_for(self, text: str) -> None:
        """Until it has written this, which must happen before it ends."""
        wait_until(lambda: text in self.written("out") or not self.process.is_alive())
        assert text in self.written("out"), self.written("err")

    def send(self, number: int) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """With all processes that it has started."""
        assert self.process.pid is not None
        # It leads a group as soon as it has come so far.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()

    def end(self) -> Ended:
        """Waits for it."""
        self.process.join(PATIENCE)
        assert not self.process.is_alive(), "it does not end"
        return Ended(self.process.exitcode, self.written("out"), self.written("err"))


def train(
    directory: Path,
    *words: str | Path,
    first: Callable[[], object] = nothing,
    command: str = "train",
    **environment: str,
) -> Ended:
    with Training(directory, *words, first=first, command=command, **environment) as training:
        return training.end()


def group(directory: Path, *words: str | Path, first: Callable[[], object] = nothing) -> tuple[Training, Training]:
    """Two processes that train one network, without torchrun, which would end the one that is left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    one, two = (Training(directory, *words, first=first, **place, RANK=rank, LOCAL_RANK=rank) for rank in ("0", "1"))
    return one, two


def called(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns in a process of its own, whose trainings are short."""
    ours, theirs = FORKING.Pipe(duplex=False)
    _ensure_server()
    process = FORKING.Process(target=_call, args=(theirs, function, arguments))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    finally:
        ours.close()
        process.join()


def _call(answers: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    multiprocessing.set_start_method("fork", force=True)
    shorten(pytest.MonkeyPatch())
    answers.send(function(*arguments))


def _ensure_server() -> None:
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), before)))
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def _train(
    directory: Path, said: Path, words: list[str], first: Callable[[], object], environment: dict[str, str]
) -> NoReturn:
    os.setsid()
    # Workers are made as they are elsewhere, not by the server that this process comes from.
    multiprocessing.set_start_method("fork", force=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(directory)
    os.environ.update(environment)
    for number, stream in ((1, "out"), (2, "err")):
        file = os.open(said / stream, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    first()
    sys.stdout = open(1, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    shorten(pytest.MonkeyPatch())
    main(words)
    raise AssertionError("main ends the process")
