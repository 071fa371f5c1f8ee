"""What `advconv check` does: which files it finds, and what it says of them."""

import argparse
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import NoReturn

from advconv.check import Checked, check_bytes
from advconv.cli.commands import checked_file, content
from advconv.geometry import Shape
from advconv.rules.record import Severity
from advconv.system.console import FAILED, OK, USAGE, Paint, print_error, print_text, wants_colour
from advconv.text.document import decode
from advconv.text.reader import read


class Search:
    """The checks of the files that arguments name, made one at a time as they are asked for.

    `skipped`: YAML files that are no architectures; `unread`: files that cannot be read.
    """

    def __init__(self, paths: list[str], size: Shape | None) -> None:
        self.paths, self.size = paths, size
        self.files = self.skipped = self.unread = 0
        self.counts = Counter[Severity]()

    def __iter__(self) -> Iterator[Checked]:
        for path in self.paths:
            for checked in self._in_directory(path) if os.path.isdir(path) else self._file(path):
                self.files += 1
                self.counts.update(found.severity for found in checked.diagnostics)
                yield checked

    def _file(self, path: str) -> Iterator[Checked]:
        """A file that is named is checked whatever is in it."""
        checked = checked_file(path, self.size)
        self.unread += checked is None
        yield from [checked] if checked else []

    def _in_directory(self, path: str) -> Iterator[Checked]:
        """The architectures of a directory; one without any is told of and counts as a file that cannot be read."""
        try:
            names = sorted(_yaml_files(path))
        except OSError as problem:
            print_error(f"{problem.filename}: {problem.strerror}")
            self.unread += 1
            return
        files, unread = self.files, 0
        for name in names:
            data = content(name)
            unread += data is None
            if data is not None and is_architecture(data):
                yield check_bytes(name, data, self.size)
            else:
                self.skipped += data is not None
        if self.files == files:
            none = f"none of its YAML files ({len(names)}) has `advconv` or `network` at its top"
            print_error(f"{path}: {none if names else 'there is no .yaml file in this directory'}")
        self.unread += unread if self.files > files else 1


def run_check(options: argparse.Namespace) -> int:
    search = Search(options.files, options.input)
    for part in FORMATS[options.format](search):
        print_text(part, paint=_paint(options.format))
    if search.unread:
        return USAGE
    return FAILED if search.counts[Severity.ERROR] else OK


def _paint(format: str) -> Paint:
    """Colours are for people."""
    return Paint(format == "text" and wants_colour())


def _yaml_files(top: str) -> Iterator[str]:
    """Those in a folder and below it; hidden ones (.git, .venv) are left out, links to folders not followed."""
    for folder, below, names in os.walk(top, onerror=_fail):
        below[:] = [name for name in below if not name.startswith(".")]
        yaml = (name for name in names if name.endswith((".yaml", ".yml")) and not name.startswith("."))
        yield from (os.path.join(folder, name) for name in yaml)


def _fail(problem: OSError) -> NoReturn:
    raise problem


KEYS = ("advconv", "network")
LINE = re.compile(rb"^(advconv|network)[ \t]*:", re.MULTILINE)


def is_architecture(data: bytes) -> bool:
    """Whether a file is meant as an architecture: one of two keys at its top, or a line that starts with it.

    So a broken architecture is one too, even where it is not YAML.
    """
    if LINE.search(data):
        return True
    source, undecodable = decode("", data)
    document = None if undecodable else read(source)[0]
    return (
        document is not None and isinstance(document.root.data, dict) and not document.root.data.keys().isdisjoint(KEYS)
    )


def _text(search: Search) -> Iterator[str]:
    """Reports with blank lines between; of several files, each under its name, and a line that sums up."""
    from advconv.report.text import files_line, report

    paint, results = _paint("text"), iter(search)
    first = list(islice(results, 2))
    has_many = len(first) > 1
    for number, checked in enumerate(chain(first, results)):
        title = f"{paint(f'== {checked.source.name}')}\n" if has_many else ""
        yield ("\n" if number else "") + title + report(checked, paint)
    if has_many or (first and search.skipped):
        yield f"\n{files_line(search.files, search.counts, search.skipped)}"


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
    "text": _text,
    "json": _json,
    "github": _github,
    "sarif": _sarif,
}
"""Each gives what it prints as it goes, so that a thousand files need no more memory than one."""
