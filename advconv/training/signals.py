"""SIGINT, SIGTERM and SIGHUP end training after the current step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

HANGUP = getattr(signal, "SIGHUP", None)
"""Sent if the terminal is closed; Windows has none."""

STOP_SIGNALS = tuple(filter(None, (signal.SIGINT, signal.SIGTERM, HANGUP)))


class StopRequest:
    """Whether a signal has asked the process to stop; `signal` is its number, or 0."""

    def __init__(self) -> None:
        self.signal = 0

    def __bool__(self) -> bool:
        return self.signal != 0


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Records the first of the signals and restores the earlier handlers, so that a second one ends the process.

    SIGHUP stays ignored if it is, as under nohup.

    Python delivers signals to the main thread only; in any other thread nothing is recorded.
    """
    request = StopRequest()
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in (STOP_SIGNALS if is_main else ())}
    if handlers.get(HANGUP) == signal.SIG_IGN:
        del handlers[HANGUP]

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def record(number: int, frame: FrameType | None) -> None:
        request.signal = number
        if isinstance(outer := handlers[number], Interrupt):
            outer.note(number)
        for each, handler in handlers.items():
            # When a terminal is closed, both the kernel and the shell send SIGHUP.
            signal.signal(each, signal.SIG_IGN if each == number == HANGUP else handler)

    for number in handlers:
        signal.signal(number, record)
    try:
        yield request
    finally:
        restore()


class Interrupted(KeyboardInterrupt):
    """SIGTERM or SIGHUP; `signal` is its number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number


class Interrupt:
    """A handler that raises, or notes a signal that a training has handled in its place."""

    def __init__(self, previous: object, request: StopRequest) -> None:
        self.previous, self.request = previous, request

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and callable(self.previous):
            # During an import it ends the process; otherwise it raises KeyboardInterrupt.
            self.previous(number, frame)
        raise Interrupted(number)

    def note(self, number: int) -> None:
        self.request.signal = number


@contextmanager
def interrupt_on_signals() -> Iterator[StopRequest]:
    """The signals raise KeyboardInterrupt; inside `stop_on_signals` they are handled there and noted here.

    A signal in the last step of a training does not stop it, but what would follow.
    """
    request = StopRequest()
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in (STOP_SIGNALS if is_main else ())}
    handlers = {number: handler for number, handler in handlers.items() if handler != signal.SIG_IGN}
    for number, handler in handlers.items():
        signal.signal(number, Interrupt(handler, request))
    try:
        yield request
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
