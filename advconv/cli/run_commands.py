"""What the commands do that take a run: evaluate, predict, export."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from advconv.cli.train_command import says_what_is_wrong
from advconv.report.table import Table
from advconv.system.console import OK, USAGE, complain, show
from advconv.values.quantities import rounded

if TYPE_CHECKING:
    from advconv.training.data import Pictures
    from advconv.training.run import Run


@says_what_is_wrong
def run_evaluate(options: argparse.Namespace) -> int:
    """Accuracy from the weights alone."""
    from advconv.training.device import Normalise, setup
    from advconv.training.loop import score
    from advconv.training.results import by_class
    from advconv.training.run import load_weights

    run = _opened(options)
    test = _test_pictures(run, options.data_dir)
    device = setup(options.device or run.about.options.device, run.spec.train.precision, "off")
    module = load_weights(run, options.weights).to(device.device)
    normalise = Normalise(tuple(run.about.mean), tuple(run.about.std)).to(device.device)
    scores = score(module, test, normalise, device, options.flip)
    title = f"{run.about.name}, {options.weights} weights{', with mirror images' if options.flip else ''}: {run.path}"
    show(by_class(test, scores, run.about.classes, title).render(options.format))
    return OK


def _opened(options: argparse.Namespace) -> "Run":
    """Raises RunError."""
    from advconv.training.run import open_run

    run = open_run(Path(options.run_path), options.previous)
    if run.note:
        complain(run.note)
    return run


def _test_pictures(run: "Run", data_dir: str | None) -> "Pictures":
    """The test set of a run's data. Raises DataError where that is another one than the run knows."""
    from advconv.training.data import DataError, Pictures
    from advconv.training.sets import data_directory, load

    directory, limit = data_directory(data_dir, run.about.options.data_dir), run.about.options.limit
    loaded = load(run.spec.data, directory, run.spec.input)
    _say(loaded.notes)
    if list(loaded.classes) != run.about.classes:
        raise DataError(f"{directory} holds other classes than those that the run was trained on")
    return Pictures(loaded.test.images[:limit], loaded.test.labels[:limit])


@says_what_is_wrong
def run_predict(options: argparse.Namespace) -> int:
    """The likeliest classes of picture files. A file that is no picture is told of, and the others are read."""
    from advconv.training.data import DataError
    from advconv.training.device import Normalise, setup
    from advconv.training.image_files import Notes, read_image
    from advconv.training.loop import probabilities
    from advconv.training.run import load_weights

    run = _opened(options)
    module, device = load_weights(run, options.weights), setup("cpu", "float32", "off")
    normalise = Normalise(tuple(run.about.mean), tuple(run.about.std))
    rows, unread, notes = [], 0, Notes()
    for path in options.pictures:
        try:
            picture = read_image(Path(path), run.spec.input, notes)
        except DataError as problem:
            complain(str(problem))
            unread += 1
            continue
        shares = probabilities(module, picture, normalise, device)
        likeliest = sorted(zip(shares, run.about.classes, strict=True), reverse=True)[: options.top]
        rows += [(path, name, rounded(share)) for share, name in likeliest]
    _say(notes.lines())
    columns = ("picture", "class", "probability")
    texts = {"probability": "{:.4f}".format}
    table = Table(f"{run.about.name}: {run.path}", columns, tuple(rows), texts=texts)
    if rows:
        show(table.render(options.format))
    return USAGE if unread else OK


def _say(notes: tuple[str, ...]) -> None:
    """On standard error, since a program may read the table."""
    for note in notes:
        complain(note)


@says_what_is_wrong
def run_export(options: argparse.Namespace) -> int:
    from advconv.training.export import export
    from advconv.training.run import load_weights

    run = _opened(options)
    test = _test_pictures(run, options.data_dir)
    given, proof = export(run, load_weights(run, options.weights), test, Path(options.output), options.takes)
    show(f"wrote {options.output}, which takes {given.takes}: {given}")
    show(str(proof))
    if not proof.holds:
        complain("onnxruntime and torch disagree, do not use the file")
    return OK if proof.holds else USAGE
