"""An architecture with everything said: what options change, and no default left out, as a file of its own."""

import copy
from typing import Any

import yaml

from advconv.dump import dump, plain
from advconv.reader import read, resolve
from advconv.source import Source
from advconv.spec import ArchSpec


class SettingError(Exception):
    """An option that does not lead to a value of the file."""


def setting(text: str) -> tuple[str, Any]:
    """`train.schedule=cosine` as a path and a value, which is read as YAML. Raises SettingError."""
    path, equals, written = text.partition("=")
    if not equals or not path.strip():
        raise SettingError(f"{text!r} is not PATH=VALUE, as in train.schedule=cosine")
    document, wrong = read(Source(text, written or "''"))
    if document is None or wrong:
        reason = f": {wrong[0].message}" if wrong else ""
        raise SettingError(f"the value of {path} is not YAML{reason}")
    return path.strip(), document.root.data


def changed(spec: ArchSpec, settings: list[tuple[str, Any]]) -> str:
    """The text of a file that says what a spec says, with some values set. Raises SettingError."""
    data = _whole(spec)
    for path, value in settings:
        _set(data, path, copy.deepcopy(value))
    return _text_of(data)


def resolved(spec: ArchSpec) -> str:
    """The text of a file that says all of a spec, the learning rate too, which depends on the optimizer."""
    data = _whole(spec)
    data["train"]["lr"] = spec.train.peak_lr
    return _text_of(data)


def _whole(spec: ArchSpec) -> dict[str, Any]:
    recipe = {key: getattr(spec.train, key) for key in type(spec.train).model_fields}
    said = {key: value for key, value in recipe.items() if value is not None}
    return dump(spec) | {"data": spec.data, "augment": plain(spec.augment), "train": said}


def _text_of(data: dict[str, Any]) -> str:
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)


def _set(data: Any, path: str, value: Any) -> None:
    *above, last = path.split(".")
    for step in above:
        data = data.setdefault(step, {}) if isinstance(data, dict) else _item(data, step, path)
    if isinstance(data, dict):
        data[last] = value
    else:
        _item(data, last, path)
        data[int(last)] = value


def _item(data: Any, step: str, path: str) -> Any:
    if not isinstance(data, list):
        raise SettingError(f"{path}: there is nothing inside of a single value")
    if not step.isdecimal() or int(step) >= len(data):
        raise SettingError(f"{path}: {step!r} is no row of {len(data)}, which are counted from 0")
    return data[int(step)]


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
