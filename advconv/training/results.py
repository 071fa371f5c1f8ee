"""What a trained network reaches on the test set, whole and by class."""

from collections.abc import Sequence

import torch
from torch import Tensor

from advconv.report.table import Table
from advconv.training.data import Pictures
from advconv.training.loop import Scores


def confusion_counts(pictures: Pictures, scores: Scores) -> Tensor:
    """How many pictures of each class (row) were taken for each class (column)."""
    classes = scores.probabilities.shape[1]
    pairs = pictures.labels * classes + scores.probabilities.argmax(1)
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def by_class(pictures: Pictures, scores: Scores, classes: Sequence[str], title: str) -> Table:
    """Accuracy for each class, with the class that it is most often taken for."""
    counts = confusion_counts(pictures, scores)
    rows = []
    for index, name in enumerate(classes):
        total, right = int(counts[index].sum()), int(counts[index, index])
        others = counts[index].clone()
        others[index] = -1
        mistaken = int(others.argmax())
        taken_for = f"{classes[mistaken]} ({int(others[mistaken])})" if others[mistaken] > 0 else ""
        accuracy = f"{100 * right / total:.2f}%" if total else "-"
        rows.append((name, total, right, accuracy, taken_for))
    totals = {"accuracy": scores.accuracy, "loss": scores.loss, "pictures": len(pictures)}
    closing = f"accuracy {scores.accuracy:.2f}%, loss {scores.loss:.4f}, {len(pictures):,} pictures"
    return Table(
        title, ("class", "pictures", "right", "accuracy", "most often taken for"), tuple(rows), (closing,), totals
    )
