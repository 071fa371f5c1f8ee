"""The command line: parse, call one function, print, exit code."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn, TypeAlias

from advconv.analysis.measure import Measures
from advconv.check import Checked, check_bytes
from advconv.geometry import Shape
from advconv.report.table import FORMATS
from advconv.source import MAX_BYTES

DEFAULT_ARCH = Path("archs", "c1c2c3c4.yaml")

OK, FAILED, USAGE = 0, 1, 2
INTERRUPTED, BROKEN_PIPE = 130, 141  # as shells say it

EXTRAS = {**dict.fromkeys(("torch", "torchvision", "torchinfo", "albumentations"), "train"), "shtab": "completion"}
"""The extra that installs what the measuring side does without."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """The `advconv` command. Exit code 0: no errors; 1: an error or a failed constraint; 2: usage, a missing file."""
    _prepare_streams()
    options = parser().parse_args(arguments)
    try:
        code = options.run(options)
        sys.stdout.flush()
    except ModuleNotFoundError as missing:
        if missing.name not in EXTRAS:
            raise
        extra = EXTRAS[missing.name]
        _complain(f"{options.command} needs {missing.name}; install it with: pip install 'advconv[{extra}]'")
        code = USAGE
    except BrokenPipeError:
        # Whoever read us has seen enough.
        _drop_output()
        code = BROKEN_PIPE
    except OSError as problem:
        _complain(f"the output cannot be written: {problem.strerror}")
        _drop_output()
        code = USAGE
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def _prepare_streams() -> None:
    """What a stream cannot show is escaped; a stream that the caller has closed swallows what is written."""
    if sys.stdout is None or sys.stderr is None:
        nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, it stays open as long as the process
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """The interpreter would complain on exit about what it cannot write."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="advconv",
        description="Reads convolutional networks from YAML, measures them, and holds them to their constraints.",
        epilog="example: advconv check archs/c1c2c3c4.yaml",
    )
    top.add_argument("--version", action=Version, nargs=0, help="print the version and exit")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_check(commands)
    _add_rf_table(commands)
    _add_summary(commands)
    _add_emit(commands)
    _add_verify(commands)
    _add_new(commands)
    _add_explain(commands)
    _add_schema(commands)
    _add_completion(commands)
    return top


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Run = Callable[[argparse.Namespace], int]


def _command(commands: Commands, name: str, help: str, example: str, run: Run) -> argparse.ArgumentParser:
    added = commands.add_parser(name, help=help, description=f"{help}.", epilog=f"example: {example}")
    added.set_defaults(run=run)
    return added


def _add_check(commands: Commands) -> None:
    help = "measure networks and hold them to their constraints"
    check = _command(commands, "check", help, "advconv check archs/ --input 3,64,64", run_check)
    check.add_argument("files", nargs="+", metavar="FILE", help="YAML files, directories of them, or - for stdin")
    check.add_argument("--format", choices=("text", "json", "github", "sarif"), default="text")
    _add_input(check)


def _add_rf_table(commands: Commands) -> None:
    help = "print the receptive-field calculation table"
    table = _command(commands, "rf-table", help, "advconv rf-table archs/c1c2c3c4.yaml --format markdown", run_rf_table)
    table.add_argument("file", nargs="?", metavar="FILE", help=f"default: {DEFAULT_ARCH}")
    table.add_argument("--explain", action="store_true", help="add the formula behind each row")
    table.add_argument("--format", choices=FORMATS, default="text")
    _add_input(table)


def _add_summary(commands: Commands) -> None:
    help = "print the layers with output shapes, parameters and MACs"
    summary = _command(commands, "summary", help, "advconv summary archs/c1c2c3c4.yaml", run_summary)
    summary.add_argument("file", metavar="FILE")
    summary.add_argument("--format", choices=(*FORMATS, "torchsummary"), default="text")
    summary.add_argument("--torchinfo", action="store_true", help="print torchinfo's own table of the built module")
    _add_input(summary)


def _add_emit(commands: Commands) -> None:
    help = "print the network as the source of a torch module"
    emit = _command(commands, "emit", help, "advconv emit archs/c1c2c3c4.yaml -o model.py", run_emit)
    emit.add_argument("file", metavar="FILE")
    emit.add_argument("-o", "--output", metavar="FILE", help="write it to a file instead")


def _add_verify(commands: Commands) -> None:
    help = "prove the report: hold each of its numbers beside what torch finds"
    verify = _command(commands, "verify", help, "advconv verify archs/c1c2c3c4.yaml", run_verify)
    verify.add_argument("file", metavar="FILE")
    verify.add_argument("--format", choices=FORMATS, default="text")
    _add_input(verify)


def _add_new(commands: Commands) -> None:
    new = _command(commands, "new", "write a commented starter file", "advconv new mynet", run_new)
    new.add_argument("name", metavar="NAME", help="writes NAME.yaml")


def _add_explain(commands: Commands) -> None:
    explain = _command(commands, "explain", "explain a diagnostic code", "advconv explain AC201", run_explain)
    explain.add_argument("code", metavar="CODE")


def _add_schema(commands: Commands) -> None:
    help = "print the JSON Schema of architecture files"
    _command(commands, "schema", help, "advconv schema > advconv.schema.json", run_schema)


def _add_completion(commands: Commands) -> None:
    help = "print a completion script for a shell"
    completion = _command(commands, "completion", help, 'eval "$(advconv completion bash)"', run_completion)
    completion.add_argument("shell", choices=("bash", "zsh", "tcsh"))


def _add_input(command: argparse.ArgumentParser) -> None:
    command.add_argument("--input", type=picture, metavar="C,H,W", help="measure for pictures of another shape")


def picture(text: str) -> Shape:
    """`3,64,64`"""
    parts = [part.strip() for part in text.strip("[]() ").split(",")]
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not CHANNELS,HEIGHT,WIDTH, as in 3,64,64")
    if not all(len(part) < 19 and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"the sizes of {text!r} are not between 1 and 10^18")
    channels, height, width = map(int, parts)
    return Shape(channels, height, width)


class Version(argparse.Action):
    """Asks for the version when it is wanted, which costs too much at every start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"advconv {version('advconv')}")
        parser.exit()


def run_check(options: argparse.Namespace) -> int:
    unread = 0
    results = []
    for path in options.files:
        for found in _files(path):
            checked = _checked(found, options.input) if found is not None else None
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

        paint = Paint(_wants_colour())
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
        _complain(f"{problem.filename}: {problem.strerror}")
        yield None
        return
    if not found:
        _complain(f"{path}: there is no .yaml file in this directory")
    yield from found or (None,)


def _yaml_files(top: str) -> Iterator[str]:
    """Those in a folder and below it; hidden ones (.git, .venv) are left out, links to folders not followed."""
    for folder, below, names in os.walk(top, onerror=_fail):
        below[:] = [name for name in below if not name.startswith(".")]
        yaml = (name for name in names if name.endswith((".yaml", ".yml")) and not name.startswith("."))
        yield from (os.path.join(folder, name) for name in yaml)


def _fail(problem: OSError) -> NoReturn:
    raise problem


def _checked(path: str, size: Shape | None) -> Checked | None:
    """The check of a file, or None and a message where it cannot be read."""
    try:
        data = _content(path)
    except (OSError, ValueError) as problem:
        _complain(f"{path}: {getattr(problem, 'strerror', None) or problem}")
        return None
    return check_bytes("<stdin>" if path == "-" else path, data, size)


def _content(path: str) -> bytes:
    """As much of a file as can be a network, and a byte more."""
    if path != "-":
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    if sys.stdin is None:
        raise OSError(0, "standard input is closed", path)
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _complain(message: str) -> None:
    shown = "".join(character if character.isprintable() else "\ufffd" for character in message)
    print(f"advconv: {shown}", file=sys.stderr)


def _wants_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


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

    def show(measures: Measures, name: str) -> int:
        print(table(measures, name))
        return OK

    return _with_network(path, getattr(options, "input", None), show)


def _with_network(path: str, size: Shape | None, use: Callable[[Measures, str], int]) -> int:
    """What `use` makes of a network that can be measured; the diagnostics of one that cannot."""
    checked = _checked(path, size)
    if checked is None:
        return USAGE
    if checked.measures is None or checked.spec is None:
        from advconv.report.text import report

        print(report(checked), file=sys.stderr)
        return FAILED
    return use(checked.measures, checked.spec.name)


def run_torchinfo(options: argparse.Namespace) -> int:
    from advconv.report.torchinfo import torchinfo

    return _print_table(options.file, options, lambda net, name: torchinfo(net))


def run_emit(options: argparse.Namespace) -> int:
    from advconv.backends.torch_source import emit

    if not options.output:
        return _print_table(options.file, options, lambda net, name: emit(net, name).rstrip("\n"))
    return _with_network(options.file, None, lambda net, name: _write(options.output, emit(net, name)))


def _write(path: str, text: str) -> int:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as problem:
        _complain(f"{path}: {getattr(problem, 'strerror', None) or problem}")
        return USAGE
    return OK


def run_verify(options: argparse.Namespace) -> int:
    """Exit code 1 where a claim does not hold."""

    def prove(measures: Measures, name: str) -> int:
        from advconv.backends.evidence import verify
        from advconv.report.verify import claims_table

        claims = verify(measures)
        print(claims_table(claims, name).render(options.format))
        return OK if all(claim.holds for claim in claims) else FAILED

    return _with_network(options.file, options.input, prove)


def default_arch() -> Path:
    """The shipped architecture: of the working directory, of the installed package, or of the clone around it."""
    package = Path(__file__).parent
    places = (DEFAULT_ARCH, package / DEFAULT_ARCH, package.parent / DEFAULT_ARCH)
    return next((place for place in places if place.is_file()), DEFAULT_ARCH)


def run_new(options: argparse.Namespace) -> int:
    from advconv.spec import TITLE
    from advconv.starter import STARTER

    path = Path(options.name if options.name.endswith((".yaml", ".yml")) else f"{options.name}.yaml")
    if not TITLE.fullmatch(path.stem):
        _complain(f"{path.stem!r} cannot name an architecture; use letters, digits, '-', '_' and '.'")
        return USAGE
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(STARTER.format(name=path.stem))
    except OSError as problem:
        _complain(f"{path}: {problem.strerror}")
        return USAGE
    print(f"wrote {path}; measure it with: advconv check {path}")
    return OK


def run_explain(options: argparse.Namespace) -> int:
    from advconv.manual import PAGES, page

    code = options.code.upper()
    if code not in PAGES:
        _complain(f"there is no code {options.code}; the codes are {', '.join(PAGES)}")
        return USAGE
    print(page(code))
    return OK


def run_schema(options: argparse.Namespace) -> int:
    import json

    from advconv.schema import schema

    print(json.dumps(schema(), indent=2))
    return OK


def run_completion(options: argparse.Namespace) -> int:
    import shtab

    print(shtab.complete(parser(), options.shell))
    return OK
