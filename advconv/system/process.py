"""How the process ends: its exit code, and one line for what the world outside did to it."""

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NoReturn, TextIO

from advconv.system.console import USAGE, print_error
from advconv.system.interrupts import INTERRUPTED, INTERRUPTION, leave_interrupts

BROKEN_PIPE = 141
"""As shells count the death by SIGPIPE."""


def end(run: Callable[[], int]) -> NoReturn:
    """Runs a command and ends the process with its exit code. Only a mistake of our own leaves a traceback."""
    _prepare_streams()
    try:
        code = _exit_code(run)
    finally:
        leave_interrupts()
        _drop_unwritten(sys.stdout)
        _drop_unwritten(sys.stderr)
    sys.exit(code)


def _exit_code(run: Callable[[], int]) -> int:
    try:
        try:
            code = run()
        except SystemExit as exit:
            # Argparse's way to end.
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
    """The exit code and the line for what the world outside did; None for a mistake of our own."""
    if isinstance(problem, KeyboardInterrupt):
        return INTERRUPTED, INTERRUPTION
    if isinstance(problem, BrokenPipeError):
        # Whoever read us has seen enough.
        return BROKEN_PIPE, ""
    if is_out_of_memory(problem):
        return USAGE, "there is not enough memory for this; raise its limit (ulimit -v, a container's), or need less"
    if library := _library_in_import(problem):
        return USAGE, f"{library} cannot be loaded: {_reason(problem)}; {_repair(library, problem)}"
    return (USAGE, _of_the_system(problem)) if isinstance(problem, OSError) else None


NO_MEMORY = (
    "allocate memory", "enough memory", "out of memory", "bad_alloc", "can't start new thread", "failed to map segment",
    # What CPython says where it had no memory to say more.
    "without setting an exception",
)  # fmt: skip
"""Torch, the loader of shared libraries and Python's threads have no type of their own for it."""


def is_out_of_memory(problem: BaseException) -> bool:
    if isinstance(problem, OSError) and problem.errno:
        return problem.errno == errno.ENOMEM
    return isinstance(problem, MemoryError) or any(sign in str(problem) for sign in NO_MEMORY)


def _library_in_import(problem: BaseException) -> str | None:
    """The innermost installed library that was being imported when this was raised."""
    found = [name for name in map(_root, _modules_in_import(problem)) if _is_installed(name)]
    if not found and isinstance(problem, ImportError):
        found = [name for name in [_root(problem.name)] if _is_installed(name)]
    return found[-1] if found else None


def _modules_in_import(problem: BaseException) -> Iterator[str | None]:
    place = problem.__traceback__
    while place is not None:
        if place.tb_frame.f_code.co_name == "<module>":
            yield place.tb_frame.f_globals.get("__name__")
        place = place.tb_next


def _root(module: str | None) -> str:
    return (module or "").split(".")[0]


def _is_installed(name: str) -> bool:
    return bool(name) and name not in ("advconv", "__main__") and name not in sys.stdlib_module_names


def _reason(problem: BaseException) -> str:
    """The first line of what was wrong at first; numpy wraps it into a page of advice."""
    while problem.__cause__ is not None:
        problem = problem.__cause__
    lines = [line for line in str(problem).splitlines() if line.strip()]
    return lines[0].strip()[:300] if lines else type(problem).__name__


def _repair(library: str, problem: BaseException) -> str:
    missing = re.match(r"(\S+): cannot open shared object file", _reason(problem))
    return f"install the system library {missing[1]}" if missing else f"install {library} again"


OUTPUT = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}
"""What a write can end with. The name of a file would be there, so without one it is an output."""


def _of_the_system(problem: OSError) -> str:
    reason = problem.strerror or str(problem)
    if problem.filename is not None:
        return f"{problem.filename}: {reason}"
    if problem.errno in OUTPUT:
        return f"the output cannot be written: {reason}"
    # It has no name any more.
    return "the current directory has been deleted" if problem.errno == errno.ENOENT else f"the system: {reason}"


def _prepare_streams() -> None:
    """What a stream cannot show is escaped; a stream that the caller has closed swallows what is written."""
    _fill_closed_descriptors()
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            # It stays open as long as the process.
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _fill_closed_descriptors() -> None:
    """Else the next file that is opened gets the number of standard output, and what C libraries print with it."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # The system gives the lowest number that is free, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _drop_unwritten(stream: TextIO) -> None:
    """The interpreter would print_error on exit about what it cannot write."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
