"""What the shell's Tab key offers behind `advconv`, by argcomplete; imported by nothing but a shell's question."""

import argparse
import os
from collections.abc import Callable, Iterator

from advconv.language.data_sets import SETS

RUNS = "runs"
"""Where `train` writes."""


def script(shell: str) -> str:
    """What the shell's start-up file evaluates. Where we have nothing to say, the shell's own completion answers."""
    from argcomplete.shell_integration import shellcode

    return f"{shellcode(['advconv'], shell=shell)}{OWN_COMPLETION.get(shell, '')}"


OWN_COMPLETION = {
    # bash asks readline where a function gives nothing, as argcomplete has it registered.
    "zsh": """
_advconv() { _python_argcomplete "$@" || _files }
compdef _advconv advconv
""",
    "fish": """
function __fish_advconv_complete_or_files
    set -l found (__fish_advconv_complete)
    if set -q found[1]
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command advconv --erase
complete --command advconv -f -a '(__fish_advconv_complete_or_files)'
""",
}


def answer(parser: argparse.ArgumentParser) -> None:
    """Tells the shell what may follow, and ends the process."""
    from argcomplete import autocomplete
    from argcomplete.completers import SuppressCompleter

    for action in _arguments(parser):
        if action.dest in COMPLETERS:
            action.completer = COMPLETERS[action.dest]  # type: ignore[attr-defined]
    # Options are offered where a dash is typed, not among the names of files.
    autocomplete(parser, always_complete_options=False, default_completer=SuppressCompleter())


def _arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Those of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _arguments(command)


def yaml_files(prefix: str, **_: object) -> list[str]:
    """Architecture files, and directories that may hold some."""
    return [
        path + "/" if entry.is_dir() else path
        for path, entry in _entries(prefix)
        if entry.is_dir() or entry.name.endswith((".yaml", ".yml"))
    ]


def runs(prefix: str, **_: object) -> list[str]:
    """Directories that `train` wrote, here and below the typed path, and directories that may hold some."""
    below = [path if _is_run(entry) else path + "/" for path, entry in _entries(prefix) if entry.is_dir()]
    return below + [path for path, entry in _entries(f"{RUNS}/") if _is_run(entry) and path not in below]


def _is_run(entry: "os.DirEntry[str]") -> bool:
    return os.path.isfile(os.path.join(entry.path, "run.json"))


def _entries(prefix: str) -> list[tuple[str, "os.DirEntry[str]"]]:
    """What the directory of a half-typed path holds, as one would go on typing it; hidden ones if a dot is typed.

    A name with a control character in it would be several answers to the shell, or steer the terminal; it is left out.
    """
    typed, start = os.path.split(prefix)
    try:
        found = sorted(os.scandir(os.path.expanduser(typed) or "."), key=lambda entry: entry.name)
    except OSError:
        return []
    shown = (entry for entry in found if start.startswith(".") or not entry.name.startswith("."))
    return [(os.path.join(typed, entry.name), entry) for entry in shown if entry.name.isprintable()]


def data_sets(**_: object) -> list[str]:
    return list(SETS)


def topics(**_: object) -> dict[str, str]:
    """Each topic of `explain` with its title, which zsh and fish show beside it."""
    from advconv.manual.topics import titles

    return titles()


def settings(**_: object) -> list[str]:
    """Paths of fields, and the words that those take which take words."""
    from advconv.blocks.base import Style
    from advconv.language.recipe import Train
    from advconv.values.forms import Form

    fields = [
        (f"{section}.{name}", mark.words or ("",))
        for section, model in (("train", Train), ("defaults", Style))
        for name, field in model.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, Form)
    ]
    return [f"{path}={word}" for path, words in fields for word in words]


Completer = Callable[..., list[str] | dict[str, str]]

COMPLETERS: dict[str, Completer] = {
    "file": yaml_files,
    "files": yaml_files,
    "run_path": runs,
    "resume": runs,
    "data": data_sets,
    "topic": topics,
    "set": settings,
}
"""By the argument's name. Choices complete themselves; the rest is left to the shell."""
