"""Errors that end a training."""

from collections.abc import Iterator
from contextlib import contextmanager

from advconv.text.visible import first_line, visible_lines


class TrainingError(Exception):
    """A training cannot start or continue for a reason outside the file; the text says what failed and where."""

    def __str__(self) -> str:
        return visible_lines(super().__str__())


class ComputeError(TrainingError):
    """Torch failed to compute, or to communicate with other processes; the text has the place and torch's reason."""


@contextmanager
def computing(what: str) -> Iterator[None]:
    """Converts torch's errors inside the block to ComputeError: memory, overflow, CUDA, class indices out of range."""
    try:
        yield
    except (RuntimeError, IndexError) as problem:
        raise ComputeError(f"{what} failed: {first_line(problem).rstrip('.')}") from problem
