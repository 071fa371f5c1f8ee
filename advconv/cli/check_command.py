"""`advconv check`: finds the files, checks them and prints the reports."""

import argparse
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import NoReturn

from advconv.check import Checked, check_bytes
from advconv.cli.files import checked_file, content
from advconv.geometry import Shape
from advconv.language.validation_errors import MARKER_KEYS
from advconv.report.formats import GITHUB, JSON, SARIF, TEXT
from advconv.rules.record import Severity
from advconv.system.console import FAILED, OK, USAGE, Paint, print_error, print_text, wants_colour
from advconv.text.document import decode
from advconv.text.reader import read


class Search:
    """Checks the files that the arguments name, one at a time on iteration.

    `skipped`: YAML files that are not architectures; `unreadable`: files that cannot be read;
    `unwritten`: those that cannot be fixed.
    """

    def __init__(self, paths: list[str], size: Shape | None, fixes: bool = False) -> None:
        self.paths, self.size, self.fixes = paths, size, fixes
        self.files = self.skipped = self.unreadable = self.unwritten = 0
        self.counts = Counter[Severity]()

    def __iter__(self) -> Iterator[Checked]:
        for path in self.paths:
            for checked in self._in_directory(path) if os.path.isdir(path) else self._file(path):
                self.files += 1
                self.counts.update(found.severity for found in checked.diagnostics)
                yield checked

    def _file(self, path: str) -> Iterator[Checked]:
        """A file named by an argument is checked whatever its content."""
        if self.fixes:
            from advconv.cli.suggest_command import fix_file

            self.unwritten += fix_file(path) != OK
        checked = checked_file(path, self.size)
        self.unreadable += checked is None
        yield from [checked] if checked else []

    def _in_directory(self, path: str) -> Iterator[Checked]:
        """The architectures in a directory. A directory without any is reported and counted as unreadable."""
        try:
            names = sorted(_yaml_files(path))
        except OSError as problem:
            print_error(f"{problem.filename}: {problem.strerror}")
            self.unreadable += 1
            return
        files, unreadable = self.files, 0
        for name in names:
            data = content(name)
            unreadable += data is None
            if data is not None and is_architecture(data):
                yield from self._file(name) if self.fixes else [check_bytes(name, data, self.size)]
            else:
                self.skipped += data is not None
        if self.files == files:
            which = f"none of its {len(names)} YAML files has" if len(names) > 1 else "its only YAML file does not have"
            none = f"{which} the key `advconv` or `network` at the top"
            print_error(f"{path}: {none if names else 'no .yaml file in this directory'}")
        self.unreadable += unreadable if self.files > files else 1


def run_check(options: argparse.Namespace) -> int:
    if options.fix and "-" in options.files:
        print_error("--fix writes files; standard input has none")
        return USAGE
    search = Search(options.files, options.input, options.fix)
    for part in FORMATS[options.format](search):
        print_text(part, paint=_paint(options.format))
    if search.unreadable or search.unwritten:
        return USAGE
    return FAILED if search.counts[Severity.ERROR] else OK


def _paint(format: str) -> Paint:
    """Colours for the text format only."""
    return Paint(format == TEXT and wants_colour())


def _yaml_files(top: str) -> Iterator[str]:
    """The YAML files in a folder and below it, without hidden ones (.git, .venv); links to folders are not followed."""
    for folder, below, names in os.walk(top, onerror=_fail):
        below[:] = [name for name in below if not name.startswith(".")]
        yaml = (name for name in names if name.endswith((".yaml", ".yml")) and not name.startswith("."))
        yield from (os.path.join(folder, name) for name in yaml)


def _fail(problem: OSError) -> NoReturn:
    raise problem


LINE = re.compile(rf"^({'|'.join(MARKER_KEYS)})[ \t]*:".encode(), re.MULTILINE)


def is_architecture(data: bytes) -> bool:
    """Whether a file is meant as an architecture: it has a marker key at its top, or a line that starts with one.

    So a broken architecture counts even if it is not valid YAML.
    """
    if LINE.search(data):
        return True
    source, undecodable = decode("", data)
    document = None if undecodable else read(source)[0]
    top = document.root.data if document else None
    return isinstance(top, dict) and not top.keys().isdisjoint(MARKER_KEYS)


def _text(search: Search) -> Iterator[str]:
    """Reports separated by blank lines; for several files, each under its name, with a summary line at the end."""
    from advconv.report.text import files_line, report

    paint, results = _paint(TEXT), iter(search)
    first = list(islice(results, 2))
    has_many = len(first) > 1
    for number, checked in enumerate(chain(first, results)):
        title = f"{paint(f'== {checked.source.name}')}\n" if has_many else ""
        yield ("\n" if number else "") + title + report(checked, paint) + _suggestions(checked, paint)
    if has_many or (first and search.skipped):
        yield f"\n{files_line(search.files, search.counts, search.skipped)}"


def _suggestions(checked: Checked, paint: Paint) -> str:
    """What is printed below a report whose constraints fail."""
    if checked.ok or checked.measures is None:
        return ""
    from advconv.report.suggestions import suggestions_text

    return suggestions_text(checked, paint)


def _json(search: Search) -> Iterator[str]:
    from advconv.report.data import json_lines

    return json_lines(search, lambda: search.skipped)


def _sarif(search: Search) -> Iterator[str]:
    from advconv.report.sarif import sarif_lines

    return sarif_lines(search)


def _github(search: Search) -> Iterator[str]:
    from advconv.report.data import github_report

    return filter(None, map(github_report, search))


FORMATS: dict[str, Callable[[Search], Iterator[str]]] = {
    TEXT: _text,
    JSON: _json,
    GITHUB: _github,
    SARIF: _sarif,
}
"""Each yields its output file by file, so that a thousand files need no more memory than one."""
