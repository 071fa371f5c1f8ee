"""User errors of the commands that train or open a run, printed on standard error."""

import argparse
import logging
import os
import sys
from functools import wraps

from advconv.cli.shared_options import Command
from advconv.system.console import FAILED, USAGE, check_working_directory, print_error, print_text
from advconv.training.runtime import tune_runtime


def report_user_errors(command: Command) -> Command:
    """Prints the errors of files, data and devices instead of raising them, and returns the exit code."""

    @wraps(command)
    def run(options: argparse.Namespace) -> int:
        # Before torch is imported, and matplotlib, which warns if it has no directory for its cache.
        check_working_directory()
        tune_runtime()
        if "RANK" in os.environ:
            # Communication errors are reported in one line, without torch's own warnings and C++ frames.
            os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        from advconv.language.overrides import SettingError
        from advconv.net import ArchError
        from advconv.report.text import report
        from advconv.system.files import FileError
        from advconv.training.errors import TrainingError
        from advconv.training.trainer import Diverged

        try:
            return command(options)
        except ArchError as problem:
            print_text(report(problem.checked), sys.stderr)
            if problem.checked.measures is not None:
                print_error("constraints failed; train anyway with --force")
            return FAILED
        except (SettingError, TrainingError, FileError) as problem:
            print_error(str(problem))
            return FAILED if isinstance(problem, Diverged) else USAGE

    return run
