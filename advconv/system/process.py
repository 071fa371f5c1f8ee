"""How the process ends: its exit code, and external failures reported on one line."""

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NoReturn, TextIO

from advconv.system.console import USAGE, print_error
from advconv.system.interrupts import INTERRUPTED, INTERRUPTION, restore_default_interrupts
from advconv.text.visible import first_line

BROKEN_PIPE = 141
"""The exit code by which shells report a process that SIGPIPE ended."""


def end(run: Callable[[], int]) -> NoReturn:
    """Runs a command and ends the process with its exit code. Only a bug of advconv prints a traceback."""
    _prepare_streams()
    try:
        code = _exit_code(run)
    finally:
        restore_default_interrupts()
        _drop_unwritten(sys.stdout)
        _drop_unwritten(sys.stderr)
    sys.exit(code)


def _exit_code(run: Callable[[], int]) -> int:
    try:
        try:
            code = run()
        except SystemExit as exit:
            # Argparse ends this way.
            code = exit.code if isinstance(exit.code, int) else 0
        sys.stdout.flush()
        return code
    except BaseException as problem:
        outcome = _outcome(problem)
        if outcome is None:
            raise
        code, line = outcome
        if line:
            print_error(line)
        return code


def _outcome(problem: BaseException) -> tuple[int, str] | None:
    """The exit code and the line for an external failure; None for a bug of advconv."""
    if isinstance(problem, KeyboardInterrupt):
        return INTERRUPTED, INTERRUPTION
    if isinstance(problem, BrokenPipeError):
        # The reader closed the pipe.
        return BROKEN_PIPE, ""
    if is_out_of_memory(problem):
        return USAGE, "out of memory; raise the limit (ulimit -v, container) or reduce the input"
    if library := _library_in_import(problem):
        reason = first_line(_root_cause(problem))[:300]
        return USAGE, f"{library} cannot be loaded: {reason}; {_repair(library, reason)}"
    return (USAGE, _of_the_system(problem)) if isinstance(problem, OSError) else None


NO_MEMORY = (
    "allocate memory", "enough memory", "out of memory", "bad_alloc", "can't start new thread", "failed to map segment",
    # What CPython says where it had no memory to say more.
    "without setting an exception", "without exception set",
)  # fmt: skip
"""Texts by which torch, the loader of shared libraries and Python's threads report it, without a type of their own."""


def is_out_of_memory(problem: BaseException) -> bool:
    if isinstance(problem, OSError) and problem.errno:
        return problem.errno == errno.ENOMEM
    return isinstance(problem, MemoryError) or any(sign in str(problem) for sign in NO_MEMORY)


def _library_in_import(problem: BaseException) -> str | None:
    """The innermost installed library that was being imported when the exception was raised."""
    found = [name for name in map(_root, _modules_in_import(problem)) if _is_installed(name)]
    if not found and isinstance(problem, ImportError):
        found = [name for name in [_root(problem.name)] if _is_installed(name)]
    return found[-1] if found else None


def _modules_in_import(problem: BaseException) -> Iterator[str | None]:
    entry = problem.__traceback__
    while entry is not None:
        if entry.tb_frame.f_code.co_name == "<module>":
            yield entry.tb_frame.f_globals.get("__name__")
        entry = entry.tb_next


def _root(module: str | None) -> str:
    return (module or "").split(".")[0]


def _is_installed(name: str) -> bool:
    return bool(name) and name not in ("advconv", "__main__") and name not in sys.stdlib_module_names


def _root_cause(problem: BaseException) -> BaseException:
    """The first exception of a chain, which numpy wraps into a page of advice."""
    while problem.__cause__ is not None:
        problem = problem.__cause__
    return problem


def _repair(library: str, reason: str) -> str:
    missing = re.match(r"(\S+): cannot open shared object file", reason)
    return f"install the system library {missing[1]}" if missing else f"install {library} again"


OUTPUT = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}
"""errno values of a failed write; without a file name the write was to stdout or stderr."""


def _of_the_system(problem: OSError) -> str:
    reason = problem.strerror or str(problem)
    if problem.filename is not None:
        return f"{problem.filename}: {reason}"
    if problem.errno in OUTPUT:
        return f"the output cannot be written: {reason}"
    # os.getcwd() fails without a file name.
    is_deleted = problem.errno == errno.ENOENT
    return "the current directory has been deleted" if is_deleted else f"operating system error: {reason}"


def _prepare_streams() -> None:
    """Escapes characters that a stream cannot encode, and opens a stream for each one that the caller has closed."""
    _fill_closed_descriptors()
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            # Stays open until the process ends.
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _fill_closed_descriptors() -> None:
    """Opens closed standard descriptors: else the next file would get their number, and the output of C libraries.

    Writing to a closed standard output still fails.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is assigned, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_RDWR), True)


def _drop_unwritten(stream: TextIO) -> None:
    """Discards what cannot be written; the interpreter would otherwise print a traceback about it at exit."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
