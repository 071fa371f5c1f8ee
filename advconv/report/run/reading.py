"""A run as plain data for its report, read without torch."""

from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from advconv.check import Checked, check_document
from advconv.constraints.record import Status, Verdict, status
from advconv.language.spec import ArchSpec
from advconv.report.page.rows import shortened
from advconv.training.checkpoints import LAST
from advconv.training.confusion import Confusion
from advconv.training.files import RunError
from advconv.training.metrics import EpochMetrics, History, check_history
from advconv.training.names import METRICS
from advconv.training.promise import judge_accuracy
from advconv.training.records import (
    Augmented,
    Predictions,
    Result,
    read_augmented,
    read_predictions,
    read_result,
)
from advconv.training.run import Run, RunMetadata, is_locked, open_run
from advconv.training.saved import parse_object, validated_as

MAX_METRICS = 2**26
"""Bytes of `metrics.jsonl`, a quarter of a million epochs."""


MAX_NAME = 100
"""Characters of the name of a class or a device."""


class State(StrEnum):
    FINISHED = "finished"
    TRAINING = "training"
    INTERRUPTED = "interrupted"


class RunReport(NamedTuple):
    """What a run has recorded. `checked` is the check of its `arch.yaml`, with the promised accuracy judged.

    `result` is None unless the run is finished. `missing`: why there are no predictions or no augmented images.
    """

    run: Run
    checked: Checked
    history: History
    state: State
    result: Result | None
    predictions: Predictions | None
    augmented: Augmented | None
    missing: str = ""

    @property
    def name(self) -> str:
        """The name of the run's directory."""
        return self.run.path.resolve().name

    @property
    def metadata(self) -> RunMetadata:
        return self.run.metadata

    @property
    def spec(self) -> ArchSpec:
        return self.run.spec

    @property
    def last(self) -> EpochMetrics | None:
        """The metrics of the last finished epoch."""
        return self.history.epochs[-1] if self.history.epochs else None

    @property
    def classes(self) -> list[str]:
        return [shortened(name, MAX_NAME) for name in self.metadata.classes]

    @property
    def device(self) -> str:
        return shortened(self.metadata.device, MAX_NAME)

    @property
    def confusion(self) -> Confusion | None:
        return Confusion.of(self.classes, self.predictions.confusion) if self.predictions else None

    @property
    def seconds(self) -> float:
        """The time of the finished epochs, without evaluation."""
        return sum(metrics.seconds for metrics in self.history.epochs)


def read_run(path: Path) -> RunReport:
    """Raises RunError if there is no run, or if one of its files is damaged."""
    run = open_run(path)
    history = read_history(run)
    result = read_result(run.directory)
    # A run that was finished and then resumed has a result of an earlier epoch until it is finished again.
    result = result if result and history.epochs and result.epoch == len(history.epochs) else None
    predictions = read_predictions(run.directory, len(run.metadata.classes)) if result else None
    if predictions and run.directory.has(LAST) and predictions.weights != run.directory.sha256(LAST):
        predictions = None
    checked = _with_accuracy(check_document(run.architecture.document, []), run, result)
    state = State.FINISHED if result else State.TRAINING if is_locked(run) else State.INTERRUPTED
    return RunReport(run, checked, history, state, result, predictions, read_augmented(run.directory))


def read_history(run: Run) -> History:
    """The metrics of the finished epochs. Raises RunError."""
    history = History([])
    if not run.directory.has(METRICS):
        return history
    lines = run.directory.read(METRICS, MAX_METRICS).splitlines()
    try:
        rows = [parse_object(line) for line in lines]
        for metrics in validated_as(list[EpochMetrics], rows):
            history.add(metrics)
        check_history(history, len(rows))
    except ValueError as problem:
        raise RunError(f"{run.path / METRICS} is damaged: {problem}") from problem
    if len(rows) > run.spec.train.epochs:
        reason = f"it has {len(rows):,} epochs, the run has {run.spec.train.epochs:,}"
        raise RunError(f"{run.path / METRICS} is damaged: {reason}")
    return history


def _with_accuracy(checked: Checked, run: Run, result: Result | None) -> Checked:
    """The check, with the promised accuracy judged by the result."""
    verdicts = tuple(
        _judged(verdict, run, result) if verdict.status is Status.PROMISED else verdict for verdict in checked.verdicts
    )
    return checked._replace(verdicts=verdicts)


def _judged(verdict: Verdict, run: Run, result: Result | None) -> Verdict:
    if result is None:
        return verdict._replace(words=("not measured yet", "checked when the training ends"))
    judgement = judge_accuracy(run.spec, run.metadata.options, result.test_accuracy)
    if judgement.kept is None:
        return verdict._replace(words=(f"{result.test_accuracy:.2f}%", f"not judged: {judgement.reason}"))
    return verdict._replace(value=round(result.test_accuracy, 4), status=status(judgement.kept))
