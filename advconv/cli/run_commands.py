"""The commands on a run: evaluate, predict, export."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from advconv.cli.user_errors import report_user_errors
from advconv.geometry import Shape
from advconv.report.table import Table
from advconv.system.console import OK, USAGE, print_error, print_text
from advconv.values.quantities import rounded

if TYPE_CHECKING:
    from advconv.training.data import ImageSet
    from advconv.training.image_files import Notes
    from advconv.training.run import Run
    from advconv.training.shapes import Image


@report_user_errors
def run_evaluate(options: argparse.Namespace) -> int:
    """The accuracy of a run's weights on the test set."""
    from advconv.training.device import Normalise, choose_accelerator
    from advconv.training.evaluation import evaluate
    from advconv.training.results import classes_of
    from advconv.training.run_files import load_weights

    run = _open(options)
    test = _test_images(run, options.data_dir)
    device = choose_accelerator(options.device or run.metadata.options.device, run.spec.train.precision, "off")
    module = load_weights(run, options.weights).to(device.device)
    normalise = Normalise(tuple(run.metadata.mean), tuple(run.metadata.std)).to(device.device)
    evaluation = evaluate(module, test, normalise, device, options.flip)
    title = (
        f"{run.metadata.name}, {options.weights} weights{', with mirror images' if options.flip else ''}: {run.path}"
    )
    print_text(classes_of(test, evaluation, run.metadata.classes, title).render(options.format))
    return OK


def _open(options: argparse.Namespace) -> "Run":
    """Raises RunError."""
    from advconv.training.run import open_run

    return open_run(Path(options.run_path), options.previous)


def _test_images(run: "Run", data_dir: str | None) -> "ImageSet":
    """The test set of a run's data. Raises DataError."""
    return _images(run, data_dir)[1]


def _images(run: "Run", data_dir: str | None) -> tuple["ImageSet", "ImageSet"]:
    """The training and the test set of a run's data. Raises DataError if its classes are not those of the run."""
    from advconv.training.data import DataError
    from advconv.training.sets import data_directory, load_dataset

    directory, limit = data_directory(data_dir, run.metadata.options.data_dir), run.metadata.options.limit
    loaded = load_dataset(run.spec.data, directory, run.spec.input)
    print_notes(loaded.notes)
    if list(loaded.classes) != run.metadata.classes:
        raise DataError(f"{directory} has other classes than the training data of the run")
    return loaded.train.first(limit), loaded.test.first(limit)


@report_user_errors
def run_predict(options: argparse.Namespace) -> int:
    """The most probable classes of image files; files that are not images are reported and skipped."""
    from advconv.training.device import Normalise, choose_accelerator
    from advconv.training.evaluation import predict
    from advconv.training.image_files import Notes
    from advconv.training.run_files import load_weights

    run = _open(options)
    module, accelerator = load_weights(run, options.weights), choose_accelerator("cpu", "float32", "off")
    normalise = Normalise(tuple(run.metadata.mean), tuple(run.metadata.std))
    rows, read, notes = [], 0, Notes()
    for path, image in _readable_images(options.images, run.spec.input, notes):
        probabilities = predict(module, image, normalise, accelerator)
        ranked = sorted(zip(probabilities, run.metadata.classes, strict=True), reverse=True)
        rows += [(path, name, rounded(probability)) for probability, name in ranked[: options.top]]
        read += 1
    print_notes(notes.lines())
    columns = ("image", "class", "probability")
    texts = {"probability": "{:.4f}".format}
    table = Table(f"{run.metadata.name}: {run.path}", columns, tuple(rows), texts=texts)
    if rows:
        print_text(table.render(options.format))
    return OK if read == len(options.images) else USAGE


def _readable_images(paths: list[str], size: Shape, notes: "Notes") -> Iterator[tuple[str, "Image"]]:
    """The images of files, each with its path; prints an error for a file that is none."""
    from advconv.training.data import DataError
    from advconv.training.image_files import image_path, load_image

    for path in paths:
        try:
            image = load_image(image_path(path), size, notes)
        except DataError as problem:
            print_error(str(problem))
        else:
            yield path, image


def print_notes(notes: tuple[str, ...]) -> None:
    """Prints notes on standard error, since standard output has the table."""
    for note in notes:
        print_error(note)


@report_user_errors
def run_export(options: argparse.Namespace) -> int:
    from advconv.training.export import export
    from advconv.training.quantize import export_int8
    from advconv.training.run_files import load_weights

    run = _open(options)
    train, test = _images(run, options.data_dir)
    module, path = load_weights(run, options.weights), Path(options.output)
    if options.int8:
        quantised = export_int8(run, module, train, test, path, options.takes)
        print_text(f"wrote {path}, in 8 bits, which takes {quantised.given.takes}: {quantised.given}")
        print_text(str(quantised))
        return OK
    given, comparison = export(run, module, test, path, options.takes)
    print_text(f"wrote {path}, which takes {given.takes}: {given}")
    print_text(str(comparison))
    if not comparison.holds:
        print_error("onnxruntime and torch disagree, do not use the file")
    return OK if comparison.holds else USAGE
