"""The effective specification: an architecture with every default written out, as a file of its own."""

from typing import Any

import yaml

from advconv.blocks.base import Style
from advconv.language.dump import dump, plain
from advconv.language.spec import ArchSpec
from advconv.text.reader import resolve


def effective_text(spec: ArchSpec) -> str:
    """The text of a file with every field of a spec: defaults for blocks, data, and the whole recipe."""
    return yaml.dump(effective_fields(spec), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)


def effective_fields(spec: ArchSpec) -> dict[str, Any]:
    """The content of that file."""
    style = {key: plain(getattr(spec.defaults, key)) for key in Style.model_fields}
    recipe = {key: plain(getattr(spec.train, key)) for key in type(spec.train).model_fields}
    recipe |= {"lr": spec.train.peak_lr}
    fields = dump(spec) | {"defaults": _without_none(style), "data": spec.data, "augment": plain(spec.augment)}
    return fields | {"train": _without_none(recipe)}


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}


class Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.2 would read as another type; writes a list of plain values on one line."""

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
