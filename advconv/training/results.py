"""Results of a trained network on the test set: tables by class, and the files of a finished run."""

import json
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from advconv.language.data_sets import SETS
from advconv.report.table import Table
from advconv.training import figures
from advconv.training.data import ImageSet
from advconv.training.evaluation import Evaluation
from advconv.training.metrics import History
from advconv.training.promise import AccuracyJudgement
from advconv.training.run import Run
from advconv.training.setup import TrainingSetup
from advconv.values.quantities import rounded

COLUMNS = ("class", "images", "correct", "accuracy", "most confused with", "times")


def write_results(
    setup: TrainingSetup, run: Run, history: History, evaluation: Evaluation, judgement: AccuracyJudgement
) -> None:
    """Writes the result, the tables and the figures of a finished run. Raises RunError."""
    title = SETS[setup.spec.data].title
    title = f"{run.metadata.name}: {evaluation.accuracy:.2f}% of {len(setup.data.test):,} test images of {title}"
    for name, content in _files(setup, history, evaluation, judgement, title).items():
        run.directory.write(name, content)


def _files(
    setup: TrainingSetup, history: History, evaluation: Evaluation, judgement: AccuracyJudgement, title: str
) -> Mapping[str, bytes | str]:
    classes, test = setup.data.classes, setup.data.test
    bounds = judgement.promise.bounds if judgement.promise and not judgement.reason else ()
    promised = next((bound.value for bound in bounds if "<" not in bound.operator), None)
    return {
        "result.json": json.dumps(_result(setup, history, evaluation, judgement), indent=2) + "\n",
        "per_class.csv": by_class(test, evaluation, classes, title).csv() + "\n",
        "curves.png": figures.curves(history.epochs, promised, title),
        "misclassified.png": figures.misclassified(test, evaluation, classes),
        "confusion.png": figures.confusion(confusion_matrix(test, evaluation), classes, title),
    }


def _result(
    setup: TrainingSetup, history: History, evaluation: Evaluation, judgement: AccuracyJudgement
) -> dict[str, object]:
    return {
        "epoch": history.epochs[-1].epoch if history.epochs else 0,
        "data": setup.spec.data,
        "test_images": len(setup.data.test),
        "test_accuracy": evaluation.accuracy,
        "test_loss": evaluation.loss,
        "best_epoch": history.best_epoch,
        "best_accuracy": history.best_accuracy,
        "best_picked_on": history.picked_on,
        "promise": judgement.promise.text if judgement.promise else None,
        "promise_kept": judgement.kept,
        "promise_not_judged": judgement.reason or None,
        "training_seconds": sum(metrics.seconds for metrics in history.epochs),
    }


def confusion_matrix(data: ImageSet, evaluation: Evaluation) -> Tensor:
    """The number of images of each class (row) that were predicted as each class (column)."""
    classes = evaluation.probabilities.shape[1]
    pairs = data.labels * classes + evaluation.probabilities.argmax(1)
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def by_class(data: ImageSet, evaluation: Evaluation, classes: Sequence[str], title: str) -> Table:
    """Accuracy of each class in percent, the class that it is most often confused with, and how many times."""
    counts = confusion_matrix(data, evaluation)
    rows = []
    for index, name in enumerate(classes):
        total, correct = int(counts[index].sum()), int(counts[index, index])
        mistakes = counts[index].clone()
        mistakes[index] = -1
        confused = int(mistakes.argmax())
        times = max(0, int(mistakes[confused]))
        accuracy = rounded(100 * correct / total) if total else None
        rows.append((name, total, correct, accuracy, classes[confused] if times else None, times))
    totals = {"accuracy": rounded(evaluation.accuracy), "loss": rounded(evaluation.loss), "images": len(data)}
    closing = f"accuracy {evaluation.accuracy:.2f}%, loss {evaluation.loss:.4f}, {len(data):,} images"
    return Table(title, COLUMNS, tuple(rows), (closing,), totals, {"accuracy": _percent})


def _percent(accuracy: float | None) -> str:
    return "-" if accuracy is None else f"{accuracy:.2f}%"
