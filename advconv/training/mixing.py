"""Pairs of images mixed in a batch, with their targets: mixup and CutMix."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from advconv.language.recipe import Train
from advconv.training.device import to_device

Batch = tuple[Tensor, Tensor]


def mixed(inputs: Tensor, labels: Tensor, classes: int, recipe: Train, step: int) -> Batch:
    """The images (batch, channels, height, width) each mixed with another one, and the targets (batch, classes).

    All images of a step are mixed alike, by random numbers that depend only on (seed, step). Mixup is a weighted mean
    (Zhang et al., "mixup", 2018), CutMix exchanges a box; with both, each is taken in half of the steps.
    """
    random = np.random.default_rng((recipe.seed, step))
    other = to_device(torch.randperm(len(labels)), labels.device)
    targets = F.one_hot(labels, classes).float()
    takes_cutmix = bool(recipe.cutmix) and not (recipe.mixup and random.random() < 0.5)
    if not takes_cutmix:
        weight = float(random.beta(recipe.mixup, recipe.mixup))
        return torch.lerp(inputs[other], inputs, weight), torch.lerp(targets[other], targets, weight)
    inputs, weight = _cut(inputs, other, recipe.cutmix, random)
    return inputs, torch.lerp(targets[other], targets, weight)


def _cut(inputs: Tensor, other: Tensor, alpha: float, random: np.random.Generator) -> tuple[Tensor, float]:
    """The images with a box of the other ones, and the part that remains (Yun et al., "CutMix", 2019).

    The box has its middle anywhere in the image and ends at its edges, so what remains is counted in pixels.
    """
    height, width = inputs.shape[2:]
    side = math.sqrt(1 - float(random.beta(alpha, alpha)))
    rows, columns = _interval(height, side, random), _interval(width, side, random)
    cut = inputs.clone()
    cut[:, :, rows, columns] = inputs[other][:, :, rows, columns]
    area = (rows.stop - rows.start) * (columns.stop - columns.start)
    return cut, 1 - area / (height * width)


def _interval(size: int, fraction: float, random: np.random.Generator) -> slice:
    middle, length = int(random.integers(size)), round(size * fraction)
    start = middle - length // 2
    return slice(max(0, start), min(size, start + length))
