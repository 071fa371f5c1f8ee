"""From a file and its options to a training, and from there to what it came to."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import fields, replace
from pathlib import Path
from signal import SIGTERM

from advconv.check import Checked
from advconv.language.overrides import Setting, amended
from advconv.language.spec import ArchSpec
from advconv.net import ArchError
from advconv.rules.diagnostics import placed
from advconv.text.document import Document, decode
from advconv.text.finding import Finding
from advconv.text.reader import read
from advconv.training.data import DataError
from advconv.training.distributed import agreed
from advconv.training.errors import ComputeError
from advconv.training.loader import Share
from advconv.training.options import Options, Wishes
from advconv.training.prepare import Architecture, checked_architecture, prepared
from advconv.training.promise import judge
from advconv.training.report import TrainingResult, introduce, result
from advconv.training.run import Run, held, open_run
from advconv.training.saved import printable
from advconv.training.sets import data_directory
from advconv.training.signals import ending
from advconv.training.train import Job, begin, finish, go
from advconv.training.workers import WorkerLost


class Unfinished(Exception):
    """A training that ended before its end; `run` is None where another process has made it."""

    def __init__(self, message: str, job: Job, run: Run | None) -> None:
        super().__init__(message)
        self.job, self.run = job, run

    @property
    def resumed(self) -> str:
        """How Python goes on with it."""
        return f"advconv.resume({str(self.run.path) if self.run else 'RUN'!r})"


class Stopped(Unfinished):
    """By a signal, with a checkpoint of its last step."""

    signal: int = SIGTERM


class Failed(Unfinished):
    """By what torch cannot compute, or the end of a process that makes images; the checkpoint is the last epoch's."""


ALONE = Share()


def start(
    name: str, data: bytes, settings: list[Setting], options: Options, share: Share = ALONE
) -> TrainingResult | None:
    """Trains what a file holds. None for all processes but the first.

    Raises ArchError where the file cannot be trained, SettingError, TrainingError, and Unfinished.
    """
    document, unsound = _document(name, data)
    architecture = checked_architecture(amended(document, settings), unsound, options.force)
    spec, promised = architecture.spec, _data_of(document)
    wishes = _wishes(options, Wishes("", promised_data="" if promised == spec.data else promised))
    job = prepared(architecture, wishes, options, share)
    run = agreed(lambda: begin(job, options.name or spec.name, options.runs) if job.leads else None, share)
    return carried_out(job, run)


def resume(path: Path, options: Options, share: Share = ALONE) -> TrainingResult | None:
    """Goes on with a run as it was started; device, workers, `until` and the place of the data may be others."""
    run = open_run(path, options.previous)
    document, _ = _document(str(path / "arch.yaml"), run.directory.read("arch.yaml"))
    job = prepared(Architecture(document, run.spec, run.measures), _wishes(options, run.about.options), options, share)
    if list(job.data.classes) != run.about.classes or list(job.data.mean) != run.about.mean:
        raise DataError(f"{job.wishes.data_dir} holds other pictures than those that the run was started with")
    return carried_out(job, run)


def _document(name: str, data: bytes) -> tuple[Document, list[Finding]]:
    source, undecodable = decode(name, data)
    document, unsound = (None, undecodable) if undecodable else read(source)
    if document is None:
        raise ArchError(Checked(source, placed(unsound, source, None)))
    return document, unsound


def _data_of(document: Document) -> str:
    """The data set that a file is about."""
    data = document.root.data
    said = data.get("data") if isinstance(data, dict) else None
    return str(said or ArchSpec.model_fields["data"].default)


def _wishes(options: Options, before: Wishes) -> Wishes:
    """What the options say, else what the run was started with."""
    given = {field.name: getattr(options, field.name, None) for field in fields(Wishes)}
    said = {name: value for name, value in given.items() if value not in (None, False)}
    directory = str(data_directory(options.data_dir, before.data_dir).resolve())
    try:
        return replace(before, **said | {"data_dir": printable(directory)})
    except ValueError as problem:
        raise DataError(f"the data directory {directory!r} cannot be recorded: {problem}; rename it") from problem


def carried_out(job: Job, run: Run | None) -> TrainingResult | None:
    """Trains to the end and says what it came to. `run` is None where another process has just made it."""
    introduce(job, run)
    with _failing(job, run):
        with ending() as wish, held(run) if run and job.leads else nullcontext():
            learner, record, is_stopped = go(job, run, wish)
        if is_stopped:
            epoch = learner.step // learner.plan.steps + 1
            stopped = Stopped(f"stopped in epoch {epoch} of {learner.plan.epochs}", job, run)
            stopped.signal = wish.signal or SIGTERM
            raise stopped
        if run is None or not job.leads:
            return None
        scores = learner.score(job.data.test)
    judgement = judge(job.spec, job.wishes, scores.accuracy)
    finish(job, run, record, scores, judgement)
    return result(job, run, record, scores.accuracy, judgement)


@contextmanager
def _failing(job: Job, run: Run | None) -> Iterator[None]:
    """Says of what ends a training from outside which run it ended."""
    try:
        yield
    except (ComputeError, WorkerLost) as problem:
        raise Failed(str(problem), job, run) from problem
    finally:
        job.voice.stop()
