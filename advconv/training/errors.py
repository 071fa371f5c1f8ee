"""What ends a training before its time."""

from advconv.visible import visible_lines


class TrainingError(Exception):
    """Something outside the file keeps a training from going on; the text says what and where."""

    def __str__(self) -> str:
        return visible_lines(super().__str__())
