"""Training from a run's checkpoint to its last epoch: steps, evaluation, checkpoints, and when to stop."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

from advconv.training.data import TrainingData
from advconv.training.device_augment import load_batches_on
from advconv.training.distributed import any_rank
from advconv.training.errors import computing
from advconv.training.loader import Batch, load_batches
from advconv.training.metrics import EpochMetrics, History, RunningMetrics
from advconv.training.resume_point import load_or_start
from advconv.training.run import Run
from advconv.training.run_files import save_checkpoint
from advconv.training.setup import TrainingSetup
from advconv.training.signals import StopRequest
from advconv.training.tensorboard_log import tensorboard_log
from advconv.training.trainer import Diverged, Trainer


class Outcome(NamedTuple):
    """The state at the end of `fit`; `is_stopped`: after a stop request, before the last step."""

    trainer: Trainer
    history: History
    is_stopped: bool


def fit(setup: TrainingSetup, run: Run | None, stop: StopRequest) -> Outcome:
    """Trains to the last epoch, a reason to end before it, or a stop request; the main process writes the run.

    `run` is None in the other processes of a new run. Raises TrainingError.
    """
    with computing("the start of the training"):
        trainer = setup.trainer()
    history = load_or_start(setup, run, trainer)
    writes = run if setup.process.is_main else None
    setup.reporter.start(trainer.step)
    logs = writes if setup.options.tensorboard else None
    with batches(setup, trainer, lambda: bool(stop)) as loaded, tensorboard_log(logs, history) as log:
        while not _is_finished(setup, trainer, history):
            if not train_epoch(setup, trainer, loaded, stop):
                break
            metrics = evaluate_epoch(trainer, setup.data)
            is_best = history.add(metrics)
            if writes:
                save_checkpoint(writes, trainer, history, is_best)
                log(metrics)
            setup.reporter.after_epoch(metrics, trainer.plan.epochs)
    is_stopped = any_rank(bool(stop), setup.process) and not trainer.is_done
    if is_stopped and writes:
        save_checkpoint(writes, trainer, history, is_best=False)
    return Outcome(trainer, history, is_stopped)


def train_epoch(setup: TrainingSetup, trainer: Trainer, loaded: Iterator[Batch], stop: StopRequest) -> bool:
    """Trains to the end of the current epoch; False if a stop request, or a worker that hangs after one, ends it."""
    started = time.perf_counter()
    for _ in range(trainer.step_in_epoch, trainer.plan.steps_per_epoch):
        is_stopping = trainer.step % trainer.flush_every == 0 and any_rank(bool(stop), setup.process)
        batch = None if is_stopping else next(loaded, None)
        if batch is None:
            trainer.flush_metrics()
            return False
        trainer.update(*batch)
        if trainer.step % trainer.flush_every == 0 or trainer.step_in_epoch == 0:
            trainer.flush_metrics()
            now = time.perf_counter()
            trainer.running.seconds += now - started
            started = now
            setup.reporter.after_step(trainer)
    return True


def evaluate_epoch(trainer: Trainer, data: TrainingData) -> EpochMetrics:
    """The metrics of the epoch that has just ended. With a validation set, only the last epoch reads the test set."""
    running, trainer.running = trainer.running, RunningMetrics()
    validation = trainer.evaluate(data.validation) if data.validation else None
    test = trainer.evaluate(data.test) if trainer.is_done or not validation else None
    for evaluation in filter(None, (validation, test)):
        if not math.isfinite(evaluation.loss):
            message = f"the averaged weights have a loss of {evaluation.loss} after epoch {trainer.epoch}"
            raise Diverged(message, trainer.recipe)
    return EpochMetrics(
        epoch=trainer.epoch,
        train_loss=running.mean_loss,
        train_accuracy=running.accuracy,
        val_loss=validation and validation.loss,
        val_accuracy=validation and validation.accuracy,
        test_loss=test and test.loss,
        test_accuracy=test and test.accuracy,
        lr=trainer.lr,
        seconds=running.seconds,
        images_per_second=running.steps * trainer.plan.batch_size / running.seconds,
    )


def _is_finished(setup: TrainingSetup, trainer: Trainer, history: History) -> bool:
    """Whether all steps are done, or an epoch has ended with a reason to end training."""
    if trainer.is_done or trainer.step_in_epoch:
        return trainer.is_done
    # The main process decides: on CPUs the batch norms of the others have seen other images.
    return any_rank(setup.process.is_main and bool(setup.reason_to_end(history)), setup.process)


def batches(
    setup: TrainingSetup, trainer: Trainer, is_stopping: Callable[[], bool] = lambda: False
) -> AbstractContextManager[Iterator[Batch]]:
    """The batches from the trainer's step on, augmented by workers or on the device."""
    device, train = setup.accelerator.device, setup.data.train
    if setup.spec.train.augment_on == "device":
        return nullcontext(load_batches_on(device, train, setup.device_augment(), trainer.plan, trainer.step))
    report = setup.reporter.message
    return load_batches(
        train, setup.augment(), trainer.plan, trainer.step, setup.workers, device.type, report, is_stopping
    )
