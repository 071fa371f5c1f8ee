"""A run in sentences, which hold nothing but its own facts."""

import shlex
from collections.abc import Iterator

from advconv.constraints.record import Status
from advconv.language.data_sets import SETS
from advconv.report.run.reading import RunReport, State
from advconv.report.run.tables import number_text, seconds_text
from advconv.training.confusion import Confusion
from advconv.values.quantities import counted

NO_PREDICTIONS = "There are no predictions for the test images."


def state_words(report: RunReport) -> str:
    """`finished: test accuracy 88.99%`, `not finished: 3 of 24 epochs done`"""
    if report.result:
        return f"finished: test accuracy {report.result.test_accuracy:.2f}%"
    done, planned = len(report.history.epochs), report.spec.train.epochs
    doing = "training now" if report.state is State.TRAINING else "not finished"
    return f"{doing}: {done:,} of {counted(planned, 'epoch')} done"


def unfinished(report: RunReport) -> str:
    """What a run that is not finished lacks, and what finishes it; empty for a finished one."""
    if report.result:
        return ""
    if report.state is State.TRAINING:
        return "Another process is training it now. The numbers are those of the epochs until now; none is a result."
    return (
        "This run is not finished, so it has no result on the test set. "
        f"`advconv train --resume {_path(report)}` continues it."
    )


def predictions_missing(report: RunReport) -> str:
    """Why there are no predictions, and how to get them."""
    if not report.result:
        return f"{NO_PREDICTIONS} They are made when the training ends."
    return f"{NO_PREDICTIONS} {_how(report)}"


def augmented_missing(report: RunReport) -> str:
    return f"There are no augmented images. {_how(report)}"


def _how(report: RunReport) -> str:
    command = f"`advconv report {_path(report)} --data-dir DIR`"
    reason = f"{report.missing[:1].upper()}{report.missing[1:].rstrip('.')}. " if report.missing else ""
    return f"{reason}{command} makes them, where DIR has the images of {SETS[report.spec.data].title}."


def _path(report: RunReport) -> str:
    return shlex.quote(str(report.run.path))


def write_up(report: RunReport) -> list[str]:
    """The network, its training, its result and its mistakes, a paragraph each."""
    parts = _network(report), _training(report), _result(report), mistakes(report.confusion)
    return [text for part in parts if (text := " ".join(part))]


def _network(report: RunReport) -> list[str]:
    checked, measures = report.checked, report.run.measures
    first = (
        f"{report.spec.name} takes images of {measures.graph.input} and has {len(measures.graph.nodes):,} layers, "
        f"{measures.total.params:,} parameters and {measures.total.macs:,} MACs for one image; "
        f"its receptive field is {measures.receptive_field}."
    )
    if not checked.judged:
        return [first]
    failed = ", ".join(verdict.name for verdict in checked.verdicts if verdict.status is Status.FAILED)
    kept = f"It keeps {checked.kept} of {counted(checked.judged, 'constraint')}"
    return [first, f"{kept}; it breaks {failed}." if failed else f"{kept}."]


def _training(report: RunReport) -> list[str]:
    train, metadata = report.spec.train, report.metadata
    initial = metadata.options.initial_weights
    done = len(report.history.epochs)
    images = f"the first {metadata.options.limit:,} images of" if metadata.options.limit else ""
    held_out = f", {train.val_split:,} of its training images held out for validation" if train.val_split else ""
    augment = [step.name for step in report.spec.augment]
    return [
        f"It was trained on {f'{images} ' if images else ''}{SETS[report.spec.data].title}{held_out}, for "
        f"{done:,} of {counted(train.epochs, 'epoch')} with batches of {train.batch_size:,} images, {train.optimizer} "
        f"with a peak learning rate of {number_text(train.peak_lr)} ({train.schedule}) and seed {metadata.seed}.",
        *([f"It started from given weights (SHA-256 {initial.sha256})."] if initial else []),
        f"The images were augmented with {', '.join(augment)}." if augment else "The images were not augmented.",
        *([f"The epochs took {seconds_text(report.seconds)} on {report.device}."] if done else []),
    ]


def _result(report: RunReport) -> Iterator[str]:
    result = report.result
    if result is None:
        yield unfinished(report)
        return
    yield (
        f"The averaged weights of its last epoch, {result.epoch:,}, reach {result.test_accuracy:.2f}% on "
        f"{result.test_images:,} test images, with a loss of {result.test_loss:.4f}."
    )
    if result.best_accuracy is not None:
        yield (
            f"The best epoch, picked on the {result.best_picked_on} set, is {result.best_epoch:,} "
            f"with {result.best_accuracy:.2f}%."
        )
    if result.promise:
        judged = {True: "is kept", False: "is not kept", None: f"is not judged: {result.promise_not_judged}"}
        yield f"The promised accuracy, {result.promise}, {judged[result.promise_kept]}."


def mistakes(confusion: Confusion | None) -> list[str]:
    """Which classes are recognised best and worst, and the most frequent mistake."""
    if confusion is None:
        return []
    rows = [
        (100 * row.get(label, 0) / total, confusion.classes[label])
        for label, row in enumerate(confusion.counts)
        if (total := sum(row.values()))
    ]
    (low, worst), (high, best) = min(rows), max(rows)
    if low == high:
        return [f"Of each class {low:.2f}% of the test images are recognised."]
    most, least = (
        _which([name for share, name in rows if share == end], name) for end, name in ((high, best), (low, worst))
    )
    found = [f"Recognised most often: {most} ({high:.2f}%); least often: {least} ({low:.2f}%)."]
    wrong_ones = confusion.mistakes()
    for count, label, predicted in wrong_ones[:1]:
        times = "once" if count == 1 else f"{count:,} times"
        wrong = f"{confusion.classes[label]} taken for {confusion.classes[predicted]}"
        is_one = len(wrong_ones) == 1 or wrong_ones[1][0] < count
        start = "The most frequent mistake is" if is_one else "Among the most frequent mistakes is"
        found.append(f"{start} {wrong}, {times}.")
    return found


def _which(names: list[str], name: str) -> str:
    """`cat`, `3 classes`"""
    return name if len(names) == 1 else counted(len(names), "class")
