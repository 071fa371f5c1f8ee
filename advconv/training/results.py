"""What a trained network reaches on the test set, whole and by class."""

from collections.abc import Sequence

import torch
from torch import Tensor

from advconv.report.table import Table
from advconv.training.data import Pictures
from advconv.training.loop import Scores
from advconv.values.quantities import rounded

COLUMNS = ("class", "pictures", "right", "accuracy", "most often taken for", "times")


def confusion_counts(pictures: Pictures, scores: Scores) -> Tensor:
    """How many pictures of each class (row) were taken for each class (column)."""
    classes = scores.probabilities.shape[1]
    pairs = pictures.labels * classes + scores.probabilities.argmax(1)
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def by_class(pictures: Pictures, scores: Scores, classes: Sequence[str], title: str) -> Table:
    """Accuracy in percent for each class, with the class that it is most often taken for, and how many times."""
    counts = confusion_counts(pictures, scores)
    rows = []
    for index, name in enumerate(classes):
        total, right = int(counts[index].sum()), int(counts[index, index])
        others = counts[index].clone()
        others[index] = -1
        mistaken = int(others.argmax())
        times = max(0, int(others[mistaken]))
        accuracy = rounded(100 * right / total) if total else None
        rows.append((name, total, right, accuracy, classes[mistaken] if times else None, times))
    totals = {"accuracy": rounded(scores.accuracy), "loss": rounded(scores.loss), "pictures": len(pictures)}
    closing = f"accuracy {scores.accuracy:.2f}%, loss {scores.loss:.4f}, {len(pictures):,} pictures"
    return Table(title, COLUMNS, tuple(rows), (closing,), totals, {"accuracy": _percent})


def _percent(accuracy: float | None) -> str:
    return "-" if accuracy is None else f"{accuracy:.2f}%"
