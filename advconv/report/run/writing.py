"""Writes the report of runs as files: a page, a Markdown document with a directory of images, or a notebook."""

import os
from collections.abc import Sequence
from pathlib import Path

from advconv.report.formats import HTML, MARKDOWN, NOTEBOOK
from advconv.report.page.document import GENERATOR
from advconv.report.run import markdown, notebook
from advconv.report.run.compare import comparison_page
from advconv.report.run.reading import RunReport
from advconv.report.run.sections import run_page
from advconv.system.files import Directory, FileError, reason, write

HEAD = 500
"""Bytes that tell whether a page or a document is ours."""

README, IMAGES = "README.md", "images"

NAMES = {HTML: "{}.html", MARKDOWN: "{}-report", NOTEBOOK: "{}.ipynb"}
"""Where each format is written in the working directory, if nothing else is asked for."""

COMPARISON = "comparison"

Reports = Sequence[RunReport]


def write_report(reports: Reports, format: str, output: str | None) -> Path:
    """Writes the report of a run, or the comparison of several, and returns the path. Raises FileError."""
    name = reports[0].name if len(reports) == 1 else COMPARISON
    path = Path(output or NAMES[format].format(name))
    if format == MARKDOWN:
        return _write_markdown(reports, path)
    if format == HTML:
        _check_ours(path, GENERATOR)
    elif path.is_file():
        # It may have been edited since.
        raise FileError(f"{path} is there and was not replaced; name another notebook with -o")
    if format == NOTEBOOK:
        write(path, notebook.run_notebook(reports[0], path.parent))
    else:
        write(path, run_page(reports[0]) if len(reports) == 1 else comparison_page(reports))
    return path


def _write_markdown(reports: Reports, output: Path) -> Path:
    """Into a directory, as README.md and images/, or as the file NAME.md with NAME-images/ beside it."""
    is_file = output.suffix.lower() == ".md"
    path = output if is_file else output / README
    images = path.with_name(f"{path.stem}-{IMAGES}" if is_file else IMAGES)
    _check_ours(path, markdown.MARK)
    make = markdown.run_markdown(reports[0], images.name) if len(reports) == 1 else None
    made = make or markdown.comparison_markdown(reports, images.name)
    try:
        images.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise FileError(f"{images} cannot be made: {reason(problem)}") from problem
    directory = Directory(images)
    for name, data in made.images.items():
        directory.write(name, data)
    write(path, made.text)
    return path


def _check_ours(path: Path, mark: str) -> None:
    """A file of someone else is not replaced. Raises FileError."""
    if path.is_file() and not _has(path, mark):
        raise FileError(f"{path} is not a report of advconv and was not replaced; name another one with -o")


def _has(path: Path, mark: str) -> bool:
    """Whether a file begins or ends with the mark of ours. Raises FileError."""
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
            file.seek(-min(HEAD, os.path.getsize(path)), os.SEEK_END)
            return mark.encode() in head + file.read()
    except OSError as problem:
        raise FileError(f"{path}: {reason(problem)}") from problem
