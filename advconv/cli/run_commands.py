"""The commands on a trained network: evaluate, predict, export."""

import argparse
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from advconv.cli.user_errors import report_user_errors
from advconv.geometry import Shape
from advconv.report.table import Table
from advconv.system.console import OK, USAGE, print_error, print_text
from advconv.values.names import ONNX_SUFFIX
from advconv.values.quantities import rounded

if TYPE_CHECKING:
    from advconv.training.data import ImageSet
    from advconv.training.device import Accelerator
    from advconv.training.image_files import Notes
    from advconv.training.shapes import Image
    from advconv.training.trained import Trained


@report_user_errors
def run_evaluate(options: argparse.Namespace) -> int:
    """The accuracy of a trained network on the test set."""
    from advconv.training.errors import computing
    from advconv.training.evaluation import evaluate
    from advconv.training.results import classes_of

    network = _open(options)
    _, test = _images(network, options.data_dir)
    accelerator = _available_accelerator(network, options.device)
    with computing("the evaluation"):
        module, normalise = network.module.to(accelerator.device), network.normalise().to(accelerator.device)
        evaluation = evaluate(module, test, normalise, accelerator, options.flip)
    title = f"{network.name}, {network.weights}{', with mirror images' if options.flip else ''}: {network.path}"
    print_text(classes_of(test, evaluation, network.classes, title).render(options.format))
    return OK


def _open(options: argparse.Namespace) -> "Trained":
    """Raises TrainingError and ArchError."""
    from advconv.training.trained import open_trained

    return open_trained(Path(options.run_path), options.weights, options.previous)


def _available_accelerator(network: "Trained", given: str | None) -> "Accelerator":
    """The device that is given, else that of the run, or the best one if that cannot be used.

    Raises DeviceError.
    """
    from advconv.training.device import DeviceError, choose_accelerator

    recorded, precision = network.options.device, network.spec.train.precision
    try:
        return choose_accelerator(given or recorded, precision, "off")
    except DeviceError:
        if given:
            raise
    found = choose_accelerator("auto", precision, "off")
    print_error(f"{network.path} was trained with --device {recorded}, which cannot be used here; computing on {found}")
    return found


def _images(network: "Trained", data_dir: str | None) -> tuple["ImageSet", "ImageSet"]:
    """The training and the test set of a network's data. Raises DataError if its classes are others."""
    from advconv.training.data import DataError
    from advconv.training.sets import data_directory, load_dataset

    directory, limit = data_directory(data_dir, network.options.data_dir), network.options.limit
    loaded = load_dataset(network.spec.data, directory, network.spec.input)
    print_notes(loaded.notes)
    if list(loaded.classes) != network.classes:
        raise DataError(f"{directory} has other classes than the training data of the run")
    return loaded.train.first(limit), loaded.test.first(limit)


@report_user_errors
def run_predict(options: argparse.Namespace) -> int:
    """The most probable classes of image files; files that are not images are reported and skipped."""
    from advconv.training.device import choose_accelerator
    from advconv.training.evaluation import predict
    from advconv.training.image_files import Notes

    network = _open(options)
    normalise, accelerator = network.normalise(), choose_accelerator("cpu", "float32", "off")
    rows, read, notes = [], 0, Notes()
    for path, image in _readable_images(options.images, network.spec.input, notes):
        probabilities = predict(network.module, image, normalise, accelerator)
        ranked = sorted(zip(probabilities, network.classes, strict=True), reverse=True)
        rows += [(path, name, rounded(probability)) for probability, name in ranked[: options.top]]
        read += 1
    print_notes(notes.lines())
    columns = ("image", "class", "probability")
    texts = {"probability": "{:.4f}".format}
    table = Table(f"{network.name}: {network.path}", columns, tuple(rows), texts=texts)
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
    is_onnx = options.output.lower().endswith(ONNX_SUFFIX)
    return _export_onnx(options) if is_onnx else _export_weights(options)


def _export_weights(options: argparse.Namespace) -> int:
    """The weights of a run as the file beside an architecture file."""
    from advconv.training.names import ARCH
    from advconv.training.options import flag
    from advconv.training.run import open_run
    from advconv.training.trained_file import architecture_file, save_trained

    if given := [flag(name) for name in ("takes", "int8", "data_dir") if getattr(options, name)]:
        print_error(f"a file of weights takes no images; leave out {', '.join(given)}")
        return USAGE
    run, path = open_run(Path(options.run_path), options.previous), Path(options.output)
    metadata = save_trained(run, options.weights or "last", path)
    accuracy = "not recorded" if metadata.test_accuracy is None else f"{metadata.test_accuracy:.2f}%"
    print_text(f"wrote {path}, {metadata.weights} weights; test accuracy {accuracy}")
    file = architecture_file(path)
    missing = "" if file.is_file() else f"cp {shlex.quote(str(run.path / ARCH))} {shlex.quote(str(file))}; "
    print_text(f"next: {missing}advconv evaluate {file}")
    return OK


def _export_onnx(options: argparse.Namespace) -> int:
    from advconv.training.export import export

    network, path, takes = _open(options), Path(options.output), options.takes or "bytes"
    train, test = _images(network, options.data_dir)
    if options.int8:
        from advconv.training.quantize import export_int8

        exported = export_int8(network, train, test, path, takes)
        print_text(f"wrote {path}, in 8 bits, which takes {exported.given.takes}: {exported.given}")
        print_text(str(exported))
        return OK
    given, comparison = export(network, test, path, takes)
    print_text(f"wrote {path}, which takes {given.takes}: {given}")
    print_text(str(comparison))
    if not comparison.holds:
        print_error("onnxruntime and torch disagree, do not use the file")
    return OK if comparison.holds else USAGE
