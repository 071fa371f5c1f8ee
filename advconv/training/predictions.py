"""What a report shows of images: predictions for the test set, and training images before and after augmentation."""

import base64
from collections.abc import Sequence

import cv2
import torch

from advconv.training.data import ImageSet
from advconv.training.evaluation import Evaluation
from advconv.training.records import Augmented, AugmentedImage, Mistake, Predictions
from advconv.training.shapes import Image

MAX_MISTAKES = 40

TILE = 64
"""Pixels of the longer side of an image on a page; smaller images are enlarged by a whole factor."""

SAMPLES, DRAWS = 6, 6
"""Training images that are shown, and epochs that each is augmented for."""


def predictions(data: ImageSet, evaluation: Evaluation, weights: str, device: str) -> Predictions:
    """`weights` is the SHA-256 of the file with the weights that were evaluated."""
    mistakes = [
        Mistake(index, int(data.labels[index]), predicted, probability, tile(data.images[index].numpy()))
        for index, predicted, probability in worst(data, evaluation)
    ]
    entries = confusion_entries(data, evaluation)
    return Predictions(weights, device, evaluation.accuracy, evaluation.loss, entries, mistakes)


def confusion_entries(data: ImageSet, evaluation: Evaluation) -> list[tuple[int, int, int]]:
    """(class, predicted class, number of images) wherever there are any."""
    classes = evaluation.probabilities.shape[1]
    pairs, counts = torch.unique(data.labels * classes + evaluation.probabilities.argmax(1), return_counts=True)
    return [
        (pair // classes, pair % classes, count) for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True)
    ]


def worst(data: ImageSet, evaluation: Evaluation) -> list[tuple[int, int, float]]:
    """The wrong predictions with the highest probability: (index of the image, predicted class, probability)."""
    probability, predicted = evaluation.probabilities.max(1)
    probability = torch.where(predicted == data.labels, -1.0, probability)
    order = [int(index) for index in probability.argsort(descending=True, stable=True)[:MAX_MISTAKES]]
    return [
        (index, int(predicted[index]), min(1.0, float(probability[index])))
        for index in order
        if probability[index] >= 0
    ]


def augmented(seed: int, images: Sequence[Image], draws: Sequence[Sequence[Image]]) -> Augmented:
    """Images by their index, and what was drawn for each, epoch by epoch."""
    shown = [
        AugmentedImage(index, tile(image), [tile(draw) for draw in drawn[:DRAWS]])
        for index, (image, drawn) in enumerate(zip(images, draws, strict=True))
    ]
    return Augmented(seed, shown)


def tile(image: Image) -> str:
    """A PNG in base64: RGB images as they are, of others the first channel."""
    longer = max(image.shape[:2])
    factor = TILE // longer if longer <= TILE else TILE / longer
    method = cv2.INTER_NEAREST if factor >= 1 else cv2.INTER_AREA
    size = [max(1, round(side * factor)) for side in (image.shape[1], image.shape[0])]
    shown = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.shape[2] == 3 else image[:, :, 0]
    resized = cv2.resize(shown, size, interpolation=method)
    _, data = cv2.imencode(".png", resized, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return base64.b64encode(data.tobytes()).decode()
