"""The types of the fields of blocks: each accepts several forms of a value and stores one.

A `Form` comes after the function that reads it, with what the function accepts as JSON Schema and in words.
"""

import keyword
from collections.abc import Callable, Collection, Sequence
from functools import partial
from math import isfinite
from typing import Annotated, Any, Literal, NamedTuple, NoReturn, TypeGuard

from pydantic import GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from advconv.layers.base import Layer
from advconv.layers.pointwise import FUNCTIONS, Activation, BatchNorm2d, GroupNorm
from advconv.text.finding import Finding
from advconv.text.reader import resolve
from advconv.values.names import MODULE_ATTRIBUTES, NAME, TAKEN, name_problem
from advconv.values.schemas import Schema, ValueSchema, either, enum, list_of, mapping, one_of, whole
from advconv.values.synonyms import write_instead

Pair = tuple[int, int]


class Form(ValueSchema):
    """Marks a field whose value is read by a function.

    Such a field cannot be null in a file, whatever its default is.
    """

    def __init__(
        self, read: Callable[[Any], Any], schema: Schema | Callable[[], Schema], text: str, name: str = ""
    ) -> None:
        super().__init__(schema, text, name)
        self.read = read

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)


Help = str | Callable[[], str]
"""Help text, or a function that computes it only for findings that are shown (near-word search is slow)."""


def refuse(
    message: str, help: Help = "", code: str = "AC114", at: tuple[str | int, ...] = (), at_key: bool = False
) -> NoReturn:
    """Ends a validation with a finding; `at` is the path from the value to the wrong part, or to its key."""
    finding = Finding(code, at, message, at_key=at_key)
    raise PydanticCustomError(code, "{message}", {"message": message, "finding": finding, "help": help})


def in_yaml(value: object) -> str:
    """A value as it looks in YAML, for messages."""
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "a mapping"
    if value == "":
        return "an empty text"
    if isinstance(value, list):
        is_flat = len(value) <= 8 and not any(isinstance(part, list | dict) for part in value)
        return f"[{', '.join(map(in_yaml, value))}]" if is_flat else "a list"
    # A number or a boolean in quotes is text, and the message has to show that.
    is_disguised = isinstance(value, str) and not isinstance(resolve(value), str)
    text = f"the text {value!r}" if is_disguised else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    return is_int(value) or (isinstance(value, float) and isfinite(value))


def positive(value: Any) -> int:
    if not is_int(value) or value < 1:
        refuse(f"this must be {COUNT.text}, not {in_yaml(value)}")
    return int(value)


COUNT = Form(positive, whole(1), "a whole number of at least 1", "count")


MAX_WINDOW = 2**31 - 1
"""torch's kernels count the positions of a window in 32 bits."""


def positive_pair(value: Any) -> Pair:
    parts = [value, value] if is_int(value) else value
    if isinstance(parts, list | tuple) and len(parts) == 2 and all(is_int(part) and part >= 1 for part in parts):
        check_window_size(parts)
        return parts[0], parts[1]
    refuse(f"this must be {SIZE.text}, not {in_yaml(value)}")


def check_window_size(parts: "list[int] | tuple[int, ...]") -> None:
    if max(parts) > MAX_WINDOW:
        refuse(f"this must be at most {MAX_WINDOW:,}, not {max(parts)}", "make it smaller")


TAPS, POSITIONS = whole(1, MAX_WINDOW), whole(0, MAX_WINDOW)
SIZE = Form(positive_pair, either(TAPS, list_of(TAPS, 2)), "a whole number of at least 1 or [height, width]", "size")


Sides = tuple[int, int, int, int]
"""Top, bottom, left, right."""


def padding(value: Any) -> Literal["same"] | Sides:
    if value == "same":
        return "same"
    if value == "valid":
        return 0, 0, 0, 0
    parts = [value] if is_int(value) else value
    if isinstance(parts, list | tuple) and len(parts) in (1, 2, 4) and all(is_int(p) and p >= 0 for p in parts):
        check_window_size(parts)
        if len(parts) == 4:
            return parts[0], parts[1], parts[2], parts[3]
        return parts[0], parts[0], parts[-1], parts[-1]
    refuse(f"padding is {PADDING.text}, not {in_yaml(value)}", lambda: suggestion("padding", value, ("same", "valid")))


PADDING = Form(
    padding,
    either(enum("same", "valid"), POSITIONS, list_of(POSITIONS, 1, 2, 4)),
    "same, valid, a number, [height, width] or [top, bottom, left, right]",
    "padding_sides",
)


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        refuse(
            f"this must be {FLAG.text}, not {in_yaml(value)}", lambda: write_instead("truth", value, ("true", "false"))
        )
    return value


FLAG = Form(flag, {"type": "boolean"}, "true or false")


def bias(value: Any) -> Literal["auto"] | bool:
    if value == "auto" or isinstance(value, bool):
        return value  # type: ignore[no-any-return]
    words = ("auto", "true", "false")
    refuse(f"bias is {BIAS.text}, not {in_yaml(value)}", lambda: suggestion("truth", value, words))


BIAS = Form(bias, either(enum("auto"), {"type": "boolean"}), "auto, true or false", "bias_or_auto")


def word(what: str, *known: str, name: str = "") -> Form:
    """A field that accepts one of several words."""
    text = join_words(known)

    def one_word(value: Any) -> Any:
        if value not in known or not isinstance(value, str):
            category = what.removeprefix("a ")
            refuse(f"{what} is {text}, not {in_yaml(value)}", lambda: suggestion(category, value, known))
        return value

    return Form(one_word, enum(*known), text, name)


def did_you_mean(value: object, words: Collection[str]) -> str:
    """`did you mean relu?`, if a known word is near."""
    found = closest(value, words)
    return f"did you mean {found}?" if found else ""


def closest(value: object, words: Collection[str]) -> str:
    """The word with the spelling nearest to a value; empty if none is near."""
    from difflib import get_close_matches

    text = str(value)[:40]
    found = get_close_matches(text.lower(), words, n=1, cutoff=0.55) or get_close_matches(text, words, n=1, cutoff=0.55)
    return found[0] if found else ""


def suggestion(category: str, value: object, words: Collection[str]) -> str:
    """What to write for a word of another tool, or the known word with a similar spelling."""
    return write_instead(category, value, words) or did_you_mean(value, words)


def _key_help(category: str, key: str, known: tuple[str, ...]) -> str:
    return suggestion(category, key, known) or f"the keys are {' and '.join(known)}"


def join_words(words: Sequence[str]) -> str:
    """`a, b or c`"""
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


class DuplicateName(str):
    """A name that a row above already has."""


def name(value: Any) -> str:
    if not isinstance(value, str):
        refuse(f"a name is a word, not {in_yaml(value)}", code="AC115")
    if isinstance(value, DuplicateName):
        refuse(f"a row above already has the name {str(value)!r}", "give one of them another name", code="AC116")
    if problem := name_problem(value):
        refuse(problem, "use a name of ASCII letters, digits and _ that is not taken", code="AC115")
    return value


NAME_TEXT = "an ASCII identifier that is neither a Python keyword nor an attribute of torch modules"
RESERVED = sorted({*keyword.kwlist, *TAKEN, *MODULE_ATTRIBUTES})
IDENTIFIER = Form(
    name,
    {
        "type": "string",
        "pattern": f"^(?!_)(?!({'|'.join(RESERVED)})$){NAME.pattern}$",
        "patternErrorMessage": f"A name is {NAME_TEXT}.",
    },
    NAME_TEXT,
    "name",
)


def named(part: ValueSchema, least: int) -> Schema:
    """A mapping of names, each to the same kind of value."""
    return {"type": "object", "propertyNames": IDENTIFIER, "additionalProperties": part, "minProperties": least}


def single(value: object) -> tuple[str, Any] | None:
    """The pair of a mapping with one key, `{key: value}`."""
    if isinstance(value, dict) and len(value) == 1:
        return next(iter(value.items()))
    return None


class NormChoice(NamedTuple):
    """The norm of a unit; `layer` is None for none."""

    layer: Layer | None


def norm(value: Any) -> NormChoice:
    if isinstance(value, NormChoice):
        return value
    if value in ("batch", "layer", "none"):
        return NormChoice({"batch": BatchNorm2d(), "layer": GroupNorm(1), "none": None}[value])
    pair = single(value)
    if pair and pair[0] in ("batch", "layer", "group"):
        return NormChoice(_norm_with(*pair))
    word = pair[0] if pair else value
    words = ("batch", "layer", "group", "none")
    refuse(f"norm is {NORM.text}, not {in_yaml(word)}", lambda: suggestion("norm", word, words))


def _norm_with(kind: str, value: Any) -> Layer:
    given = {"num_groups": value} if kind == "group" and not isinstance(value, dict) else value
    known = {"batch": ("eps", "momentum"), "layer": ("eps",), "group": ("num_groups", "eps")}[kind]
    if not isinstance(given, dict):
        refuse(
            f"{kind} norm takes a mapping, not {in_yaml(value)}", f"write {{{kind}: {{{known[0]}: ...}}}}", at=(kind,)
        )
    for key in given:
        if key not in known:
            help = partial(_key_help, "norm argument", key, known)
            refuse(f"{kind} norm has no key {key!r}", help, "AC111", at=(kind, key), at_key=True)
        if key != "num_groups" and (not is_number(given[key]) or given[key] <= 0):
            refuse(f"the {key} of a norm is a number above 0, not {in_yaml(given[key])}", at=(kind, key))
        if key != "num_groups":
            check_float32(f"the {key} of a norm is", given[key], at=(kind, key))
    if kind == "batch":
        return BatchNorm2d(**given)
    groups = given.get("num_groups") if kind == "group" else 1
    if not is_int(groups) or groups < 1:
        message = f"a group norm has a whole number of groups, at least 1, not {in_yaml(groups)}"
        refuse(message, "write {group: 8}", at=(kind, "num_groups"))
    return GroupNorm(groups, given.get("eps", 1e-5))


ABOVE_ZERO: Schema = {"type": "number", "exclusiveMinimum": 0}
EPS = {"eps": ABOVE_ZERO | {"description": "Added to the variance."}}
MOMENTUM = {"momentum": ABOVE_ZERO | {"description": "Weight of the newest batch in the running statistics."}}
NUM_GROUPS: Schema = {"num_groups": {"$ref": COUNT, "description": "Groups of channels."}}
BATCH = ValueSchema(mapping(EPS | MOMENTUM), "a mapping with eps and momentum", "batch_norm")
LAYER = ValueSchema(mapping(EPS), "a mapping with eps", "layer_norm")
GROUP = ValueSchema(either(COUNT, mapping(NUM_GROUPS | EPS, ["num_groups"])), "a number or a mapping", "group_norm")
NORM = Form(
    norm,
    either(
        enum("batch", "layer", "none"),
        one_of(
            {
                "batch": {"$ref": BATCH, "description": "torch.nn.BatchNorm2d with these arguments."},
                "layer": {"$ref": LAYER, "description": "One group over all channels and positions."},
                "group": {"$ref": GROUP, "description": "torch.nn.GroupNorm with this number of groups."},
            }
        ),
    ),
    "batch, layer, none, {group: 8} or {batch: {eps: 0.001}}",
    "norm_choice",
)

FLOAT32_MAX = 3.4e38


def check_float32(what: str, value: float, at: tuple[str, ...] = ()) -> None:
    if abs(value) > FLOAT32_MAX:
        refuse(f"{what} a number that float32 can represent, at most {FLOAT32_MAX:g}, not {in_yaml(value)}", at=at)


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
    if pair and pair[0] in FUNCTIONS and FUNCTIONS[pair[0]].argument:
        if not is_number(pair[1]):
            refuse(f"{pair[0]} takes a number, not {in_yaml(pair[1])}")
        check_float32(f"{pair[0]} takes", pair[1])
        return ActivationChoice(Activation(pair[0], pair[1]))
    if pair and pair[0] in FUNCTIONS:
        refuse(f"{pair[0]} takes no argument", f"write `activation: {pair[0]}`")
    word = pair[0] if pair else value
    words = join_words(ACTIVATION.words)
    refuse(f"an activation is {words}, not {in_yaml(word)}", lambda: suggestion("activation", word, ACTIVATION.words))


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


PROBABILITY: Schema = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}
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


ORDER = word("order", "conv-norm-act", "conv-act-norm", "norm-act-conv", name="stage_order")

Count = Annotated[int, COUNT]
MaybeCount = Annotated[int | None, COUNT]
Size = Annotated[Pair, SIZE]
MaybeSize = Annotated[Pair | None, SIZE]
Padding = Annotated[Literal["same"] | Sides, PADDING]
MaybePadding = Annotated[Literal["same"] | Sides | None, PADDING]
Flag = Annotated[bool, FLAG]
Bias = Annotated[Literal["auto"] | bool, BIAS]
MaybeBias = Annotated[Literal["auto"] | bool | None, BIAS]
Name = Annotated[str, IDENTIFIER]
MaybeName = Annotated[str | None, IDENTIFIER]
NormField = Annotated[NormChoice, NORM]
MaybeNorm = Annotated[NormChoice | None, NORM]
ActivationField = Annotated[ActivationChoice, ACTIVATION]
MaybeActivation = Annotated[ActivationChoice | None, ACTIVATION]
DropoutField = Annotated[DropoutChoice, DROPOUT]
MaybeDropout = Annotated[DropoutChoice | None, DROPOUT]
Order = Annotated[str, ORDER]
MaybeOrder = Annotated[str | None, ORDER]
