"""The lines printed before the first and after the last step of a training, and its result in Python."""

import os
import shlex
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from advconv.language.data_sets import SETS
from advconv.text.visible import visible
from advconv.training.metrics import History
from advconv.training.options import RunOptions, flag
from advconv.training.promise import AccuracyJudgement
from advconv.training.run import Run, open_run
from advconv.training.run_files import load_weights
from advconv.training.setup import TrainingSetup

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class TrainingResult:
    """The result of a training, accuracies in percent.

    `path`: the directory of the run. `accuracy`: of the averaged weights of the last epoch on the test set. `best`: of
    the best epoch, on the validation set if there is one. `promise_kept`: None if nothing is promised or judged.
    """

    path: Path
    accuracy: float
    best: float | None
    best_epoch: int
    promise_kept: bool | None
    lines: tuple[str, ...] = field(repr=False)

    def module(self, weights: str = "last", previous: bool = False) -> "nn.Module":
        """The network with its `last` or `best` weights, on the CPU, in evaluation mode.

        `previous` loads those of the checkpoint before the newest. Raises TrainingError if they are damaged.
        """
        return load_weights(open_run(self.path, previous), weights)

    def __str__(self) -> str:
        return "\n".join(map(visible, self.lines))


def report_setup(setup: TrainingSetup, run: Run) -> None:
    """Prints what is trained, on which images and on which device."""
    data, spec, report = setup.data, setup.spec, setup.reporter.message
    validation = f" + {len(data.validation):,} for validation" if data.validation else ""
    counts = f"{len(data.train):,} training{validation} + {len(data.test):,} test images"
    report(f"{spec.name}: {setup.measures.total.params:,} parameters; {SETS[spec.data].title}, {counts}")
    report(f"{setup.accelerator}; writes {run.path}")
    for line in setup.start.lines if setup.start else ():
        report(line)
    if (size := setup.plan().batch_size) < spec.train.batch_size:
        report(
            f"a batch has all {size:,} training images, which are fewer than the batch_size of "
            f"{spec.train.batch_size:,}"
        )
    if setup.accelerator.note:
        report(setup.accelerator.note)


def resume_command(setup: TrainingSetup, run: Run | None) -> str:
    """The command that resumes a run, with the options of this call that differ from those in `run.json`."""
    local = os.environ.get("LOCAL_WORLD_SIZE", setup.process.world_size)
    program = f"torchrun --nproc-per-node={local} -m advconv" if setup.process.world_size > 1 else "advconv"
    if run is None:
        return f"{program} train --resume RUN"
    options = changed_options(setup.options, run.metadata.options)
    return f"{program} train --resume {shlex.quote(str(run.path))}{options}"


def changed_options(current: RunOptions, recorded: RunOptions) -> str:
    """The options of a call that differ from recorded ones, as they are written: ` --device cpu`."""
    before = asdict(recorded)
    changed = [(flag(name), value) for name, value in asdict(current).items() if value != before[name]]
    return "".join(f" {name}" if value is True else f" {name} {shlex.quote(str(value))}" for name, value in changed)


def training_result(
    setup: TrainingSetup, run: Run, history: History, accuracy: float, judgement: AccuracyJudgement
) -> TrainingResult:
    lines = [*_headline(setup, run, history, accuracy), *_promise(judgement, accuracy)]
    return TrainingResult(run.path, accuracy, history.best_accuracy, history.best_epoch, judgement.kept, tuple(lines))


def _headline(setup: TrainingSetup, run: Run, history: History, accuracy: float) -> list[str]:
    epoch = history.epochs[-1].epoch if history.epochs else 0
    images = f"{len(setup.data.test):,} images of {SETS[setup.spec.data].title}"
    lines = [f"test accuracy {accuracy:.2f}% ({images}), averaged weights of epoch {epoch}"]
    if reason := setup.reason_to_end(history):
        lines.append(reason)
    if history.best_accuracy is not None:
        best = f"best epoch {history.best_epoch}: {history.best_accuracy:.2f}%"
        lines.append(f"{best}, picked on the {history.picked_on} set")
    return [*lines, f"all files of the run are in {run.path}"]


def _promise(judgement: AccuracyJudgement, accuracy: float) -> list[str]:
    promise = judgement.promise
    if promise is None:
        return []
    if judgement.kept is None:
        return [f"accuracy {promise.text} is not judged: {judgement.reason}"]
    return [f"accuracy {promise.text}: {'kept' if judgement.kept else 'FAILED'} ({promise.slack(accuracy):+.2f})"]
