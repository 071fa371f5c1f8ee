"""The page of a run: its sections before and after those of its file."""

from collections.abc import Iterator, Sequence

from advconv.language.augment import source as augment_source
from advconv.report.page.curves import figure
from advconv.report.page.document import Frame, Section, page
from advconv.report.page.listing import listing
from advconv.report.page.markup import Content, Markup, element, prose
from advconv.report.page.tables import sortable
from advconv.report.run.curves import of_run
from advconv.report.run.reading import RunReport, State
from advconv.report.run.tables import (
    classes_table,
    confusions_table,
    log_table,
    log_text,
    recipe_table,
    seconds_text,
    setup_table,
)
from advconv.report.run.words import augmented_missing, predictions_missing, state_words, unfinished, write_up
from advconv.training.confusion import Confusion
from advconv.training.records import AugmentedImage, Mistake

STYLE = "run/run.css"

MAX_MATRIX = 100
"""Classes of a confusion matrix that is shown cell by cell."""

SHADES = 10


def run_page(report: RunReport) -> str:
    """The page of a run as one text that loads nothing."""
    frame = Frame(report.metadata.name, _head(report), _before(report), _after(report), f"the run {report.name}", STYLE)
    return page(report.checked, frame)


def _head(report: RunReport) -> Content:
    is_good = report.state is State.FINISHED and report.checked.ok and _promise_kept(report) is not False
    sign = "\u2713" if is_good else "\u2026" if not report.result else "\u2717"
    words = element("strong", element("span", sign, aria_hidden="true"), " ", state_words(report))
    checked = report.checked
    kept = f", {checked.kept} of {checked.judged} constraints kept" if checked.judged else None
    kind = "good" if is_good else "open" if not report.result else "bad"
    note = unfinished(report)
    return (
        element("p", words, kept, class_=f"state {kind}"),
        element("p", prose(note), class_="note") if note else None,
        _totals(report),
    )


def _promise_kept(report: RunReport) -> bool | None:
    return report.result.promise_kept if report.result else None


def _totals(report: RunReport) -> Markup:
    """The numbers of the training, above those of the network."""
    result, last, history = report.result, report.last, report.history
    best = "-" if history.best_accuracy is None else f"{history.best_accuracy:.2f}%"
    picked = f"epoch {history.best_epoch}, picked on the {history.picked_on} set" if history.best_epoch else "none yet"
    test = f"{result.test_images:,} images, last epoch" if result else "not known yet"
    pairs = [
        ("Test accuracy", f"{result.test_accuracy:.2f}%" if result else "-", test),
        ("Test loss", f"{result.test_loss:.4f}" if result else "-", "nats, last epoch"),
        ("Best epoch", best, picked),
        ("Training accuracy", f"{last.train_accuracy:.2f}%" if last else "-", "augmented images, last epoch"),
        ("Epochs", f"{len(history.epochs):,} of {report.spec.train.epochs:,}", seconds_text(report.seconds)),
        ("Seed", str(report.metadata.seed), report.device),
    ]
    items = [
        element("div", element("dt", term), element("dd", element("b", value), element("small", note)))
        for term, value, note in pairs
    ]
    return element("dl", *items, class_="totals of-run")


def _before(report: RunReport) -> list[Section]:
    return [
        Section("summary", "Summary", "In words", [element("p", prose(text)) for text in write_up(report)]),
        Section("curves", "Curves", "Training curves", _curves(report)),
        *_predictions(report),
        Section("augmented", "Augmented", "Augmented images", _augmented(report)),
        Section("log", "Log", "Log", _log(report)),
    ]


def _after(report: RunReport) -> list[Section]:
    code = augment_source(report.spec.augment, report.spec.name).removesuffix("\n").split("\n")
    return [
        Section("augmentation", "Augmentation", "Augmentation code", listing(code, "Source of the augmentation")),
        Section("recipe", "Recipe", "Recipe", sortable(recipe_table(report))),
        Section("setup", "Setup", "Seed, device and versions", sortable(setup_table(report))),
    ]


def _curves(report: RunReport) -> Content:
    if not report.history.epochs:
        return element("p", "No epoch is finished yet.")
    return element("div", *map(figure, of_run(report)), class_="charts"), element(
        "p", "The log has the numbers.", class_="closing"
    )


def _log(report: RunReport) -> Content:
    if not report.history.epochs:
        return element("p", "No epoch is finished yet.")
    lines = log_text(report).split("\n")
    return sortable(log_table(report)), listing(lines, "The log as text")


def _predictions(report: RunReport) -> Iterator[Section]:
    """Classes, confusions and mistakes; one section that says how to get them if there are none."""
    if not (report.predictions and (confusion := report.confusion)):
        text = element("p", prose(predictions_missing(report)))
        yield Section("classes", "Classes", "Accuracy by class, confusion matrix, misclassified images", text)
        return
    yield Section("classes", "Classes", "Accuracy by class", sortable(classes_table(report, confusion)))
    yield Section("confusion", "Confusion", "Confusion matrix", _confusion(confusion))
    mistakes = _mistakes(report.predictions.mistakes, report.classes)
    yield Section("mistakes", "Mistakes", "Misclassified images", mistakes)


def _confusion(confusion: Confusion) -> Content:
    frequent = sortable(confusions_table(confusion)) if confusion.mistakes() else None
    if len(confusion.classes) > MAX_MATRIX:
        return element("p", f"Of {len(confusion.classes):,} classes the matrix is not shown."), frequent
    return _matrix(confusion), frequent


def _matrix(confusion: Confusion) -> Markup:
    """A cell is as dark as its share of the images of the class."""
    heads = [element("th", element("span", name), scope="col") for name in confusion.classes]
    corner = element("th", "class", scope="col")
    body = [
        element("tr", element("th", name, scope="row"), *_matrix_cells(row, label, len(confusion.classes)))
        for label, (name, row) in enumerate(zip(confusion.classes, confusion.counts, strict=True))
    ]
    title = "Images of each class (row) by predicted class (column)"
    caption = element("caption", element("span", title))
    table = element("table", caption, element("thead", element("tr", corner, *heads)), element("tbody", *body))
    return element("div", table, class_="scroll matrix", role="group", aria_label=title, tabindex=0)


def _matrix_cells(row: dict[int, int], label: int, classes: int) -> Iterator[Markup]:
    total = sum(row.values())
    for predicted in range(classes):
        count = row.get(predicted, 0)
        shade = -(-SHADES * count // total) if count else 0
        kind = " ".join(filter(None, (f"h{shade}" if shade else "", "right" if predicted == label else "")))
        yield element("td", f"{count:,}" if count else "\u00b7", class_=kind or None)


def _mistakes(mistakes: Sequence[Mistake], classes: Sequence[str]) -> Content:
    if not mistakes:
        return element("p", "None.")
    items = [_mistake(mistake, classes) for mistake in mistakes]
    note = f"The {len(items)} most confident ones." if len(items) > 1 else None
    return element("p", note, class_="muted") if note else None, element("ul", *items, class_="tiles")


def _mistake(mistake: Mistake, classes: Sequence[str]) -> Markup:
    lines = (
        element("span", "is ", element("b", classes[mistake.label])),
        element("span", "predicted ", element("b", classes[mistake.predicted])),
        element("span", f"with {100 * mistake.probability:.1f}%", class_="muted"),
    )
    return element("li", image(mistake.image, f"test image {mistake.index}"), *lines)


def image(tile: str, text: str) -> Markup:
    """A small image with its text alternative."""
    return element("img", src=f"data:image/png;base64,{tile}", alt=text, class_="tile")


def _augmented(report: RunReport) -> Content:
    if not (report.augmented and report.augmented.images):
        return element("p", prose(augmented_missing(report)))
    epochs = max(len(shown.draws) for shown in report.augmented.images)
    names = ["image", "as it is", *(f"epoch {epoch}" for epoch in range(1, epochs + 1))]
    heads = element("tr", *(element("th", name, scope="col") for name in names))
    body = [_augmented_row(shown) for shown in report.augmented.images]
    title = (
        "Training images as they are, and as the augmentation draws them for the first epochs, also beyond those that "
        f"were trained: from seed {report.augmented.seed}, the epoch and the index of the image"
    )
    caption = element("caption", element("span", title))
    table = element("table", caption, element("thead", heads), element("tbody", *body))
    return element("div", table, class_="scroll images", role="group", aria_label="Augmented images", tabindex=0)


def _augmented_row(shown: AugmentedImage) -> Markup:
    cells = [image(shown.image, f"training image {shown.index} as it is")]
    cells += [image(draw, f"in epoch {epoch}") for epoch, draw in enumerate(shown.draws, 1)]
    return element("tr", element("th", str(shown.index), scope="row"), *(element("td", cell) for cell in cells))
