"""The tables of a run: epochs, classes, confusions, recipe, and where it ran."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from advconv.language.data_sets import SETS
from advconv.language.dump import plain
from advconv.language.effective import Dumper, effective_fields
from advconv.report.run.reading import RunReport
from advconv.report.table import Cell, Table
from advconv.training.confusion import Confusion, by_class, percent_text
from advconv.training.metrics import EpochMetrics

MAX_CONFUSIONS = 10


def loss_text(loss: float | None) -> str:
    return "-" if loss is None else f"{loss:.4f}"


def number_text(value: float | None) -> str:
    return "-" if value is None else f"{value:,.6g}"


def seconds_text(seconds: float | None) -> str:
    """`75.3 s`, `12 min 5 s`, `3 h 20 min`"""
    if seconds is None:
        return "-"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_of_hour = divmod(minutes, 60)
    return f"{hours} h {minutes_of_hour} min" if hours else f"{minutes} min {rest} s"


LOG: dict[str, tuple[str, Callable[[Any], str]]] = {
    "epoch": ("epoch", str),
    "train_loss": ("training loss", loss_text),
    "train_accuracy": ("training accuracy", percent_text),
    "val_loss": ("validation loss", loss_text),
    "val_accuracy": ("validation accuracy", percent_text),
    "test_loss": ("test loss", loss_text),
    "test_accuracy": ("test accuracy", percent_text),
    "lr": ("learning rate", number_text),
    "seconds": ("seconds", lambda seconds: f"{seconds:.1f}"),
    "images_per_second": ("images/s", lambda rate: f"{rate:,.0f}"),
}
"""The columns of the log by their fields, with how they are written."""


def log_table(report: RunReport) -> Table:
    """A row for each epoch; without the columns of a set that was never evaluated."""
    epochs = report.history.epochs
    names = [name for name in LOG if any(getattr(metrics, name) is not None for metrics in epochs)]
    rows = tuple(tuple(getattr(metrics, name) for name in names) for metrics in epochs)
    title = "Losses in nats, accuracies in percent; those of validation and test are of the averaged weights"
    columns = tuple(LOG[name][0] for name in names)
    return Table(title, columns, rows, texts={LOG[name][0]: LOG[name][1] for name in names})


def log_text(report: RunReport) -> str:
    """The log as `advconv train` prints it, a line for each epoch."""
    return "\n".join(_log_line(metrics, report.spec.train.epochs) for metrics in report.history.epochs)


def _log_line(metrics: EpochMetrics, epochs: int) -> str:
    parts = [f"epoch {metrics.epoch}/{epochs}", f"loss {metrics.train_loss:.4f}"]
    parts.append(f"accuracy {metrics.train_accuracy:.2f}%")
    for name, loss, accuracy in (
        ("validation", metrics.val_loss, metrics.val_accuracy),
        ("test", metrics.test_loss, metrics.test_accuracy),
    ):
        if accuracy is not None:
            parts.append(f"{name} {accuracy:.2f}% (loss {loss:.4f})")
    return "  ".join([*parts, f"lr {metrics.lr:.2g}", f"{metrics.seconds:.1f} s"])


def classes_table(report: RunReport, confusion: Confusion) -> Table:
    assert report.predictions
    title = f"Test images of {SETS[report.spec.data].title} by class, on {report.predictions.device}"
    return by_class(confusion, report.predictions.accuracy, report.predictions.loss, title)


def confusions_table(confusion: Confusion) -> Table:
    """The most frequent confusions."""
    found = confusion.mistakes()
    rows = tuple(
        (confusion.classes[label], confusion.classes[predicted], count)
        for count, label, predicted in found[:MAX_CONFUSIONS]
    )
    more = f"The {len(rows)} most frequent of {len(found):,} confusions."
    return Table("Most frequent confusions", ("class", "predicted", "images"), rows, (more,))


def matrix_table(confusion: Confusion) -> Table:
    """The confusion matrix: images of each class (row) that were predicted as each class (column)."""
    columns = ("class", *confusion.classes)
    if len(set(columns)) < len(columns):
        columns = ("class", *(f"{number}: {name}" for number, name in enumerate(confusion.classes)))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, *(row.get(predicted, 0) for predicted in range(len(confusion.classes))))
        for name, row in zip(confusion.classes, confusion.counts, strict=True)
    )
    return Table("Images of each class (row) by predicted class (column)", columns, rows)


def recipe_table(report: RunReport) -> Table:
    """The recipe with every default."""
    spec = report.spec
    rows: list[tuple[Cell, ...]] = [("data", SETS[spec.data].title)]
    rows += [(f"augment[{index}]", flow(step)) for index, step in enumerate(plain(spec.augment))]
    rows += [(f"train.{key}", _setting(value)) for key, value in effective_fields(spec)["train"].items()]
    return Table("The recipe, with every default", ("setting", "value"), tuple(rows))


def _setting(value: Any) -> str:
    if isinstance(value, dict):
        return flow(value)
    return number_text(value) if isinstance(value, float) else str(value)


class FlowDumper(Dumper):
    """Writes lists of lists on one line too."""


FlowDumper.add_representer(list, yaml.SafeDumper.represent_list)


def flow(value: Any) -> str:
    """A value as YAML on one line."""
    text = yaml.dump(value, Dumper=FlowDumper, default_flow_style=True, width=1_000_000, allow_unicode=True)
    return text.strip().removesuffix("...").strip()


def setup_table(report: RunReport) -> Table:
    """Seed, device, versions and what else the result depends on."""
    return Table("What the result depends on", ("what", "value"), tuple(_setup(report)))


def _setup(report: RunReport) -> Iterator[tuple[str, str]]:
    metadata, options = report.metadata, report.metadata.options
    yield "started", metadata.started
    yield "seed", str(metadata.seed)
    yield "device", report.device
    yield "processes", str(metadata.world_size)
    yield from ((f"version of {name}", version) for name, version in metadata.versions.items())
    yield "images", f"the first {options.limit:,} of each set" if options.limit else "all"
    if options.until is not None:
        yield "until", f"{options.until:g}%"
    if (initial := options.initial_weights) is not None:
        # The end of the path is enough to know the file, and tells nothing of the machine.
        yield "initial weights", f"{'/'.join(Path(initial.source).parts[-2:])} (SHA-256 {initial.sha256})"
    for each in metadata.extended:
        yield "extended", f"from {each.epochs:,} epochs"
    yield "mean of the training images", ", ".join(f"{value:.6g}" for value in metadata.mean)
    yield "standard deviation", ", ".join(f"{value:.6g}" for value in metadata.std)
    yield "SHA-256 of arch.yaml", metadata.hash
    if report.predictions:
        yield "SHA-256 of last.safetensors", report.predictions.weights
