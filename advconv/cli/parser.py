"""The parser of the command line; each command has the path of the function that it runs."""

import argparse
import sys
from typing import TYPE_CHECKING, NoReturn

from advconv.cli.network_options import (
    add_check,
    add_emit,
    add_fit,
    add_playground,
    add_report,
    add_rf_table,
    add_suggest,
    add_summary,
    add_verify,
    add_watch,
)
from advconv.cli.shared_options import Commands, command
from advconv.cli.training_options import (
    add_bench,
    add_compare,
    add_erf,
    add_evaluate,
    add_export,
    add_predict,
    add_sweep,
    add_train,
)
from advconv.language.starters import DEFAULT, TEMPLATES
from advconv.system.console import in_a_line, print_text

if TYPE_CHECKING:
    from _typeshed import SupportsWrite


class Parser(argparse.ArgumentParser):
    """A parser whose error messages are escaped like all others, and whose help fails if it cannot be written."""

    def error(self, message: str) -> NoReturn:
        super().error(in_a_line(message))

    def print_help(self, file: "SupportsWrite[str] | None" = None) -> None:
        # Argparse ignores errors of writing.
        (sys.stdout if file is None else file).write(self.format_help())


def parser() -> argparse.ArgumentParser:
    top: argparse.ArgumentParser = Parser(
        prog="advconv",
        description="Reads convolutional networks from YAML, measures them and checks their constraints.",
        epilog="example: advconv new mynet && advconv check mynet.yaml",
    )
    top.add_argument("--version", action=Version, nargs=0, help="print the version and exit")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_check(commands)
    add_watch(commands)
    add_rf_table(commands)
    add_summary(commands)
    add_report(commands)
    add_playground(commands)
    add_emit(commands)
    add_verify(commands)
    add_erf(commands)
    add_suggest(commands)
    add_fit(commands)
    add_train(commands)
    add_sweep(commands)
    add_compare(commands)
    add_evaluate(commands)
    add_predict(commands)
    add_export(commands)
    add_bench(commands)
    _add_new(commands)
    _add_explain(commands)
    _add_schema(commands)
    _add_completion(commands)
    return top


def _add_new(commands: Commands) -> None:
    new = command(commands, "new", "write a commented starter file", "advconv new mynet", "commands:run_new")
    new.add_argument("name", metavar="NAME", help="name of the architecture; writes NAME.yaml")
    new.add_argument("--template", choices=TEMPLATES, default=DEFAULT, help=f"starter to write; default: {DEFAULT}")


def _add_explain(commands: Commands) -> None:
    help = "explain a diagnostic code, a block, a field, a constraint or an analysis"
    explain = command(commands, "explain", help, "advconv explain dwsep", "commands:run_explain")
    explain.add_argument("topic", nargs="?", metavar="TOPIC", help="a code or a name; default: list all topics")


def _add_schema(commands: Commands) -> None:
    help = "print the JSON Schema of architecture files"
    command(commands, "schema", help, "advconv schema > advconv.schema.json", "commands:run_schema")


def _add_completion(commands: Commands) -> None:
    help = "print a completion script for a shell"
    completion = command(commands, "completion", help, 'eval "$(advconv completion bash)"', "commands:run_completion")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell to complete in")


class Version(argparse.Action):
    """Asks for the version when it is wanted, which costs too much at every start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            text = version("advconv")
        except PackageNotFoundError:
            text = "(not installed)"
        print_text(f"advconv {text}")
        parser.exit()
