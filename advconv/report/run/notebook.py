"""A run as a Jupyter notebook whose cells measure the network, evaluate its weights and draw its curves."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from advconv.backends.torch_source import emit
from advconv.language.augment import source as augment_source
from advconv.language.data_sets import SETS
from advconv.report.cells import markdown
from advconv.report.run.markdown import prose
from advconv.report.run.reading import RunReport
from advconv.report.run.words import state_words, write_up
from advconv.text.python_source import literal
from advconv.training.checkpoints import LAST
from advconv.training.names import ARCH, LOG

GENERATOR = "advconv report"
"""In the metadata of each notebook, by which one of ours is recognised."""

NEEDS = (
    "To run it: install advconv with its extra `train` into the environment of the kernel, keep the run's directory "
    "where the first cell of code looks for it (relative to this notebook), and have the images of {data} in the "
    "directory that `DATA` names; None is `$ADVCONV_DATA`, else the directory that the run was trained from. The cells "
    "compute everything anew; the sentences in text cells are what the run has recorded."
)

START = """\
import csv
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torchinfo
from safetensors.torch import load_file

import advconv
from advconv.training.run import open_run
from advconv.training.sets import data_directory, load_dataset

RUN = Path({run})
DATA = None

torch.manual_seed({seed})
run = open_run(RUN)
net = advconv.load(RUN / "{arch}")
net"""

CHECK = "net.check()"

TABLE = "net.rf_table(explain=True)"

SUMMARY = """\
model = Net()
shape = net.measures.graph.input
torchinfo.summary(model, input_size=(1, shape.channels, shape.height, shape.width), verbose=0)"""

IMAGES = """\
options = run.metadata.options
data = load_dataset(run.spec.data, data_directory(DATA, options.data_dir), run.spec.input)
train, test = data.train.first(options.limit), data.test.first(options.limit)
classes = run.metadata.classes
assert list(data.classes) == classes, "these are other images than those of the run"
f"{len(train):,} training and {len(test):,} test images"
"""

AUGMENTED = """\
def shown(image):
    return image if image.shape[2] == 3 else image[:, :, 0]


augment = augmentation(tuple(255 * value for value in run.metadata.mean))
figure, rows = plt.subplots(4, 7, figsize=(9, 5.4), squeeze=False)
for row, image in zip(rows, data.train.images.numpy(), strict=False):
    drawn = [image, *(augment(image=image)["image"] for _ in row[1:])]
    for place, each in zip(row, drawn, strict=True):
        place.imshow(shown(each), cmap="gray", vmin=0, vmax=255)
        place.axis("off")
rows[0][0].set_title("as it is", fontsize=9)
rows[0][1].set_title("augmented", fontsize=9)
plt.show()"""

LOGGED = """\
print((RUN / "{log}").read_text(encoding="utf-8"))"""

CURVES = """\
with open(RUN / "{log}", newline="", encoding="utf-8") as file:
    log = list(csv.DictReader(file))

figure, places = plt.subplots(1, 3, figsize=(13, 3.5))
for place, what in zip(places, ("loss", "accuracy", "lr"), strict=True):
    for name, style in (("train", "o-"), ("val", "s--"), ("test", "^:"), ("", "o-")):
        column = f"{{name}}_{{what}}" if name else what
        points = [(int(row["epoch"]), float(row[column])) for row in log if row.get(column)]
        if points:
            place.plot(*zip(*points, strict=True), style, label=column, markersize=3)
    place.set(xlabel="epoch", title=what)
    place.legend()
plt.show()"""

EVALUATE = """\
model.load_state_dict(load_file(RUN / "{weights}"))
model.eval()
mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (run.metadata.mean, run.metadata.std))
with torch.inference_mode():
    batches = (images.permute(0, 3, 1, 2).float() / 255 for images in torch.split(test.images, 500))
    probabilities = torch.cat([model((batch - mean) / std).softmax(1) for batch in batches])
predicted = probabilities.argmax(1)
accuracy = 100 * (predicted == test.labels).float().mean()
print(f"test accuracy {{accuracy:.2f}}% on {{len(test):,}} images, in float32")"""

CLASSES = """\
for label, name in enumerate(classes):
    of_class = test.labels == label
    if of_class.any():
        print(f"{name:<20} {100 * (predicted[of_class] == label).float().mean():6.2f}% of {int(of_class.sum()):,}")"""

CONFUSION = """\
count = len(classes)
counts = torch.bincount(test.labels * count + predicted, minlength=count**2).reshape(count, count)
figure, place = plt.subplots(figsize=(7, 6))
place.imshow(counts / counts.sum(1, keepdim=True).clamp(min=1), cmap="Blues", vmin=0, vmax=1)
names = [name.replace("$", r"\\$") for name in classes]
place.set_xticks(range(count), names, rotation=90)
place.set_yticks(range(count), names)
place.set(xlabel="predicted", ylabel="class")
if count <= 20:
    for row in range(count):
        for column in range(count):
            colour = "white" if counts[row, column] > counts[row].sum() / 2 else "black"
            place.text(column, row, int(counts[row, column]), ha="center", va="center", color=colour, fontsize=7)
plt.show()"""

MISTAKES = """\
confidence = probabilities.max(1).values.where(predicted != test.labels, -1)
worst = [int(index) for index in confidence.argsort(descending=True)[:24] if confidence[index] >= 0]
figure, places = plt.subplots(3, 8, figsize=(12, 5.6))
for place in places.flat:
    place.axis("off")
for place, index in zip(places.flat, worst, strict=False):
    place.imshow(shown(test.images[index].numpy()), cmap="gray", vmin=0, vmax=255)
    title = f"{classes[test.labels[index]]}\\nas {classes[predicted[index]]}, {100 * confidence[index]:.0f}%"
    place.set_title(title, fontsize=7, parse_math=False)
plt.show()"""


def run_notebook(report: RunReport, directory: Path) -> str:
    """The notebook as JSON; `directory` is where it will be, from which it looks for the run."""
    cells = [
        {**cell, "id": f"cell-{number}"} for number, cell in enumerate(_cells(report, _path(report, directory)), 1)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, "generator": GENERATOR}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def _path(report: RunReport, directory: Path) -> str:
    """The run, relative to the notebook where that is possible."""
    path = report.run.path.resolve()
    try:
        return Path(os.path.relpath(path, directory.resolve())).as_posix()
    except ValueError:
        # On another drive.
        return path.as_posix()


def _cells(report: RunReport, path: str) -> Iterator[dict[str, Any]]:
    spec = report.spec
    needs = NEEDS.format(data=markdown(SETS[spec.data].title))
    yield _text(f"# {markdown(report.metadata.name)}", f"**{markdown(state_words(report))}**", needs)
    yield _code(START.format(run=literal(path), seed=report.metadata.seed, arch=ARCH))
    yield _text("## In words", *map(prose, write_up(report)))
    yield from _titled("Constraints", CHECK)
    yield from _titled("Model", emit(report.run.measures, spec.name))
    yield from _titled("Summary", SUMMARY)
    yield from _titled("Receptive-field calculation", TABLE)
    yield from _titled("Images", IMAGES.removesuffix("\n"))
    yield from _titled("Augmentation", augment_source(spec.augment, spec.name), AUGMENTED)
    if report.history.epochs:
        yield from _titled("Training log", LOGGED.format(log=LOG))
        yield from _titled("Training curves", CURVES.format(log=LOG))
        yield _text("## Evaluation of the last weights", *_recorded(report))
        yield _code(EVALUATE.format(weights=LAST))
        yield _code(CLASSES)
        yield from _titled("Confusion matrix", CONFUSION)
        yield from _titled("Misclassified images", MISTAKES)


def _recorded(report: RunReport) -> list[str]:
    """The accuracy in the precision of the run, from which that of the notebook may differ by a few images."""
    if not report.result:
        return []
    return [prose(f"The run has recorded {report.result.test_accuracy:.2f}%, on {report.device}.")]


def _titled(title: str, *codes: str) -> Iterator[dict[str, Any]]:
    yield _text(f"## {title}")
    yield from map(_code, codes)


def _text(*paragraphs: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": _lines("\n\n".join(paragraphs))}


def _code(source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": _lines(source.removesuffix("\n")),
    }


def _lines(text: str) -> Sequence[str]:
    return text.splitlines(keepends=True)
