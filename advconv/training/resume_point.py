"""Where a training continues: the checkpoint of its run, and what has changed since."""

from advconv.training.extension import what_depends_on_epochs
from advconv.training.metrics import History
from advconv.training.names import ARCH
from advconv.training.run import Run
from advconv.training.run_files import load_checkpoint, repair_files
from advconv.training.setup import TrainingSetup
from advconv.training.trainer import Trainer


def load_or_start(setup: TrainingSetup, run: Run | None, trainer: Trainer) -> History:
    """Loads the run's checkpoint into the trainer, if there is one, and reports that. Raises RunError."""
    history = load_checkpoint(run, trainer) if run else History([])
    if run and setup.process.is_main:
        repair_files(run, history)
    if run and trainer.step and (message := _message(setup, run, trainer, history)):
        setup.reporter.message(message)
    return history


def _message(setup: TrainingSetup, run: Run, trainer: Trainer, history: History) -> str:
    """That the run is finished, or how its environment has changed since the checkpoint; may be empty."""
    reason = setup.reason_to_end(history) if trainer.step_in_epoch == 0 else ""
    if not (trainer.is_done or reason):
        before = trainer.previous_environment or run.metadata.environment
        return trainer.environment.difference(before)
    epochs = trainer.plan.epochs
    result = f"epoch {len(history.epochs)} of {epochs}, {history.latest_accuracy:.2f}% on the {history.picked_on} set"
    if trainer.is_done and not what_depends_on_epochs(setup.spec.train):
        help = f"to train longer: advconv train --resume {run.path} --epochs {2 * epochs}"
    else:
        help = f"to train longer, start a new run: advconv train {run.path / ARCH} --epochs {2 * epochs}"
    if not trainer.is_done and setup.has_reached_target(history):
        help = f"to train on, give a higher --until than {setup.options.until:g}"
    return f"{run.path} is finished: {result}; {help}"
