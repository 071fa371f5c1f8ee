"""A run, or a comparison of runs, as a Markdown document with its images beside it."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple
from urllib.parse import quote

from advconv.backends.torch_source import emit
from advconv.language.augment import source as augment_source
from advconv.report.cells import BLOCK, FENCE, markdown
from advconv.report.page.curves import CurveChart, drawing, spoken
from advconv.report.page.judgements import WORDS
from advconv.report.page.markup import QUOTED
from advconv.report.rf_table import rf_table
from advconv.report.run.compare import (
    differences_table,
    names_of,
    networks_table,
    results_table,
    seeds_table,
    title_of,
)
from advconv.report.run.curves import MAX_DRAWN, of_run, of_runs
from advconv.report.run.reading import RunReport
from advconv.report.run.tables import (
    classes_table,
    confusions_table,
    log_text,
    matrix_table,
    recipe_table,
    setup_table,
)
from advconv.report.run.words import augmented_missing, predictions_missing, state_words, write_up
from advconv.report.summary import torchsummary
from advconv.report.table import Table
from advconv.report.text import kept_text
from advconv.system.shipped import shipped
from advconv.text.visible import visible, visible_lines
from advconv.training.records import Augmented, Mistake

MARK = "<!-- Made by advconv report. -->"
"""The first line of each document, by which one of ours is recognised."""

MAX_MATRIX = 20
"""Classes of a confusion matrix."""

MAX_LOG = 2_000
"""Lines of a log."""

IN_A_ROW = 8


@cache
def _style() -> str:
    """Of a chart in a file of its own, which has a white ground in any theme."""
    return shipped("report/run/chart.css").read_text(encoding="utf-8")


class MarkdownReport(NamedTuple):
    """The text, and the files that it shows, by their names in the directory of images."""

    text: str
    images: Mapping[str, bytes]


class Images:
    """Collects the files that a document shows; `directory` is their path in its links."""

    def __init__(self, directory: str) -> None:
        self.directory, self.files = directory, dict[str, bytes]()

    def add(self, name: str, data: bytes, text: str) -> str:
        """The Markdown that shows a file."""
        self.files[name] = data
        text = markdown(text).replace("]", "\\]")
        return f"![{text}]({quote(f'{self.directory}/{name}')})"

    def tile(self, name: str, tile: str, text: str) -> str:
        return self.add(name, base64.b64decode(tile), text)

    def charts(self, charts: Sequence[CurveChart]) -> Iterator[str]:
        for chart in charts:
            name = f"{chart.title.lower().replace(' ', '-')}.svg"
            yield f"**{chart.title}**, {chart.note}"
            yield self.add(name, drawing(chart, _style()).encode(), spoken(chart))


def run_markdown(report: RunReport, directory: str) -> MarkdownReport:
    """All that a run has to show; `directory` is where its images will be, relative to the document."""
    images = Images(directory)
    parts = [MARK, f"# {markdown(report.metadata.name)}", f"**{markdown(state_words(report))}**"]
    parts += [prose(text) for text in write_up(report)]
    parts += [*_network(report), *_training(report, images), *_predictions(report, images), *_setting(report)]
    return MarkdownReport("\n\n".join(parts) + "\n", images.files)


def comparison_markdown(reports: Sequence[RunReport], directory: str) -> MarkdownReport:
    images, names = Images(directory), names_of(reports)
    seeds, differences = seeds_table(reports, names), differences_table(reports, names)
    parts = [MARK, f"# {title_of(reports)}", "## Results", results_table(reports, names).markdown()]
    parts += ["## Seeds", seeds.markdown()] if seeds else []
    parts += ["## Training curves", *images.charts(of_runs(reports, names))]
    parts += [f"The first {MAX_DRAWN} of {len(reports)} runs are drawn."] if len(reports) > MAX_DRAWN else []
    parts += ["## Networks", networks_table(reports, names).markdown()]
    parts += ["## Settings that differ", differences.markdown() if differences.rows else "None."]
    return MarkdownReport("\n\n".join(parts) + "\n", images.files)


def _network(report: RunReport) -> Iterator[str]:
    measures, name = report.run.measures, report.spec.name
    if report.checked.verdicts:
        yield "## Constraints"
        yield _constraints(report).markdown()
    yield "## Model"
    yield _code("python", emit(measures, name))
    yield "## Summary"
    yield _code("text", torchsummary(measures))
    yield "## Receptive-field calculation"
    yield rf_table(measures, name, explain=True).markdown()


def _constraints(report: RunReport) -> Table:
    verdicts = report.checked.verdicts
    rows = [(v.name, v.value_text, v.limit.text, v.margin_text, WORDS[v.status][0]) for v in verdicts]
    return Table(kept_text(report.checked), ("constraint", "measured", "limit", "margin", "status"), tuple(rows))


def _training(report: RunReport, images: Images) -> Iterator[str]:
    yield "## Augmentation"
    yield _code("python", augment_source(report.spec.augment, report.spec.name))
    shown = report.augmented and report.augmented.images
    yield _augmented(report.augmented, images) if report.augmented and shown else prose(augmented_missing(report))
    yield "## Training log"
    lines = log_text(report).split("\n")
    yield _code("text", "\n".join(lines[:MAX_LOG])) if report.history.epochs else "No epoch is finished yet."
    if len(lines) > MAX_LOG:
        yield f"The first {MAX_LOG:,} of {len(lines):,} epochs."
    if report.history.epochs:
        yield "## Training curves"
        yield from images.charts(of_run(report))


def _augmented(augmented: Augmented, images: Images) -> str:
    epochs = max(len(shown.draws) for shown in augmented.images)
    heads = ["image", "as it is", *(f"epoch {epoch}" for epoch in range(1, epochs + 1))]
    rows = []
    for shown in augmented.images:
        start = f"augmented-{shown.index}"
        cells = [images.tile(f"{start}-as-it-is.png", shown.image, f"training image {shown.index} as it is")]
        for epoch, draw in enumerate(shown.draws, 1):
            text = f"training image {shown.index} in epoch {epoch}"
            cells.append(images.tile(f"{start}-epoch-{epoch}.png", draw, text))
        rows.append([str(shown.index), *cells])
    note = f"What the network sees follows from seed {augmented.seed}, the epoch and the index of the image."
    return f"{note}\n\n{_grid(heads, rows)}"


def _predictions(report: RunReport, images: Images) -> Iterator[str]:
    yield "## Accuracy by class"
    if not (report.predictions and (confusion := report.confusion)):
        yield prose(predictions_missing(report))
        return
    yield classes_table(report, confusion).markdown()
    yield "## Confusion matrix"
    if len(confusion.classes) <= MAX_MATRIX:
        yield matrix_table(confusion).markdown()
    if confusion.mistakes():
        yield confusions_table(confusion).markdown()
    yield "## Misclassified images"
    mistakes = report.predictions.mistakes
    yield _mistakes(mistakes, report.classes, images) if mistakes else "None."


def _mistakes(mistakes: Sequence[Mistake], classes: Sequence[str], images: Images) -> str:
    """Rows of images, each with a row of captions below it."""
    rows = []
    numbered = list(enumerate(mistakes, 1))
    for start in range(0, len(numbered), IN_A_ROW):
        row = numbered[start : start + IN_A_ROW]
        blank = [""] * (IN_A_ROW - len(row))
        shown = [images.tile(f"mistake-{number}.png", each.image, f"test image {each.index}") for number, each in row]
        rows.append(shown + blank)
        rows.append([_caption(each, classes) for _, each in row] + blank)
    note = f"The {len(mistakes)} most confident ones." if len(mistakes) > 1 else "The only one."
    return f"{note}\n\n{_grid([' '] * IN_A_ROW, rows)}"


def _caption(mistake: Mistake, classes: Sequence[str]) -> str:
    label, predicted = (markdown(classes[index]) for index in (mistake.label, mistake.predicted))
    return f"{label}, predicted {predicted} with {100 * mistake.probability:.1f}%"


def _setting(report: RunReport) -> Iterator[str]:
    yield "## Recipe"
    yield recipe_table(report).markdown()
    yield "## Seed, device and versions"
    yield setup_table(report).markdown()
    yield "## The file"
    yield _code("yaml", report.checked.source.text)


def _grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(language: str, text: str) -> str:
    """A block of code with a fence that its text does not have."""
    fence = "`" * max([3, *(len(found) + 1 for found in FENCE.findall(text))])
    return f"{fence}{language}\n{visible_lines(text).removesuffix(chr(10))}\n{fence}"


def prose(text: str) -> str:
    """A sentence; what stands between backticks is code."""
    parts = enumerate(QUOTED.split(text))
    return BLOCK.sub(r"\1\\", "".join(f"`{visible(part)}`" if place % 2 else _plain(part) for place, part in parts))


def _plain(text: str) -> str:
    """Escaped, with the spaces at its ends."""
    inner = text.strip(" ")
    start = len(text) - len(text.lstrip(" "))
    return f"{text[:start]}{markdown(inner)}{text[start + len(inner) :]}"
