"""`advconv suggest` and `advconv fit`: search edits, print them, and write them into the file."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from advconv.check import Checked, check
from advconv.cli.files import content, replace_text, shown_name
from advconv.language.overrides import Setting, SettingError, setting
from advconv.report.suggestions import diff_text, reached_text, suggestion_data, suggestion_text
from advconv.report.text import report
from advconv.rules.selection import Selection
from advconv.suggest.fit import fit
from advconv.suggest.fixes import fix
from advconv.suggest.suggestion import Progress, Suggestions, Task, suggest
from advconv.system.console import FAILED, OK, USAGE, Paint, print_error, print_text, wants_colour
from advconv.text.document import decode
from advconv.text.edits import Replacement, edited
from advconv.text.source import Source
from advconv.text.visible import json_text


def run_suggest(options: argparse.Namespace) -> int:
    """Exit code 1 if nothing is found, or the file has errors other than its constraints."""
    task = _task(options.file, "--goal", options.goal)
    if isinstance(task, int):
        return task
    checked = task.check(task.source.text)
    if checked is None or checked.measures is None:
        return _print_errors(task, checked)
    if checked.ok:
        print_text(f"{task.source.name}: every constraint is kept; --goal adds one")
        return OK
    with _progress() as progress:
        found = suggest(task, options.most, options.edits, os.cpu_count() or 1, progress)
    if options.format == "json":
        print_text(json_text({"tried": found.tried, "suggestions": [suggestion_data(each) for each in found.found]}))
    else:
        _print_found(task, checked, found, options)
    if options.apply is None:
        return OK if found.found else FAILED
    return _apply(options, task, found)


def run_fit(options: argparse.Namespace) -> int:
    """Exit code 1 if no width keeps all constraints."""
    task = _task(options.file, "--budget", options.budget)
    if isinstance(task, int):
        return task
    checked = task.check(task.source.text)
    if checked is None or checked.measures is None:
        return _print_errors(task, checked)
    found = fit(task, options.divisor)
    if found is None:
        print_error(f"{task.source.name}: at no width are all constraints kept")
        return FAILED
    before, after = found.before, found.after
    params = f"parameters {before.total.params:,} -> {after.total.params:,}"
    print_text(f"{task.source.name}: {params}, MACs {before.total.macs:,} -> {after.total.macs:,}")
    print_text(diff_text(task.source, found.edits))
    return _write(options.file, task.source, found.edits) if options.apply else OK


def _task(path: str, option: str, goals: list[str]) -> Task | int:
    """The file with its further goals; an exit code if it cannot be read, or a goal cannot be parsed."""
    data = content(path)
    if data is None:
        return USAGE
    source, undecodable = decode(shown_name(path), data)
    if undecodable:
        print_text(report(check(source)), sys.stderr)
        return FAILED
    try:
        return Task(source, tuple(_goal(option, goal) for goal in goals))
    except SettingError as problem:
        print_error(str(problem))
        return USAGE


def _goal(option: str, goal: str) -> Setting:
    """`receptive_field > 60`"""
    name, _, limit = goal.strip().partition(" ")
    if not limit.strip():
        raise SettingError(f"{option} {goal!r} is not a limit, write one as in {option} 'receptive_field > 60'")
    return setting(f"constraints.{name}", limit.strip(), f"{option} {name} {limit.strip()}")


def _print_errors(task: Task, checked: Checked | None) -> int:
    print_text(report(checked or check(task.source)), sys.stderr)
    return FAILED


def _print_found(task: Task, checked: Checked, found: Suggestions, options: argparse.Namespace) -> None:
    paint = Paint(wants_colour())
    which = "all" if found.is_complete else "the most promising"
    edits = f"{len(found.found[0].moves)}" if found.found else f"up to {options.edits}"
    failing = ", ".join(verdict.name for verdict in checked.verdicts if verdict.code and verdict.status == "failed")
    print_text(f"{task.source.name}: {failing} fail; {found.tried:,} combinations of edits tried ({which})")
    if not found.found:
        print_text(f"no {edits} edits keep all constraints")
        for verdict, steps in found.reached:
            print_text(f"  {reached_text(verdict, steps)}")
    for number, suggestion in enumerate(found.found, 1):
        print_text(suggestion_text(suggestion, number, task.source, paint), paint=paint)
        if options.diff:
            print_text(diff_text(task.source, suggestion.edits))


def _apply(options: argparse.Namespace, task: Task, found: Suggestions) -> int:
    if options.apply > len(found.found):
        print_error(f"there is no suggestion {options.apply}; {task.source.name} is unchanged")
        return FAILED
    return _write(options.file, task.source, found.found[options.apply - 1].edits)


def _write(path: str, source: Source, edits: tuple[Replacement, ...]) -> int:
    """Writes the edits into the file, which must not have changed meanwhile; for standard input the text is printed."""
    text = edited(source.text, edits)
    if path == "-":
        print_text(text.removesuffix("\n"))
        return OK
    code = replace_text(path, source, text)
    if code == OK:
        print_text(f"{path} is written")
    return code


def fix_file(path: str, selection: Selection) -> None:
    """Applies the fixes of selected rules to a file, and prints on standard error what is done and what is not."""
    data = content(path)
    source, undecodable = decode(shown_name(path), data or b"")
    if not data or undecodable:
        return
    fixed = fix(source, selection)
    if not fixed.applied or replace_text(path, source, fixed.text) == OK:
        for found in fixed.applied:
            print_error(f"{path}: fixed {found.code} {found.message}")
        for found, problem in fixed.refused:
            print_error(f"{path}: not fixed: {found.code} {found.message}; {problem}")


@contextmanager
def _progress() -> Iterator[Progress]:
    """A progress bar on standard error, if that is a terminal and the search takes longer than a second."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("combinations of edits", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
