"""The directory of a run as the file system has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from advconv.system.files import Directory
from advconv.training.errors import TrainingError
from advconv.training.saved import without_control_characters


class RunError(TrainingError):
    """A run cannot be written, read or resumed; the text names the file and the reason."""


def recordable(path: Path) -> str:
    """An absolute path, as `run.json` has it. Raises TrainingError."""
    try:
        return without_control_characters(str(path.resolve()))
    except ValueError as problem:
        raise TrainingError(f"{str(path)!r} cannot be recorded: it {problem}; rename it") from problem


class RunDirectory(Directory):
    """A run may come from someone else, so nothing in it is read or written through a link."""

    error = RunError

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Locks a file against other processes, on systems that have locks. Raises RunError if it is locked.

        The process must not open the file again meanwhile: closing it would give the lock back.
        """
        try:
            import fcntl
        except ModuleNotFoundError:
            yield
            return
        with self.opened(name) as file:
            try:
                # Workers do not inherit this kind of lock, so one that exits late does not hold it.
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as problem:
                raise RunError(f"{self.path} is being written by another process") from problem
            if not self.is_open(file, name):
                raise RunError(f"{self.path} has just been extended by another process; start again")
            yield
