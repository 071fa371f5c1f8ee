"""`advconv train`: parses its options, trains, and returns the exit code."""

import argparse
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from advconv.cli.files import content, shown_name
from advconv.cli.user_errors import report_user_errors
from advconv.system.console import FAILED, OK, USAGE, print_error, print_text

if TYPE_CHECKING:
    from advconv.language.overrides import Setting
    from advconv.training.options import CallOptions
    from advconv.training.report import TrainingResult


@report_user_errors
def run_train(options: argparse.Namespace) -> int:
    from advconv.training.peers import PeerLost
    from advconv.training.train import Failed, Stopped, Unfinished

    if (options.file is None) == (options.resume is None):
        print_error("train takes either a FILE or --resume RUN")
        return USAGE
    if options.previous and not options.resume:
        print_error("--previous goes with --resume RUN")
        return USAGE
    if options.weights_from and options.resume:
        print_error("--weights starts a new run; leave out --resume, or --weights")
        return USAGE
    try:
        return _resume(options) if options.resume else _start(options)
    except Stopped as stopped:
        if stopped.setup.process.is_main:
            print_text(f"{stopped}; resume with: {stopped.resume_command}")
        return 128 + stopped.signal
    except PeerLost as lost:
        cause = lost.__cause__
        print_error(
            f"{lost}; resume with: {cause.resume_command}"
            if isinstance(cause, Unfinished)
            else f"{lost}; start it again"
        )
        return USAGE
    except Failed as failed:
        print_error(f"{failed}; resume with: {failed.resume_command}")
        return USAGE


def _start(options: argparse.Namespace) -> int:
    from advconv.training.distributed import process_group
    from advconv.training.train import train_file

    if (data := content(options.file)) is None:
        return USAGE
    with process_group() as process:
        return _exit_code(
            train_file(shown_name(options.file), data, _settings(options), call_options(options), process)
        )


def _resume(options: argparse.Namespace) -> int:
    from advconv.language.overrides import setting
    from advconv.training.distributed import process_group
    from advconv.training.options import FIELD_OPTIONS, flag
    from advconv.training.train import resume_run

    fixed = [name for name in (*FIELD_OPTIONS, "set", "limit", "name") if name != "epochs" and getattr(options, name)]
    if fixed:
        print_error(f"a run is resumed with its own recipe; leave out {', '.join(map(flag, fixed))}")
        return USAGE
    text = options.epochs
    epochs = setting(FIELD_OPTIONS["epochs"], text, f"--epochs {text}") if text is not None else None
    with process_group() as process:
        return _exit_code(resume_run(Path(options.resume), call_options(options), process, epochs))


def _exit_code(result: "TrainingResult | None") -> int:
    if result is None:
        return OK
    print_text(str(result))
    return FAILED if result.promise_kept is False else OK


def _settings(options: argparse.Namespace) -> "list[Setting]":
    from advconv.language.overrides import parse_setting, setting
    from advconv.training.options import FIELD_OPTIONS, flag

    given = [(flag(name), path, getattr(options, name)) for name, path in FIELD_OPTIONS.items()]
    named = [setting(path, text, f"{name} {text}") for name, path, text in given if text is not None]
    return named + [parse_setting(text) for text in options.set]


def call_options(options: argparse.Namespace) -> "CallOptions":
    from advconv.training.options import CallOptions

    given = {field.name: getattr(options, field.name) for field in fields(CallOptions) if hasattr(options, field.name)}
    return CallOptions(**given)
