"""Distillation: a network learns the scores of a trained one, the teacher, beside the labels (Hinton et al., 2015)."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advconv.analysis.measure import Measures
from advconv.language.recipe import Distill
from advconv.training.device import Accelerator
from advconv.training.options import TeacherRecord


class Teacher(NamedTuple):
    """A trained network. `mean` and `std` normalise its images, by channel, of values from 0 to 1."""

    settings: Distill
    record: TeacherRecord
    measures: Measures
    module: nn.Module
    classes: list[str]
    mean: tuple[float, ...]
    std: tuple[float, ...]


class Distillation(nn.Module):
    """The loss of a network beside a teacher, which sees the same images, normalised as in its own training."""

    scale: Tensor
    shift: Tensor

    def __init__(
        self, teacher: Teacher, mean: tuple[float, ...], std: tuple[float, ...], accelerator: Accelerator
    ) -> None:
        super().__init__()
        self.weight, self.temperature = teacher.settings.weight, teacher.settings.temperature
        self.accelerator = accelerator
        self.teacher = teacher.module.to(memory_format=torch.channels_last).eval().requires_grad_(False)
        ours, theirs = (torch.tensor(pair).view(2, 1, -1, 1, 1) for pair in ((mean, std), (teacher.mean, teacher.std)))
        self.register_buffer("scale", ours[1] / theirs[1])
        self.register_buffer("shift", (ours[0] - theirs[0]) / theirs[1])
        self.to(accelerator.device)

    def train(self, mode: bool = True) -> "Distillation":
        """The teacher stays as it is evaluated."""
        return super().train(False)

    def forward(self, inputs: Tensor, scores: Tensor, label_loss: Tensor) -> Tensor:
        """The weighted sum of the loss on the labels and the divergence from the teacher's softened scores.

        `inputs`: normalised images (batch, channels, height, width); `scores`: (batch, classes), before the softmax.
        The divergence is multiplied by the square of the temperature, so that its gradient does not depend on it.
        """
        with torch.no_grad(), self.accelerator.autocast():
            known = self.teacher(inputs * self.scale + self.shift)
        soft, target = (F.log_softmax(each.float() / self.temperature, 1) for each in (scores, known))
        divergence = F.kl_div(soft, target, reduction="batchmean", log_target=True)
        return (1 - self.weight) * label_loss + self.weight * self.temperature**2 * divergence
