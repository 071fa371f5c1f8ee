"""`advconv check`: finds the files, checks them and prints the reports."""

import argparse
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import NoReturn

from advconv.check import Checked, check_bytes
from advconv.cli.configuration import Configuration
from advconv.cli.files import content, shown_name
from advconv.geometry import Shape
from advconv.language.validation_errors import MARKER_KEYS
from advconv.report.formats import GITHUB, JSON, SARIF, TEXT
from advconv.rules.record import Severity
from advconv.system.console import FAILED, OK, USAGE, Paint, print_error, print_text, wants_colour
from advconv.text.document import decode
from advconv.text.reader import read


class Search:
    """Checks the files that the arguments name, one at a time on iteration.

    `failed`: files that are not ok; `skipped`: YAML files that are not architectures; `unreadable`: files that cannot
    be read, or whose configuration has mistakes; `unwritten`: those that cannot be fixed.
    """

    def __init__(self, paths: list[str], size: Shape | None, configuration: Configuration, fixes: bool = False) -> None:
        self.paths, self.size, self.configuration, self.fixes = paths, size, configuration, fixes
        self.files = self.failed = self.skipped = self.unreadable = self.unwritten = 0
        self.counts = Counter[Severity]()

    def __iter__(self) -> Iterator[Checked]:
        for path in self.paths:
            for checked in self._in_directory(path) if os.path.isdir(path) else self._file(path):
                self.files += 1
                self.failed += not checked.ok
                self.counts.update(found.severity for found in checked.diagnostics)
                yield checked

    def _file(self, path: str) -> Iterator[Checked]:
        """A file named by an argument is checked whatever its content."""
        return self._checked(path, content(path))

    def _checked(self, path: str, data: bytes | None) -> Iterator[Checked]:
        settings = None if data is None else self.configuration.settings(path)
        if settings and self.fixes and path != "-":
            from advconv.cli.suggest_command import fix_file

            self.unwritten += fix_file(path, settings.selection) != OK
            data = content(path)
        if data is None or settings is None:
            self.unreadable += 1
            return
        checked = check_bytes(shown_name(path), data, self.size, settings.selection)
        yield checked._replace(is_strict=settings.strict)

    def _in_directory(self, path: str) -> Iterator[Checked]:
        """The architectures in a directory. A directory without any is reported and counted as unreadable."""
        try:
            names = sorted(_yaml_files(path))
        except OSError as problem:
            print_error(f"{problem.filename}: {problem.strerror}")
            self.unreadable += 1
            return
        before = self.files, self.unreadable
        for name in names:
            data = content(name)
            if data is None or is_architecture(data):
                yield from self._checked(name, data)
            else:
                self.skipped += 1
        if before == (self.files, self.unreadable):
            which = f"none of its {len(names)} YAML files has" if len(names) > 1 else "its only YAML file does not have"
            none = f"{which} the key `advconv` or `network` at the top"
            print_error(f"{path}: {none if names else 'no .yaml file in this directory'}")
            self.unreadable += 1


def run_check(options: argparse.Namespace) -> int:
    if options.fix and "-" in options.files:
        print_error("--fix writes files; standard input has none")
        return USAGE
    configuration = Configuration(select=options.select, ignore=options.ignore, strict=options.strict)
    search = Search(options.files, options.input, configuration, options.fix)
    for part in FORMATS[options.format](search):
        print_text(part, paint=_paint(options.format))
    if search.unreadable or search.unwritten:
        return USAGE
    return FAILED if search.failed else OK


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
    if checked.measures is None or checked.kept == checked.judged:
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
