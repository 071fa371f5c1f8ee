"""Shell completion with argcomplete; imported only when the shell asks for completions."""

import argparse
import os
from collections.abc import Callable, Iterator

from advconv.language.data_sets import SETS
from advconv.training.names import METADATA, RUNS, SWEEP
from advconv.values.names import WEIGHTS_SUFFIX


def script(shell: str) -> str:
    """The script for the shell's start-up file. Without a completion of ours, the shell completes file names."""
    from argcomplete.shell_integration import shellcode

    return f"{shellcode(['advconv'], shell=shell)}{OWN_COMPLETION.get(shell, '')}"


OWN_COMPLETION = {
    # In bash, argcomplete registers readline's file names as the fallback itself.
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
    """Prints the completions for the shell and ends the process."""
    from argcomplete import autocomplete
    from argcomplete.completers import SuppressCompleter

    for action in _arguments(parser):
        if action.dest in COMPLETERS:
            action.completer = COMPLETERS[action.dest]  # type: ignore[attr-defined]
    # Options are offered after a dash only, not among the names of files.
    autocomplete(parser, always_complete_options=False, default_completer=SuppressCompleter())


def _arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _arguments(command)


def yaml_files(prefix: str, **_: object) -> list[str]:
    """Architecture files, and directories that may contain some."""
    return [
        path + "/" if entry.is_dir() else path
        for path, entry in _entries(prefix)
        if entry.is_dir() or entry.name.endswith((".yaml", ".yml"))
    ]


def runs(prefix: str, **_: object) -> list[str]:
    """Runs at the typed path and in `runs/`, and directories that may contain some."""
    return _with(METADATA, prefix)


def sweeps(prefix: str, **_: object) -> list[str]:
    """The same of sweeps."""
    return _with(SWEEP, prefix)


def _with(name: str, prefix: str) -> list[str]:
    """Directories that have a file of this name, at the typed path and in `runs/`, and others that may contain some."""

    def has_it(entry: "os.DirEntry[str]") -> bool:
        return os.path.isfile(os.path.join(entry.path, name))

    below = [path if has_it(entry) else path + "/" for path, entry in _entries(prefix) if entry.is_dir()]
    return below + [path for path, entry in _entries(f"{RUNS}/") if has_it(entry) and path not in below]


def weights(prefix: str, **_: object) -> list[str]:
    """Runs, and files of weights."""
    files = [path for path, entry in _entries(prefix) if entry.name.endswith(WEIGHTS_SUFFIX) and not entry.is_dir()]
    return [*files, *runs(prefix)]


def files_and_runs(prefix: str, **_: object) -> list[str]:
    """What commands take that have a file or a run."""
    found = runs(prefix)
    files = [path for path in yaml_files(prefix) if path.removesuffix("/") not in found]
    return list(dict.fromkeys([*files, *found]))


def _entries(prefix: str) -> list[tuple[str, "os.DirEntry[str]"]]:
    """The entries that complete a half-typed path; hidden ones only after a dot.

    Names with control characters are left out: the shell would split them, or the terminal would obey them.
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
    """The topics of `explain` with their titles, which zsh and fish display."""
    from advconv.manual.topics import titles

    return titles()


def codes(prefix: str, **_: object) -> dict[str, str]:
    """The codes of warnings and information with their titles, after those that are typed already."""
    from advconv.rules import RULES

    typed = prefix[: prefix.rfind(",") + 1]
    return {f"{typed}{rule.code}": rule.title for rule in RULES if rule.is_optional}


def settings(**_: object) -> list[str]:
    """Paths of fields, each with the words that the field takes."""
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
    "paths": files_and_runs,
    "run_path": files_and_runs,
    "path": files_and_runs,
    "runs": runs,
    "sweep_path": sweeps,
    "resume": runs,
    "weights_from": weights,
    "data": data_sets,
    "topic": topics,
    "set": settings,
    "select": codes,
    "ignore": codes,
}
"""By argument name. Argcomplete completes choices itself; the shell completes the rest."""
