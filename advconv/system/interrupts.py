"""Ctrl-C, handled before any slow import; so this module imports almost nothing."""

import os
import signal
from types import FrameType

INTERRUPTED = 130
"""The exit code by which shells report a process that SIGINT ended."""

INTERRUPTION = "interrupted"


def catch_interrupts() -> None:
    """Makes Ctrl-C end the process with one line and exit code 130."""
    # If SIGINT is ignored, as in a background job of a script, it stays ignored.
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def restore_default_interrupts() -> None:
    """Makes Ctrl-C end the process silently: during its exit the interpreter would print a traceback."""
    if signal.getsignal(signal.SIGINT) == _interrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Exits immediately during an import, where libraries print or swallow KeyboardInterrupt."""
    if _is_importing(frame):
        _end()
    raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _end() -> None:
    try:
        os.write(2, f"advconv: {INTERRUPTION}\n".encode())
    finally:
        os._exit(INTERRUPTED)
