"""Runs a command line: parses it, imports the function of its command, and ends with its exit code."""

import gc
import os
from importlib import import_module
from typing import NoReturn

from advconv.cli.parser import parser
from advconv.cli.shared_options import Command
from advconv.system.console import USAGE, print_error
from advconv.system.extras import needed
from advconv.system.process import end


def main(arguments: list[str] | None = None) -> NoReturn:
    """The `advconv` command. Exit code 0: no errors; 1: an error or a failed constraint; 2: usage, a missing file."""
    end(lambda: run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """The exit code of a command."""
    commands = parser()
    if "_ARGCOMPLETE" in os.environ:
        from advconv.cli.completion import answer

        answer(commands)
    options = commands.parse_args(arguments)
    try:
        command = function_at(options.run)
        _enable_gc()
        return command(options)
    except ModuleNotFoundError as missing:
        extra = needed(options.command, missing.name, getattr(options, "tensorboard", False))
        if extra is None:
            raise
        print_error(extra)
        return USAGE


def _enable_gc() -> None:
    """Re-enables the garbage collector that the launcher disabled, and excludes imported objects from it."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def function_at(path: str) -> Command:
    """The function of a command, such as `commands:run_check`; help and completion do not import it."""
    module, name = path.split(":")
    command: Command = getattr(import_module(f"advconv.cli.{module}"), name)
    return command
