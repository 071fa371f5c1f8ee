"""Values in a run's files: their types and ranges, and JSON files that contain their own checksum."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError

Kind = TypeVar("Kind")


def without_control_characters(text: str) -> str:
    """Refuses control characters, which would reach the terminal of whoever reads someone else's run."""
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text):
        raise ValueError("contains control characters")
    return text


def number(value: Any) -> Any:
    """Refuses objects that convert to a number, such as a tensor with one element."""
    if not isinstance(value, int | float):
        raise ValueError("not a number")
    return value


Text = Annotated[str, Field(strict=True), AfterValidator(without_control_characters)]
Flag = Annotated[bool, Field(strict=True)]
Natural = Annotated[int, Field(strict=True, ge=0, le=2**53)]
Positive = Annotated[int, Field(strict=True, ge=1, le=2**53)]
NonNegative = Annotated[float, BeforeValidator(number), Field(strict=True, ge=0, allow_inf_nan=False)]
Percent = Annotated[float, BeforeValidator(number), Field(strict=True, ge=0, le=100)]
Sha256 = Annotated[str, Field(strict=True, pattern="^[0-9a-f]{64}$")]


def complete(kind: type[Any]) -> BeforeValidator:
    """Requires every field of a dataclass, also those that have a default."""

    def check(value: Any) -> Any:
        if isinstance(value, Mapping) and (missing := [each.name for each in fields(kind) if each.name not in value]):
            raise ValueError(f"{missing[0]} is missing")
        return value

    return BeforeValidator(check)


def validated_as(kind: type[Kind], data: Any) -> Kind:
    """The data as an instance of a type. Raises ValueError with the first error, on one line."""
    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise ValueError(f"{place:.80}: {_reason(first['type'], first['msg'])}") from problem


def _reason(kind: str, message: str) -> str:
    """What is wrong with a value, from the type and the message of pydantic's error."""
    plain = message.removeprefix("Value error, ").replace("Input should be", "must be", 1)
    return REASONS.get(kind, plain)


REASONS = {
    "missing": "is missing",
    "string_pattern_mismatch": "has the wrong form",
    **dict.fromkeys(("dict_type", "model_type", "dataclass_type"), "must be a mapping"),
}


CHECKSUM = "sha256"
"""The key of a JSON file's checksum."""


def dump_with_checksum(data: dict[str, Any]) -> str:
    """JSON that contains the SHA-256 of its own content."""
    return json.dumps(data | {CHECKSUM: _digest(data)}, indent=2) + "\n"


def parse_with_checksum(text: bytes) -> dict[str, Any]:
    """The content of such a file. Raises ValueError if the checksum is missing or does not match."""
    data = parse_object(text)
    if CHECKSUM not in data:
        raise ValueError("its own SHA-256 is missing")
    if data.pop(CHECKSUM) != _digest(data):
        raise ValueError("its SHA-256 is not the one that was recorded when it was written")
    return data


def parse_object(text: bytes) -> dict[str, Any]:
    """A JSON object. Raises ValueError."""
    try:
        data = json.loads(text, parse_constant=_refuse_constant, parse_int=_integer)
    except json.JSONDecodeError as problem:
        raise ValueError(f"not JSON from line {problem.lineno}, column {problem.colno} on") from problem
    except UnicodeDecodeError as problem:
        raise ValueError("not UTF-8") from problem
    except RecursionError as problem:
        raise ValueError("nested too deeply") from problem
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")
    return data


def _digest(data: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


MAX_DIGITS = 1_000
"""The most that a file of a run may have in a number; Python itself refuses 4,300."""


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of {len(digits):,} digits")
    return int(digits)


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")
