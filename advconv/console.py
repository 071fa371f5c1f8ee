"""What every command shares: exit codes, messages on standard error, what a terminal can show."""

import os
import sys
from contextlib import suppress

OK, FAILED, USAGE = 0, 1, 2


def complain(message: str) -> None:
    # Where nobody can be told, the exit code still says it.
    with suppress(OSError):
        print(f"advconv: {in_a_line(message)}", file=sys.stderr)


MAX_MESSAGE = 2_000
"""Characters: what users write may be longer than a terminal is high, and messages quote it."""


def in_a_line(message: str) -> str:
    """A message without characters that a terminal would obey, with its middle left out where it is too long."""
    half = MAX_MESSAGE // 2
    cut = message if len(message) <= MAX_MESSAGE else f"{message[:half]}...{message[-half:]}"
    return "".join(character if character.isprintable() else "\ufffd" for character in cut)


def hold_directory() -> None:
    """Raises FileNotFoundError where the current directory has been deleted: torch's MKL would end the process."""
    os.getcwd()


def wants_colour() -> bool:
    """Whether standard output is a terminal that shows colours and styles; NO_COLOR and TERM=dumb turn them off."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_markdown(text: str) -> None:
    """Rendered in a terminal, as it is in a pipe."""
    if not wants_colour():
        print(text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))
