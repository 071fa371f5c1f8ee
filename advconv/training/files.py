"""Files that are there whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from advconv.training.errors import TrainingError


class RunError(TrainingError):
    """A run that cannot be written, read or continued; the text says which file and why."""


def write(path: Path, data: bytes | str) -> None:
    """Puts a file in the place of an older one in a single step, so that whatever happens one of them is there.

    Raises RunError where it cannot be written; the older file is left as it was.
    """
    part = path.parent / f".{path.name}.part"
    try:
        with open(part, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as problem:
        with suppress(OSError):
            part.unlink()
        raise RunError(f"{path} cannot be written: {problem.strerror}") from problem


def read(path: Path) -> bytes:
    """Raises RunError."""
    try:
        return path.read_bytes()
    except OSError as problem:
        raise RunError(f"{path} cannot be read: {problem.strerror}") from problem
