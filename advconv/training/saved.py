"""Values that a run keeps in its files: their types and ranges, and the checksum that a JSON file has of itself."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError

Value = TypeVar("Value")


def printable(text: str) -> str:
    """Control characters would reach the terminal of whoever reads a run of someone else."""
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text):
        raise ValueError("there are control characters in it")
    return text


def plain(value: Any) -> Any:
    """What has a value as a number, as a tensor has, is none."""
    if not isinstance(value, int | float):
        raise ValueError("this is no number")
    return value


Text = Annotated[str, Field(strict=True), AfterValidator(printable)]
Flag = Annotated[bool, Field(strict=True)]
Natural = Annotated[int, Field(strict=True, ge=0, le=2**53)]
Positive = Annotated[int, Field(strict=True, ge=1, le=2**53)]
NonNegative = Annotated[float, BeforeValidator(plain), Field(strict=True, ge=0, allow_inf_nan=False)]
Percent = Annotated[float, BeforeValidator(plain), Field(strict=True, ge=0, le=100)]
Sha256 = Annotated[str, Field(strict=True, pattern="^[0-9a-f]{64}$")]


def complete(kind: type[Any]) -> BeforeValidator:
    """None of a dataclass's fields may be left to its default."""

    def check(value: Any) -> Any:
        if isinstance(value, Mapping) and (missing := [each.name for each in fields(kind) if each.name not in value]):
            raise ValueError(f"{missing[0]} is missing")
        return value

    return BeforeValidator(check)


def held_to(kind: type[Value], data: Any) -> Value:
    """Data as a value of a type. Raises ValueError with the first misfit, in a line."""
    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the whole of it"
        raise ValueError(f"{place:.80}: {first['msg']}") from problem


SEAL = "sha256"


def sealed(data: dict[str, Any]) -> str:
    """JSON with the SHA-256 of what it says."""
    return json.dumps(data | {SEAL: _digest(data)}, indent=2) + "\n"


def unsealed(text: bytes) -> tuple[dict[str, Any], bool]:
    """What such a file says, and whether it has a checksum. Raises ValueError where that is another one."""
    try:
        data = json.loads(text, parse_constant=_refuse)
    except RecursionError as problem:
        raise ValueError("it is nested too deep") from problem
    if not isinstance(data, dict):
        raise ValueError("it is no mapping")
    if SEAL not in data:
        return data, False
    if data.pop(SEAL) != _digest(data):
        raise ValueError("its SHA-256 is not the one that was recorded when it was written")
    return data, True


def _digest(data: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
