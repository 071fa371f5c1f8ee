"""What the trainings of a sweep have recorded: their runs, and why some of them failed."""

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from advconv.language.effective import effective_fields
from advconv.language.spec import ArchSpec
from advconv.report.run.reading import RunReport, read_run
from advconv.training.files import RunDirectory, RunError
from advconv.training.saved import Flag, Positive, Text, dump_with_checksum, parse_with_checksum, validated_as
from advconv.training.sweep.plan import Sweep, Trial, is_sweep, open_sweep

FAILURES = "failures.json"

MAX_FAILURES_BYTES = 2**24


@dataclass(frozen=True)
class Failure:
    """Why a training failed. `diverged`: its loss did, as it would again."""

    trial: Positive
    reason: Text
    diverged: Flag


class TrialResult(NamedTuple):
    """What a trial has recorded: the accuracy in percent of a finished one, or why it failed; else neither.

    `accuracy` is that of the averaged weights after the last epoch, on the set `measured_on`: the validation images if
    there are any, else the test images. `seconds`: of the epochs, without evaluation.
    """

    trial: Trial
    measured_on: str
    accuracy: float | None = None
    seconds: float = 0.0
    failure: Failure | None = None

    @property
    def is_settled(self) -> bool:
        """Whether training it again would change nothing."""
        return self.accuracy is not None or (self.failure is not None and self.failure.diverged)


def read_trial(sweep: Sweep, trial: Trial, spec: ArchSpec, failure: Failure | None) -> TrialResult:
    """`spec` is that of the combination, `failure` what is recorded of the trial. Raises RunError."""
    path = run_path(sweep, trial)
    report = _read_run(path, trial, spec) if path else None
    measured_on = "validation" if spec.train.val_split else "test"
    if report is None or report.result is None or report.last is None:
        return TrialResult(trial, measured_on, failure=failure)
    validation = report.last.val_accuracy
    accuracy = report.result.test_accuracy if validation is None else validation
    return TrialResult(trial, measured_on, accuracy, report.seconds)


def _read_run(path: Path, trial: Trial, spec: ArchSpec) -> RunReport:
    """Raises RunError if it is damaged, or the run of something else."""
    try:
        report = read_run(path)
    except RunError as problem:
        raise RunError(f"{problem}; without {path} this trial starts again") from problem
    expected = effective_fields(spec)
    expected["train"]["seed"] = trial.seed
    if effective_fields(report.spec) != expected:
        raise RunError(f"{path} is not a run of {trial}; without it this trial starts again")
    return report


def run_path(sweep: Sweep, trial: Trial) -> Path | None:
    """The directory of a trial's run; None if it has not started. Raises RunError if it is a link."""
    path = sweep.path / trial.name
    if sweep.directory.is_link(trial.name):
        raise RunError(f"{path} is a link, which is not followed")
    return path if sweep.directory.has(trial.name) else None


def all_runs(paths: Iterable[Path]) -> list[Path]:
    """The runs, those of a sweep in its place. Raises RunError if a run is named twice."""
    runs = [run for path in paths for run in (_runs_of(path) if is_sweep(path) else [path])]
    if len({os.path.realpath(run) for run in runs}) < len(runs):
        raise RunError("a run is named twice; several different ones are compared")
    return runs


def _runs_of(path: Path) -> list[Path]:
    """The runs of a sweep that have started, in order. Raises RunError."""
    sweep = open_sweep(path)
    found = [run for trial in sweep.plan.trials() if (run := run_path(sweep, trial))]
    if not found:
        raise RunError(f"no training of the sweep {path} has started")
    return found


def read_failures(directory: RunDirectory) -> list[Failure]:
    """Raises RunError if they are damaged."""
    if not directory.has(FAILURES):
        return []
    try:
        data = parse_with_checksum(directory.read(FAILURES, MAX_FAILURES_BYTES))
        return validated_as(list[Failure], data.get("failures"))
    except ValueError as problem:
        raise RunError(f"{directory.path / FAILURES} is damaged: {problem}; remove it to try them again") from problem


def write_failures(directory: RunDirectory, failures: list[Failure]) -> None:
    """Raises RunError."""
    directory.write(FAILURES, dump_with_checksum({"failures": [asdict(failure) for failure in failures]}))
