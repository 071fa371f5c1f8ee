"""The table `[tool.advconv]` of pyproject.toml: which rules `advconv check` runs, and whether warnings are failures."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from advconv.rules.selection import Selection, codes
from advconv.system.console import print_error
from advconv.system.files import reason
from advconv.text.document import MAX_BYTES
from advconv.values.forms import did_you_mean, in_yaml

FILE = "pyproject.toml"


class Settings(NamedTuple):
    """The settings of a file."""

    select: Sequence[str] = ()
    ignore: Sequence[str] = ()
    strict: bool = False

    @property
    def selection(self) -> Selection:
        return Selection(tuple(self.select), tuple(self.ignore))


class Configuration:
    """The settings of each file: those of the nearest table above it, overridden by the options that are not None.

    The table of a directory is read once, and its mistakes are printed then.
    """

    def __init__(self, **options: Any) -> None:
        self.options = {key: value for key, value in options.items() if value is not None}
        self.tables: dict[str, Table | None] = {}

    def settings(self, path: str) -> Settings | None:
        """The settings of a file, or for `-` of the working directory; None if its table has mistakes."""
        for directory in _upwards(path):
            if directory not in self.tables:
                self.tables[directory] = _table(os.path.join(directory, FILE))
            if table := self.tables[directory]:
                return None if table.has_mistakes else Settings(**table.settings | self.options)
        return Settings(**self.options)


class Table(NamedTuple):
    """The settings of a table by key; `has_mistakes`, which have been printed."""

    settings: dict[str, Any]
    has_mistakes: bool


def files_above(path: str) -> list[str]:
    """The files that may have the settings of a file, whether they exist or not."""
    return [os.path.join(directory, FILE) for directory in _upwards(path)]


def _upwards(path: str) -> Iterator[str]:
    """The directory of a file and those above it."""
    try:
        directory = os.path.dirname(os.path.abspath(path))
    except FileNotFoundError:
        # The working directory has been deleted.
        return
    yield directory
    while (above := os.path.dirname(directory)) != directory:
        yield (directory := above)


def _table(path: str) -> Table | None:
    """The table of a file; None if there is none."""
    if not os.path.isfile(path):
        return None
    try:
        table = _read(path)
    except (OSError, ValueError) as problem:
        print_error(f"{path}: {reason(problem)}")
        return Table({}, has_mistakes=True)
    if table is None:
        return None
    settings = {}
    for key, value in table.items():
        try:
            settings[key] = _setting(key, value)
        except ValueError as problem:
            print_error(f"{path}: [tool.advconv] {problem}")
    return Table(settings, has_mistakes=len(settings) < len(table))


def _read(path: str) -> dict[str, Any] | None:
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    # The file of another project may be anything; most checks need no TOML parser, which takes 5 ms to import.
    if b"advconv" not in data:
        return None
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES:,} bytes")
    import tomllib

    try:
        tool = tomllib.loads(data.decode()).get("tool")
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None
    table = tool.get("advconv") if isinstance(tool, dict) else None
    if table is None or isinstance(table, dict):
        return table
    raise ValueError(f"[tool.advconv] is a table, not {in_yaml(table)}")


def _setting(key: str, value: object) -> Any:
    if key not in SETTINGS:
        raise ValueError(f"unknown key {key[:40]!r}; {did_you_mean(key, SETTINGS) or f'the keys are {KEYS}'}")
    try:
        return SETTINGS[key](value)
    except ValueError as problem:
        raise ValueError(f"{key}: {problem}") from None


def _selected(value: object) -> tuple[str, ...]:
    # Nothing and everything are both plausible readings of an empty list.
    if value == []:
        raise ValueError('this selects nothing; leave it out to select all rules, or write ignore = ["AC"]')
    return _codes(value)


def _codes(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(code, str) for code in value):
        raise ValueError(f'this is a list of codes, such as ["AC301", "AC31"], not {in_yaml(value)}')
    return codes(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"this is true or false, not {in_yaml(value)}")
    return value


SETTINGS: dict[str, Callable[[object], Any]] = {"select": _selected, "ignore": _codes, "strict": _flag}
KEYS = "select, ignore and strict"
