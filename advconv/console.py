"""What every command shares: exit codes, and the one way by which texts reach standard output and standard error."""

import os
import re
import sys
from typing import NamedTuple, TextIO

from advconv.visible import visible, visible_lines

OK, FAILED, USAGE = 0, 1, 2

COLOURS = {"red": "31;1", "yellow": "33;1", "green": "32", "blue": "34;1", "bold": "1", "dim": "2"}
PAINTED = re.compile(rf"(\x1b\[(?:{'|'.join(COLOURS.values())}|0)m)")


class Paint(NamedTuple):
    """Makes the lines of a report, in colours where they are wanted; what else controls a terminal is escaped."""

    on: bool = False

    def __call__(self, *parts: str | tuple[str, str]) -> str:
        """A line of texts and of (colour, text)."""
        return "".join(visible(part) if isinstance(part, str) else self._coloured(*part) for part in parts)

    def _coloured(self, colour: str, text: str) -> str:
        return f"\x1b[{COLOURS[colour]}m{visible(text)}\x1b[0m" if self.on else visible(text)


PLAIN = Paint()


def show(text: str, file: TextIO | None = None, paint: Paint = PLAIN) -> None:
    """Prints lines. Whatever they hold, a terminal is controlled by nothing but the colours of a paint that is on."""
    parts = PAINTED.split(text) if paint.on else [text]
    print("".join(part if index % 2 else visible_lines(part) for index, part in enumerate(parts)), file=file)


def complain(message: str) -> None:
    show(f"advconv: {visible(message)}", sys.stderr)


def wants_colour() -> bool:
    """Whether standard output is a terminal that shows colours and styles; NO_COLOR and TERM=dumb turn them off."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_markdown(text: str) -> None:
    """Rendered in a terminal, as it is in a pipe."""
    if not wants_colour():
        show(text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))
