"""Features that a network must use, how often, and features that it must not use."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field

from advconv.analysis.features import FEATURES, NARROWED_BY, Feature, features
from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import square
from advconv.blocks import BLOCKS_BY_KIND
from advconv.blocks.base import Fields
from advconv.blocks.row_help import written_row
from advconv.blocks.schemas import fields_schema
from advconv.constraints.record import Constraint, Verdict, status
from advconv.text.words import join_words
from advconv.values.forms import Form, MaybeCount, MaybeSize, Pair, in_yaml, refuse, single, suggestion
from advconv.values.limits import COUNT_LIMIT, COUNT_UNITS, ZERO, CountLimit, limit
from advconv.values.quantities import count_text
from advconv.values.schemas import Schema, ValueSchema, either, enum, mapping

OCCURRENCES = "occurrences"


def feature(value: Any) -> str:
    if value not in FEATURES:
        pair = single(value)
        word = pair[0] if pair else value
        is_text = isinstance(value, str)
        message = f"there is no feature {value[:40]!r}" if is_text else f"a feature is a word, not {in_yaml(value)}"
        refuse(message, partial(_feature_help, word, pair is not None), "AC113")
    return str(value)


def _feature_help(word: Any, is_pair: bool) -> str:
    if is_pair and word in FEATURES:
        return f"write {word}"
    return suggestion("feature", word, FEATURES) or f"the features are {', '.join(FEATURES)}"


def each_once(names: Any) -> Any:
    seen: set[str] = set()
    for index, name in enumerate(names) if isinstance(names, list) else ():
        if isinstance(name, str) and name in seen:
            refuse(f"duplicate feature {name!r}", "keep one of the two", "AC116", at=(index,))
        seen |= {name} if isinstance(name, str) else set()
    return names


FEATURE = Form(feature, enum(*FEATURES), join_words(FEATURES), "feature")
FeatureName = Annotated[str, FEATURE]


class Use(Fields):
    """How often a feature must occur, counting only occurrences with these fields."""

    count: Annotated[CountLimit, Field(description="How often the feature must occur.")] = limit(">= 1", COUNT_UNITS)
    kernel_size: Annotated[MaybeSize, Field(description="Kernel size of the occurrences that count.")] = None
    stride: Annotated[MaybeSize, Field(description="Stride of the occurrences that count.")] = None
    dilation: Annotated[MaybeSize, Field(description="Dilation of the occurrences that count.")] = None
    in_channels: Annotated[MaybeCount, Field(description="Input channels of the occurrences that count.")] = None
    out_channels: Annotated[MaybeCount, Field(description="Output channels of the occurrences that count.")] = None

    @property
    def narrowing(self) -> dict[str, int | Pair]:
        return {field: value for field in NARROWING if (value := getattr(self, field)) is not None}


NARROWING = tuple(field for field in Use.model_fields if field != "count")


class UseEntry(NamedTuple):
    """An entry of `uses`."""

    feature: Any
    value: Any


def _use(features: tuple[str, ...]) -> ValueSchema:
    """A limit on the count, or a mapping of it with the fields that narrow the feature."""
    narrowed = fields_schema(Use)
    known = {key: narrowed["properties"][key] for key in ("count", *NARROWED_BY[features[0]])}
    text = "a limit, or a mapping with `count` and the fields that narrow it"
    schema = either(COUNT_LIMIT, narrowed | {"properties": known}) | {
        "description": f"How often it must occur: {text}."
    }
    return ValueSchema(schema, text, f"use_{features[0]}")


def _uses() -> Schema:
    """How often each feature must occur; features with the same narrowing fields share a definition."""
    groups = [tuple(word for word in FEATURES if NARROWED_BY[word] == fields) for fields in {*NARROWED_BY.values()}]
    return mapping({word: _use(next(group for group in groups if word in group)) for word in FEATURES})


USES = ValueSchema(_uses, "a mapping of features, each to a limit or a mapping with `count` and what narrows it")
FORBIDS = ValueSchema({"type": "array", "items": FEATURE, "uniqueItems": True}, "a list of features")


def by_feature(value: Any) -> Any:
    return {name: UseEntry(name, asked) for name, asked in value.items()} if isinstance(value, dict) else value


def use(asked: Any) -> Any:
    """A bare limit is one on the count. Only fields of the feature can narrow it."""
    name, value = asked
    if value is None or isinstance(value, bool):
        help = "leave it out, or list it under forbids" if value is False else 'write ">= 1"'
        refuse(f"a feature has a limit on how often it occurs, not {in_yaml(value)}", help, "AC120")
    if not isinstance(value, dict) or (value and set(value) <= {"min", "max"}):
        return value if isinstance(value, Use) else {"count": value}
    known = NARROWED_BY.get(name, NARROWING)
    for field in value:
        if field in NARROWING and field not in known:
            help = f"narrow it by {join_words(known)}, or not at all"
            refuse(f"{name} has no {field}", help, code="AC111", at=(field,), at_key=True)
    return value


def uses(asked: dict[str, Use], measures: Measures) -> Iterator[Verdict]:
    for name, use in asked.items():
        found = features(measures.graph, (name,))
        matching = [feature for feature in found if feature.has(use.narrowing)]
        kept = use.count.holds(len(matching))
        path, described = ("constraints", "uses", name), _described(name, use)
        help = "" if kept else _use_help(measures, name, use, found, matching)
        message = f"{described} occurs {_times(len(matching))}, the limit is {use.count.text}"
        yield Verdict(
            f"uses {described}", use.count, len(matching), OCCURRENCES, status(kept), path, "AC403", help, message
        )


def forbids(names: tuple[str, ...], measures: Measures) -> Iterator[Verdict]:
    for index, name in enumerate(names):
        found = features(measures.graph, (name,))
        at, help = ("constraints", "forbids", index), f"remove it from {_places(measures, found)}" if found else ""
        message = f"{name} is forbidden and occurs {_times(len(found))}"
        yield Verdict(f"forbids {name}", ZERO, len(found), OCCURRENCES, status(not found), at, "AC404", help, message)


def _times(count: int) -> str:
    return {0: "nowhere", 1: "once"}.get(count, f"{count_text(count)} times")


def _described(name: str, use: Use) -> str:
    narrowed = ", ".join(
        f"{field} {square(value) if isinstance(value, tuple) else value}" for field, value in use.narrowing.items()
    )
    return f"{name} ({narrowed})" if narrowed else name


HOW_TO_USE = {
    "gap": "write `- gap`; an average pooling smaller than its map is not global",
    "dwsep": "write `- dwsep: N`; its first convolution has a group for each input channel",
    "depthwise": "write `- depthwise`, a group for each input channel",
    "grouped": "write `- conv: {out_channels: N, groups: G}`",
    "norm": "write `norm: batch` under defaults",
    "activation": "write `activation: relu` under defaults",
    "dropout": "write `dropout: 0.05` under defaults",
    "add": "write `- residual: [...]`",
    "concat": "write `- branches: {merge: concat, paths: {...}}`",
    "multiply": "write `- squeeze_excite`",
}
"""What to write for a feature whose name is not that of a block, or not all that is to be said of it."""


def _use_help(measures: Measures, name: str, use: Use, found: list[Feature], matching: list[Feature]) -> str:
    if use.count.is_below(len(matching)):
        counted = {feature.index for feature in matching}
        others = [feature for feature in found if feature.index not in counted]
        if others:
            return f"change {_places(measures, others)}: {name} with other fields"
        return HOW_TO_USE.get(name) or f"write `{written_row(BLOCKS_BY_KIND[name])}`"
    return f"remove some from {_places(measures, matching)}"


def _places(measures: Measures, found: list[Feature]) -> str:
    """The first few rows with a feature."""
    labels = list(dict.fromkeys(measures.graph.nodes[feature.index].origin.label for feature in found))
    return ", ".join(labels[:6]) + (f" and {len(labels) - 6} more" if len(labels) > 6 else "")


CONSTRAINTS = (
    Constraint(
        name="uses",
        form=Annotated[dict[FeatureName, Annotated[Use, BeforeValidator(use)]], BeforeValidator(by_feature), USES],
        default={},
        judge=uses,
        description="Features and how often they must occur.",
        unit=OCCURRENCES,
        example='{dilated: ">= 1", strided: {kernel_size: 3, count: "== 1"}}',
        topic="features",
    ),
    Constraint(
        name="forbids",
        form=Annotated[tuple[FeatureName, ...], BeforeValidator(each_once), FORBIDS],
        default=(),
        judge=forbids,
        description="Features that must not occur.",
        unit=OCCURRENCES,
        example="[maxpool, avgpool]",
        topic="features",
    ),
)
