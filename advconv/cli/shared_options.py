"""What options of several commands share."""

import argparse
from collections.abc import Callable
from typing import TypeAlias

from advconv.cli.option_types import codes, image_shape
from advconv.report.formats import TABLE_FORMATS
from advconv.training.names import WEIGHT_FILES

Command: TypeAlias = Callable[[argparse.Namespace], int]
"""The function of a command, from its options to the exit code."""

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def command(commands: Commands, name: str, help: str, example: str, run: str) -> argparse.ArgumentParser:
    added = commands.add_parser(name, help=help, description=f"{help}.", epilog=f"example: {example}")
    added.set_defaults(run=run)
    return added


def add_file(command: argparse.ArgumentParser, nargs: str | None = None) -> None:
    command.add_argument("file", nargs=nargs, metavar="FILE", help="a YAML file, or - for standard input")


def add_format(command: argparse._ActionsContainer, formats: tuple[str, ...] = TABLE_FORMATS) -> None:
    command.add_argument("--format", choices=formats, default="text", help="output format; default: text")


def add_input(command: argparse._ActionsContainer) -> None:
    command.add_argument("--input", type=image_shape, metavar="C,H,W", help="input shape instead of the file's")


def add_rules(command: argparse.ArgumentParser) -> None:
    rules = command.add_argument_group("rules", "Each overrides its key in the table [tool.advconv] of pyproject.toml.")
    help = "report only these warnings and information: codes such as AC301, or beginnings such as AC3"
    rules.add_argument("--select", type=codes, action="extend", metavar="CODES", help=help)
    help = "do not report these warnings and information"
    rules.add_argument("--ignore", type=codes, action="extend", metavar="CODES", help=help)
    help = "exit with 1 if there are warnings"
    rules.add_argument("--strict", action=argparse.BooleanOptionalAction, help=help)


def add_limits(command: argparse.ArgumentParser, option: str) -> None:
    help = "a further constraint, such as 'params < 100k'; repeatable"
    command.add_argument(option, action="append", default=[], metavar="LIMIT", help=help)


def add_run(command: argparse.ArgumentParser) -> None:
    help = "run directory, written by train, or a YAML file with its weights beside it"
    command.add_argument("run_path", metavar="RUN|FILE", help=help)
    help = "weights of the last or of the best epoch of a RUN; default: last"
    command.add_argument("--weights", choices=tuple(WEIGHT_FILES), help=help)
    add_previous(command)


def add_previous(command: argparse._ActionsContainer) -> None:
    help = "use the checkpoint before the newest one, if that is damaged"
    command.add_argument("--previous", action="store_true", help=help)


def add_data_dir(command: argparse._ActionsContainer) -> None:
    help = "data set directory; default: $ADVCONV_DATA, else that of the run, else data/"
    command.add_argument("--data-dir", metavar="DIR", help=help)


def add_device(command: argparse._ActionsContainer) -> None:
    help = "cpu, cuda, cuda:1 or mps; default: that of the run, else the best available"
    command.add_argument("--device", metavar="NAME", help=help)
