"""The command's first step: `advconv`, `python -m advconv` and the clone's `cli.py` start here."""

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line. Until it is loaded, Ctrl-C ends the process without a word."""
    handler = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from advconv.cli import main as run

    signal.signal(signal.SIGINT, handler)
    run()


if __name__ == "__main__":
    main()
