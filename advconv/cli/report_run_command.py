"""`advconv report RUN`: writes the report of a run, or the comparison of several."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from advconv.constraints.record import Status
from advconv.report.formats import NOTEBOOK, suffix_problem
from advconv.system.console import FAILED, OK, USAGE, check_working_directory, print_error, print_text

if TYPE_CHECKING:
    from advconv.report.run.reading import RunReport


def report_runs(options: argparse.Namespace) -> int:
    """Exit code 1 if a constraint or the promised accuracy of a single run is not kept, as for `advconv train`."""
    from advconv.system.files import FileError
    from advconv.training.errors import TrainingError
    from advconv.training.openmp import limit_spinning

    if problem := _problem(options):
        print_error(problem)
        return USAGE
    check_working_directory()
    limit_spinning()
    try:
        return _report(options)
    except (TrainingError, FileError) as error:
        print_error(str(error))
        return USAGE


def _problem(options: argparse.Namespace) -> str:
    """Options that runs do not have; empty if there are none."""
    if options.input is not None:
        return "--input is for a file; a run has the input that it was trained with"
    if len(options.paths) > 1 and options.format == NOTEBOOK:
        return "a notebook is of one run; several are compared with --format html or markdown"
    if options.output and (problem := suffix_problem(options.format, options.output)):
        return problem
    if len({Path(path).resolve() for path in options.paths}) < len(options.paths):
        return "a run is named twice; several different ones are compared"
    return ""


def _report(options: argparse.Namespace) -> int:
    """Raises TrainingError and FileError."""
    from advconv.report.run.compare import MAX_RUNS
    from advconv.report.run.predicting import complete
    from advconv.report.run.reading import read_run
    from advconv.report.run.writing import write_report

    if len(options.paths) > MAX_RUNS:
        print_error(f"{len(options.paths)} runs are too many to compare; the most is {MAX_RUNS}")
        return USAGE
    reports = [read_run(Path(path)) for path in options.paths]
    if len(reports) == 1:
        reports = [complete(reports[0], options.data_dir, options.device)]
        if reports[0].missing:
            print_error(f"the report has no predictions or no augmented images: {reports[0].missing}")
    path = write_report(reports, options.format, options.output)
    print_text(f"wrote {path}; {_summary(reports)}")
    return OK if len(reports) > 1 or _is_kept(reports[0]) else FAILED


def _summary(reports: "Sequence[RunReport]") -> str:
    from advconv.report.run.words import state_words

    if len(reports) == 1:
        failed = [verdict.finding.message for verdict in reports[0].checked.verdicts if verdict.status is Status.FAILED]
        return "; ".join([f"{reports[0].metadata.name}: {state_words(reports[0])}", *failed])
    return f"{len(reports)} runs, {sum(report.result is not None for report in reports)} finished"


def _is_kept(report: "RunReport") -> bool:
    return report.checked.ok and (report.result is None or report.result.promise_kept is not False)
