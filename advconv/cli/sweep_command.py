"""`advconv sweep`: parses its options, trains, prints the table and returns the exit code."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from advconv.cli.files import content, shown_name
from advconv.cli.train_command import call_options
from advconv.cli.user_errors import report_user_errors
from advconv.report.formats import TEXT
from advconv.system.console import FAILED, OK, USAGE, print_error, print_text

if TYPE_CHECKING:
    from advconv.training.sweep.plan import Axis
    from advconv.training.sweep.running import SweepResult

FIXED = ("set", "seeds", "limit", "until", "name")
"""Options that a sweep is resumed without, beside those that override the file."""


@report_user_errors
def run_sweep(options: argparse.Namespace) -> int:
    """Exit code 1 if a training has failed on its own, and 128 and its number after a signal."""
    from advconv.training.sweep.combinations import InvalidCombinations
    from advconv.training.sweep.running import SweepStopped

    if problem := _problem(options):
        print_error(problem)
        return USAGE
    # In other formats the table stands alone.
    options.quiet = options.quiet or options.format != TEXT
    try:
        result = _resume(options) if options.sweep_path else _start(options)
    except InvalidCombinations as invalid:
        print_text("\n\n".join(invalid.reports), sys.stderr)
        print_error(f"{invalid}{'; train anyway with --force' if invalid.fails_constraints else ''}")
        return FAILED
    except SweepStopped as stopped:
        print_text(str(stopped))
        return 128 + stopped.signal
    return USAGE if result is None else _print(result, options)


def _problem(options: argparse.Namespace) -> str:
    """Options that do not go together; empty if there are none."""
    from advconv.training.options import FIELD_OPTIONS, flag

    if (options.file is None) == (options.sweep_path is None):
        return "sweep takes either a FILE or --resume SWEEP"
    if os.environ.get("WORLD_SIZE", "1") != "1":
        return "a sweep trains in one process; torchrun is for train"
    names = (*FIELD_OPTIONS, *FIXED)
    given = [flag(name) for name in names if options.sweep_path and getattr(options, name, None)]
    return f"a sweep is resumed with its own plan; leave out {', '.join(given)}" if given else ""


def _start(options: argparse.Namespace) -> "SweepResult | None":
    from advconv.training.sweep.running import start_sweep

    if (data := content(options.file)) is None:
        return None
    call = call_options(options)
    return start_sweep(shown_name(options.file), data, _axes(options), options.seeds or [], call, _message(options))


def _resume(options: argparse.Namespace) -> "SweepResult":
    from advconv.training.sweep.running import resume_sweep

    return resume_sweep(Path(options.sweep_path), call_options(options), _message(options))


def _axes(options: argparse.Namespace) -> "list[Axis]":
    """Of the options that override the file, and of `--set`."""
    from advconv.training.options import FIELD_OPTIONS, flag
    from advconv.training.sweep.plan import Axis
    from advconv.training.sweep.values import parse_axis

    given = {name: getattr(options, name, None) for name in FIELD_OPTIONS}
    named = [Axis(FIELD_OPTIONS[name], [text], flag(name)) for name, text in given.items() if text is not None]
    return named + [parse_axis(text) for text in options.set]


def _message(options: argparse.Namespace) -> Callable[[str], None]:
    """Prints lines between the trainings, which print their own."""

    def message(text: str) -> None:
        if not options.quiet:
            print_text(text)
            sys.stdout.flush()

    return message


def _print(result: "SweepResult", options: argparse.Namespace) -> int:
    if options.format == TEXT and not options.quiet:
        print_text("")
    print_text(result.table.render(options.format))
    return FAILED if result.failed else OK
