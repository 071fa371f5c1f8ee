"""The training itself: one step, the steps of an epoch, and what a network says of pictures."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from advconv.language.recipe import Train
from advconv.training.conditions import Conditions
from advconv.training.data import DataSets, Pictures
from advconv.training.device import Normalise, Setup
from advconv.training.distributed import mean_of, parallel, synchronised
from advconv.training.errors import TrainingError, computing
from advconv.training.loader import Batch, Plan
from advconv.training.optim import average, optimizer, schedule
from advconv.training.saved import Natural, NonNegative, Percent, Positive


class Diverged(TrainingError):
    """A loss that is no number any more."""

    def __init__(self, message: str, recipe: Train) -> None:
        super().__init__(f"{message}; try a lower lr (it is {recipe.peak_lr:g}), clip: 1 or precision: float32")


@dataclass(frozen=True)
class Row:
    """An epoch: losses in nats, accuracies in percent, the rate of its last step, the time of its training alone."""

    epoch: Positive
    train_loss: NonNegative
    train_accuracy: Percent
    val_loss: NonNegative | None
    val_accuracy: Percent | None
    test_loss: NonNegative | None
    test_accuracy: Percent | None
    lr: NonNegative
    seconds: NonNegative
    pictures_per_second: NonNegative


@dataclass
class Tally:
    """Sums over the steps so far of an epoch."""

    loss: NonNegative = 0.0
    correct: NonNegative = 0.0
    steps: Natural = 0
    seconds: NonNegative = 0.0


class Scores(NamedTuple):
    """What a network says of pictures: probabilities (count, classes), mean loss in nats, accuracy in percent."""

    probabilities: Tensor
    loss: float
    accuracy: float


Tensors = dict[str, Tensor]


class Learner:
    """A network in training: its weights, their average, the optimizer, and how far it is."""

    def __init__(self, module: nn.Module, data: DataSets, recipe: Train, plan: Plan, setup: Setup) -> None:
        self.recipe, self.plan, self.setup, self.classes = recipe, plan, setup, len(data.classes)
        self.module = synchronised(module.to(setup.device).to(memory_format=torch.channels_last), plan.share)
        self.normalise = Normalise(data.mean, data.std).to(setup.device)
        self.optimizer = optimizer(self.module, recipe)
        self.schedule = schedule(self.optimizer, recipe, plan.epochs * plan.steps)
        self.averaged = average(self.module, recipe).eval()
        self.step, self.tally, self.rate = 0, Tally(), 0.0
        self.conditions = Conditions.here(setup, plan.share.of)
        # Those of the checkpoint that it goes on from; one of an older advconv does not say them.
        self.before: Conditions | None = None
        self.unread: list[Tensor] = []
        forward = parallel(self.module, plan.share)
        self.forward: Callable[[Tensor], Tensor] = torch.compile(forward) if setup.compiles else forward

    def _place(self, step: int) -> str:
        epoch, number = divmod(step, self.plan.steps)
        return f"epoch {epoch + 1}, step {number + 1} of {self.plan.steps}"

    def update(self, images: Tensor, labels: Tensor) -> None:
        """One step of the optimizer on bytes (batch, height, width, channels) and classes (batch)."""
        with computing(self._place(self.step)):
            self._update(images, labels)

    def _update(self, images: Tensor, labels: Tensor) -> None:
        self._reseed()
        labels = labels.to(self.setup.device)
        pictures = self.normalise(images.to(self.setup.device))
        pictures, targets = self._mixed(pictures, labels) if self.recipe.mixup else (pictures, labels)
        with self.setup.autocast():
            scores = self.forward(pictures)
        loss = F.cross_entropy(scores.float(), targets, label_smoothing=self.recipe.label_smoothing)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(self.module.parameters(), self.recipe.clip)
        self.optimizer.step()
        self.rate = float(self.schedule.get_last_lr()[0])
        self.schedule.step()
        self.averaged.update_parameters(self.module)
        self.step += 1
        self.unread.append(torch.stack([loss.detach(), (scores.detach().argmax(1) == labels).float().mean()]))

    def _reseed(self) -> None:
        """What a step draws depends on (seed, step, process) alone, so that a resumed training draws the same."""
        drawn = np.random.SeedSequence((self.recipe.seed, self.step, self.plan.share.rank)).generate_state(1, np.uint64)
        torch.manual_seed(int(drawn[0]) >> 1)

    def _mixed(self, pictures: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Each picture mixed with another, and their classes in the same shares (Zhang et al., "mixup", 2018)."""
        alpha = self.recipe.mixup
        share = float(np.random.default_rng((self.recipe.seed, self.step)).beta(alpha, alpha))
        other = torch.randperm(len(labels)).to(labels.device)
        targets = F.one_hot(labels, self.classes).float()
        return torch.lerp(pictures[other], pictures, share), torch.lerp(targets[other], targets, share)

    def settle(self) -> None:
        """Adds what the device has found since the last time. Raises Diverged."""
        if not self.unread:
            return
        first = self.step - len(self.unread)
        with computing(self._place(self.step - 1)):
            # Where a device works on its own, what fails in a step is heard of when its results are read.
            found = mean_of(torch.stack(self.unread), self.plan.share).tolist()
        for index, (loss, correct) in enumerate(found):
            if not math.isfinite(loss):
                raise Diverged(f"the loss is {loss} in {self._place(first + index)}", self.recipe)
            self.tally.loss += loss
            self.tally.correct += correct
            self.tally.steps += 1
        self.unread.clear()

    def score(self, pictures: Pictures) -> Scores:
        """What the averaged weights say."""
        with computing(f"the evaluation after step {self.step:,}"):
            return score(self.averaged.module, pictures, self.normalise, self.setup)

    def state(self) -> dict[str, Any]:
        """All that a training goes on from, between two steps. The optimizer's settings are those of the recipe."""
        self.settle()
        return {
            "module": self.module.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": {"state": self.optimizer.state_dict()["state"]},
            "step": self.step,
            "tally": asdict(self.tally),
            "conditions": self.conditions._asdict(),
        }

    def restore(self, step: int, tally: Tally, module: Tensors, averaged: Tensors, kept: dict[int, Tensors]) -> None:
        """Goes to a step, with weights, average and what the optimizer `kept` for each parameter by then."""
        self.module.load_state_dict(module)
        self.averaged.load_state_dict(averaged)
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": kept, "param_groups": groups})
        # Only now, since it sets the rate of the optimizer's groups.
        self.schedule = schedule(self.optimizer, self.recipe, self.plan.epochs * self.plan.steps, done=step)
        self.step, self.tally = step, tally


READ_EVERY, READ_SELDOM = {"cpu": 1}, 20
"""After how many steps the losses are read; a device that works on its own would have to wait for that."""

EVALUATED = 500
"""Pictures at a time where no gradients are needed."""


def epochs(
    learner: Learner,
    batches: Iterator[Batch],
    data: DataSets,
    stops: Callable[[], bool],
    shows: Callable[[Learner], None],
) -> Iterator[Row]:
    """Trains to the end, to the step before which `stops` says so, or to that for which there is no batch.

    `shows` is called when losses are read.
    """
    plan, every = learner.plan, READ_EVERY.get(learner.setup.device.type, READ_SELDOM)
    while learner.step < plan.epochs * plan.steps:
        clock = time.perf_counter()
        for _ in range(learner.step % plan.steps, plan.steps):
            batch = None if learner.step % every == 0 and stops() else next(batches, None)
            if batch is None:
                learner.settle()
                return
            learner.update(*batch)
            if learner.step % every == 0 or learner.step % plan.steps == 0:
                learner.settle()
                learner.tally.seconds += time.perf_counter() - clock
                clock = time.perf_counter()
                shows(learner)
        row = measured(learner, data)
        # Before the row is out, since that is when a checkpoint is written.
        learner.tally = Tally()
        yield row


def measured(learner: Learner, data: DataSets) -> Row:
    """The epoch that has just ended. With a validation set the test set is looked at in the last epoch alone."""
    tally, plan = learner.tally, learner.plan
    validation = learner.score(data.validation) if data.validation else None
    epoch, is_last = learner.step // plan.steps, learner.step == plan.epochs * plan.steps
    test = learner.score(data.test) if is_last or not validation else None
    for scores in filter(None, (validation, test)):
        if not math.isfinite(scores.loss):
            message = f"the averaged weights have a loss of {scores.loss} after epoch {epoch}"
            raise Diverged(message, learner.recipe)
    return Row(
        epoch=epoch,
        train_loss=tally.loss / tally.steps,
        train_accuracy=100 * tally.correct / tally.steps,
        val_loss=validation and validation.loss,
        val_accuracy=validation and validation.accuracy,
        test_loss=test and test.loss,
        test_accuracy=test and test.accuracy,
        lr=learner.rate,
        seconds=tally.seconds,
        pictures_per_second=tally.steps * plan.batch_size / tally.seconds,
    )


def score(module: nn.Module, pictures: Pictures, normalise: Normalise, setup: Setup, flip: bool = False) -> Scores:
    """What a network says of pictures; with `flip` the mean of what it says of each and of its mirror image."""
    parts = torch.split(pictures.images, EVALUATED)
    log = torch.cat([_log_probabilities(module, images, normalise, setup, flip).cpu() for images in parts])
    loss = F.nll_loss(log, pictures.labels).item()
    correct = int((log.argmax(1) == pictures.labels).sum())
    return Scores(log.exp(), loss, 100 * correct / len(pictures))


def _log_probabilities(module: nn.Module, images: Tensor, normalise: Normalise, setup: Setup, flip: bool) -> Tensor:
    """Logarithms of probabilities (count, classes) of pictures of bytes (count, height, width, channels)."""
    with torch.inference_mode(), setup.autocast():
        given = normalise(images.to(setup.device))
        logs = [F.log_softmax(module(view).float(), 1) for view in ((given, given.flip(3)) if flip else (given,))]
        return torch.logsumexp(torch.stack(logs), 0) - math.log(len(logs))


def probabilities(module: nn.Module, image: NDArray[np.uint8], normalise: Normalise, setup: Setup) -> list[float]:
    """What a network says of one picture of bytes (height, width, channels): a probability for each class."""
    log = _log_probabilities(module, torch.from_numpy(image)[None], normalise, setup, flip=False)[0]
    return [float(share) for share in log.exp()]
