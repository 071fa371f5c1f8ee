"""What a training says while it runs: on a terminal a bar for each epoch, and always a line for each."""

import sys
import time
from typing import NoReturn

from tqdm import tqdm

from advconv.text.visible import visible_lines
from advconv.training.loop import Learner, Row

FORMAT = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"


class Voice:
    """Speaks for one process; the others of a distributed training are `silent`, as all are with --quiet."""

    def __init__(self, is_silent: bool = False) -> None:
        self.is_silent = is_silent
        self.has_bar = not is_silent and sys.stderr.isatty()
        self.bar: tqdm[NoReturn] | None = None
        self.began, self.first = 0.0, 0

    def say(self, text: str) -> None:
        if not self.is_silent:
            tqdm.write(visible_lines(text), file=sys.stdout)
            sys.stdout.flush()

    def start(self, step: int) -> None:
        """From here on time is counted, for what is left of it."""
        self.began, self.first = time.perf_counter(), step

    def show(self, learner: Learner) -> None:
        """The epoch's steps, its loss, accuracy and speed so far, its time, and the time to the end of the training."""
        if not self.has_bar:
            return
        tally, plan = learner.tally, learner.plan
        epoch, step = divmod(learner.step - 1, plan.steps)
        if self.bar is None:
            title = f"epoch {epoch + 1}/{plan.epochs}"
            self.bar = tqdm(
                total=plan.steps, initial=step, desc=title, bar_format=FORMAT, dynamic_ncols=True, leave=False
            )
        speed = tally.steps * plan.batch_size / max(tally.seconds, 1e-9)
        said = f"loss {tally.loss / tally.steps:.3f}, accuracy {100 * tally.correct / tally.steps:.1f}%"
        self.bar.set_postfix_str(f"{said}, {speed:,.0f} images/s, {self._left(learner)} to the end", refresh=False)
        self.bar.update(step + 1 - self.bar.n)

    def _left(self, learner: Learner) -> str:
        """How long the rest of the training takes at the pace so far."""
        each = (time.perf_counter() - self.began) / max(1, learner.step - self.first)
        return tqdm.format_interval(each * (learner.plan.epochs * learner.plan.steps - learner.step))

    def epoch(self, row: Row, epochs: int) -> None:
        self.stop()
        held_out = [
            f"{name} {accuracy:.2f}%"
            for name, accuracy in (("validation", row.val_accuracy), ("test", row.test_accuracy))
            if accuracy is not None
        ]
        self.say(
            f"epoch {row.epoch:>{len(str(epochs))}}/{epochs}  loss {row.train_loss:.4f}  "
            f"accuracy {row.train_accuracy:.2f}%  {'  '.join(held_out)}  "
            f"lr {row.lr:.2g}  {row.pictures_per_second:,.0f} images/s  {row.seconds:.1f} s"
        )

    def stop(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
