"""The directory of a run as the file system has it."""

from advconv.system.files import Directory
from advconv.training.errors import TrainingError


class RunError(TrainingError):
    """A run cannot be written, read or resumed; the text names the file and the reason."""


class RunDirectory(Directory):
    """A run may come from someone else, so nothing in it is read or written through a link."""

    error = RunError
