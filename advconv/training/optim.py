"""What moves the weights: the optimizer, its learning rate over time, and the average of what it finds."""

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from advconv.language.recipe import Train

WARM_UP = 0.2
"""The share of a onecycle schedule in which the rate rises."""

FIRST, LAST = 1 / 10, 1 / 1000
"""Where a onecycle schedule starts and ends, as shares of its peak."""


def optimizer(module: nn.Module, recipe: Train) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum, or AdamW whose first beta is the momentum."""
    groups: list[dict[str, Any]] = [
        {"params": [p for p in module.parameters() if p.ndim > 1], "weight_decay": recipe.weight_decay},
        # Norms and biases have one axis. To pull them to 0 would regularise nothing.
        {"params": [p for p in module.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.peak_lr, betas=(recipe.momentum, 0.999))
    is_nesterov = recipe.momentum > 0
    return torch.optim.SGD(groups, lr=recipe.peak_lr, momentum=recipe.momentum, nesterov=is_nesterov)


def moments(recipe: Train) -> tuple[str, ...]:
    """What the optimizer keeps for each parameter, by torch's names."""
    if recipe.optimizer == "adamw":
        return ("step", "exp_avg", "exp_avg_sq")
    return ("momentum_buffer",) if recipe.momentum else ()


def schedule(optimizer: torch.optim.Optimizer, recipe: Train, steps: int, done: int = 0) -> LambdaLR:
    """The learning rate of each of so many steps, as a share of its peak, from the step behind those that are done."""
    factor = SCHEDULES[recipe.schedule]
    # The number of the step before the first one that it says something of.
    return LambdaLR(optimizer, lambda step: factor(min(step / steps, 1.0)), done - 1)  # type: ignore[no-untyped-call]


def onecycle(progress: float) -> float:
    """Up and down again along cosines (Smith and Topin, "Super-Convergence", 2018)."""
    if progress < WARM_UP:
        return _between(FIRST, 1.0, progress / WARM_UP)
    return _between(1.0, LAST, (progress - WARM_UP) / (1 - WARM_UP))


def cosine(progress: float) -> float:
    """Loshchilov and Hutter, "SGDR", 2017, without restarts."""
    return _between(1.0, 0.0, progress)


def step(progress: float) -> float:
    """A tenth from one half on, a hundredth from three quarters on (He et al., "Deep Residual Learning", 2016)."""
    return 1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01


def _between(start: float, end: float, share: float) -> float:
    """From start to end along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


SCHEDULES = {"onecycle": onecycle, "cosine": cosine, "step": step, "constant": lambda progress: 1.0}


def average(module: nn.Module, recipe: Train) -> AveragedModel:
    """An exponential moving average of weights and norm buffers; with `ema: 0` the newest ones."""
    averaged = AveragedModel(module, use_buffers=True)
    averaged.multi_avg_fn = partial(_blend, averaged, recipe.ema)
    return averaged


@torch.no_grad()
def _blend(averaged: AveragedModel, decay: float, ours: list[Tensor], theirs: list[Tensor], count: Tensor) -> None:
    """`ours` go towards `theirs`, far in the first steps, else the average would remember the random start."""
    # Not `count`, which lies on the device: to read it is to wait for all that runs there.
    steps = int(averaged.n_averaged)
    share = 1 - min(decay, (1 + steps) / (10 + steps))
    if ours[0].is_floating_point():
        torch._foreach_lerp_(ours, theirs, share)
    else:
        torch._foreach_copy_(ours, theirs)
