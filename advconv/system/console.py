"""Exit codes, and the functions that write to standard output and standard error."""

import os
import re
import sys
from contextlib import suppress
from typing import NamedTuple, TextIO

from advconv.text.visible import visible, visible_lines

OK, FAILED, USAGE = 0, 1, 2

COLOURS = {"red": "31;1", "yellow": "33;1", "green": "32", "blue": "34;1", "bold": "1", "dim": "2"}
PAINTED = re.compile(rf"(\x1b\[(?:{'|'.join(COLOURS.values())}|0)m)")


class Paint(NamedTuple):
    """Formats the lines of a report, in colours if they are wanted; all other control characters are escaped."""

    on: bool = False

    def __call__(self, *parts: str | tuple[str, str]) -> str:
        """A line from its parts, each a text or (colour, text)."""
        return "".join(visible(part) if isinstance(part, str) else self._coloured(*part) for part in parts)

    def _coloured(self, colour: str, text: str) -> str:
        return f"\x1b[{COLOURS[colour]}m{visible(text)}\x1b[0m" if self.on else visible(text)


PLAIN = Paint()


def print_text(text: str, file: TextIO | None = None, paint: Paint = PLAIN) -> None:
    """Prints lines with control characters escaped, except the colours of a paint that is on."""
    parts = PAINTED.split(text) if paint.on else [text]
    print("".join(part if index % 2 else visible_lines(part) for index, part in enumerate(parts)), file=file)


def clear_screen() -> None:
    """Clears a terminal, so that what is printed next stands at its top; does nothing in a pipe or a file."""
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        sys.stdout.write("\x1b[H\x1b[2J\x1b[3J")
        sys.stdout.flush()


def write_unchanged(text: str) -> None:
    """Writes the text of a file byte for byte into a pipe or a file; on a terminal it is escaped like any other."""
    if sys.stdout.isatty():
        print_text(text.removesuffix("\n"))
    else:
        sys.stdout.write(text)


def print_error(message: str) -> None:
    # If stderr cannot be written, the exit code still reports the failure.
    with suppress(OSError):
        print_text(f"advconv: {in_a_line(message)}", sys.stderr)


MAX_MESSAGE = 2_000
"""Characters. Messages quote user input, which may be longer than a terminal is high."""


def in_a_line(message: str) -> str:
    """A message on one line: control characters escaped, the middle left out if it is too long."""
    half = MAX_MESSAGE // 2
    cut = message if len(message) <= MAX_MESSAGE else f"{message[:half]}...{message[-half:]}"
    return visible(cut)


def check_working_directory() -> None:
    """Raises FileNotFoundError if the working directory has been deleted: torch's MKL would end the process."""
    os.getcwd()


def wants_colour() -> bool:
    """Whether standard output is a terminal that shows colours and styles; NO_COLOR and TERM=dumb turn them off."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_markdown(text: str) -> None:
    """Prints Markdown, rendered in a terminal, unchanged in a pipe."""
    if not wants_colour():
        print_text(text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))
