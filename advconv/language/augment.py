"""The augmentation of a file: albumentations transforms by class name, with old and new argument names."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from pydantic_core import PydanticCustomError

from advconv.language.transforms import COMPOSITIONS, TRANSFORMS
from advconv.text.python_source import Brackets, Expression, docstring, expression, labelled, layout
from advconv.values.forms import Form, in_yaml, is_number, refuse, single, suggestion
from advconv.values.schemas import Schema, ValueSchema, either, enum, mapping, one_of

KNOWN = TRANSFORMS | COMPOSITIONS

RENAMED = {
    "fill_value": "fill",
    "value": "fill",
    "cval": "fill",
    "mask_fill_value": "fill_mask",
    "mask_value": "fill_mask",
    "cval_mask": "fill_mask",
}
"""Arguments of albumentations 1 by their names in albumentations 2."""


class Bounds(NamedTuple):
    """Two arguments of albumentations 1 for one range of albumentations 2; `low` defaults to `high`."""

    range: str
    low: str
    high: str
    default: int | None = None


RANGES = {
    "CoarseDropout": (
        Bounds("num_holes_range", "min_holes", "max_holes", 8),
        Bounds("hole_height_range", "min_height", "max_height", 8),
        Bounds("hole_width_range", "min_width", "max_width", 8),
    ),
    "ImageCompression": (Bounds("quality_range", "quality_lower", "quality_upper", 100),),
}


class Transform(NamedTuple):
    """A transform with its arguments as albumentations 2 names them; `fill: mean` is the mean of the data set."""

    name: str
    arguments: dict[str, Any] = {}


ASSIGNMENT = (
    Transform("HorizontalFlip"),
    Transform("ShiftScaleRotate"),
    Transform(
        "CoarseDropout",
        {"num_holes_range": [1, 1], "hole_height_range": [16, 16], "hole_width_range": [16, 16], "fill": "mean"},
    ),
)
"""The default: half of the images are flipped, half are shifted, scaled and rotated, half lose a square."""


def transform(value: Any) -> Transform:
    """`HorizontalFlip`, or `{HorizontalFlip: {p: 0.5}}`."""
    if isinstance(value, Transform):
        return value
    pair = (value, {}) if isinstance(value, str) else single(value)
    if pair is None:
        refuse(f"a transform is a name, or a name with arguments, not {in_yaml(value)}", "write `- HorizontalFlip`")
    name, given = pair
    if name not in KNOWN:
        at = () if isinstance(value, str) else (name,)
        refuse(f"there is no transform {str(name)[:40]!r}", partial(_name_help, name), "AC501", at, at_key=bool(at))
    given = {} if given is None else given
    if not isinstance(given, dict):
        refuse(
            f"the arguments of {name} are a mapping, not {in_yaml(given)}", f"write `{name}: {{p: 0.5}}`", at=(name,)
        )
    return Transform(name, _inside((name,), partial(arguments, name, given)))


def _name_help(name: str) -> str:
    return suggestion("transform", name, tuple(KNOWN)) or "the names are those of albumentations 2"


def _argument_help(key: str, taken: tuple[str, ...]) -> str:
    return suggestion("argument", key, taken) or f"it takes {', '.join(taken)}"


def _inside(path: tuple[str | int, ...], read: Callable[[], Any]) -> Any:
    """The result of `read`; the path of a finding is extended by `path`."""
    try:
        return read()
    except PydanticCustomError as problem:
        context = problem.context or {}
        finding = context["finding"]
        extended = context | {"finding": finding._replace(path=(*path, *finding.path))}
        raise PydanticCustomError(problem.type, "{message}", extended) from None


def arguments(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The arguments under their present names. Python's None is null too."""
    values = {key: None if value == "None" else value for key, value in given.items()}
    taken = keys(name)
    for key in values:
        if key not in taken:
            help = partial(_argument_help, key, taken)
            refuse(f"{name} takes no {str(key)[:40]!r}", help, "AC111", at=(key,), at_key=True)
    present = _without_always(_renamed(name, _ranged(name, values)))
    if "p" in present and not (is_number(present["p"]) and 0 <= present["p"] <= 1):
        refuse(f"p of {name} is a probability from 0 to 1, not {in_yaml(present['p'])}", at=("p",))
    _check_ranges(present)
    if name in COMPOSITIONS:
        present["transforms"] = _parts(name, present.get("transforms"))
    return present


def keys(name: str) -> tuple[str, ...]:
    """All arguments of a transform, by their names in albumentations 2 and 1."""
    own = KNOWN[name]
    renamed = [old for old, new in RENAMED.items() if new in own]
    bounds = [bound for pair in RANGES.get(name, ()) for bound in (pair.low, pair.high)]
    return (*own, *bounds, *renamed, "always_apply")


def _parts(name: str, given: Any) -> tuple[Transform, ...]:
    if not isinstance(given, list | tuple) or not given:
        refuse(f"{name} needs a list of transforms", f"write `{name}: {{transforms: [...]}}`", "AC112")
    return tuple(_inside(("transforms", index), partial(transform, part)) for index, part in enumerate(given))


def _renamed(name: str, given: dict[str, Any]) -> dict[str, Any]:
    present = {}
    for key, value in given.items():
        now = key if key in KNOWN[name] else RENAMED.get(key, key)
        if now in present or (now != key and now in given):
            refuse(
                f"{key} is the name of {now} in albumentations 1, and {now} is given too",
                "write one of them",
                at=(key,),
            )
        present[now] = value
    return present


def _without_always(given: dict[str, Any]) -> dict[str, Any]:
    """`always_apply: true -> p: 1.0`"""
    always = given.pop("always_apply", False)
    if not isinstance(always, bool):
        refuse(f"always_apply must be true or false, not {in_yaml(always)}", at=("always_apply",))
    return given | {"p": 1.0} if always else given


def _ranged(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """`max_width: 16, min_width: 8 -> hole_width_range: [8, 16]`, with the defaults of albumentations 1."""
    bounds = {bound for pair in RANGES.get(name, ()) for bound in (pair.low, pair.high)} & set(given)
    if not bounds:
        return given
    present = {key: value for key, value in given.items() if key not in bounds}
    for pair in RANGES[name]:
        if pair.range not in given:
            present[pair.range] = _range_of(pair, given)
        elif clash := {pair.low, pair.high} & bounds:
            key = min(clash)
            message = f"{key} is a part of {pair.range} in albumentations 1, and {pair.range} is given too"
            refuse(message, f"write {pair.range} alone", at=(key,))
    return present


def _range_of(pair: Bounds, given: dict[str, Any]) -> list[float]:
    high: Any = given.get(pair.high, pair.default)
    low: Any = given.get(pair.low)
    low = high if low is None else low
    for key, value in ((pair.high, high), (pair.low, low)):
        if not is_number(value):
            refuse(f"{key} must be a number, not {in_yaml(value)}", at=(key,))
    if low > high:
        help = f"write a {pair.high} of at least {low}, or a {pair.low} of at most {high}"
        key = pair.high if pair.high in given else pair.low
        refuse(f"{pair.high} {high} is below {pair.low} {low}", help, "AC502", at=(key,))
    return [low, high]


def _check_ranges(given: dict[str, Any]) -> None:
    for key, value in given.items():
        is_range = key.endswith("_range") and isinstance(value, list) and len(value) == 2 and all(map(is_number, value))
        if is_range and value[0] > value[1]:
            help = f"write [{in_yaml(value[1])}, {in_yaml(value[0])}]"
            refuse(f"{key} ends at {in_yaml(value[1])}, below its start {in_yaml(value[0])}", help, "AC502", at=(key,))


def _schema() -> Schema:
    """A bare word, or a mapping whose one key names it; bare words are not properties, as in `either`."""
    alone = [name for name in KNOWN if name not in COMPOSITIONS]
    by_arguments: dict[tuple[str, ...], list[str]] = {}
    for name in alone:
        by_arguments.setdefault(tuple(sorted(keys(name))), []).append(name)
    calls = {f"^({'|'.join(names)})$": _arguments_schema(names[0]) for names in by_arguments.values()}
    compositions = one_of({name: _arguments_schema(name) for name in COMPOSITIONS})
    return either(enum(*alone), compositions | {"patternProperties": calls})


def _arguments_schema(name: str) -> Schema:
    """The arguments of a transform; their values are checked by albumentations."""
    known: dict[str, Any] = dict.fromkeys(keys(name), True)
    if name not in COMPOSITIONS:
        return {"$ref": ARGUMENTS, "properties": known, "additionalProperties": False}
    return mapping(known | {"transforms": {"$ref": PIPELINE, "minItems": 1}}, ["transforms"]) | {"description": ABOUT}


ABOUT = "A transform of albumentations; its arguments are those of the class."
ARGUMENTS = ValueSchema({"type": ["object", "null"], "description": ABOUT}, "a mapping of arguments", "arguments")
TRANSFORM = Form(transform, _schema, "a transform of albumentations, with its arguments or alone", "transform")
PIPELINE = ValueSchema({"type": "array", "items": TRANSFORM}, "a list of transforms of albumentations", "transforms")


def source(augment: tuple[Transform, ...], name: str) -> str:
    """The pipeline as albumentations code."""
    steps = Brackets("[", tuple(map(_code, augment)), "]")
    return (
        f"{docstring(f'The augmentation of {name}.')}\n\n"
        "import albumentations as A\n\n\n"
        "def augmentation(mean: tuple[float, ...]) -> A.Compose:\n"
        '    """For bytes (height, width, channels). `mean`: 0 to 255, of each channel of the data set."""\n'
        f"    {layout(Brackets('return A.Compose(', (steps,), ')'), 1)}\n"
    )


def _code(part: Transform) -> Expression:
    given = tuple(labelled(f"{key}=", _value(key, value)) for key, value in part.arguments.items())
    return Brackets(f"A.{part.name}(", given, ")")


def _value(key: str, value: Any) -> Expression:
    if key == "transforms":
        return Brackets("[", tuple(map(_code, value)), "]")
    if key == "fill" and value == "mean":
        return "mean"
    return expression(tuple(value) if isinstance(value, list) else value)
