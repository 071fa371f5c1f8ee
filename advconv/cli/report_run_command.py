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
    from advconv.training.runtime import tune_runtime

    if problem := _problem(options):
        print_error(problem)
        return USAGE
    check_working_directory()
    tune_runtime()
    try:
        return _report(options)
    except (TrainingError, FileError) as error:
        print_error(str(error))
        return USAGE


def _problem(options: argparse.Namespace) -> str:
    """Options that runs do not have; empty if there are none."""
    if options.input is not None:
        return "--input is for a file; a run has the input that it was trained with"
    return suffix_problem(options.format, options.output) if options.output else ""


def _too_many(runs: int, format: str) -> str:
    """Why so many runs have no report in a format; empty if they have one."""
    from advconv.report.run.compare import MAX_RUNS

    if runs > 1 and format == NOTEBOOK:
        return "a notebook is of one run; several are compared with --format html or markdown"
    more = f"{runs:,} runs are too many for a report; the most is {MAX_RUNS}, `advconv compare` takes more"
    return more if runs > MAX_RUNS else ""


def _report(options: argparse.Namespace) -> int:
    """Raises TrainingError and FileError."""
    from advconv.report.run.predicting import complete
    from advconv.report.run.reading import read_run
    from advconv.report.run.writing import write_report
    from advconv.training.sweep.trials import all_runs

    runs = all_runs(map(Path, options.paths))
    if problem := _too_many(len(runs), options.format):
        print_error(problem)
        return USAGE
    reports = [read_run(run) for run in runs]
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
