"""Ctrl-C and SIGTERM as wishes that are granted between two steps."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Wish:
    """Whether the process has been asked to end, and by which signal."""

    def __init__(self) -> None:
        self.signal = 0

    def __bool__(self) -> bool:
        return self.signal != 0


@contextmanager
def ending() -> Iterator[Wish]:
    """Catches the first signal; a second one ends the process as it always does.

    Python hands signals to the main thread alone, so another thread is never asked.
    """
    wish = Wish()
    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in ((signal.SIGINT, signal.SIGTERM) if is_main else ())}

    def note(number: int, frame: FrameType | None) -> None:
        wish.signal = number
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in before:
        signal.signal(number, note)
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
