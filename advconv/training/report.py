"""What is said of a training before its first step and after its last, and what it gives back."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from advconv.language.data_sets import SETS
from advconv.text.visible import visible
from advconv.training.promise import Judgement
from advconv.training.run import Run, load_weights, open_run
from advconv.training.state import Record
from advconv.training.train import Job

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class TrainingResult:
    """What a training came to, accuracies in percent.

    `path`: the directory of the run. `accuracy`: of the averaged weights of the last epoch on the test set. `best`: of
    the best epoch, on the validation set where there is one. `promise_kept`: None where nothing is promised or judged.
    """

    path: Path
    accuracy: float
    best: float | None
    best_epoch: int
    promise_kept: bool | None
    lines: tuple[str, ...] = field(repr=False)

    def module(self, weights: str = "last", previous: bool = False) -> "nn.Module":
        """The network with its `last` or `best` weights, on the CPU, in evaluation mode.

        `previous` takes those of the checkpoint before the newest. Raises TrainingError where they are damaged.
        """
        return load_weights(open_run(self.path, previous), weights)

    def __str__(self) -> str:
        return "\n".join(map(visible, self.lines))


def introduce(job: Job, run: Run | None) -> None:
    """Says what is trained, on what, where."""
    if run is None:
        return
    sets, validation = job.data, job.data.validation
    held_out = f" + {len(validation):,} for validation" if validation else ""
    counts = f"{len(sets.train):,} training{held_out} + {len(sets.test):,} test pictures"
    job.voice.say(f"{job.spec.name}: {job.measures.total.params:,} parameters; {SETS[job.spec.data].title}, {counts}")
    job.voice.say(f"{job.setup}; writes {run.path}")
    if (size := job.plan().batch_size) < job.spec.train.batch_size:
        asked = job.spec.train.batch_size
        job.voice.say(f"a batch has all {size:,} training images, which are fewer than the batch_size of {asked:,}")
    for note in filter(None, (job.setup.note, run.note)):
        job.voice.say(note)


def result(job: Job, run: Run, record: Record, accuracy: float, judgement: Judgement) -> TrainingResult:
    lines = [*_headline(job, run, record, accuracy), *_promise(judgement, accuracy)]
    return TrainingResult(run.path, accuracy, record.best, record.best_epoch, judgement.kept, tuple(lines))


def _headline(job: Job, run: Run, record: Record, accuracy: float) -> list[str]:
    epoch = record.rows[-1].epoch if record.rows else 0
    pictures = f"{len(job.data.test):,} pictures of {SETS[job.spec.data].title}"
    lines = [f"test accuracy {accuracy:.2f}% ({pictures}), averaged weights of epoch {epoch}"]
    if job.is_reached(record):
        lines.append(f"reached {job.wishes.until:g}% on the {record.picked_on} set in epoch {epoch}")
    if record.best is not None:
        lines.append(f"best epoch {record.best_epoch}: {record.best:.2f}%, picked on the {record.picked_on} set")
    return [*lines, f"all of it is in {run.path}"]


def _promise(judgement: Judgement, accuracy: float) -> list[str]:
    promise = judgement.promise
    if promise is None:
        return []
    if judgement.kept is None:
        return [f"accuracy {promise.text} is not judged: {judgement.reason}"]
    return [f"accuracy {promise.text}: {'kept' if judgement.kept else 'FAILED'} ({promise.slack(accuracy):+.2f})"]
