"""What a training says while it runs: a bar on a terminal, else a line for each epoch."""

import sys
from typing import NoReturn

from tqdm import tqdm

from advconv.training.loop import Learner, Row


class Voice:
    """Speaks for one process; the others of a distributed training are `silent`, as all are with --quiet."""

    def __init__(self, is_silent: bool = False) -> None:
        self.is_silent = is_silent
        self.bar: tqdm[NoReturn] | None = None

    def say(self, text: str) -> None:
        if not self.is_silent:
            tqdm.write(text, file=sys.stdout)
            sys.stdout.flush()

    def start(self, steps: int, done: int) -> None:
        if not self.is_silent and sys.stderr.isatty():
            self.bar = tqdm(total=steps, initial=done, unit="batch", dynamic_ncols=True, leave=False)

    def show(self, learner: Learner) -> None:
        """Loss, accuracy and speed of the epoch so far; the bar itself tells the time that is left."""
        if self.bar is None:
            return
        tally, plan = learner.tally, learner.plan
        self.bar.set_description(f"epoch {(learner.step - 1) // plan.steps + 1}/{plan.epochs}", refresh=False)
        speed = tally.steps * plan.batch_size / max(tally.seconds, 1e-9)
        said = f"loss {tally.loss / tally.steps:.3f}, accuracy {100 * tally.correct / tally.steps:.1f}%, {speed:,.0f}/s"
        self.bar.set_postfix_str(said, refresh=False)
        self.bar.update(learner.step - self.bar.n)

    def epoch(self, row: Row, epochs: int) -> None:
        held_out = [
            f"{name} {accuracy:.2f}%"
            for name, accuracy in (("validation", row.val_accuracy), ("test", row.test_accuracy))
            if accuracy is not None
        ]
        self.say(
            f"epoch {row.epoch:>{len(str(epochs))}}/{epochs}  loss {row.train_loss:.4f}  "
            f"accuracy {row.train_accuracy:.2f}%  {'  '.join(held_out)}  "
            f"lr {row.lr:.2g}  {row.pictures_per_second:,.0f} pictures/s  {row.seconds:.1f} s"
        )

    def stop(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
