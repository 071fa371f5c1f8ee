"""`advconv compare RUN...`: prints runs side by side, without torch."""

import argparse
from pathlib import Path

from advconv.system.console import OK, USAGE, print_error, print_text


def run_compare(options: argparse.Namespace) -> int:
    from advconv.report.run.overview import MAX_COMPARED, overview
    from advconv.report.run.reading import read_run
    from advconv.training.errors import TrainingError
    from advconv.training.sweep.trials import all_runs

    try:
        runs = all_runs(map(Path, options.runs))
        if len(runs) > MAX_COMPARED:
            print_error(f"{len(runs):,} runs are too many to compare; the most is {MAX_COMPARED:,}")
            return USAGE
        # Without images and predictions, of which there may be gigabytes in all.
        reports = [read_run(run)._replace(predictions=None, augmented=None) for run in runs]
        print_text(overview(reports, options.format))
    except TrainingError as error:
        print_error(str(error))
        return USAGE
    return OK
