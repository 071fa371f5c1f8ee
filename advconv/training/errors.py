"""What ends a training before its time."""

from collections.abc import Iterator
from contextlib import contextmanager

from advconv.text.visible import visible_lines


class TrainingError(Exception):
    """Something outside the file keeps a training from going on; the text says what and where."""

    def __str__(self) -> str:
        return visible_lines(super().__str__())


class ComputeError(TrainingError):
    """What torch cannot compute, or not say to other processes; the text says where, and torch's reason."""


@contextmanager
def computing(what: str) -> Iterator[None]:
    """Makes a ComputeError of what torch raises inside: memory, overflows, CUDA, classes that are out of bounds."""
    try:
        yield
    except (RuntimeError, IndexError) as problem:
        lines = str(problem).strip().splitlines() or [type(problem).__name__]
        raise ComputeError(f"{what} failed: {lines[0].rstrip('.')}") from problem
