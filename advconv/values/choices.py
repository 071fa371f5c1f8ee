"""The norm, the activation and the dropout of a unit: each is a word, or a mapping with arguments."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, NamedTuple

from advconv.layers.base import Layer
from advconv.layers.pointwise import FUNCTIONS, Activation, BatchNorm2d, GroupNorm
from advconv.text.words import join_words, the_keys_are
from advconv.values.forms import (
    COUNT,
    PROBABILITY,
    Form,
    in_yaml,
    is_int,
    is_number,
    refuse,
    single,
    suggestion,
)
from advconv.values.schemas import Schema, ValueSchema, either, enum, mapping, one_of
from advconv.values.synonyms import write_instead


class NormChoice(NamedTuple):
    """The norm of a unit; `layer` is None for none."""

    layer: Layer | None


class NormKind(NamedTuple):
    """A norm with its layer, which is built from these arguments.

    `needed`: the argument without a default, which may be written alone, as in `{group: 8}`.
    """

    description: str
    layer: Callable[..., Layer]
    arguments: tuple[str, ...]
    needed: str = ""

    def schema(self, kind: str) -> ValueSchema:
        arguments = {key: NORM_ARGUMENTS[key] for key in self.arguments}
        if self.needed:
            form = either(COUNT, mapping(arguments, [self.needed]))
            return ValueSchema(form, "a number or a mapping", f"{kind}_norm")
        return ValueSchema(mapping(arguments), f"a mapping with {' and '.join(arguments)}", f"{kind}_norm")


NORMS = {
    "batch": NormKind("torch.nn.BatchNorm2d with these arguments.", BatchNorm2d, ("eps", "momentum")),
    "layer": NormKind("One group over all channels and positions.", partial(GroupNorm, 1), ("eps",)),
    "group": NormKind("torch.nn.GroupNorm with this number of groups.", GroupNorm, ("num_groups", "eps"), "num_groups"),
}
BARE_NORMS = {kind: norm.layer() for kind, norm in NORMS.items() if not norm.needed} | {"none": None}

ABOVE_ZERO: Schema = {"type": "number", "exclusiveMinimum": 0}
NORM_ARGUMENTS: dict[str, Schema] = {
    "eps": ABOVE_ZERO | {"description": "Added to the variance."},
    "momentum": ABOVE_ZERO | {"description": "Weight of the newest batch in the running statistics."},
    "num_groups": {"$ref": COUNT, "description": "Groups of channels."},
}


def norm(value: Any) -> NormChoice:
    if isinstance(value, NormChoice):
        return value
    if isinstance(value, str) and value in BARE_NORMS:
        return NormChoice(BARE_NORMS[value])
    pair = single(value)
    if pair is None or pair[0] not in NORMS:
        word = pair[0] if pair else value
        refuse(f"norm is {NORM.text}, not {in_yaml(word)}", lambda: suggestion("norm", word, (*NORMS, "none")))
    return NormChoice(_norm_with(*pair))


def _norm_with(kind: str, value: Any) -> Layer:
    norm = NORMS[kind]
    given = {norm.needed: value} if norm.needed and not isinstance(value, dict) else value
    if not isinstance(given, dict):
        help = f"write {{{kind}: {{{norm.arguments[0]}: ...}}}}"
        refuse(f"{kind} norm takes a mapping, not {in_yaml(value)}", help, at=(kind,))
    for key, argument in given.items():
        if key not in norm.arguments:
            help_for_key = partial(_key_help, "norm argument", key, norm.arguments)
            refuse(f"{kind} norm has no key {key!r}", help_for_key, "AC111", at=(kind, key), at_key=True)
        if key != "num_groups":
            _check_above_zero(f"the {key} of a norm is", argument, at=(kind, key))
    if norm.needed:
        _check_groups(given.get(norm.needed), at=(kind, norm.needed))
    return norm.layer(**given)


def _check_above_zero(what: str, value: Any, at: tuple[str, ...]) -> None:
    if not is_number(value) or value <= 0:
        refuse(f"{what} a number above 0, not {in_yaml(value)}", at=at)
    check_float32(what, value, at)


def _check_groups(groups: Any, at: tuple[str, ...]) -> None:
    if not is_int(groups) or groups < 1:
        message = f"a group norm has a whole number of groups, at least 1, not {in_yaml(groups)}"
        refuse(message, "write {group: 8}", at=at)


NORM = Form(
    norm,
    either(
        enum(*BARE_NORMS),
        one_of({kind: {"$ref": norm.schema(kind), "description": norm.description} for kind, norm in NORMS.items()}),
    ),
    f"{', '.join(BARE_NORMS)}, {{group: 8}} or {{batch: {{eps: 0.001}}}}",
    "norm_choice",
)
NormField = Annotated[NormChoice, NORM]
MaybeNorm = Annotated[NormChoice | None, NORM]


class ActivationChoice(NamedTuple):
    """The activation of a unit; `layer` is None for none."""

    layer: Layer | None


def activation(value: Any) -> ActivationChoice:
    if isinstance(value, ActivationChoice):
        return value
    if value == "none":
        return ActivationChoice(None)
    if isinstance(value, str) and value in FUNCTIONS:
        return ActivationChoice(Activation(value))
    pair = single(value)
    if pair is None or pair[0] not in FUNCTIONS:
        word, words = pair[0] if pair else value, ACTIVATION.words
        message = f"an activation is {join_words(words)}, not {in_yaml(word)}"
        refuse(message, lambda: suggestion("activation", word, words))
    return ActivationChoice(_activation_with(*pair))


def _activation_with(name: str, argument: Any) -> Layer:
    if not FUNCTIONS[name].argument:
        refuse(f"{name} takes no argument", f"write `activation: {name}`")
    if not is_number(argument):
        refuse(f"{name} takes a number, not {in_yaml(argument)}")
    check_float32(f"{name} takes", argument)
    return Activation(name, argument)


ARGUMENTS: Schema = {
    word: {"type": "number", "description": f"{function.module} with this {function.argument}."}
    for word, function in FUNCTIONS.items()
    if function.argument
}
ACTIVATION = Form(
    activation,
    either(enum(*FUNCTIONS, "none"), one_of(ARGUMENTS)),
    f"{', '.join(FUNCTIONS)}, none or {{leaky_relu: 0.1}}",
    "activation_choice",
)
ActivationField = Annotated[ActivationChoice, ACTIVATION]
MaybeActivation = Annotated[ActivationChoice | None, ACTIVATION]


class DropoutChoice(NamedTuple):
    """The probability `p`, and whether whole channels are dropped."""

    p: float
    channels: bool = False


def dropout(value: Any) -> DropoutChoice:
    return _dropout(value, "of at least 0 and below 1", lambda p: write_instead("dropout", p, ("0",)))


def dropout_row(value: Any) -> DropoutChoice:
    """The dropout of a row by itself, which does nothing if its probability is 0."""
    choice = _dropout(value, "above 0 and below 1", lambda _: ROW_OF_DROPOUT)
    if choice.p == 0:
        refuse("a dropout row of 0 does nothing", "leave the row out")
    return choice


ROW_OF_DROPOUT = "write `- dropout: 0.1`, or leave the row out"


def _dropout(value: Any, limits: str, help_for: Callable[[Any], str]) -> DropoutChoice:
    if isinstance(value, DropoutChoice):
        return value
    given = value if isinstance(value, dict) else {"p": value}
    p, kind = given.get("p"), given.get("kind", "element")
    if unknown := [key for key in given if key not in ("p", "kind")]:
        help = partial(_key_help, "dropout argument", unknown[0], ("p", "kind"))
        refuse(f"dropout has no key {unknown[0]!r}", help, "AC111", at=(unknown[0],), at_key=True)
    if kind not in ("element", "channel"):
        words = ("element", "channel")
        message = f"the kind of a dropout is element or channel, not {in_yaml(kind)}"
        refuse(message, lambda: suggestion("kind", kind, words), at=("kind",))
    if not is_number(p) or not 0 <= p < 1:
        refuse(f"dropout is a probability {limits}, not {in_yaml(p)}", partial(help_for, p))
    return DropoutChoice(float(p), kind == "channel")


def _dropout_schema(probability: Schema) -> Schema:
    kind = enum("element", "channel") | {"description": "Whether elements or whole channels are dropped."}
    p = probability | {"description": "Dropout probability."}
    return either(probability, mapping({"p": p, "kind": kind}, ["p"]))


ABOVE: Schema = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
DROPOUT = Form(
    dropout,
    _dropout_schema(PROBABILITY),
    "a probability of at least 0 and below 1, or {p: 0.1, kind: channel}",
    "dropout_choice",
)
DROPOUT_ROW = Form(
    dropout_row, _dropout_schema(ABOVE), "a probability above 0 and below 1, or {p: 0.1, kind: channel}", "dropout_row"
)
DropoutField = Annotated[DropoutChoice, DROPOUT]
MaybeDropout = Annotated[DropoutChoice | None, DROPOUT]


def _key_help(category: str, key: str, known: tuple[str, ...]) -> str:
    return suggestion(category, key, known) or the_keys_are(known)


FLOAT32_MAX = 3.4e38


def check_float32(what: str, value: float, at: tuple[str, ...] = ()) -> None:
    if abs(value) > FLOAT32_MAX:
        refuse(f"{what} a number that float32 can represent, at most {FLOAT32_MAX:g}, not {in_yaml(value)}", at=at)
