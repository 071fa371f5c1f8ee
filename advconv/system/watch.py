"""Waiting for files to change.

The file system is asked ten times a second: a few `stat` calls cost nothing, and see what notifications miss, such as
changes on network drives and in mounted folders, files that do not exist yet, and editors that save by renaming.
"""

import os
import time
from collections.abc import Iterator, Sequence

INTERVAL = 0.1
"""Seconds between two looks. A change counts when two looks in a row find the same."""

MAX_LOOKS = 20
"""After which a change counts although the files have not come to rest."""

FileState = tuple[int, ...] | None
"""What changes with a file; None if there is none."""


def changes(paths: Sequence[str]) -> Iterator[None]:
    """Yields at once, and then each time that one of the files has changed, appeared or disappeared."""
    while True:
        # Before the caller reads them, so that a change while it does is found next.
        states = _states(paths)
        yield
        _wait_for_change(paths, states)


def _wait_for_change(paths: Sequence[str], before: list[FileState]) -> None:
    while (states := _look_again(paths)) == before:
        pass
    for _ in range(MAX_LOOKS):
        # An editor may be about to write the rest, or to put the new file in the place of the old one.
        last, states = states, _look_again(paths)
        if states == last:
            return


def _look_again(paths: Sequence[str]) -> list[FileState]:
    time.sleep(INTERVAL)
    return _states(paths)


def _states(paths: Sequence[str]) -> list[FileState]:
    return [_state(path) for path in paths]


def _state(path: str) -> FileState:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns
