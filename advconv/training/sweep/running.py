"""Runs a sweep: its trainings one after the other, each an ordinary run in the directory of the sweep."""

import gc
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from signal import SIGINT
from typing import NamedTuple

import torch

from advconv.language.spec import ArchSpec
from advconv.report.table import Table
from advconv.system.process import is_out_of_memory
from advconv.text.visible import first_line, visible
from advconv.training.architecture import read_document
from advconv.training.confusion import percent_text
from advconv.training.errors import TrainingError
from advconv.training.files import RunDirectory
from advconv.training.memory_need import InsufficientMemory
from advconv.training.names import SWEEP
from advconv.training.options import CallOptions, RunOptions
from advconv.training.report import changed_options
from advconv.training.signals import Interrupted, Interrupts, interrupts
from advconv.training.start_run import create_directory, stamped
from advconv.training.sweep.combinations import check_combinations, default_seed
from advconv.training.sweep.figure import sweep_figure
from advconv.training.sweep.plan import Axis, Plan, Sweep, SweepError, Trial, check, open_sweep, plan_text
from advconv.training.sweep.results import sweep_table
from advconv.training.sweep.trials import Failure, TrialResult, read_failures, read_trial, run_path, write_failures
from advconv.training.train import Failed, Stopped, merged_options, resume_run, train_file
from advconv.training.trainer import Diverged

TABLE, FIGURE = "sweep.csv", "sweep.png"

Message = Callable[[str], None]


class SweepStopped(Exception):
    """After a signal; the text says in which trial, and how to resume."""

    def __init__(self, message: str, signal: int) -> None:
        super().__init__(message)
        self.signal = signal


class SweepResult(NamedTuple):
    """The table of a sweep whose trials are finished or have failed; `failed`: how many have."""

    path: Path
    table: Table
    failed: int


def start_sweep(
    name: str, data: bytes, axes: list[Axis], seeds: list[int], call: CallOptions, message: Message
) -> SweepResult:
    """Trains all combinations of a file's content with each seed (those of the file, if there are none).

    Raises InvalidCombinations and ArchError before anything is trained or written, SettingError, TrainingError, and
    SweepStopped.
    """
    document, _ = read_document(name, data)
    options = merged_options(call, RunOptions(""))
    started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    text = document.source.text
    plan = Plan(call.name or "sweep", started, visible(name), text, axes, seeds, options, call.workers, call.force)
    plan = replace(plan, seeds=seeds or [default_seed(plan)])
    try:
        check(plan)
    except ValueError as problem:
        raise SweepError(str(problem)) from problem
    specs = check_combinations(plan, message)
    plan = replace(plan, name=call.name or specs[0].name)
    path = create_directory(call.runs / stamped(f"{plan.name}-sweep"), {SWEEP: plan_text(plan)})
    return _Runner(Sweep(RunDirectory(path), plan), specs, call, message, is_new=True).run()


def resume_sweep(path: Path, call: CallOptions, message: Message) -> SweepResult:
    """Trains what is left of a sweep; device, workers and the directory of the data may differ.

    Raises as `start_sweep`.
    """
    sweep = open_sweep(path)
    specs = check_combinations(sweep.plan, message=None)
    return _Runner(sweep, specs, call, message).run()


class _Runner:
    """Trains a sweep. `call`: the options of this call, which override those of the plan."""

    def __init__(
        self, sweep: Sweep, specs: list[ArchSpec], call: CallOptions, message: Message, is_new: bool = False
    ) -> None:
        self.sweep, self.specs, self.message, self.is_new = sweep, specs, message, is_new
        self.failures: dict[int, Failure] = {}
        self.stop = Interrupts()
        self.options = options = merged_options(call, sweep.plan.options)
        plan = sweep.plan
        self.call = CallOptions(
            data_dir=options.data_dir, limit=options.limit, until=options.until, device=options.device,
            compile=options.compile, tensorboard=options.tensorboard, force=call.force or plan.force, quiet=call.quiet,
            workers=plan.workers if call.workers is None else call.workers,
        )  # fmt: skip

    def run(self) -> SweepResult:
        """Trains what is not finished, and writes the table and the figure."""
        directory, plan = self.sweep.directory, self.sweep.plan
        with directory.locked(SWEEP), interrupts() as self.stop:
            self._remove_partial_files()
            self.failures = {failure.trial: failure for failure in read_failures(directory)}
            results = [self._result(trial) for trial in plan.trials()]
            table = sweep_table(plan, self.sweep.path, results)
            directory.write(TABLE, table.csv() + "\n")
            directory.write(FIGURE, sweep_figure(plan, results))
        return SweepResult(self.sweep.path, table, sum(result.accuracy is None for result in results))

    def _remove_partial_files(self) -> None:
        """Removes what a killed process has left under hidden names."""
        self.sweep.directory.remove_partial_files()
        for path in self.sweep.path.glob(".*.part"):
            shutil.rmtree(path, ignore_errors=True)

    def _result(self, trial: Trial) -> TrialResult:
        """The result of a trial, which is trained unless that is recorded."""
        with self._explaining_how_to_resume(trial):
            if self.stop:
                raise Interrupted(self.stop.signal)
            result = self._read(trial)
            if result.is_settled:
                return result
            self.message(f"{self._place(trial)}: {trial}")
            self._record(trial, self._train(trial))
            result = self._read(trial)
        accuracy = f": {result.measured_on} accuracy {percent_text(result.accuracy)}"
        outcome = f" failed: {result.failure.reason}" if result.failure else accuracy
        self.message(f"{self._place(trial)}{outcome}")
        return result

    def _read(self, trial: Trial) -> TrialResult:
        spec = self.specs[trial.combination.number - 1]
        return read_trial(self.sweep, trial, spec, self.failures.get(trial.number))

    def _place(self, trial: Trial) -> str:
        return f"trial {trial.number} of {self.sweep.plan.count * len(self.sweep.plan.seeds)}"

    def _train(self, trial: Trial) -> Failure | None:
        """Trains a trial, from its checkpoint if it has one, and returns why it failed on its own, if it did."""
        plan, path = self.sweep.plan, self.sweep.path / trial.name
        try:
            self.stop.raises = True
            if run_path(self.sweep, trial):
                resume_run(path, self.call)
            else:
                call = replace(self.call, name=trial.name, directory=path)
                train_file(plan.file, plan.text.encode(), trial.settings, call)
        except Diverged as problem:
            return Failure(trial.number, visible(problem.reason), diverged=True)
        except (Failed, InsufficientMemory) as problem:
            return Failure(trial.number, visible(first_line(problem)), diverged=False)
        except (MemoryError, OSError, RuntimeError) as problem:
            if not is_out_of_memory(problem):
                raise
            return Failure(trial.number, "out of memory", diverged=False)
        finally:
            self.stop.raises = False
            _free()
        return None

    def _record(self, trial: Trial, failure: Failure | None) -> None:
        before = self.failures.pop(trial.number, None)
        if failure:
            self.failures[trial.number] = failure
        if failure or before:
            write_failures(self.sweep.directory, list(self.failures.values()))

    @contextmanager
    def _explaining_how_to_resume(self, trial: Trial) -> Iterator[None]:
        """Adds the command to what ends a sweep; a new one of which nothing has started is removed again."""
        try:
            yield
        except (Stopped, KeyboardInterrupt) as stop:
            message = f"stopped in {self._place(trial)}; resume with: {self._resume_command()}"
            raise SweepStopped(message, getattr(stop, "signal", SIGINT)) from stop
        except Exception as problem:
            if self.is_new and os.listdir(self.sweep.path) == [SWEEP]:
                shutil.rmtree(self.sweep.path, ignore_errors=True)
            elif isinstance(problem, TrainingError):
                raise SweepError(f"{problem}; then resume with: {self._resume_command()}") from problem
            raise

    def _resume_command(self) -> str:
        """With the options of this call that differ from those of the plan."""
        plan, workers = self.sweep.plan, self.call.workers
        options = changed_options(self.options, plan.options) + (f" --workers {workers}" * (workers != plan.workers))
        return f"advconv sweep --resume {shlex.quote(str(self.sweep.path))}{options}"


def _free() -> None:
    """Frees what a training leaves behind: memory, and compiled code."""
    gc.collect()
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
