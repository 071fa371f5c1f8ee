"""`advconv report`: writes the page of a file, or the report of runs."""

import argparse
import os
from pathlib import Path

from advconv.check import check_bytes
from advconv.cli.configuration import Configuration
from advconv.cli.files import content, shown_name
from advconv.report.formats import HTML, suffix_problem
from advconv.report.page.document import GENERATOR, page
from advconv.report.text import state_text
from advconv.system.console import FAILED, OK, USAGE, print_error, print_text
from advconv.system.files import FileError, reason, write

HEAD = 500
"""Bytes of a page that tell whether it is ours."""


def run_report(options: argparse.Namespace) -> int:
    runs = [path for path in options.paths if os.path.isdir(path)]
    if len(runs) == len(options.paths):
        from advconv.cli.report_run_command import report_runs

        return report_runs(options)
    if problem := _mixed(options.paths, runs) or _not_of_a_file(options):
        print_error(problem)
        return USAGE
    return _report_file(options, options.paths[0])


def _mixed(paths: list[str], runs: list[str]) -> str:
    """What is wrong with several paths that are not all runs; empty for one path."""
    if len(paths) == 1:
        return ""
    other = next(path for path in paths if path not in runs)
    if other != "-" and not os.path.exists(other):
        return f"{other}: No such file or directory"
    return f"report takes one FILE, or one or more RUNs; {other} is a file and has a report of its own"


def _not_of_a_file(options: argparse.Namespace) -> str:
    """An option that only runs have; empty if there is none."""
    if options.format != HTML:
        return f"--format {options.format} is for runs; the report of a file is a page"
    given = [name for name in ("data_dir", "device") if getattr(options, name) is not None]
    return f"--{given[0].replace('_', '-')} is for runs; the report of a file needs no images" if given else ""


def _report_file(options: argparse.Namespace, file: str) -> int:
    """Exit code 1 if the file is not ok, as for `advconv check`; the page is written all the same."""
    problem = _problem(file, options.output)
    if problem:
        print_error(problem)
        return USAGE
    data = content(file)
    settings = Configuration().settings(file) if data is not None else None
    if data is None or settings is None:
        return USAGE
    checked = check_bytes(shown_name(file), data, options.input, settings.selection)
    checked = checked._replace(is_strict=settings.strict)
    path = options.output or _default(file)
    try:
        write(Path(path), page(checked))
    except FileError as error:
        print_error(str(error))
        return USAGE
    print_text(f"wrote {path}; {checked.spec.name if checked.spec else file}: {state_text(checked)}")
    return OK if checked.ok else FAILED


def _default(file: str) -> str:
    """`archs/mynet.yaml -> mynet.html`, in the working directory."""
    return f"{Path(file).stem}.html"


def _problem(file: str, output: str | None) -> str:
    """Why the page cannot be written there; empty if it can."""
    if output is None and file == "-":
        return "name the page with -o FILE.html"
    path = output or _default(file)
    return suffix_problem(HTML, path) or _problem_of_older(path)


def _problem_of_older(path: str) -> str:
    """A file that is there is replaced only if it is a page of ours."""
    if not os.path.isfile(path):
        return ""
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except OSError as problem:
        return f"{path}: {reason(problem)}"
    return (
        "" if GENERATOR.encode() in head else f"{path} is not a page of advconv and was not replaced; name one with -o"
    )
