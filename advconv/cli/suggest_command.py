"""`advconv suggest` and `advconv fit`: search edits, print them, and write them into the file."""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from advconv.check import Checked, check, check_bytes
from advconv.cli.files import content, replace_text, shown_name
from advconv.constraints.record import Status, Verdict
from advconv.language.overrides import SettingError
from advconv.report.diagnostics import as_text
from advconv.report.formats import JSON
from advconv.report.suggestions import diff_text, no_fit_text, nothing_text, suggestion_text, suggestions_data
from advconv.report.text import report
from advconv.rules.selection import Selection
from advconv.suggest.fit import fit, is_bounded
from advconv.suggest.fixes import fix
from advconv.suggest.processes import WorkersLost, available_cores
from advconv.suggest.suggestion import Progress, Suggestions, no_progress, suggest
from advconv.suggest.task import Task, contradiction, judged, parse_goal
from advconv.system.console import FAILED, OK, USAGE, Paint, print_error, print_text, wants_colour, write_unchanged
from advconv.text.document import decode
from advconv.text.edits import Replacement, edited
from advconv.text.source import Source
from advconv.text.visible import json_text
from advconv.text.words import join_words

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


def run_suggest(options: argparse.Namespace) -> int:
    """Exit code 1 if nothing is found, or the file has errors other than its constraints."""
    read = _read(options.file, "--goal", options.goal)
    if isinstance(read, int):
        return read
    task, before = read
    # The text after --apply is the only output if it goes to standard output.
    out = sys.stderr if options.file == "-" and options.apply is not None else sys.stdout
    if not any(verdict.status is Status.FAILED for verdict in before):
        return _print_nothing_to_do(options, task, before, out)
    try:
        with _progress() as progress:
            most = max(options.most, options.apply or 0)
            found = suggest(task, most, options.edits, available_cores(), progress)
    except WorkersLost as problem:
        print_error(str(problem))
        return USAGE
    if options.format == JSON:
        print_text(json_text(suggestions_data(found)), out)
    else:
        _print_found(task, before, found, options, out)
    if options.apply is None:
        return OK if found.found else FAILED
    return _apply(options, task, found)


def _print_nothing_to_do(options: argparse.Namespace, task: Task, before: list[Verdict], out: TextIO) -> int:
    if options.format == JSON:
        print_text(json_text(suggestions_data(Suggestions([]))), out)
    elif before:
        print_text(f"{task.source.name}: every constraint is kept; --goal adds one", out)
    else:
        print_text(f"{task.source.name}: there are no constraints; --goal adds one", out)
    if options.apply is None:
        return OK
    print_error(f"there is nothing to apply; {task.source.name} is unchanged")
    return _write(options.file, task.source, ()) if options.file == "-" else OK


def run_fit(options: argparse.Namespace) -> int:
    """Exit code 1 if no width keeps all constraints."""
    read = _read(options.file, "--budget", options.budget)
    if isinstance(read, int):
        return read
    task, verdicts = read
    if not is_bounded(verdicts):
        print_error(f"{task.source.name}: no constraint bounds the size from above; --budget 'params < 100k' does")
        return USAGE
    found = fit(task, options.divisor)
    if found is None or found.after is None:
        print_error(f"{task.source.name}: {no_fit_text(found) if found else 'it cannot be built'}")
        return FAILED
    before, after = found.before, found.after
    out = sys.stderr if options.file == "-" and options.apply else sys.stdout
    params = f"parameters {before.total.params:,} -> {after.total.params:,}"
    print_text(f"{task.source.name}: {params}, MACs {before.total.macs:,} -> {after.total.macs:,}", out)
    print_text(diff_text(task.source, found.edits) if found.edits else "the widths are the largest already", out)
    return _write(options.file, task.source, found.edits) if options.apply else OK


def _read(path: str, option: str, goals: list[str]) -> tuple[Task, list[Verdict]] | int:
    """The file with its further goals, and the verdicts on all constraints; an exit code if it has other errors."""
    task = _task(path, option, goals)
    if isinstance(task, int):
        return task
    checked = _checked(task)
    return checked if isinstance(checked, int) else (task, judged(task, checked))


def _task(path: str, option: str, goals: list[str]) -> Task | int:
    """The file with its further goals; an exit code if it cannot be read, or a goal cannot be parsed."""
    data = content(path)
    if data is None:
        return USAGE
    source, undecodable = decode(shown_name(path), data)
    if undecodable:
        print_text(report(check_bytes(shown_name(path), data)), sys.stderr)
        return FAILED
    try:
        return Task(source, tuple(parse_goal(option, goal) for goal in goals))
    except SettingError as problem:
        print_error(str(problem))
        return USAGE


def _checked(task: Task) -> Checked | int:
    """The check of the file; an exit code if it has errors other than its constraints, or a goal is wrong."""
    checked = check(task.source)
    if checked.measures is None:
        print_text(report(checked), sys.stderr)
        return FAILED
    try:
        with_goals = task.check_of_goals()
    except SettingError as problem:
        print_error(str(problem))
        return USAGE
    if with_goals and with_goals.measures is None:
        for found in with_goals.diagnostics:
            print_text(as_text(found), sys.stderr) if found.option else None
        return USAGE
    if pair := contradiction(judged(task, checked)):
        first, second = (f"{verdict.name} {verdict.limit.text}" for verdict in pair)
        print_error(f"{task.source.name}: nothing keeps both {first} and {second}")
        return FAILED
    return checked


def _print_found(
    task: Task, before: list[Verdict], found: Suggestions, options: argparse.Namespace, out: TextIO
) -> None:
    paint = Paint(wants_colour() and out is sys.stdout)
    failing = list(dict.fromkeys(verdict.name for verdict in before if verdict.status is Status.FAILED))
    verb = "fails" if len(failing) == 1 else "fail"
    which = "all" if found.is_complete else "the most promising"
    tried = f"{found.tried:,} combinations of edits tried, {which}"
    print_text(f"{task.source.name}: {join_words(failing, 'and')} {verb} ({tried})", out)
    for number, suggestion in enumerate(found.found, 1):
        print_text(suggestion_text(suggestion, number, task.source, paint), out, paint)
        if options.diff:
            print_text(diff_text(task.source, suggestion.edits), out)
    if not found.found:
        print_text(nothing_text(found, options.edits), out)


def _apply(options: argparse.Namespace, task: Task, found: Suggestions) -> int:
    count = len(found.found)
    if options.apply > count:
        there_are = "there is one" if count == 1 else f"there are {count or 'none'}"
        print_error(f"there is no suggestion {options.apply}, {there_are}; {task.source.name} is unchanged")
        return FAILED
    return _write(options.file, task.source, found.found[options.apply - 1].edits)


def _write(path: str, source: Source, edits: tuple[Replacement, ...]) -> int:
    """Writes the edits into the file, which must not have changed meanwhile; for standard input the text is printed."""
    text = edited(source.text, edits)
    if path == "-":
        write_unchanged(text)
        return OK
    if not edits:
        return OK
    code = replace_text(path, source, text)
    if code == OK:
        print_error(f"{path} is written")
    return code


def fix_file(path: str, selection: Selection) -> int:
    """Applies the fixes of selected rules to a file, and prints on standard error what is done and what is not.

    A file with errors is left as it is. Returns the exit code.
    """
    data = content(path)
    source, undecodable = decode(path, data or b"")
    if data is None or undecodable:
        # The check that follows reports it.
        return OK
    fixed = fix(source, selection)
    code = replace_text(path, source, fixed.text) if fixed.applied else OK
    for found in fixed.applied if code == OK else ():
        print_error(f"{path}: fixed {found.code} {found.message}")
    for found, problem in fixed.refused if code == OK else ():
        print_error(f"{path}: not fixed: {found.code} {found.message}; {problem}")
    return code


PATIENCE = 1.0
"""Seconds before the progress bar appears."""


@contextmanager
def _progress() -> Iterator[Progress]:
    """A progress bar on standard error, if that is a terminal and the search takes longer than a second."""
    if not sys.stderr.isatty():
        yield no_progress
        return
    bar = _LateBar()
    try:
        yield bar.update
    finally:
        bar.close()


class _LateBar:
    """A progress bar that appears after a while. It has no thread of its own, which forked processes would miss."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.bar: Bar | None = None

    def update(self, tried: int, total: int) -> None:
        if self.bar is None and time.monotonic() - self.start > PATIENCE:
            from rich.console import Console
            from rich.progress import Progress as Bar

            self.bar = Bar(console=Console(stderr=True), transient=True, auto_refresh=False)
            self.bar.add_task("combinations of edits")
            self.bar.start()
        if self.bar:
            self.bar.update(self.bar.task_ids[0], completed=tried, total=total, refresh=True)

    def close(self) -> None:
        if self.bar:
            self.bar.stop()
