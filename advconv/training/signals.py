"""SIGINT and SIGTERM end training after the current step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether a signal has asked the process to stop; `signal` is its number, or 0."""

    def __init__(self) -> None:
        self.signal = 0

    def __bool__(self) -> bool:
        return self.signal != 0


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Records the first SIGINT or SIGTERM and restores the earlier handlers, so that a second signal ends the process.

    Python delivers signals to the main thread only; in any other thread nothing is recorded.
    """
    request = StopRequest()
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in ((signal.SIGINT, signal.SIGTERM) if is_main else ())}

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def record(number: int, frame: FrameType | None) -> None:
        request.signal = number
        restore()

    for number in handlers:
        signal.signal(number, record)
    try:
        yield request
    finally:
        restore()
