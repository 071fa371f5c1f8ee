"""`advconv erf`: measures the effective receptive field of a file or a run, prints it and draws it."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from advconv.analysis.measure import Measures
from advconv.cli.commands import with_network
from advconv.cli.run_commands import print_notes
from advconv.cli.user_errors import report_user_errors
from advconv.geometry import Shape
from advconv.language.spec import ArchSpec
from advconv.report.formats import TEXT
from advconv.system.console import OK, USAGE, print_error, print_text
from advconv.training.names import NOISE

if TYPE_CHECKING:
    from advconv.report.effective_field import MeasuredFields
    from advconv.training.erf import Images
    from advconv.training.trained import Trained

OF_FILE, OF_RUN, OF_TRAINED = ("input", "seed", "seeds", "trained"), ("weights", "previous"), ("input", "seed", "seeds")
"""Options that only a file or only a run has, and those that the weights beside a file do not go with."""


@report_user_errors
def run_erf(options: argparse.Namespace) -> int:
    is_run = os.path.isdir(options.path)
    if problem := _problem(options, is_run):
        print_error(problem)
        return USAGE
    if is_run or options.trained:
        return _print(_of_trained(options), options)
    return with_network(
        options.path, options.input, lambda measures, spec: _print(_of_file(measures, spec, options), options)
    )


def _problem(options: argparse.Namespace, is_run: bool) -> str:
    """Which options do not go with a file, or with a run; empty if all do."""
    from advconv.training.options import flag

    wrong = OF_FILE if is_run else (*OF_TRAINED, *OF_RUN) if options.trained else OF_RUN
    values = {name: getattr(options, name) for name in wrong}
    given = [flag(name) for name, value in values.items() if value is not None and value is not False]
    if not given:
        return ""
    has_own = "a run has its own input and seed" if is_run else "trained weights have their own input and seed"
    what = has_own if is_run or options.trained else f"{options.path} is a file, not a run"
    return f"{what}; leave out {', '.join(given)}"


def _of_file(measures: Measures, spec: ArchSpec, options: argparse.Namespace) -> "MeasuredFields":
    from advconv.training.erf import of_initialisations

    first = spec.train.seed if options.seed is None else options.seed
    images = _images(options, measures.graph.input, first, options.data or NOISE)
    return of_initialisations(spec.name, measures, range(first, first + (options.seeds or 10)), images)


def _of_trained(options: argparse.Namespace) -> "MeasuredFields":
    from advconv.training.erf import of_trained
    from advconv.training.trained import open_trained

    trained = open_trained(Path(options.path), options.weights, options.previous)
    images = _images(options, trained.spec.input, trained.seed, options.data or trained.spec.data, trained)
    return of_trained(trained, images)


def _images(
    options: argparse.Namespace, shape: Shape, seed: int, name: str, trained: "Trained | None" = None
) -> "Images":
    """The images, with what was converted or skipped printed. Raises DataError."""
    from advconv.training.erf import images_of, noise
    from advconv.training.sets import data_directory

    if name == NOISE:
        return noise(shape, options.images, seed)
    directory = data_directory(options.data_dir, trained.options.data_dir if trained else "")
    images = images_of(name, directory, shape, options.images, trained)
    print_notes(images.notes)
    return images


def _print(measured: "MeasuredFields", options: argparse.Namespace) -> int:
    from advconv.report.effective_field import render

    print_text(render(measured, options.format))
    if options.output:
        _draw(measured, options.output)
        if options.format == TEXT:
            print_text(f"\nwrote {options.output}")
    return OK


def _draw(measured: "MeasuredFields", path: str) -> None:
    """Raises FileError."""
    from advconv.system.files import write
    from advconv.training.erf_figure import figure

    write(Path(path), figure(measured, Path(path).suffix[1:].lower()))
