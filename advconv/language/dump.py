"""A spec as the data of a file that reads back as the same spec: `parse(dump(spec)) == spec`."""

from typing import Any

from advconv.blocks.base import Block, Fields
from advconv.geometry import Shape
from advconv.language.augment import Transform
from advconv.language.spec import ArchSpec
from advconv.layers.base import Layer
from advconv.layers.pointwise import Activation, BatchNorm2d, GroupNorm
from advconv.values.choices import ActivationChoice, DropoutChoice, NormChoice
from advconv.values.limits import ENDS, Limit


def dump(spec: ArchSpec) -> dict[str, Any]:
    """Mappings, lists, words and numbers in the long form; fields with default values are omitted."""
    return {key: plain(value) for key, value in _fields(spec).items()}


def _fields(model: Fields) -> dict[str, Any]:
    """The fields that differ from their defaults."""
    return {
        key: getattr(model, key)
        for key, field in type(model).model_fields.items()
        if field.is_required() or getattr(model, key) != field.default
    }


def plain(value: Any) -> Any:
    if isinstance(value, Block):
        return {value.kind: {key: plain(part) for key, part in _fields(value).items()}}
    if isinstance(value, Fields):
        return {key: plain(part) for key, part in _fields(value).items()}
    for kind, form in FORMS.items():
        if isinstance(value, kind):
            return form(value)
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def _norm(choice: NormChoice) -> Any:
    layer = choice.layer
    if isinstance(layer, BatchNorm2d):
        return {"batch": {"eps": layer.eps, "momentum": layer.momentum}}
    if isinstance(layer, GroupNorm):
        return {"group": {"num_groups": layer.num_groups, "eps": layer.eps}}
    return _none(layer)


def _none(layer: Layer | None) -> str:
    assert layer is None, f"{layer} has no word in the language"
    return "none"


def _activation(choice: ActivationChoice) -> Any:
    layer = choice.layer
    if not isinstance(layer, Activation):
        return _none(layer)
    return layer.name if layer.argument is None else {layer.name: layer.argument}


def _limit(limit: Limit) -> Any:
    """A comparison as text, a range as a mapping."""
    if len(limit.bounds) == 1:
        return limit.text
    keys = {sign: key for key, sign in ENDS.items()}
    return {keys[bound.operator]: bound.written for bound in limit.bounds}


FORMS: dict[type, Any] = {
    NormChoice: _norm,
    ActivationChoice: _activation,
    DropoutChoice: lambda choice: {"p": choice.p, "kind": "channel" if choice.channels else "element"},
    Limit: _limit,
    Transform: lambda transform: {transform.name: plain(transform.arguments)},
    Shape: lambda shape: list(shape[:3]),
}
