"""The confusion matrix of a test set, and what it says about each class."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from advconv.report.table import Table
from advconv.values.quantities import rounded

COLUMNS = ("class", "images", "correct", "accuracy", "most confused with", "times")


class Confusion(NamedTuple):
    """`counts`: for each class, how many of its images were predicted as which class; both as indices."""

    classes: Sequence[str]
    counts: Sequence[dict[int, int]]

    @classmethod
    def of(cls, classes: Sequence[str], entries: Iterable[Sequence[int]]) -> "Confusion":
        """From (class, predicted class, number of images)."""
        counts: list[dict[int, int]] = [defaultdict(int) for _ in classes]
        for label, predicted, count in entries:
            counts[label][predicted] += count
        return cls(classes, [dict(row) for row in counts])

    @property
    def images(self) -> int:
        return sum(sum(row.values()) for row in self.counts)

    def mistakes(self) -> list[tuple[int, int, int]]:
        """(number of images, class, predicted class) of all confusions, the most frequent first."""
        found = [
            (count, label, predicted)
            for label, row in enumerate(self.counts)
            for predicted, count in row.items()
            if predicted != label
        ]
        return sorted(found, key=lambda each: (-each[0], each[1], each[2]))


def by_class(confusion: Confusion, accuracy: float, loss: float, title: str) -> Table:
    """Accuracy of each class in percent, the class that it is most often confused with, and how many times."""
    rows = [_class_row(confusion, label) for label in range(len(confusion.classes))]
    totals = {"accuracy": rounded(accuracy), "loss": rounded(loss), "images": confusion.images}
    closing = f"accuracy {accuracy:.2f}%, loss {loss:.4f}, {confusion.images:,} images"
    return Table(title, COLUMNS, tuple(rows), (closing,), totals, {"accuracy": percent_text})


def _class_row(confusion: Confusion, label: int) -> tuple[str, int, int, float | None, str | None, int]:
    row = confusion.counts[label]
    total, correct = sum(row.values()), row.get(label, 0)
    wrong = {predicted: count for predicted, count in row.items() if predicted != label}
    confused = min(wrong, key=lambda predicted: (-wrong[predicted], predicted)) if wrong else None
    accuracy = rounded(100 * correct / total) if total else None
    name = None if confused is None else confusion.classes[confused]
    return confusion.classes[label], total, correct, accuracy, name, 0 if confused is None else wrong[confused]


def percent_text(accuracy: float | None) -> str:
    return "-" if accuracy is None else f"{accuracy:.2f}%"
