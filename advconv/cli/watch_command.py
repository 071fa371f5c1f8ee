"""`advconv watch`: checks files each time that they are saved, in the terminal and on a page in the browser."""

import argparse
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import PurePath

from advconv.check import Checked
from advconv.cli.check_command import FORMATS, Search
from advconv.cli.configuration import Configuration, files_above
from advconv.cli.network_options import DEFAULT_PORT
from advconv.geometry import Shape
from advconv.report.formats import TEXT
from advconv.system.console import USAGE, Paint, clear_screen, print_error, print_text, wants_colour
from advconv.system.page_server import PageServer, ServerError
from advconv.system.watch import changes


class ShownSearch(Search):
    """A search that shows each checked file before it is printed, since suggestions below a report take a while."""

    def __init__(self, paths: list[str], size: Shape | None, settings: Configuration, show: "Show") -> None:
        super().__init__(paths, size, settings)
        self.show = show

    def __iter__(self) -> Iterator[Checked]:
        for checked in super().__iter__():
            self.show(checked)
            yield checked


Show = Callable[[Checked], None]


def run_watch(options: argparse.Namespace) -> int:
    """Ends only by an interrupt, unless the options are wrong."""
    if problem := _problem(options):
        print_error(problem)
        return USAGE
    try:
        server = PageServer(DEFAULT_PORT if options.port is None else options.port) if options.page else nullcontext()
    except ServerError as error:
        print_error(str(error))
        return USAGE
    with server as page:
        return _watch(options, page)


def _problem(options: argparse.Namespace) -> str:
    """Why these files cannot be watched; empty if they can. A file that does not exist is waited for."""
    if options.page and len(options.files) > 1:
        return f"--page shows one file, not {len(options.files)}"
    if options.port is not None and not options.page:
        return "--port goes with --page"
    for path in options.files:
        if path == "-":
            return "standard input cannot be watched; name a file"
        if not _is_file_or_missing(path):
            return f"{path} is {'a directory' if os.path.isdir(path) else 'not a regular file'}; watch takes files"
    return ""


def _is_file_or_missing(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return True


def _watch(options: argparse.Namespace, page: PageServer | None) -> int:
    settings = [file for path in options.files for file in files_above(path)]
    for _ in changes([*options.files, *dict.fromkeys(settings)]):
        clear_screen()
        _check(options, page)
        sys.stdout.flush()
    raise AssertionError("there is always a next change")


def _check(options: argparse.Namespace, page: PageServer | None) -> None:
    """Prints what `advconv check` prints, and shows the page."""
    started = time.perf_counter()
    paint, files = Paint(wants_colour()), [path for path in options.files if _is_file_or_missing(path)]
    configuration = Configuration(select=options.select, ignore=options.ignore, strict=options.strict)
    search = ShownSearch(files, options.input, configuration, lambda checked: _show(page, checked))
    for part in FORMATS[TEXT](search):
        print_text(part, paint=paint)
    for path in set(options.files).difference(files):
        print_error(f"{path} is not a regular file")
    if page and not search.files:
        name = PurePath(options.files[0]).name
        page.show(lambda version: _notice(name, version))
    seconds = time.perf_counter() - started
    print_text(_status(options.files, seconds, page), paint=paint)


def _show(page: PageServer | None, checked: Checked) -> None:
    from advconv.report.page.document import page as page_of

    if page:
        page.show(lambda version: page_of(checked, version=version))


def _notice(name: str, version: str) -> str:
    from advconv.report.page.document import notice

    return notice(name, "The file cannot be read; the page is shown as soon as it can.", version)


def _status(files: list[str], seconds: float, page: PageServer | None) -> str:
    """`14:05:09, 12 ms: watching mynet.yaml, shown on http://127.0.0.1:8321/; end with Ctrl-C`"""
    names = files[0] if len(files) == 1 else f"{len(files)} files"
    shown = f", shown on {page.url}" if page else ""
    return f"\n{time.strftime('%H:%M:%S')}, {1000 * seconds:.0f} ms: watching {names}{shown}; end with Ctrl-C\n"
