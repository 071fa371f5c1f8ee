"""The trainer: a network with its optimizer, schedule and averaged weights, and one training step."""

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advconv.language.recipe import Train
from advconv.language.resizing import size_at
from advconv.training.data import ImageSet, TrainingData
from advconv.training.device import Accelerator, Normalise, to_device
from advconv.training.distillation import Distillation, Teacher
from advconv.training.distributed import data_parallel, mean_over_ranks, sync_batch_norm
from advconv.training.environment import Environment
from advconv.training.errors import TrainingError, computing
from advconv.training.evaluation import Evaluation, evaluate
from advconv.training.loader import BatchPlan
from advconv.training.metrics import RunningMetrics
from advconv.training.mixing import mixed
from advconv.training.optim import create_average, create_optimizer, create_scheduler


class Diverged(TrainingError):
    """The loss is infinite or NaN; `reason` says where, without the advice."""

    def __init__(self, message: str, recipe: Train) -> None:
        self.reason = message
        super().__init__(f"{message}; try a lower lr (it is {recipe.peak_lr:g}), clip: 1 or precision: float32")


Tensors = dict[str, Tensor]

FLUSH_EVERY = {"cpu": 1}
FLUSH_EVERY_ON_DEVICE = 20
"""Steps between two reads of the losses; reading them waits for a device that computes asynchronously."""


class Trainer:
    """A network in training. `step` counts the steps that are done; `running` sums over those of this epoch."""

    def __init__(
        self,
        module: nn.Module,
        data: TrainingData,
        recipe: Train,
        plan: BatchPlan,
        accelerator: Accelerator,
        teacher: Teacher | None = None,
    ) -> None:
        self.recipe, self.plan, self.accelerator, self.classes = recipe, plan, accelerator, len(data.classes)
        module = module.to(accelerator.device).to(memory_format=torch.channels_last)
        self.module = sync_batch_norm(module, plan.process)
        self.normalise = Normalise(data.mean, data.std).to(accelerator.device)
        self.distillation = Distillation(teacher, data.mean, data.std, accelerator) if teacher else None
        self.optimizer = create_optimizer(self.module, recipe)
        self.scheduler = create_scheduler(self.optimizer, recipe, plan.total_steps)
        self.averaged = create_average(self.module, recipe).eval()
        self.step, self.running, self.lr = 0, RunningMetrics(), 0.0
        self.environment = Environment.current(accelerator, plan.process.world_size)
        # The environment of the checkpoint that was loaded.
        self.previous_environment: Environment | None = None
        self.flush_every = FLUSH_EVERY.get(accelerator.device.type, FLUSH_EVERY_ON_DEVICE)
        # Loss and accuracy of the steps whose results are still on the device.
        self.pending_metrics: list[Tensor] = []
        forward = data_parallel(self.module, plan.process)
        self.forward: Callable[[Tensor], Tensor] = torch.compile(forward) if accelerator.compiles else forward

    @property
    def epoch(self) -> int:
        """The number of finished epochs."""
        return self.step // self.plan.steps_per_epoch

    @property
    def step_in_epoch(self) -> int:
        """The number of finished steps of the current epoch."""
        return self.step % self.plan.steps_per_epoch

    @property
    def is_done(self) -> bool:
        return self.step == self.plan.total_steps

    def position(self, step: int) -> str:
        epoch, index = divmod(step, self.plan.steps_per_epoch)
        return f"epoch {epoch + 1}, step {index + 1} of {self.plan.steps_per_epoch}"

    def update(self, images: Tensor, labels: Tensor) -> None:
        """One training step on images, uint8 (batch, height, width, channels). Raises ComputeError."""
        with computing(self.position(self.step)):
            self._update(images, labels)

    def _update(self, images: Tensor, labels: Tensor) -> None:
        self._reseed()
        images, labels = (to_device(each, self.accelerator.device) for each in (images, labels))
        inputs, targets = self._resized(self.normalise(images)), labels
        if self.recipe.mixup or self.recipe.cutmix:
            inputs, targets = mixed(inputs, labels, self.classes, self.recipe, self.step)
        with self.accelerator.autocast():
            scores = self.forward(inputs)
        loss = F.cross_entropy(scores.float(), targets, label_smoothing=self.recipe.label_smoothing)
        if self.distillation:
            loss = self.distillation(inputs, scores, loss)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(self.module.parameters(), self.recipe.clip)
        self.optimizer.step()
        self.lr = float(self.scheduler.get_last_lr()[0])
        self.scheduler.step()
        self.averaged.update_parameters(self.module)
        self.step += 1
        self.pending_metrics.append(torch.stack([loss.detach(), (scores.detach().argmax(1) == labels).float().mean()]))

    def _resized(self, inputs: Tensor) -> Tensor:
        """The images in the size of this step."""
        height, width = inputs.shape[2:]
        size = size_at((height, width), self.recipe.initial_scale, self.step / self.plan.total_steps)
        return inputs if size == (height, width) else F.interpolate(inputs, size, mode="bilinear", antialias=True)

    def _reseed(self) -> None:
        """The random numbers of a step depend only on (seed, step, rank), so a resumed training draws the same."""
        entropy = (self.recipe.seed, self.step, self.plan.process.rank)
        state = np.random.SeedSequence(entropy).generate_state(1, np.uint64)
        torch.manual_seed(int(state[0]) >> 1)

    def flush_metrics(self) -> None:
        """Reads the losses of the steps since the last flush into `running`. Raises Diverged and ComputeError."""
        if not self.pending_metrics:
            return
        first = self.step - len(self.pending_metrics)
        with computing(self.position(self.step - 1)):
            # A device that computes asynchronously reports the error of a step when its results are read.
            values = mean_over_ranks(torch.stack(self.pending_metrics), self.plan.process).tolist()
        for index, (loss, correct) in enumerate(values):
            if not math.isfinite(loss):
                raise Diverged(f"the loss is {loss} in {self.position(first + index)}", self.recipe)
            self.running.loss += loss
            self.running.correct += correct
            self.running.steps += 1
        self.pending_metrics.clear()

    def evaluate(self, data: ImageSet) -> Evaluation:
        """Evaluates the averaged weights. Raises ComputeError."""
        with computing(f"the evaluation after step {self.step:,}"):
            return evaluate(self.averaged.module, data, self.normalise, self.accelerator)

    def state_dict(self) -> dict[str, Any]:
        """The state between two steps. The optimizer's settings follow from the recipe and are left out."""
        self.flush_metrics()
        # timm's Muon has a flag beside the tensors, which follows from the groups.
        optimizer = {
            index: {name: value for name, value in state.items() if isinstance(value, Tensor)}
            for index, state in self.optimizer.state_dict()["state"].items()
        }
        return {
            "module": self.module.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": {"state": optimizer},
            "step": self.step,
            "running": asdict(self.running),
            "environment": self.environment._asdict(),
        }

    def load_state(
        self,
        step: int,
        running: RunningMetrics,
        environment: Environment,
        module: Tensors,
        averaged: Tensors,
        optimizer: dict[int, Tensors],
    ) -> None:
        """Sets the state; `optimizer` has the optimizer's tensors by the index of the parameter."""
        self.module.load_state_dict(module)
        self.averaged.load_state_dict(averaged)
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": optimizer, "param_groups": groups})
        # After the optimizer's state, since it sets the learning rate of the groups.
        self.scheduler = create_scheduler(self.optimizer, self.recipe, self.plan.total_steps, done=step)
        self.step, self.running, self.previous_environment = step, running, environment
