"""What every command shares: exit codes, messages on standard error, what a terminal can show."""

import os
import sys

OK, FAILED, USAGE = 0, 1, 2


def complain(message: str) -> None:
    print(f"advconv: {printable(message)}", file=sys.stderr)


def printable(text: str) -> str:
    """A text in one line that cannot move a terminal's cursor, whatever is in the name of a file."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


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
