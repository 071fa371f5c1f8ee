"""Which features of a network must occur, how often, and which must not."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator

from advconv.analysis.features import FEATURES, NARROWED_BY, Feature, features
from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import square
from advconv.blocks.base import Fields
from advconv.constraints.record import Constraint, Verdict, status
from advconv.values.forms import Form, MaybeCount, MaybeSize, Pair, either, near, refuse, shown, single
from advconv.values.limits import COUNT_UNITS, Bound, CountLimit, Limit, limit

NONE = Limit("== 0", (Bound("==", 0),))
OCCURRENCES = "occurrences"


def feature(value: Any) -> str:
    if value not in FEATURES:
        pair = single(value)
        word = pair[0] if pair else value
        refuse(f"there is no feature {shown(value)!r}", partial(_feature_help, word, pair is not None), "AC113")
    return str(value)


def _feature_help(word: Any, is_pair: bool) -> str:
    if is_pair and word in FEATURES:
        return f"write {word}"
    return near("feature", word, FEATURES) or f"the features are {', '.join(FEATURES)}"


def each_once(names: Any) -> Any:
    seen: set[str] = set()
    for index, name in enumerate(names) if isinstance(names, list) else ():
        if isinstance(name, str) and name in seen:
            refuse(f"{shown(name)} stands here twice", "keep one of the two", "AC116", at=(index,))
        seen |= {name} if isinstance(name, str) else set()
    return names


FeatureName = Annotated[str, Form(feature)]


NARROWING = ("kernel_size", "stride", "dilation", "in_channels", "out_channels")


class Use(Fields):
    """How often a feature must occur, counting only what has these fields."""

    count: CountLimit = limit(">= 1", COUNT_UNITS)
    kernel_size: MaybeSize = None
    stride: MaybeSize = None
    dilation: MaybeSize = None
    in_channels: MaybeCount = None
    out_channels: MaybeCount = None

    @property
    def narrowing(self) -> dict[str, int | Pair]:
        return {field: value for field in NARROWING if (value := getattr(self, field)) is not None}


class Asked(NamedTuple):
    """What `uses` says of a feature."""

    feature: Any
    value: Any


def by_feature(value: Any) -> Any:
    return {name: Asked(name, asked) for name, asked in value.items()} if isinstance(value, dict) else value


def use(asked: Any) -> Any:
    """A bare limit is one on the count. A feature is narrowed by fields that it has."""
    name, value = asked
    if value is None or isinstance(value, bool):
        help = "leave it out, or list it under forbids" if value is False else 'write ">= 1"'
        refuse(f"a feature has a limit on how often it occurs, not {shown(value)}", help, "AC120")
    if not isinstance(value, dict) or (value and set(value) <= {"min", "max"}):
        return value if isinstance(value, Use) else {"count": value}
    known = NARROWED_BY.get(name, NARROWING)
    for field in value:
        if field in NARROWING and field not in known:
            help = f"narrow it by {either(known)}, or not at all"
            refuse(f"{name} has no {field}", help, code="AC111", at=(field,), at_key=True)
    return value


def uses(asked: dict[str, Use], measures: Measures) -> Iterator[Verdict]:
    for name, use in asked.items():
        found = features(measures.graph, (name,))
        matching = [feature for feature in found if feature.has(use.narrowing)]
        kept = use.count.holds(len(matching))
        path, described = ("constraints", "uses", name), f"uses {_described(name, use)}"
        help = "" if kept else _use_help(measures, name, use, found, matching)
        yield Verdict(described, use.count, len(matching), OCCURRENCES, status(kept), path, "AC403", help)


def forbids(names: tuple[str, ...], measures: Measures) -> Iterator[Verdict]:
    for index, name in enumerate(names):
        found = features(measures.graph, (name,))
        at, help = ("constraints", "forbids", index), f"take it out of {_places(measures, found)}" if found else ""
        yield Verdict(f"forbids {name}", NONE, len(found), OCCURRENCES, status(not found), at, "AC404", help)


def _described(name: str, use: Use) -> str:
    narrowed = ", ".join(
        f"{field} {square(value) if isinstance(value, tuple) else value}" for field, value in use.narrowing.items()
    )
    return f"{name} ({narrowed})" if narrowed else name


HOW_TO_USE = {
    "gap": "write `- gap`; an average pooling smaller than its map is no global one",
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


def _use_help(measures: Measures, name: str, use: Use, found: list[Feature], matching: list[Feature]) -> str:
    if use.count.is_below(len(matching)):
        counted = {feature.index for feature in matching}
        others = [feature for feature in found if feature.index not in counted]
        if others:
            return f"change {_places(measures, others)}: {name}, but with other fields"
        return HOW_TO_USE.get(name, f"write `- {name}: ...`")
    return f"take some out of {_places(measures, matching)}"


def _places(measures: Measures, found: list[Feature]) -> str:
    """The rows that show a feature, the first few of them."""
    labels = list(dict.fromkeys(measures.graph.nodes[feature.index].row.label for feature in found))
    return ", ".join(labels[:6]) + (f" and {len(labels) - 6} more" if len(labels) > 6 else "")


CONSTRAINTS = (
    Constraint(
        name="uses",
        form=Annotated[dict[FeatureName, Annotated[Use, BeforeValidator(use)]], BeforeValidator(by_feature)],
        default={},
        judge=uses,
        description="Features with how often they must occur.",
        unit=OCCURRENCES,
        example='{dilated: ">= 1", strided: {kernel_size: 3, count: "== 1"}}',
        topic="features",
    ),
    Constraint(
        name="forbids",
        form=Annotated[tuple[FeatureName, ...], BeforeValidator(each_once)],
        default=(),
        judge=forbids,
        description="Features that must not occur.",
        unit=OCCURRENCES,
        example="[maxpool, avgpool]",
        topic="features",
    ),
)
