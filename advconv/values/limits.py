"""Limits as people write them: `"> 44"`, `"< 200k"`, `{min: 1M, max: 2M}`."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, NamedTuple, NoReturn

from advconv.text.words import join_words
from advconv.values.forms import Form, in_yaml, is_number, refuse
from advconv.values.schemas import Schema, ValueSchema, either, mapping

OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}
ENDS = {"min": ">=", "max": "<="}
BOUND = re.compile(r"(<=|>=|==|<|>)\s*(\S.*)")
OPERATOR_TYPOS = {
    "=<": "<=",
    "=>": ">=",
    "≤": "<=",
    "⩽": "<=",
    "≥": ">=",
    "⩾": ">=",
    "=": "==",
    "===": "==",
    "<<": "<",
    ">>": ">",
}
"""Mistyped operators, with the one that is meant."""

SLIP = re.compile(rf"({'|'.join(map(re.escape, sorted(OPERATOR_TYPOS, key=len, reverse=True)))})\s*([^\s<>=].*)")
DIFFERS = re.compile(r"(!=|<>|≠)\s*(\S.*)")
NUMBER = re.compile(r"([0-9][0-9_]{0,30}(?:\.[0-9]{1,12})?)\s*([A-Za-z%]*)")

COUNT_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
BYTE_UNITS = COUNT_UNITS | {
    "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
}  # fmt: skip
PERCENT = {"%": 1}
TIME_UNITS = {"us": 1, "ms": 10**3, "s": 10**6}


class Bound(NamedTuple):
    """One side of a limit. `written` is the number as the file has it, with its unit."""

    operator: str
    value: float
    written: str

    def holds(self, value: float) -> bool:
        return bool(OPERATORS[self.operator](value, self.value))

    def slack(self, value: float) -> float:
        if self.operator == "==":
            return -abs(value - self.value)
        return self.value - value if "<" in self.operator else value - self.value


class Limit(NamedTuple):
    """The limit on a measured value."""

    bounds: tuple[Bound, ...]

    @property
    def text(self) -> str:
        return " and ".join(f"{bound.operator} {bound.written}" for bound in self.bounds)

    def holds(self, value: float) -> bool:
        return all(bound.holds(value) for bound in self.bounds)

    def is_below(self, value: float) -> bool:
        """Whether the value fails because it is too small."""
        failed = [bound for bound in self.bounds if not bound.holds(value)]
        return any(value < bound.value or (value == bound.value and bound.operator == ">") for bound in failed)

    def slack(self, value: float) -> float:
        """How far the value is inside its nearest bound, below 0 on the wrong side."""
        return min(bound.slack(value) for bound in self.bounds)

    def worst(self, values: Iterable[float]) -> float:
        """The value with the least slack: if it is inside, all are."""
        return min(values, key=lambda value: (self.holds(value), self.slack(value)))

    def nearest(self, value: float) -> float:
        """The bound that the value is nearest to."""
        return min((bound.value for bound in self.bounds), key=lambda bound: abs(value - bound))


ZERO = Limit((Bound("==", 0, "0"),))


def number(value: Any, units: dict[str, int], operator: str = "") -> float:
    """`200k -> 200000`; an int where it is whole. Refuses other units than those given, in words with the operator."""
    text = str(value).strip()
    match = NUMBER.fullmatch(text) if isinstance(value, str) or is_number(value) else None
    if not match:
        _refuse_number(value)
    digits, unit = match.groups()
    if unit not in units:
        _refuse_unit(digits, unit, units, operator)
    whole, _, fraction = digits.replace("_", "").partition(".")
    parts: int = 10 ** len(fraction)
    amount = int(whole + fraction) * units[unit]
    return amount / parts if amount % parts else amount // parts


def _refuse_number(value: Any) -> NoReturn:
    text = str(value).strip()
    help = 'write a number such as "44", "1.5M" or "200_000"'
    if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+", text):
        help = f'write "{text.replace(",", "_")}"'
    shown = text[:40] if isinstance(value, str) else in_yaml(value)
    refuse(f"a limit is a number of at least 0, with or without a unit, not {shown}", help, code="AC120")


def _refuse_unit(digits: str, unit: str, units: dict[str, int], operator: str) -> NoReturn:
    sign = f"{operator} " if operator else ""
    if units is PERCENT:
        amount = float(digits.replace("_", ""))
        message = f"{unit} is not a unit of this limit, which has the unit %" if unit else "this limit has the unit %"
        refuse(message, f'write "{sign}{amount * 100 if amount <= 1 else amount:g}%"', code="AC120")
    if not unit:
        refuse("this limit needs a unit", f"its units are {join_words((*units,))}", code="AC120")
    known = _unit_spelt(unit, units)
    help = (
        f'write "{sign}{digits}{known}"' if known else f"its units are {join_words([name for name in units if name])}"
    )
    refuse(f"{unit[:20]} is not a unit of this limit", help, code="AC120")


def _unit_spelt(unit: str, units: dict[str, int]) -> str:
    """The unit with this spelling, ignoring case; empty if there is none."""
    same = [name for name in units if name == unit] or [name for name in units if name.lower() == unit.lower()]
    return same[0] if same else ""


def limit(value: Any, units: dict[str, int]) -> Limit:
    if isinstance(value, Limit):
        return value
    if isinstance(value, dict):
        return _range(value, units)
    _refuse_operator(str(value).strip())
    match = BOUND.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        amount = NUMBER.search(str(value)) if is_number(value) or isinstance(value, str) else None
        sample = amount[1] + _unit_spelt(amount[2], units) if amount else "44"
        sample = "85%" if units is PERCENT else sample
        example = f'write ">= {sample}", "< {sample}" or "== {sample}"'
        refuse(f"a limit compares with <, <=, >, >= or ==, this is {in_yaml(value)}", example, code="AC120")
    return Limit((Bound(match[1], number(match[2], units, match[1]), match[2]),))


def _refuse_operator(text: str) -> None:
    """Refuses `=< 5` and other mistyped operators."""
    if slip := SLIP.fullmatch(text):
        refuse(f"there is no operator {slip[1]}", f'write "{OPERATOR_TYPOS[slip[1]]} {slip[2]}"', code="AC120")
    if differs := DIFFERS.fullmatch(text):
        refuse(f"there is no operator {differs[1]}", f'write "< {differs[2]}" or "> {differs[2]}"', code="AC120")


def _range(value: dict[str, Any], units: dict[str, int]) -> Limit:
    if not value or not set(value) <= {"min", "max"}:
        refuse("a range has the keys min and max", "write {min: 1M, max: 2M}", code="AC120")
    numbers = {key: number(part, units) for key, part in value.items()}
    if numbers.get("min", 0) > numbers.get("max", float("inf")):
        refuse("the range is empty: its min is above its max", "", code="AC120")
    return Limit(tuple(Bound(ENDS[key], part, str(value[key]).strip()) for key, part in numbers.items()))


def share(value: Any) -> Limit:
    """A limit in percent of a whole."""
    found = limit(value, PERCENT)
    if any(bound.value > 100 for bound in found.bounds):
        refuse("this limit is at most 100%", "", code="AC120")
    return found


def percentage(value: float) -> float:
    """An accuracy from an option, in percent. Raises ValueError, also if a fraction is probably meant."""
    if not 1 < value <= 100:
        raise ValueError(f"{value:g} is not an accuracy in percent, above 1 and at most 100; 85 is 85%")
    return value


def _form(read: Callable[[Any], Limit], units: Mapping[str, int], name: str) -> Form:
    """A comparison with one of these units, or a range."""
    pattern = rf"[0-9][0-9_]*(\.[0-9]+)?\s*({'|'.join(units)})"
    number = {"type": "number", "minimum": 0}
    end = ValueSchema(either({"type": "string", "pattern": rf"^\s*{pattern}\s*$"}, number), "a number", f"{name}_end")
    at_least, at_most = ({"$ref": end, "description": text} for text in ("At least.", "At most."))
    schema: Schema = either(
        {"type": "string", "pattern": rf"^\s*(<=|>=|==|<|>)\s*{pattern}\s*$"},
        mapping({"min": at_least, "max": at_most}, minProperties=1),
    )
    written = '"< 5", "<= 5", "> 5", ">= 5", "== 5" or {min: 1, max: 5}'
    return Form(read, schema, f"a limit, {written}, with {join_words([unit for unit in units if unit])}", name)


COUNT_LIMIT = _form(lambda value: limit(value, COUNT_UNITS), COUNT_UNITS, "count_limit")
BYTE_LIMIT = _form(lambda value: limit(value, BYTE_UNITS), BYTE_UNITS, "byte_limit")
PERCENT_LIMIT = _form(share, PERCENT, "percent_limit")
TIME_LIMIT = _form(lambda value: limit(value, TIME_UNITS), TIME_UNITS, "time_limit")

CountLimit = Annotated[Limit, COUNT_LIMIT]
MaybeCountLimit = Annotated[Limit | None, COUNT_LIMIT]
MaybeByteLimit = Annotated[Limit | None, BYTE_LIMIT]
MaybePercentLimit = Annotated[Limit | None, PERCENT_LIMIT]
MaybeTimeLimit = Annotated[Limit | None, TIME_LIMIT]
