"""The files of a run."""

from advconv.system.files import Directory
from advconv.training.errors import TrainingError


class RunError(TrainingError):
    """A run that cannot be written, read or continued; the text says which file and why."""


class RunDirectory(Directory):
    """A run may come from someone else, so nothing in it is read or written through a link."""

    error = RunError
