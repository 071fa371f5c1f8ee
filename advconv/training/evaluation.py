"""Evaluation: what a network predicts for images."""

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from advconv.training.data import ImageSet
from advconv.training.device import Accelerator, Normalise

EVAL_BATCH_SIZE = 500


class Evaluation(NamedTuple):
    """`probabilities` (count, classes), mean `loss` in nats, `accuracy` in percent."""

    probabilities: Tensor
    loss: float
    accuracy: float


def evaluate(
    module: nn.Module, data: ImageSet, normalise: Normalise, accelerator: Accelerator, flip: bool = False
) -> Evaluation:
    """Evaluates a network on images; with `flip` averages its probabilities for each image and its mirror image."""
    batches = torch.split(data.images, EVAL_BATCH_SIZE)
    log = torch.cat([_log_probabilities(module, images, normalise, accelerator, flip).cpu() for images in batches])
    loss = F.nll_loss(log, data.labels).item()
    correct = int((log.argmax(1) == data.labels).sum())
    return Evaluation(log.exp(), loss, 100 * correct / len(data))


def _log_probabilities(
    module: nn.Module, images: Tensor, normalise: Normalise, accelerator: Accelerator, flip: bool
) -> Tensor:
    """Log probabilities (count, classes) of images, uint8 (count, height, width, channels)."""
    with torch.inference_mode(), accelerator.autocast():
        inputs = normalise(images.to(accelerator.device))
        logs = [F.log_softmax(module(view).float(), 1) for view in ((inputs, inputs.flip(3)) if flip else (inputs,))]
        return torch.logsumexp(torch.stack(logs), 0) - math.log(len(logs))


def predict(module: nn.Module, image: NDArray[np.uint8], normalise: Normalise, accelerator: Accelerator) -> list[float]:
    """The probability of each class for one image, uint8 (height, width, channels)."""
    log = _log_probabilities(module, torch.from_numpy(image)[None], normalise, accelerator, flip=False)[0]
    return [float(probability) for probability in log.exp()]
