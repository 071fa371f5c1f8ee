"""What `advconv train` does: from a file and its options to a training and its exit code."""

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, fields, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from advconv.analysis.measure import Measures
from advconv.check import Checked, check_document, data_misfits
from advconv.commands import FAILED, OK, USAGE, complain, content, shown_name
from advconv.diagnostics import Diagnostic, error
from advconv.overrides import Setting, SettingError, amended, said_setting, setting
from advconv.reader import read
from advconv.recipe import SETS, DataSet, misfits
from advconv.report.text import diagnostic_text, report
from advconv.source import Document, Source, decode
from advconv.spec import ArchSpec

if TYPE_CHECKING:
    from advconv.training.data import DataSets, Loaded
    from advconv.training.loader import Share
    from advconv.training.loop import Scores
    from advconv.training.run import Record, Run, Wishes
    from advconv.training.train import Job

SETTINGS = {
    "data": "data",
    "epochs": "train.epochs",
    "batch-size": "train.batch_size",
    "lr": "train.lr",
    "seed": "train.seed",
    "val-split": "train.val_split",
}
"""Options that stand for a field of the file."""

FIXED = (*SETTINGS, "set", "limit", "name")
"""Options that a run has been started with and keeps."""

Command = Callable[[argparse.Namespace], int]


def says_what_is_wrong(command: Command) -> Command:
    """What the world outside does to a training is said in a line, not raised."""

    @wraps(command)
    def run(options: argparse.Namespace) -> int:
        from advconv.training.augment import DrawError
        from advconv.training.data import DataError
        from advconv.training.device import DeviceError
        from advconv.training.distributed import ElsewhereError
        from advconv.training.files import RunError

        try:
            return command(options)
        except DrawError as problem:
            # From a worker the message is the last line of a traceback.
            complain(str(problem).strip().splitlines()[-1].removeprefix(f"{DrawError.__module__}.DrawError: "))
        except (DataError, DeviceError, ElsewhereError, RunError, SettingError) as problem:
            complain(str(problem))
        except BrokenPipeError:
            raise
        except OSError as problem:
            complain(f"{problem.filename or 'the system'}: {problem.strerror}")
        return USAGE

    return run


class Asked(NamedTuple):
    """An architecture that can be trained, and where its values stand."""

    document: Document
    spec: ArchSpec
    measures: Measures


@says_what_is_wrong
def run_train(options: argparse.Namespace) -> int:
    from advconv.training.distributed import processes

    if (options.file is None) == (options.resume is None):
        complain("train takes either a FILE or --resume RUN")
        return USAGE
    with processes() as share:
        return _resumed(options, share) if options.resume else _started(options, share)


def _started(options: argparse.Namespace, share: "Share") -> int:
    from advconv.training.distributed import agreed
    from advconv.training.train import begin

    asked = _asked(options)
    if isinstance(asked, int):
        return asked
    job = _job(asked, _wishes(options), options, share)
    if job is None:
        return FAILED
    run = agreed(lambda: begin(job, options.name or asked.spec.name) if job.leads else None, share)
    return _trained(job, run)


def _asked(options: argparse.Namespace) -> Asked | int:
    """The network of a file with what the options change; else the exit code, and what is wrong has been said."""
    if (data := content(options.file)) is None:
        return USAGE
    source, undecodable = decode(shown_name(options.file), data)
    document, unsound = (None, undecodable) if undecodable else read(source)
    if document is None:
        return _refused(Checked(source, unsound))
    document = amended(document, _settings(options))
    checked = check_document(document, unsound)
    if checked.spec is None or checked.measures is None:
        return _refused(checked)
    if not checked.ok and not options.force:
        _refused(checked)
        complain("a network that breaks its constraints is not trained; --force trains it all the same")
        return FAILED
    return Asked(document, checked.spec, checked.measures)


def _refused(checked: Checked) -> int:
    print(report(checked), file=sys.stderr)
    return FAILED


def _settings(options: argparse.Namespace) -> list[Setting]:
    given = [(option, path, getattr(options, _field(option))) for option, path in SETTINGS.items()]
    named = [setting(path, str(value), f"--{option} {value}") for option, path, value in given if value is not None]
    return named + [said_setting(text) for text in options.set]


def _field(option: str) -> str:
    """Where argparse keeps what an option says."""
    return option.replace("-", "_")


def _wishes(options: argparse.Namespace, run: "Run | None" = None) -> "Wishes":
    """What the options say, else what the run was started with."""
    from advconv.training.data import data_directory
    from advconv.training.run import Wishes

    before = run.about.options if run else Wishes("")
    given = {field.name: getattr(options, field.name) for field in fields(Wishes)}
    said = {name: value for name, value in given.items() if value not in (None, False)}
    return replace(before, **said | {"data_dir": str(data_directory(options.data_dir, before.data_dir).resolve())})


def default_workers() -> int:
    """One processor for the training, the others for its pictures, shared by the processes of one machine.

    Two at least: where training uses all processors, two workers hold it up for half as long as one.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    here = processors // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(min(2, processors), min(16, here - 1))


def _job(asked: Asked, wishes: "Wishes", options: argparse.Namespace, share: "Share") -> "Job | None":
    """All that a training needs, in memory; None where pictures, network and augmentation do not fit together."""
    from advconv.training.device import setup
    from advconv.training.distributed import local_rank
    from advconv.training.show import Voice
    from advconv.training.train import Job

    wrong = _unfit(asked, SETS[asked.spec.data]) or _unfit_augment(asked)
    if wrong:
        _tell(asked, wrong)
        return None
    device = setup(wishes.device, asked.spec.train.precision, wishes.compile, local_rank())
    if wishes.tensorboard:
        import tensorboard  # noqa: F401, before anything is written
    data = _data(asked.spec, wishes, share)
    if wrong := _unfit(asked, SETS[asked.spec.data]._replace(classes=len(data.classes))):
        _tell(asked, wrong)
        return None
    voice = Voice(is_silent=options.quiet or share.rank > 0)
    workers = default_workers() if options.workers is None else options.workers
    job = Job(asked.spec, asked.measures, data, device, wishes, workers, share, voice)
    # Raises where the processes cannot share the batches.
    job.plan()
    return job


def _tell(asked: Asked, wrong: list[Diagnostic]) -> None:
    for found in wrong:
        print(diagnostic_text(asked.document.source, found), file=sys.stderr)


def _unfit(asked: Asked, data: DataSet) -> list[Diagnostic]:
    """Whether the pictures and the network have the same channels and classes."""
    output = asked.measures.graph.nodes[-1].shape
    if not output.flat:
        message = f"training needs a number for each class, the network puts out {output}"
        return [error("AC503", asked.document.key_span(("network",)), message, "write `classes: ...`")]
    return data_misfits(asked.document, misfits(data, asked.spec.input, output.elements))


def _unfit_augment(asked: Asked) -> list[Diagnostic]:
    """Whether albumentations takes what is declared, which only the library can tell."""
    from advconv.training.augment import Misfit, compile_augment

    try:
        compile_augment(asked.spec.augment, (0.5,) * asked.spec.input.channels, asked.spec.input)
    except Misfit as misfit:
        return [error("AC114", asked.document.span(misfit.path), misfit.message, misfit.help)]
    return []


def _data(spec: ArchSpec, wishes: "Wishes", share: "Share") -> "DataSets":
    """The pictures. On each machine one process reads them before the others, since it may have to download them."""
    from advconv.training.data import load, split
    from advconv.training.distributed import agreed, local_rank

    def read_pictures() -> "Loaded":
        return load(spec.data, Path(wishes.data_dir), spec.input)

    loaded = agreed(lambda: read_pictures() if local_rank() == 0 else None, share)
    return split(loaded or read_pictures(), spec.train.val_split, wishes.limit, spec.train.seed)


def _trained(job: "Job", run: "Run | None") -> int:
    """Trains, says how it went, gives the exit code. `run` is None where another process has just made it."""
    from advconv.training.loop import Diverged
    from advconv.training.run import held
    from advconv.training.signals import ending
    from advconv.training.train import finish, go

    _introduce(job, run)
    with ending() as wish, held(run.path) if run and job.leads else nullcontext():
        try:
            reached = go(job, run, wish)
        except Diverged as problem:
            complain(f"{problem}; try a lower lr (it is {job.spec.train.peak_lr:g}), clip: 1 or precision: float32")
            return FAILED
        except RuntimeError as problem:
            if not str(problem).startswith("DataLoader worker"):
                raise
            # Torch has no type of its own for it, and raises it wherever the training is at that moment.
            complain(f"{str(problem).strip().rstrip('.')}; go on, perhaps with fewer --workers: {_again(job, run)}")
            return USAGE
        finally:
            job.voice.stop()
    learner, code = reached.learner, 128 + (wish.signal or signal.SIGTERM) if reached.is_stopped else OK
    if run is None or not job.leads:
        return code
    if reached.is_stopped:
        at = f"epoch {learner.step // learner.plan.steps + 1} of {learner.plan.epochs}"
        print(f"stopped in {at}; go on with: {_again(job, run)}")
        return code
    scores = finish(job, run, learner, reached.record)
    return _verdict(job, run, reached.record, scores)


def _again(job: "Job", run: "Run | None") -> str:
    """The command that goes on with a run, with what was asked of it this time beside what it remembers."""
    program = (
        f"torchrun --nproc-per-node={os.environ['LOCAL_WORLD_SIZE']} -m advconv" if job.share.of > 1 else "advconv"
    )
    if run is None:
        return f"{program} train --resume RUN"
    asked, remembered = asdict(job.wishes), asdict(run.about.options)
    given = [(name.replace("_", "-"), value) for name, value in asked.items() if value != remembered[name]]
    options = [f" --{name}" if value is True else f" --{name} {shlex.quote(str(value))}" for name, value in given]
    return f"{program} train --resume {shlex.quote(str(run.path))}{''.join(options)}"


def _introduce(job: "Job", run: "Run | None") -> None:
    if run is None:
        return
    sets, validation = job.data, job.data.validation
    held_out = f" + {len(validation):,} for validation" if validation else ""
    counts = f"{len(sets.train):,} training{held_out} + {len(sets.test):,} test pictures"
    job.voice.say(f"{job.spec.name}: {job.measures.total.params:,} parameters; {SETS[job.spec.data].title}, {counts}")
    job.voice.say(f"{job.setup}; writes {run.path}")
    if job.setup.note:
        job.voice.say(job.setup.note)


def _verdict(job: "Job", run: "Run", record: "Record", scores: "Scores") -> int:
    """The headline, and whether the promise was kept."""
    epoch = record.rows[-1].epoch if record.rows else 0
    pictures = f"{len(job.data.test):,} pictures of {SETS[job.spec.data].title}"
    print(f"test accuracy {scores.accuracy:.2f}% ({pictures}), averaged weights of epoch {epoch}")
    if job.wishes.until is not None and record.newest is not None and record.newest >= job.wishes.until:
        print(f"reached {job.wishes.until:g}% on the {record.picked_on} set in epoch {epoch}")
    if record.best is not None:
        print(f"best epoch {record.best_epoch}: {record.best:.2f}%, picked on the {record.picked_on} set")
    print(f"all of it is in {run.path}")
    promise = job.spec.constraints.accuracy
    if promise is None:
        return OK
    is_kept = promise.holds(scores.accuracy)
    print(f"accuracy {promise.text}: {'kept' if is_kept else 'FAILED'} ({promise.slack(scores.accuracy):+.2f})")
    return OK if is_kept else FAILED


def _resumed(options: argparse.Namespace, share: "Share") -> int:
    """Goes on with a run as it was started; device, workers, `until` and the place of the data may be others."""
    from advconv.training.run import open_run

    if given := [f"--{option}" for option in FIXED if getattr(options, _field(option)) not in (None, [])]:
        complain(f"a run goes on with its own recipe; leave out {', '.join(given)}")
        return USAGE
    run = open_run(Path(options.resume))
    document, _ = read(Source(str(run.path / "arch.yaml"), (run.path / "arch.yaml").read_text(encoding="utf-8")))
    assert document is not None, "open_run has checked it"
    job = _job(Asked(document, run.spec, run.measures), _wishes(options, run), options, share)
    if job is None:
        return FAILED
    if list(job.data.classes) != run.about.classes or list(job.data.mean) != run.about.mean:
        complain(f"{job.wishes.data_dir} holds other pictures than those that the run was started with")
        return USAGE
    return _trained(job, run)
