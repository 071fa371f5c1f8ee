"""The optimizer, its learning rate schedule, and the moving average of the weights."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from advconv.language.recipe import END_FACTOR, START_FACTOR, STEP_FACTORS, WARM_UP, Train

ParameterGroups = list[dict[str, Any]]


class Optimizer(NamedTuple):
    """How an optimizer is created, and the names of the tensors in its state for a parameter."""

    create: Callable[[ParameterGroups, Train], torch.optim.Optimizer]
    state_names: Callable[[Train, Tensor], tuple[str, ...]]


def _sgd(groups: ParameterGroups, recipe: Train) -> torch.optim.Optimizer:
    is_nesterov = recipe.momentum > 0
    return torch.optim.SGD(groups, lr=recipe.peak_lr, momentum=recipe.momentum, nesterov=is_nesterov)


def _adamw(groups: ParameterGroups, recipe: Train) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, lr=recipe.peak_lr, betas=(recipe.momentum, 0.999))


def _muon(groups: ParameterGroups, recipe: Train) -> torch.optim.Optimizer:
    """timm's Muon (Jordan, "Muon", 2024), with steps as large as those of AdamW (Liu et al., 2025).

    With Nesterov momentum it moves the other parameters by AdamW with Nesterov momentum (Dozat, 2016).
    """
    from timm.optim.muon import Muon

    routed: ParameterGroups = [
        {**group, "params": [p for p in group["params"] if takes_muon(p) == is_muon], "use_muon": is_muon}
        for group in groups
        for is_muon in (True, False)
    ]
    betas = (recipe.momentum, 0.99)
    filled = [group for group in routed if group["params"]]
    return Muon(
        filled, lr=recipe.peak_lr, momentum=recipe.momentum, nesterov=True, ns_coefficients="original", betas=betas
    )


def takes_muon(parameter: Tensor) -> bool:
    """Whether Muon moves a parameter, as a matrix of (outputs, inputs of each * kernel), or NAdamW does.

    Depthwise kernels, with one input for each output, are left to NAdamW.
    """
    return parameter.ndim > 1 and parameter.shape[1] > 1


ADAMW_STATE = ("step", "exp_avg", "exp_avg_sq")

OPTIMIZERS = {
    "sgd": Optimizer(_sgd, lambda recipe, parameter: ("momentum_buffer",) if recipe.momentum else ()),
    "adamw": Optimizer(_adamw, lambda recipe, parameter: ADAMW_STATE),
    "muon": Optimizer(_muon, lambda recipe, parameter: ("momentum_buffer",) if takes_muon(parameter) else ADAMW_STATE),
}
"""By their words in the language."""


def create_optimizer(module: nn.Module, recipe: Train) -> torch.optim.Optimizer:
    groups: ParameterGroups = [
        {"params": [p for p in module.parameters() if p.ndim > 1], "weight_decay": recipe.weight_decay},
        # Norms and biases have one axis; decay would not regularise them.
        {"params": [p for p in module.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return OPTIMIZERS[recipe.optimizer].create(groups, recipe)


def optimizer_state_names(recipe: Train, parameter: Tensor) -> tuple[str, ...]:
    """The names of the tensors that the optimizer has in its state for a parameter."""
    return OPTIMIZERS[recipe.optimizer].state_names(recipe, parameter)


def create_scheduler(optimizer: torch.optim.Optimizer, recipe: Train, steps: int, done: int = 0) -> LambdaLR:
    """The learning rate of each of `steps` steps, from step `done` on (counted from 0)."""
    factor = SCHEDULES[recipe.schedule]
    return LambdaLR(optimizer, lambda step: factor(min(step / steps, 1.0)), done - 1)  # type: ignore[no-untyped-call]


def onecycle(progress: float) -> float:
    """Up and down along cosines (Smith and Topin, "Super-Convergence", 2018)."""
    if progress < WARM_UP:
        return _cosine_between(START_FACTOR, 1.0, progress / WARM_UP)
    return _cosine_between(1.0, END_FACTOR, (progress - WARM_UP) / (1 - WARM_UP))


def cosine(progress: float) -> float:
    """Cosine annealing to 0 without restarts (Loshchilov and Hutter, "SGDR", 2017)."""
    return _cosine_between(1.0, 0.0, progress)


def step_decay(progress: float) -> float:
    """Divides the rate by 10 after one half and after three quarters (He et al., "Deep Residual Learning", 2016)."""
    return min([1.0, *(factor for start, factor in STEP_FACTORS.items() if progress >= start)])


def _cosine_between(start: float, end: float, fraction: float) -> float:
    """From start to end along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * fraction)) / 2


SCHEDULES = {"onecycle": onecycle, "cosine": cosine, "step": step_decay, "constant": lambda progress: 1.0}
"""Schedules map the progress of the training, 0 to 1, to a factor of the peak learning rate."""


def create_average(module: nn.Module, recipe: Train) -> AveragedModel:
    """An exponential moving average of weights and norm buffers; with `ema: 0` a copy of the current ones."""
    averaged = AveragedModel(module, use_buffers=True)
    averaged.multi_avg_fn = partial(_update_average, averaged, recipe.ema)
    return averaged


@torch.no_grad()
def _update_average(
    averaged: AveragedModel, decay: float, averages: list[Tensor], values: list[Tensor], count: Tensor
) -> None:
    """The decay is smaller in the first steps, so that the average does not retain the random initialisation."""
    # `count` has the same number on the device; reading it would wait for all queued work.
    steps = int(averaged.n_averaged)
    weight = 1 - min(decay, (1 + steps) / (10 + steps))
    if averages[0].is_floating_point():
        torch._foreach_lerp_(averages, values, weight)
    else:
        torch._foreach_copy_(averages, values)
