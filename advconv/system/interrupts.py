"""Ctrl-C, caught before anything is imported that takes time; so this imports next to nothing."""

import os
import signal
from types import FrameType

INTERRUPTED = 130
"""The exit code, as shells count the death by SIGINT."""

INTERRUPTION = "interrupted"


def catch_interrupts() -> None:
    """From here on Ctrl-C ends the process with a line and exit code 130."""
    # Where SIGINT is ignored, as in the background of a script, it stays so.
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def leave_interrupts() -> None:
    """From here on Ctrl-C ends the process without a word: the interpreter would print a traceback on its way out."""
    if signal.getsignal(signal.SIGINT) == _interrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Libraries print or swallow a KeyboardInterrupt that meets them while they are imported, so that ends at once."""
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
