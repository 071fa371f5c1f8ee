"""The commands: each calls one function, prints its result and returns the exit code."""

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from advconv.analysis.measure import Measures
from advconv.check import gc_disabled
from advconv.cli.files import checked_file
from advconv.geometry import Shape
from advconv.language.augment import source as augment_source
from advconv.language.spec import ArchSpec
from advconv.system.console import FAILED, OK, USAGE, check_working_directory, print_error, print_markdown, print_text
from advconv.system.files import FileError, write, write_new
from advconv.system.shipped import shipped
from advconv.values.names import title_problem

DEFAULT_ARCH = Path("archs", "c1c2c3c4.yaml")


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
    """Prints a table of a network that can be measured."""

    def print_it(measures: Measures, spec: ArchSpec) -> int:
        with gc_disabled():
            print_text(table(measures, spec.name))
        return OK

    return with_network(path, getattr(options, "input", None), print_it)


def with_network(path: str, size: Shape | None, use: Callable[[Measures, ArchSpec], int]) -> int:
    """Calls `use` with a network that can be measured; prints the diagnostics of one that cannot."""
    checked = checked_file(path, size)
    if checked is None:
        return USAGE
    if checked.measures is None or checked.spec is None:
        from advconv.report.text import report

        print_text(report(checked), sys.stderr)
        return FAILED
    return use(checked.measures, checked.spec)


def run_torchinfo(options: argparse.Namespace) -> int:
    check_working_directory()
    from advconv.report.torchinfo import torchinfo

    return _print_table(options.file, options, lambda net, name: torchinfo(net))


def run_emit(options: argparse.Namespace) -> int:
    from advconv.backends.torch_source import emit

    def print_or_write(measures: Measures, spec: ArchSpec) -> int:
        is_model = options.what == "model"
        with gc_disabled():
            text = emit(measures, spec.name) if is_model else augment_source(spec.augment, spec.name)
        if options.output is not None:
            return _write(options.output, text)
        print_text(text.removesuffix("\n"))
        return OK

    return with_network(options.file, None, print_or_write)


def _write(path: str, text: str) -> int:
    if path.endswith((".yaml", ".yml")):
        print_error(f"{path}: Python source is not written to a YAML file; use a .py file")
        return USAGE
    try:
        write(Path(path), text)
    except FileError as problem:
        print_error(str(problem))
        return USAGE
    return OK


def run_verify(options: argparse.Namespace) -> int:
    """Exit code 1 if a claim does not hold."""

    def verify_and_print(measures: Measures, spec: ArchSpec) -> int:
        check_working_directory()
        from advconv.backends.evidence import verify
        from advconv.report.verify import claims_table

        claims = verify(measures)
        print_text(claims_table(claims, spec.name).render(options.format))
        return OK if all(claim.holds for claim in claims) else FAILED

    return with_network(options.file, options.input, verify_and_print)


def default_arch() -> Path:
    """The default architecture: that of the working directory, else the shipped one."""
    return DEFAULT_ARCH if DEFAULT_ARCH.is_file() else shipped(str(DEFAULT_ARCH))


def run_new(options: argparse.Namespace) -> int:
    from advconv.language.starters import SCHEMA_FILE, starter, update_schema

    stem = re.sub(r"\.ya?ml$", "", os.path.basename(options.name))
    if problem := title_problem(stem, "architecture"):
        print_error(problem)
        return USAGE
    path = Path(options.name if options.name.endswith((".yaml", ".yml")) else f"{options.name}.yaml")
    try:
        write_new(path, starter(options.template, stem))
        is_ours = update_schema(path.parent)
    except FileError as problem:
        print_error(str(problem))
        return USAGE
    if not is_ours:
        schema = path.with_name(SCHEMA_FILE)
        print_error(f"{schema} is not a schema of advconv and was not replaced; editors will check {path} with it")
    print_text(f"wrote {path}; next: advconv check {path}, advconv rf-table {path}, advconv train {path}")
    return OK


def run_explain(options: argparse.Namespace) -> int:
    from advconv.manual.topics import index, pages, suggestion

    if options.topic is None:
        print_markdown(index())
        return OK
    if not (found := pages(options.topic)):
        print_error(f"there is no topic {options.topic}; {suggestion(options.topic)}")
        return USAGE
    print_markdown("\n\n".join(found))
    return OK


def run_schema(options: argparse.Namespace) -> int:
    from advconv.language.json_schema import schema_text

    print_text(schema_text().removesuffix("\n"))
    return OK


def run_completion(options: argparse.Namespace) -> int:
    from advconv.cli.completion import script

    print_text(script(options.shell))
    return OK
