"""What `advconv check` does: which files it finds, and what it says of them."""

import argparse
import os
import re
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from advconv.check import Checked, check_bytes
from advconv.commands import checked_file, content
from advconv.console import FAILED, OK, PLAIN, USAGE, Paint, complain, show, wants_colour
from advconv.geometry import Shape
from advconv.reader import read
from advconv.source import decode


class Found(NamedTuple):
    """The checks of files; how many YAML files are no architectures, and how many files cannot be read."""

    checked: list[Checked]
    skipped: int = 0
    unread: int = 0


def run_check(options: argparse.Namespace) -> int:
    parts = [_found(path, options.input) for path in options.files]
    results = [checked for part in parts for checked in part.checked]
    _print_checks(results, sum(part.skipped for part in parts), options.format)
    if any(part.unread for part in parts):
        return USAGE
    return OK if all(checked.ok for checked in results) else FAILED


def _found(path: str, size: Shape | None) -> Found:
    """What an argument names: a file, whatever is in it, or the architectures of a directory."""
    if os.path.isdir(path):
        return _in_directory(path, size)
    checked = checked_file(path, size)
    return Found([checked]) if checked else Found([], unread=1)


def _in_directory(path: str, size: Shape | None) -> Found:
    """A directory without any architecture is told of and counts as one that cannot be read."""
    try:
        contents = {name: content(name) for name in sorted(_yaml_files(path))}
    except OSError as problem:
        complain(f"{problem.filename}: {problem.strerror}")
        return Found([], unread=1)
    there = {name: data for name, data in contents.items() if data is not None}
    checked = [check_bytes(name, data, size) for name, data in there.items() if is_architecture(data)]
    if not checked:
        none = f"none of its YAML files ({len(contents)}) has `advconv` or `network` at its top"
        complain(f"{path}: {none if contents else 'there is no .yaml file in this directory'}")
    unread = len(contents) - len(there)
    return Found(checked, len(there) - len(checked), unread if checked else 1)


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


def _print_checks(results: list[Checked], skipped: int, format: str) -> None:
    if format == "json":
        from advconv.report.data import json_report

        show(json_report(results, skipped))
    elif format == "sarif":
        from advconv.report.sarif import sarif_report

        show(sarif_report(results))
    elif format == "github":
        from advconv.report.data import github_report

        _show("\n".join(filter(None, map(github_report, results))))
    else:
        paint = Paint(wants_colour())
        _show(_text(results, skipped, paint), paint)


def _text(results: list[Checked], skipped: int, paint: Paint) -> str:
    from advconv.report.text import files_line, report

    has_many = len(results) > 1
    titles = [f"{paint(f'== {checked.source.name}')}\n" if has_many else "" for checked in results]
    parts = [title + report(checked, paint) for title, checked in zip(titles, results, strict=True)]
    return "\n\n".join([*parts, files_line(results, skipped)] if has_many or (results and skipped) else parts)


def _show(text: str, paint: Paint = PLAIN) -> None:
    if text:
        show(text, paint=paint)
