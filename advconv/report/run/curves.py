"""The curves of one run and of several runs."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from advconv.constraints.record import Status
from advconv.report.page.curves import STYLES, Curve, CurveChart
from advconv.report.run.reading import RunReport
from advconv.report.run.tables import loss_text, number_text
from advconv.training.confusion import percent_text
from advconv.training.metrics import EpochMetrics

PERCENT = (0.0, 100.0)

Metric: TypeAlias = Callable[[EpochMetrics], float | None]

SETS = {"train": "training, augmented", "val": "validation", "test": "test"}


def of_run(report: RunReport) -> list[CurveChart]:
    """Loss, accuracy and learning rate by epoch."""
    epochs = report.history.epochs
    return [
        CurveChart("Loss", "nats, by epoch", _by_set(epochs, "loss"), loss_text),
        CurveChart(
            "Accuracy", "percent, by epoch", _by_set(epochs, "accuracy"), percent_text, PERCENT, _promise(report)
        ),
        CurveChart(
            "Learning rate", "of the last step of each epoch", [_curve(epochs, "lr", "learning rate", 0)], number_text
        ),
    ]


def _by_set(epochs: Sequence[EpochMetrics], what: str) -> list[Curve]:
    found = [_curve(epochs, f"{part}_{what}", name, style) for style, (part, name) in enumerate(SETS.items())]
    return [curve for curve in found if curve.points]


def _curve(epochs: Iterable[EpochMetrics], field: str, name: str, style: int) -> Curve:
    points = [(metrics.epoch, value) for metrics in epochs if (value := getattr(metrics, field)) is not None]
    return Curve(name, points, style)


def _promise(report: RunReport) -> tuple[float, str] | None:
    """The promised accuracy, if it was judged."""
    for verdict in report.checked.verdicts:
        if verdict.name == "accuracy" and verdict.status is not Status.PROMISED:
            low = [bound.value for bound in verdict.limit.bounds if "<" not in bound.operator]
            return (low[0], f"promised: {low[0]:g}%") if low else None
    return None


MAX_DRAWN = STYLES
"""Runs on one chart."""


def of_runs(reports: Sequence[RunReport], names: Sequence[str]) -> list[CurveChart]:
    """The runs on one chart each: the accuracy and the loss that the best epoch is picked by, and the training loss."""
    drawn = list(zip(reports, names, strict=True))[:MAX_DRAWN]

    def curves(value: Metric) -> list[Curve]:
        return [_of_one(report, name, style, value) for style, (report, name) in enumerate(drawn)]

    note = "on the validation set if the run has one, else on the test set"
    return [
        CurveChart("Accuracy", f"percent, {note}", curves(_judged("accuracy")), percent_text, PERCENT),
        CurveChart("Loss", f"nats, {note}", curves(_judged("loss")), loss_text),
        CurveChart("Training loss", "nats, augmented images", curves(lambda each: each.train_loss), loss_text),
        CurveChart("Learning rate", "of the last step of each epoch", curves(lambda each: each.lr), number_text),
    ]


def _of_one(report: RunReport, name: str, style: int, value: Metric) -> Curve:
    points = [(each.epoch, found) for each in report.history.epochs if (found := value(each)) is not None]
    return Curve(name, points, style)


def _judged(what: str) -> Metric:
    """A metric on the set that the best epoch is picked on."""

    def value(metrics: EpochMetrics) -> float | None:
        found: float | None = getattr(metrics, f"test_{what}" if metrics.val_accuracy is None else f"val_{what}")
        return found

    return value
