"""What each command does: call one function, print, give the exit code."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from advconv.analysis.measure import Measures
from advconv.augment import source as augment_source
from advconv.check import Checked, check
from advconv.console import FAILED, OK, USAGE, complain, print_markdown, wants_colour
from advconv.diagnostics import Diagnostic
from advconv.geometry import Shape
from advconv.names import TITLE
from advconv.shipped import shipped
from advconv.source import MAX_BYTES, Source, decode
from advconv.spec import ArchSpec

DEFAULT_ARCH = Path("archs", "c1c2c3c4.yaml")


def run_check(options: argparse.Namespace) -> int:
    unread = 0
    results = []
    for path in options.files:
        for found in _files(path):
            checked = checked_file(found, options.input) if found is not None else None
            unread += checked is None
            results += [checked] if checked else []
    _print_checks(results, options.format)
    if unread:
        return USAGE
    return OK if all(checked.ok for checked in results) else FAILED


def _print_checks(results: list[Checked], format: str) -> None:
    if format == "json":
        from advconv.report.data import json_report

        print(json_report(results))
    elif format == "sarif":
        from advconv.report.sarif import sarif_report

        print(sarif_report(results))
    elif format == "github":
        from advconv.report.data import github_report

        _show("\n".join(filter(None, map(github_report, results))))
    else:
        from advconv.report.text import Paint, printable, report

        paint = Paint(wants_colour())
        titles = [f"== {printable(checked.source.name)}\n" if len(results) > 1 else "" for checked in results]
        _show("\n\n".join(title + report(checked, paint) for title, checked in zip(titles, results, strict=True)))


def _show(text: str) -> None:
    if text:
        print(text)


def _files(path: str) -> Iterator[str | None]:
    """The YAML files that an argument names; None, and a message, for a directory without any."""
    if not os.path.isdir(path):
        yield path
        return
    try:
        found = sorted(_yaml_files(path))
    except OSError as problem:
        complain(f"{problem.filename}: {problem.strerror}")
        yield None
        return
    if not found:
        complain(f"{path}: there is no .yaml file in this directory")
    yield from found or (None,)


def _yaml_files(top: str) -> Iterator[str]:
    """Those in a folder and below it; hidden ones (.git, .venv) are left out, links to folders not followed."""
    for folder, below, names in os.walk(top, onerror=_fail):
        below[:] = [name for name in below if not name.startswith(".")]
        yaml = (name for name in names if name.endswith((".yaml", ".yml")) and not name.startswith("."))
        yield from (os.path.join(folder, name) for name in yaml)


def _fail(problem: OSError) -> NoReturn:
    raise problem


def checked_file(path: str, size: Shape | None) -> Checked | None:
    """The check of a file, or None and a message where it cannot be read."""
    if (decoded := decoded_file(path)) is None:
        return None
    source, undecodable = decoded
    return Checked(source, undecodable) if undecodable else check(source, size)


def decoded_file(path: str) -> tuple[Source, list[Diagnostic]] | None:
    """The text of a file and whether it is one, or None and a message where there is no file to read."""
    try:
        data = _content(path)
    except (OSError, ValueError) as problem:
        complain(f"{path}: {getattr(problem, 'strerror', None) or problem}")
        return None
    return decode("<stdin>" if path == "-" else path, data)


def _content(path: str) -> bytes:
    """As much of a file as can be a network, and a byte more."""
    if path != "-":
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    if sys.stdin is None:
        raise OSError(0, "standard input is closed", path)
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def run_rf_table(options: argparse.Namespace) -> int:
    from advconv.report.rf_table import rf_table

    path = options.file or str(default_arch())
    return _print_table(path, options, lambda net, name: rf_table(net, name, options.explain).render(options.format))


def run_summary(options: argparse.Namespace) -> int:
    from advconv.report.summary import summary, torchsummary

    if options.torchinfo:
        return run_torchinfo(options)
    if options.format == "torchsummary":
        return _print_table(options.file, options, lambda net, name: torchsummary(net))
    return _print_table(options.file, options, lambda net, name: summary(net, name).render(options.format))


def _print_table(path: str, options: argparse.Namespace, table: Callable[[Measures, str], str]) -> int:
    """A table of a network that can be measured."""

    def show(measures: Measures, spec: ArchSpec) -> int:
        print(table(measures, spec.name))
        return OK

    return _with_network(path, getattr(options, "input", None), show)


def _with_network(path: str, size: Shape | None, use: Callable[[Measures, ArchSpec], int]) -> int:
    """What `use` makes of a network that can be measured; the diagnostics of one that cannot."""
    checked = checked_file(path, size)
    if checked is None:
        return USAGE
    if checked.measures is None or checked.spec is None:
        from advconv.report.text import report

        print(report(checked), file=sys.stderr)
        return FAILED
    return use(checked.measures, checked.spec)


def run_torchinfo(options: argparse.Namespace) -> int:
    from advconv.report.torchinfo import torchinfo

    return _print_table(options.file, options, lambda net, name: torchinfo(net))


def run_emit(options: argparse.Namespace) -> int:
    from advconv.backends.torch_source import emit

    def write(measures: Measures, spec: ArchSpec) -> int:
        is_model = options.what == "model"
        text = emit(measures, spec.name) if is_model else augment_source(spec.augment, spec.name)
        if options.output:
            return _write(options.output, text)
        print(text, end="")
        return OK

    return _with_network(options.file, None, write)


def _write(path: str, text: str) -> int:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as problem:
        complain(f"{path}: {getattr(problem, 'strerror', None) or problem}")
        return USAGE
    return OK


def run_verify(options: argparse.Namespace) -> int:
    """Exit code 1 where a claim does not hold."""

    def prove(measures: Measures, spec: ArchSpec) -> int:
        from advconv.backends.evidence import verify
        from advconv.report.verify import claims_table

        claims = verify(measures)
        print(claims_table(claims, spec.name).render(options.format))
        return OK if all(claim.holds for claim in claims) else FAILED

    return _with_network(options.file, options.input, prove)


def default_arch() -> Path:
    """The shipped architecture: of the working directory, else the package's own."""
    return DEFAULT_ARCH if DEFAULT_ARCH.is_file() else shipped(str(DEFAULT_ARCH))


def run_new(options: argparse.Namespace) -> int:
    from advconv.starter import SCHEMA_FILE, renew_schema, starter

    path = Path(options.name if options.name.endswith((".yaml", ".yml")) else f"{options.name}.yaml")
    if not TITLE.fullmatch(path.stem):
        complain(f"{path.stem!r} cannot name an architecture; use letters, digits, '-', '_' and '.'")
        return USAGE
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(starter(options.template, path.stem))
        is_ours = renew_schema(path.parent)
    except OSError as problem:
        complain(f"{problem.filename}: {problem.strerror}")
        return USAGE
    if not is_ours:
        complain(f"{path.with_name(SCHEMA_FILE)} is another schema and was left alone; editors will check {path} by it")
    print(f"wrote {path}; next: advconv check {path}, advconv rf-table {path}, advconv train {path}")
    return OK


def run_explain(options: argparse.Namespace) -> int:
    from advconv.topics import index, near, pages

    if options.topic is None:
        print_markdown(index())
        return OK
    if not (found := pages(options.topic)):
        complain(f"there is no topic {options.topic}; {near(options.topic)}")
        return USAGE
    print_markdown("\n\n".join(found))
    return OK


def run_schema(options: argparse.Namespace) -> int:
    from advconv.schema import schema_text

    print(schema_text(), end="")
    return OK


def run_completion(options: argparse.Namespace) -> int:
    from advconv.completion import script

    print(script(options.shell))
    return OK
