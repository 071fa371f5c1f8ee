"""The types of fields, of blocks and of sections: each accepts several forms of a value and stores one.

A `Form` comes after the function that reads it, with what the function accepts as JSON Schema and in words.
"""

import keyword
from collections.abc import Callable, Collection
from math import isfinite
from typing import Annotated, Any, Literal, NoReturn, TypeGuard

from pydantic import GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from advconv.geometry import INT64_MAX
from advconv.text.finding import Finding
from advconv.text.reader import resolve
from advconv.text.words import join_words
from advconv.values.names import MODULE_ATTRIBUTES, NAME, TAKEN, name_problem
from advconv.values.schemas import Schema, ValueSchema, either, enum, list_of, whole
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
    if value > INT64_MAX:
        refuse(f"this must be at most {INT64_MAX:,}, not {in_yaml(value)}")
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


PROBABILITY: Schema = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}
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
Order = Annotated[str, ORDER]
MaybeOrder = Annotated[str | None, ORDER]
