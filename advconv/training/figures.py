"""The figures of a run, as PNG files."""

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from advconv.text.visible import visible
from advconv.training.data import ImageSet
from advconv.training.evaluation import Evaluation
from advconv.training.metrics import EpochMetrics
from advconv.training.predictions import worst
from advconv.training.shapes import Image

BLUE, ORANGE, GREY = "#2468b2", "#d1662a", "#8a8a8a"

# Names of classes and runs may have dollar signs, which would start a formula.
as_plain_text = rc_context({"text.parse_math": False})


def png(figure: Figure, description: str = "") -> bytes:
    out = io.BytesIO()
    # Without the version of matplotlib, the same run gives the same file.
    metadata = {"Software": None} | ({"Description": description} if description else {})
    figure.savefig(out, format="png", dpi=120, metadata=metadata)
    return out.getvalue()


@as_plain_text
def curves(history: Sequence[EpochMetrics], promise: float | None, title: str) -> bytes:
    """Loss and accuracy by epoch; those of validation and test are of the averaged weights."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [metrics.epoch for metrics in history]
    for axes, what, unit in ((left, "loss", "loss (nats)"), (right, "accuracy", "accuracy (%)")):
        for part, colour, label in (
            ("train", GREY, "training, augmented"),
            ("val", ORANGE, "validation, averaged weights"),
            ("test", BLUE, "test, averaged weights"),
        ):
            _line(axes, epochs, [getattr(metrics, f"{part}_{what}") for metrics in history], colour, label)
        axes.set(xlabel="epoch", ylabel=unit)
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
    if promise is not None:
        right.axhline(promise, color="black", linestyle=":", linewidth=1, label=f"promised: {promise:g}%")
    for axes in (left, right):
        axes.legend(frameon=False)
    figure.suptitle(visible(title))
    return png(figure)


def _line(axes: Axes, epochs: list[int], values: list[float | None], colour: str, label: str) -> None:
    points = [(epoch, value) for epoch, value in zip(epochs, values, strict=True) if value is not None]
    if points:
        marker = "o" if len(points) < 3 else ""
        axes.plot(*zip(*points, strict=True), color=colour, marker=marker, label=label)


@as_plain_text
def mosaic(rows: Sequence[Sequence[Image]], title: str) -> bytes:
    """Rows of images of one size, with white lines between them."""
    framed = [
        [np.pad(displayable(image), ((1, 1), (1, 1), (0, 0)), constant_values=255) for image in row] for row in rows
    ]
    grid = np.concatenate([np.concatenate(row, axis=1) for row in framed])
    figure = Figure(figsize=(1.1 * len(rows[0]), 1.1 * len(rows) + 0.4), layout="constrained")
    axes = figure.subplots()
    _draw(axes, grid)
    axes.set_title(title, fontsize=9)
    return png(figure)


def _draw(axes: Axes, image: Image) -> None:
    axes.axis("off")
    axes.imshow(image, interpolation="nearest", cmap="gray", vmin=0, vmax=255)


class Tile(NamedTuple):
    """An image and the lines above it."""

    image: Image
    lines: tuple[str, ...]


@as_plain_text
def tiles(parts: Sequence[Tile], columns: int, title: str) -> bytes:
    rows = max(1, -(-len(parts) // columns))
    figure = Figure(figsize=(columns * 1.1, rows * 1.45 + 0.4), layout="constrained")
    spots = figure.subplots(rows, columns, squeeze=False).flatten()
    for spot in spots:
        spot.axis("off")
    for spot, part in zip(spots, parts, strict=False):
        _draw(spot, displayable(part.image))
        spot.set_title("\n".join(map(visible, part.lines)), fontsize=6)
    figure.suptitle(title, fontsize=9)
    return png(figure)


def displayable(image: Image) -> Image:
    """RGB images as they are, of others the first channel."""
    return image if image.shape[2] == 3 else image[:, :, :1]


def misclassified(data: ImageSet, evaluation: Evaluation, classes: Sequence[str]) -> bytes:
    """The wrong predictions with the highest probability."""
    parts = []
    for index, predicted, probability in worst(data, evaluation):
        lines = (classes[int(data.labels[index])], f"predicted {classes[predicted]}", f"{100 * probability:.0f}%")
        parts.append(Tile(data.images[index].numpy(), lines))
    title = f"The {len(parts)} most confident mistakes on the test set" if parts else "No mistakes on the test set"
    return tiles(parts, 8, title)


@as_plain_text
def confusion(counts: Tensor, classes: Sequence[str], title: str) -> bytes:
    """The confusion matrix: predictions of each class (column) in percent of the images of a class (row)."""
    percentages = (100 * counts / counts.sum(1, keepdim=True).clamp(min=1)).numpy()
    size = min(14.0, 3 + 0.45 * len(classes))
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(percentages, cmap="Blues", vmin=0, vmax=100)
    figure.colorbar(image, label="% of the class", shrink=0.8)
    axes.set(xlabel="predicted", ylabel="true", title=visible(title))
    ticks, names = range(len(classes)), [visible(name) for name in classes]
    axes.set_xticks(ticks, names, rotation=90, fontsize=8 if len(classes) <= 20 else 4)
    axes.set_yticks(ticks, names, fontsize=8 if len(classes) <= 20 else 4)
    if len(classes) <= 20:
        for row in ticks:
            for column in ticks:
                value = percentages[row, column]
                colour = "white" if value > 50 else "black"
                axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=7)
    return png(figure)
