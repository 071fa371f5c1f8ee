"""Training from start to result: a file as a new run, or a run that is resumed; the command and Python share it."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import fields, replace
from pathlib import Path
from signal import SIGTERM

from advconv.language.overrides import Setting, apply_settings
from advconv.language.spec import ArchSpec
from advconv.text.document import Document
from advconv.training.architecture import Architecture, check_architecture, read_document
from advconv.training.data import DataError
from advconv.training.distillation import Teacher
from advconv.training.distributed import run_on_all_ranks, same_on_all_ranks
from advconv.training.errors import ComputeError, TrainingError
from advconv.training.extension import extended, write_extension
from advconv.training.fit import fit
from advconv.training.initial_weights import Start, start_from, start_of_resumed
from advconv.training.options import CallOptions, RunOptions, TeacherRecord
from advconv.training.peers import advice_on_abort
from advconv.training.prepare import prepare
from advconv.training.promise import judge_accuracy
from advconv.training.ranks import Rank
from advconv.training.report import TrainingResult, report_setup, resume_command, training_result
from advconv.training.results import write_results
from advconv.training.run import Run, locked, open_run
from advconv.training.saved import without_control_characters
from advconv.training.sets import data_directory
from advconv.training.setup import TrainingSetup
from advconv.training.signals import stop_on_signals
from advconv.training.start_run import start_run
from advconv.training.teacher import open_teacher
from advconv.training.workers import WorkerLost


class Unfinished(Exception):
    """A training has ended before its last epoch; `run` is None in the other processes of a new run."""

    def __init__(self, message: str, setup: TrainingSetup, run: Run | None) -> None:
        super().__init__(message)
        self.setup, self.run = setup, run

    @property
    def resume_command(self) -> str:
        return resume_command(self.setup, self.run)

    @property
    def resume_call(self) -> str:
        """The Python call that resumes it."""
        return f"advconv.resume({str(self.run.path) if self.run else 'RUN'!r})"


class Stopped(Unfinished):
    """After SIGINT or SIGTERM, with a checkpoint of the last step."""

    signal: int = SIGTERM


class Failed(Unfinished):
    """After an error of torch or the loss of a worker; the checkpoint is that of the last epoch."""


SINGLE = Rank()


def train_file(
    name: str, data: bytes, settings: list[Setting], call: CallOptions, process: Rank = SINGLE
) -> TrainingResult | None:
    """Trains a file's content, with some of its fields overridden, as a new run. None unless this is the main process.

    Raises ArchError if the file cannot be trained, SettingError, TrainingError, and Unfinished.
    """
    document, yaml_findings = read_document(name, data)
    architecture = check_architecture(apply_settings(document, settings), yaml_findings, call.force)
    promised, spec = _data_of(document), architecture.spec
    start = _start(architecture, call, process)
    weights = start.record if start else None
    teacher = _teacher(spec, None, process)
    options = RunOptions(
        "",
        promised_data="" if promised == spec.data else promised,
        initial_weights=weights,
        teacher=teacher.record if teacher else None,
    )
    setup = prepare(architecture, merged_options(call, options), call, process, teacher)._replace(start=start)
    is_main, title = process.is_main, call.name or spec.name
    run = run_on_all_ranks(lambda: start_run(setup, title, call.runs, call.directory) if is_main else None, process)
    return _train(setup, run)


def _start(architecture: Architecture, call: CallOptions, process: Rank) -> Start | None:
    """The weights to start from, the same in all processes. Raises TrainingError."""
    if (source := call.weights_from) is None:
        return None
    graph, seed = architecture.measures.graph, architecture.spec.train.seed
    start = run_on_all_ranks(lambda: start_from(source, graph, seed, call.force), process)
    if not same_on_all_ranks(bytes.fromhex(start.record.sha256), process):
        raise TrainingError(f"{source} is not the same file in all processes")
    return start


def _teacher(spec: ArchSpec, recorded: TeacherRecord | None, process: Rank) -> Teacher | None:
    """The teacher of a distillation, the same in all processes. Raises TrainingError in all of them."""
    teacher = run_on_all_ranks(lambda: open_teacher(spec, recorded), process)
    if teacher and not same_on_all_ranks(bytes.fromhex(teacher.record.sha256), process):
        raise TrainingError(f"the teacher {teacher.record.source} does not have the same weights in all processes")
    return teacher


def resume_run(
    path: Path, call: CallOptions, process: Rank = SINGLE, epochs: Setting | None = None
) -> TrainingResult | None:
    """Resumes a run; device, workers, `until` and the directory of the data may differ. Raises as `train_file`.

    `epochs` sets a larger number of epochs than the run has.
    """

    def opened() -> tuple[Run, Run]:
        found = open_run(path, call.previous)
        return found, extended(found, epochs) if epochs else found

    # All processes have read the run before one of them extends it.
    before, run = run_on_all_ranks(opened, process)
    start = run_on_all_ranks(lambda: start_of_resumed(run), process)
    options = merged_options(call, run.metadata.options)
    teacher = _teacher(run.spec, options.teacher, process)
    setup = prepare(run.architecture, options, call, process, teacher)._replace(start=start)
    if list(setup.data.classes) != run.metadata.classes or list(setup.data.mean) != run.metadata.mean:
        raise DataError(f"{setup.options.data_dir} has other images than those that the run was started with")
    run_on_all_ranks(lambda: write_extension(before, run) if process.is_main else None, process)
    return _train(setup, run)


def _data_of(document: Document) -> str:
    """The data set that a file names, or the default."""
    data = document.root.data
    name = data.get("data") if isinstance(data, dict) else None
    return str(name or ArchSpec.model_fields["data"].default)


def merged_options(call: CallOptions, before: RunOptions) -> RunOptions:
    """The options of a call; if it does not set one, that of the run."""
    values = {field.name: getattr(call, field.name, None) for field in fields(RunOptions)}
    given = {name: value for name, value in values.items() if value not in (None, False)}
    directory = str(data_directory(call.data_dir, before.data_dir).resolve())
    try:
        return replace(before, **given | {"data_dir": without_control_characters(directory)})
    except ValueError as problem:
        raise DataError(f"the data directory {directory!r} cannot be recorded: it {problem}; rename it") from problem


def _train(setup: TrainingSetup, run: Run | None) -> TrainingResult | None:
    """Trains to the end, evaluates and writes the results. `run` is None in the other processes of a new run."""
    if run:
        report_setup(setup, run)
    with _naming_the_run(setup, run):
        with stop_on_signals() as stop, locked(run) if run and setup.process.is_main else nullcontext():
            trainer, history, is_stopped = fit(setup, run, stop)
        if is_stopped:
            stopped = Stopped(f"stopped in epoch {trainer.epoch + 1} of {trainer.plan.epochs}", setup, run)
            stopped.signal = stop.signal or SIGTERM
            raise stopped
        if run is None or not setup.process.is_main:
            return None
        evaluation = trainer.evaluate(setup.data.test)
    judgement = judge_accuracy(setup.spec, setup.options, evaluation.accuracy)
    write_results(setup, run, history, evaluation, judgement)
    return training_result(setup, run, history, evaluation.accuracy, judgement)


@contextmanager
def _naming_the_run(setup: TrainingSetup, run: Run | None) -> Iterator[None]:
    """Converts errors that end a training to Failed, which names the run that can be resumed."""
    try:
        with advice_on_abort(f"resume with: {resume_command(setup, run)}"):
            yield
    except (ComputeError, WorkerLost) as problem:
        raise Failed(str(problem), setup, run) from problem
    finally:
        setup.reporter.close()
