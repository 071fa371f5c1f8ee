"""An architecture with what options change, and with everything said, as a file of its own."""

from dataclasses import replace
from typing import Any, NamedTuple

import yaml

from advconv.blocks.base import Style
from advconv.diagnostics import Span
from advconv.dump import dump, plain
from advconv.reader import read, resolve
from advconv.source import LINE_BREAK, Document, Source, Value
from advconv.spec import ArchSpec, parse


class SettingError(Exception):
    """An option that does not lead to a value of the file."""


class Setting(NamedTuple):
    """A value for a place in a file, and the option that says so, in which `value` has its places."""

    path: list[str]
    value: Value
    option: str


def setting(path: str, written: str, option: str) -> Setting:
    """A value as it is written at the end of an option: `schedule=cosine`, `--epochs 3`. Raises SettingError."""
    if written[:1] in ("<", ">", "="):
        # A comparison, which YAML would want in quotes.
        value = Value(Span(1, 1, len(written)), written)
    else:
        document, wrong = read(Source(option, written or "''"))
        if document is None or wrong:
            reason = f": {wrong[0].message}" if wrong else ""
            raise SettingError(f"the value of {path} is not YAML{reason}")
        value = document.root
    return Setting(path.split("."), _moved(value, 0, len(option) - len(written)), option)


def said_setting(text: str) -> Setting:
    """`train.schedule=cosine`. Raises SettingError."""
    path, equals, written = (part.strip() for part in text.partition("="))
    if not equals or not path:
        raise SettingError(f"{text!r} is not PATH=VALUE, as in train.schedule=cosine")
    return setting(path, written, f"--set {path}={written}")


def _moved(value: Value, lines: int, columns: int) -> Value:
    """A value that stands elsewhere; only its first line moves sideways."""

    def moved(span: Span) -> Span:
        return Span(span.line + lines, span.column + (columns if span.line == 1 else 0), span.width)

    children = {step: _moved(child, lines, columns) for step, child in value.children.items()}
    keys = {key: moved(span) for key, span in value.keys.items()}
    return replace(value, span=moved(value.span), children=children, keys=keys)


def amended(document: Document, settings: list[Setting]) -> Document:
    """The document with some values set; the options stand in lines behind its own. Raises SettingError."""
    for path, value, option in settings:
        text = document.source.text
        text += "" if text.endswith("\n") else "\n"
        placed = _moved(value, len(LINE_BREAK.split(text)) - 1, 0)
        spec, _ = parse(document)
        long = dump(spec) | {"augment": plain(spec.augment)} if spec else None
        root = _set(document.root, path, placed, long, ".".join(path))
        document = Document(Source(document.source.name, text + option), root)
    return document


def _set(value: Value, path: list[str], new: Value, long: Any, whole: str) -> Value:
    """A copy of a value with another in it; the values around it may be shared by aliases and stay as they are.

    `long`: the same place in the long form, which stands in where the file has a short one without such a step.
    """
    if not path:
        return new
    first, *rest = path
    if not isinstance(value.data, dict) and _at(value.data, first) is None and isinstance(long, dict):
        value = _written_out(long, value.span)
    step, longer = _step(value.data, first, whole), _at(long, first)
    old = value.children.get(step) or _written_out(longer if isinstance(longer, list) else {}, new.span)
    children = value.children | {step: _set(old, rest, new, longer, whole)}
    data = {key: child.data for key, child in children.items()}
    keys = value.keys if isinstance(step, int) else {step: new.span} | value.keys
    return replace(
        value, data=data if isinstance(value.data, dict) else list(data.values()), children=children, keys=keys
    )


def _at(data: Any, step: str) -> Any:
    """What is at a step; None where there is no such step."""
    if isinstance(data, dict):
        return data.get(step)
    is_row = isinstance(data, list) and step.isdecimal() and int(step) < len(data)
    return data[int(step)] if is_row else None


def _step(data: Any, step: str, whole: str) -> str | int:
    """A key of a mapping, which may be new, or the number of a row. Raises SettingError."""
    if isinstance(data, dict):
        return step
    if not isinstance(data, list):
        raise SettingError(f"{whole}: the file has {data!r} where {step!r} would be")
    if _at(data, step) is None:
        raise SettingError(f"{whole}: {step!r} is no row of {len(data)}, which are counted from 0")
    return int(step)


def _written_out(data: Any, span: Span) -> Value:
    """Data that all stand at one place."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    children = {step: _written_out(item, span) for step, item in items}
    return Value(span, data, children=children, keys=dict.fromkeys(data, span) if isinstance(data, dict) else {})


def resolved(spec: ArchSpec) -> str:
    """The text of a file that says all of a spec: its defaults for blocks, its data, and its whole recipe."""
    style = {key: plain(getattr(spec.defaults, key)) for key in Style.model_fields}
    recipe = {key: getattr(spec.train, key) for key in type(spec.train).model_fields} | {"lr": spec.train.peak_lr}
    said = dump(spec) | {"defaults": _without_none(style), "data": spec.data, "augment": plain(spec.augment)}
    return yaml.dump(
        said | {"train": _without_none(recipe)}, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120
    )


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}


class Dumper(yaml.SafeDumper):
    """Text that YAML 1.2 would read as something else stands in quotes; a list of plain values stands on one line."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: Dumper, text: str) -> yaml.ScalarNode:
    is_disguised = not isinstance(resolve(text), str)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if is_disguised else None)


def _list(dumper: Dumper, items: list[Any]) -> yaml.SequenceNode:
    is_flat = not any(isinstance(item, dict | list) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=is_flat)


Dumper.add_representer(str, _text)
Dumper.add_representer(list, _list)
