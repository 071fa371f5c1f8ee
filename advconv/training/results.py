"""Results of a trained network on the test set: tables by class, and the files of a finished run."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from advconv.language.data_sets import SETS
from advconv.report.table import Table
from advconv.training import figures
from advconv.training.checkpoints import LAST
from advconv.training.confusion import Confusion, by_class
from advconv.training.data import ImageSet
from advconv.training.evaluation import Evaluation
from advconv.training.metrics import History
from advconv.training.predictions import confusion_entries, predictions
from advconv.training.promise import AccuracyJudgement
from advconv.training.records import PREDICTIONS, RESULT, Result, record_text, result_text
from advconv.training.run import Run
from advconv.training.setup import TrainingSetup


def write_results(
    setup: TrainingSetup, run: Run, history: History, evaluation: Evaluation, judgement: AccuracyJudgement
) -> None:
    """Writes the result, the tables and the figures of a finished run. Raises RunError."""
    title = SETS[setup.spec.data].title
    title = f"{run.metadata.name}: {evaluation.accuracy:.2f}% of {len(setup.data.test):,} test images of {title}"
    weights = run.directory.sha256(LAST)
    for name, content in _files(setup, history, evaluation, judgement, title, weights).items():
        run.directory.write(name, content)


def _files(
    setup: TrainingSetup,
    history: History,
    evaluation: Evaluation,
    judgement: AccuracyJudgement,
    title: str,
    weights: str,
) -> Mapping[str, bytes | str]:
    classes, test = setup.data.classes, setup.data.test
    bounds = judgement.promise.bounds if judgement.promise and not judgement.reason else ()
    promised = next((bound.value for bound in bounds if "<" not in bound.operator), None)
    return {
        PREDICTIONS: record_text(predictions(test, evaluation, weights, str(setup.accelerator))),
        "per_class.csv": classes_of(test, evaluation, classes, title).csv() + "\n",
        "curves.png": figures.curves(history.epochs, promised, title),
        "misclassified.png": figures.misclassified(test, evaluation, classes),
        "confusion.png": figures.confusion(confusion_matrix(test, evaluation), classes, title),
        # Last, so that a run with a result has all files.
        RESULT: result_text(_result(setup, history, evaluation, judgement)),
    }


def _result(setup: TrainingSetup, history: History, evaluation: Evaluation, judgement: AccuracyJudgement) -> Result:
    return Result(
        epoch=history.epochs[-1].epoch if history.epochs else 0,
        data=setup.spec.data,
        test_images=len(setup.data.test),
        test_accuracy=evaluation.accuracy,
        test_loss=evaluation.loss,
        best_epoch=history.best_epoch,
        best_accuracy=history.best_accuracy,
        best_picked_on=history.picked_on,
        promise=judgement.promise.text if judgement.promise else None,
        promise_kept=judgement.kept,
        promise_not_judged=judgement.reason or None,
        training_seconds=sum(metrics.seconds for metrics in history.epochs),
    )


def confusion_matrix(data: ImageSet, evaluation: Evaluation) -> Tensor:
    """The number of images of each class (row) that were predicted as each class (column)."""
    classes = evaluation.probabilities.shape[1]
    pairs = data.labels * classes + evaluation.probabilities.argmax(1)
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def classes_of(data: ImageSet, evaluation: Evaluation, classes: Sequence[str], title: str) -> Table:
    """The table of the classes."""
    confusion = Confusion.of(classes, confusion_entries(data, evaluation))
    return by_class(confusion, evaluation.accuracy, evaluation.loss, title)
