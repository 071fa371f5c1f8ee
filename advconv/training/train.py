"""A training from its first batch to its verdict."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import torch

from advconv.analysis.measure import Measures
from advconv.backends.torch_module import build
from advconv.backends.torch_source import emit
from advconv.language.data_sets import SETS
from advconv.language.effective import effective_text
from advconv.language.spec import ArchSpec
from advconv.layers.pointwise import BatchNorm2d
from advconv.report.torchinfo import torchinfo
from advconv.training import pictures as draw
from advconv.training.augment import Augment, pipeline
from advconv.training.data import DataSets
from advconv.training.device import Setup, versions
from advconv.training.distributed import any_of
from advconv.training.files import RunError
from advconv.training.loader import Batch, Plan, Share, batches
from advconv.training.loop import Learner, Row, Scores, epochs
from advconv.training.options import Wishes
from advconv.training.promise import Judgement
from advconv.training.results import by_class, confusion_counts
from advconv.training.run import About, Run, create, digest, open_run, restore, save, settled
from advconv.training.show import Voice
from advconv.training.signals import Wish
from advconv.training.state import Record


class Job(NamedTuple):
    """What is to be trained, on what, where, and by how many."""

    spec: ArchSpec
    measures: Measures
    data: DataSets
    setup: Setup
    wishes: Wishes
    workers: int
    share: Share
    voice: Voice

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes."""
        return self.share.rank == 0

    def plan(self) -> Plan:
        """Batches no larger than what there is. Raises RunError where they cannot be shared, or are too small."""
        recipe, pictures = self.spec.train, len(self.data.train)
        size = min(recipe.batch_size, pictures)
        if size % self.share.of:
            raise RunError(f"a batch of {size} pictures does not divide into {self.share.of} processes")
        if size == 1 and (norm := self._norm_of_one_position()):
            reason = f"a batch of one image leaves the batch norm of {norm} one value a channel"
            raise RunError(f"{reason}, which has no variance; use a batch_size of 2 or more")
        return Plan(pictures, size, recipe.epochs, recipe.seed, self.share)

    def _norm_of_one_position(self) -> str:
        """The row of the first batch norm over a map of one position; empty where there is none."""
        norms = (node for node in self.measures.graph.nodes if isinstance(node.layer, BatchNorm2d))
        return next((node.row.label for node in norms if node.shape.size == (1, 1)), "")

    def learner(self) -> Learner:
        torch.manual_seed(self.spec.train.seed)
        return Learner(build(self.measures.graph), self.data, self.spec.train, self.plan(), self.setup)

    def is_reached(self, record: Record) -> bool:
        """Whether the last epoch has come to `until`."""
        return self.wishes.until is not None and record.newest is not None and record.newest >= self.wishes.until

    def augment(self) -> Augment:
        return Augment(pipeline(self.spec.augment, self.data.mean), self.spec.train.seed)


def begin(job: Job, name: str, runs: Path) -> Run:
    """A new run below `runs` with all that is known before the first step. Raises RunError."""
    text = effective_text(job.spec)
    about = About(
        name=name,
        started=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        hash=digest(text.encode()),
        seed=job.spec.train.seed,
        device=str(job.setup),
        versions=versions(),
        options=job.wishes,
        classes=list(job.data.classes),
        mean=list(job.data.mean),
        std=list(job.data.std),
        processes=job.share.of,
    )
    files: dict[str, bytes | str] = {
        "arch.yaml": text,
        "model.py": emit(job.measures, job.spec.name),
        "summary.txt": torchinfo(job.measures) + "\n",
        "augmented.png": _augmented(job),
    }
    return open_run(create(about, files, runs))


AUGMENTED_SECONDS = 5.0
"""After which a slow augmentation is shown for the epochs that it has been drawn for by then."""


def _augmented(job: Job) -> bytes:
    """Training pictures as the network sees them: each row one picture, first as it is, then in the first epochs."""
    augment, images = job.augment(), job.data.train.images[:6].numpy()
    draws = (augment(image, epoch, index) for epoch in range(9) for index, image in enumerate(images))
    ends = time.perf_counter() + AUGMENTED_SECONDS
    drawn = list(takewhile(lambda _: time.perf_counter() < ends, draws))
    whole = len(drawn) - len(drawn) % len(images)
    rows = [[image, *drawn[index : whole : len(images)]] for index, image in enumerate(images)]
    return draw.mosaic(rows, "Training pictures as they are (left), and as the network sees them epoch by epoch")


class Reached(NamedTuple):
    """Where a training has come to; `is_stopped` where one of its processes was asked to end before that."""

    learner: Learner
    record: Record
    is_stopped: bool


def go(job: Job, run: Run | None, wish: Wish) -> Reached:
    """Trains from where the run stands until the end, `until`, or a wish to stop. Raises TrainingError."""
    learner, voice = job.learner(), job.voice
    record = restore(run, learner) if run else Record([])
    if run and job.leads:
        settled(run, learner, record)
    if run and learner.step:
        _greet(job, run, learner, record)
    voice.start(learner.step)
    with _batches(job, learner, wish) as stream, _board(job, run, record.rows) as board:
        # Within an epoch it goes on to its end, whatever the last one has reached.
        if learner.step % learner.plan.steps or not job.is_reached(record):
            for row in epochs(learner, stream, job.data, lambda: any_of(bool(wish), job.share), voice.show):
                is_best = record.add(row)
                if run and job.leads:
                    save(run, learner, record, is_best)
                    _board_row(board, row)
                voice.epoch(row, learner.plan.epochs)
                # The first process decides: the others may have normed other pictures.
                if any_of(job.leads and job.is_reached(record), job.share):
                    break
    is_stopped = any_of(bool(wish), job.share) and learner.step < learner.plan.epochs * learner.plan.steps
    if is_stopped and run and job.leads:
        save(run, learner, record, is_best=False)
    return Reached(learner, record, is_stopped)


def _greet(job: Job, run: Run, learner: Learner, record: Record) -> None:
    """Says of a run that is resumed whether it is finished, else what differs from before."""
    is_at_end = learner.step == learner.plan.epochs * learner.plan.steps
    if is_at_end or (learner.step % learner.plan.steps == 0 and job.is_reached(record)):
        result = (
            f"epoch {len(record.rows)} of {learner.plan.epochs}, {record.newest:.2f}% on the {record.picked_on} set"
        )
        longer = f"start a new run: advconv train {run.path / 'arch.yaml'} --epochs {2 * learner.plan.epochs}"
        help = (
            f"to train longer, {longer}"
            if is_at_end
            else f"to train on, give a higher --until than {job.wishes.until:g}"
        )
        job.voice.say(f"{run.path} is finished: {result}; {help}")
    elif changed := learner.conditions.changed(learner.before or run.about.conditions):
        job.voice.say(changed)


def _batches(job: Job, learner: Learner, wish: Wish) -> AbstractContextManager[Iterator[Batch]]:
    place = job.setup.device.type
    return batches(
        job.data.train, job.augment(), learner.plan, learner.step, job.workers, place, job.voice.say, lambda: bool(wish)
    )


@contextmanager
def _board(job: Job, run: Run | None, rows: list[Row]) -> Iterator[Any]:
    """TensorBoard's writer, where it was asked for. As with the logs, what a killed run wrote is written anew."""
    if not job.wishes.tensorboard or run is None or not job.leads:
        yield None
        return
    from torch.utils.tensorboard import SummaryWriter

    if run.directory.is_link("tensorboard"):
        raise RunError(f"{run.path / 'tensorboard'} is a link, which is not followed")
    with SummaryWriter(str(run.path / "tensorboard"), purge_step=0) as writer:
        for row in rows:
            _board_row(writer, row)
        yield writer


def _board_row(board: Any, row: Row) -> None:
    if board is None:
        return
    for key, value in vars(row).items():
        if key != "epoch" and value is not None:
            board.add_scalar(key, value, row.epoch)
    board.flush()


def finish(job: Job, run: Run, record: Record, scores: Scores, judgement: Judgement) -> None:
    """Writes all that shows how good the averaged weights are on the test set. Raises RunError."""
    data = SETS[job.spec.data].title
    title = f"{run.about.name}: {scores.accuracy:.2f}% of {len(job.data.test):,} test pictures of {data}"
    for name, content in _results(job, record, scores, judgement, title).items():
        run.directory.write(name, content)


def _results(job: Job, record: Record, scores: Scores, judgement: Judgement, title: str) -> Mapping[str, bytes | str]:
    classes, test = job.data.classes, job.data.test
    promise, kept, reason = judgement
    result = {
        "epoch": record.rows[-1].epoch if record.rows else 0,
        "data": job.spec.data,
        "test_pictures": len(test),
        "test_accuracy": scores.accuracy,
        "test_loss": scores.loss,
        "best_epoch": record.best_epoch,
        "best_accuracy": record.best,
        "best_picked_on": record.picked_on,
        "promise": promise.text if promise else None,
        "promise_kept": kept,
        "promise_not_judged": reason or None,
        "training_seconds": sum(row.seconds for row in record.rows),
    }
    return {
        "result.json": json.dumps(result, indent=2) + "\n",
        "per_class.csv": by_class(test, scores, classes, title).csv() + "\n",
        "curves.png": draw.curves(record.rows, promise.bounds[0].value if promise and not reason else None, title),
        "misclassified.png": draw.misclassified(test, scores, classes),
        "confusion.png": draw.confusion(confusion_counts(test, scores), classes, title),
    }
