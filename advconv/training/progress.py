"""Progress reports of a training: a bar for each epoch on a terminal, and a line for each epoch in any case."""

import sys
import time
from typing import NoReturn

from tqdm import tqdm

from advconv.text.visible import visible_lines
from advconv.training.metrics import EpochMetrics
from advconv.training.trainer import Trainer

FORMAT = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"


class ProgressReporter:
    """Reports progress on standard output, the bar on standard error; prints nothing if `is_silent`."""

    def __init__(self, is_silent: bool = False) -> None:
        self.is_silent = is_silent
        self.has_bar = not is_silent and sys.stderr.isatty()
        self.bar: tqdm[NoReturn] | None = None
        self.start_time, self.start_step = 0.0, 0

    def message(self, text: str) -> None:
        if not self.is_silent:
            tqdm.write(visible_lines(text), file=sys.stdout)
            sys.stdout.flush()

    def start(self, step: int) -> None:
        """Starts the clock that the remaining time is estimated by."""
        self.start_time, self.start_step = time.perf_counter(), step

    def after_step(self, trainer: Trainer) -> None:
        """Updates the bar: the epoch's steps, its metrics so far, and the remaining time of the training."""
        if not self.has_bar:
            return
        running, plan = trainer.running, trainer.plan
        epoch, step = divmod(trainer.step - 1, plan.steps_per_epoch)
        if self.bar is None:
            self.bar = tqdm(
                total=plan.steps_per_epoch, initial=step, desc=f"epoch {epoch + 1}/{plan.epochs}", bar_format=FORMAT,
                dynamic_ncols=True, leave=False,
            )  # fmt: skip
        speed = running.steps * plan.batch_size / max(running.seconds, 1e-9)
        metrics = f"loss {running.mean_loss:.3f}, accuracy {running.accuracy:.1f}%, {speed:,.0f} images/s"
        self.bar.set_postfix_str(f"{metrics}, {self._remaining(trainer)} remaining", refresh=False)
        self.bar.update(step + 1 - self.bar.n)

    def _remaining(self, trainer: Trainer) -> str:
        """The time to the last epoch at the mean speed so far, evaluation included."""
        seconds_per_step = (time.perf_counter() - self.start_time) / max(1, trainer.step - self.start_step)
        return tqdm.format_interval(seconds_per_step * (trainer.plan.total_steps - trainer.step))

    def after_epoch(self, metrics: EpochMetrics, epochs: int) -> None:
        self.close()
        accuracies = (("validation", metrics.val_accuracy), ("test", metrics.test_accuracy))
        evaluated = "  ".join(f"{name} {accuracy:.2f}%" for name, accuracy in accuracies if accuracy is not None)
        self.message(
            f"epoch {metrics.epoch:>{len(str(epochs))}}/{epochs}  loss {metrics.train_loss:.4f}  "
            f"accuracy {metrics.train_accuracy:.2f}%  {evaluated}  "
            f"lr {metrics.lr:.2g}  {metrics.images_per_second:,.0f} images/s  {metrics.seconds:.1f} s"
        )

    def close(self) -> None:
        """Removes the bar."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None
