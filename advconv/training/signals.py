"""SIGINT, SIGTERM and SIGHUP end training after the current step, on a GPU within 20 steps."""

import signal
import sys
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
    requests = [handler.request for handler in handlers.values() if isinstance(handler, Interrupt)]
    # One that came before, and whose exception got lost.
    request.signal = next((outer.signal for outer in requests), 0)
    if handlers.get(HANGUP) == signal.SIG_IGN:
        del handlers[HANGUP]

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def record(number: int, frame: FrameType | None) -> None:
        request.signal = number
        for outer in requests:
            outer.signal = number
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


class Interrupts(StopRequest):
    """A stop request for several trainings. A signal is recorded, and raises KeyboardInterrupt if `raises` is set.

    An exception that a signal raises can get lost, in the callbacks of garbage collection for example, where Python
    prints it and goes on; the record cannot. The second signal raises in any case.
    """

    def __init__(self) -> None:
        super().__init__()
        self.raises = False


class Interrupt:
    """The handler of a signal; `previous` is the one that it replaces."""

    def __init__(self, previous: object, request: Interrupts) -> None:
        self.previous, self.request = previous, request

    def __call__(self, number: int, frame: FrameType | None) -> None:
        is_second, self.request.signal = bool(self.request), number
        if not (is_second or self.request.raises):
            return
        if number == signal.SIGINT and callable(self.previous):
            # During an import it ends the process; otherwise it raises KeyboardInterrupt.
            self.previous(number, frame)
        raise Interrupted(number)


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Records signals outside of the trainings, and those that a training has handled, maybe in its last step."""
    request = Interrupts()
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in (STOP_SIGNALS if is_main else ())}
    handlers = {number: handler for number, handler in handlers.items() if handler != signal.SIG_IGN}
    for number, handler in handlers.items():
        signal.signal(number, Interrupt(handler, request))
    hook = sys.unraisablehook
    sys.unraisablehook = lambda lost: None if isinstance(lost.exc_value, KeyboardInterrupt) else hook(lost)
    try:
        yield request
    finally:
        sys.unraisablehook = hook
        for number, handler in handlers.items():
            signal.signal(number, handler)
