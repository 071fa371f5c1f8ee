"""What `advconv train` does: its options as one record, a training, and its exit code."""

import argparse
import logging
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

from advconv.cli.commands import content, shown_name
from advconv.system.console import FAILED, OK, USAGE, complain, hold_directory, show
from advconv.training.openmp import wait_briefly

if TYPE_CHECKING:
    from advconv.language.overrides import Setting
    from advconv.training.options import Options
    from advconv.training.report import TrainingResult
    from advconv.training.start import Unfinished

Command = Callable[[argparse.Namespace], int]


def says_what_is_wrong(command: Command) -> Command:
    """What a file or the world outside does to a training is said in a line, not raised."""

    @wraps(command)
    def run(options: argparse.Namespace) -> int:
        # Before torch is imported, and matplotlib, which warns where it has no home to keep a cache in.
        hold_directory()
        wait_briefly()
        if "RANK" in os.environ:
            # What is wrong between processes is said in a line, not in torch's own warnings with frames of C++.
            os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        from advconv.language.overrides import SettingError
        from advconv.net import ArchError
        from advconv.report.text import report
        from advconv.system.files import FileError
        from advconv.training.errors import TrainingError
        from advconv.training.loop import Diverged

        try:
            return command(options)
        except ArchError as problem:
            show(report(problem.checked), sys.stderr)
            if problem.checked.measures is not None:
                complain("a network that breaks its constraints is not trained; --force trains it all the same")
            return FAILED
        except (SettingError, TrainingError, FileError) as problem:
            complain(str(problem))
            return FAILED if isinstance(problem, Diverged) else USAGE

    return run


@says_what_is_wrong
def run_train(options: argparse.Namespace) -> int:
    from advconv.training.peers import PeerLost
    from advconv.training.start import Failed, Stopped, Unfinished

    if (options.file is None) == (options.resume is None):
        complain("train takes either a FILE or --resume RUN")
        return USAGE
    if options.previous and not options.resume:
        complain("--previous goes with --resume RUN")
        return USAGE
    try:
        return _resumed(options) if options.resume else _started(options)
    except Stopped as stopped:
        if stopped.job.leads:
            show(f"{stopped}; go on with: {again(stopped)}")
        return 128 + stopped.signal
    except PeerLost as lost:
        ended = lost.__cause__
        complain(f"{lost}; go on with: {again(ended)}" if isinstance(ended, Unfinished) else f"{lost}; start it again")
        return USAGE
    except Failed as failed:
        complain(f"{failed}; go on with: {again(failed)}")
        return USAGE


def _started(options: argparse.Namespace) -> int:
    from advconv.training.distributed import processes
    from advconv.training.start import start

    if (data := content(options.file)) is None:
        return USAGE
    with processes() as share:
        return _code(start(shown_name(options.file), data, _settings(options), _options(options), share))


def _resumed(options: argparse.Namespace) -> int:
    from advconv.training.distributed import processes
    from advconv.training.options import FIELDS
    from advconv.training.start import resume

    if given := [_flag(name) for name in (*FIELDS, "set", "limit", "name") if getattr(options, name)]:
        complain(f"a run goes on with its own recipe; leave out {', '.join(given)}")
        return USAGE
    with processes() as share:
        return _code(resume(Path(options.resume), _options(options), share))


def _code(result: "TrainingResult | None") -> int:
    if result is None:
        return OK
    show(str(result))
    return FAILED if result.promise_kept is False else OK


def _settings(options: argparse.Namespace) -> "list[Setting]":
    from advconv.language.overrides import said_setting, setting
    from advconv.training.options import FIELDS

    given = [(_flag(name), path, getattr(options, name)) for name, path in FIELDS.items()]
    named = [setting(path, text, f"{flag} {text}") for flag, path, text in given if text is not None]
    return named + [said_setting(text) for text in options.set]


def _options(options: argparse.Namespace) -> "Options":
    from advconv.training.options import Options

    said = {field.name: getattr(options, field.name) for field in fields(Options) if hasattr(options, field.name)}
    return Options(**said)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def again(unfinished: "Unfinished") -> str:
    """The command that goes on with a run, with what was asked of it this time beside what it remembers."""
    job, run = unfinished.job, unfinished.run
    local = os.environ.get("LOCAL_WORLD_SIZE", job.share.of)
    program = f"torchrun --nproc-per-node={local} -m advconv" if job.share.of > 1 else "advconv"
    if run is None:
        return f"{program} train --resume RUN"
    asked, remembered = asdict(job.wishes), asdict(run.about.options)
    given = [(_flag(name), value) for name, value in asked.items() if value != remembered[name]]
    options = [f" {flag}" if value is True else f" {flag} {shlex.quote(str(value))}" for flag, value in given]
    return f"{program} train --resume {shlex.quote(str(run.path))}{''.join(options)}"
