"""Command-line options of the benchmarks, with defaults shown by --help."""

import argparse
import sys
from pathlib import Path
from typing import Any, NamedTuple


class Option(NamedTuple):
    """The default, whose type is that of the value, and the help text."""

    default: Any
    help: str


def options(description: str | None, **known: Option) -> dict[str, Any]:
    """The options of the command line by name. Exits if one is invalid."""
    program = f"python -m benchmarks.{Path(sys.argv[0]).stem}"
    parser = argparse.ArgumentParser(program, description=(description or "").split("\n")[0])
    for name, (default, help) in known.items():
        kind, flag = type(default), f"--{name.replace('_', '-')}"
        if kind is bool:
            parser.add_argument(flag, action="store_true", help=f"{help}; default: off")
            continue
        metavar = {int: "N", list: "N"}.get(kind, name.upper())
        shown = " ".join(map(str, default)) if kind is list else default
        many: dict[str, Any] = {"type": int, "nargs": "+"} if kind is list else {"type": kind}
        parser.add_argument(flag, default=default, metavar=metavar, help=f"{help}; default: {shown}", **many)
    return vars(parser.parse_args())
