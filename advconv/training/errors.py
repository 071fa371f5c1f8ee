"""What ends a training before its time."""


class TrainingError(Exception):
    """Something outside the file keeps a training from going on; the text says what and where."""
