"""The forms of the values of a recipe: numbers that a step in float32 can compute with, and paths."""

from math import inf
from typing import Any

from advconv.values.choices import FLOAT32_MAX
from advconv.values.forms import PROBABILITY, Form, in_yaml, is_int, is_number, positive, refuse
from advconv.values.schemas import whole

LARGEST = 1e18
"""The optimizer multiplies two of these numbers, and the product has to fit into float32, which ends at FLOAT32_MAX."""

SMALLEST = 1.2e-38
"""The smallest normal number of float32."""

BELOW_ONE = 1 - 2**-24
"""The largest number of float32 below 1."""

MAX_EPOCHS = 1_000_000


def epochs(value: Any) -> int:
    if is_int(value) and value > MAX_EPOCHS:
        refuse(f"this must be at most {MAX_EPOCHS:,}, not {in_yaml(value)}")
    return positive(value)


EPOCHS = Form(epochs, whole(1, MAX_EPOCHS), f"a whole number from 1 to {MAX_EPOCHS:,}")


def from_zero(value: Any) -> int:
    if not is_int(value) or value < 0:
        refuse(f"this must be {FROM_ZERO.text}, not {in_yaml(value)}")
    return int(value)


FROM_ZERO = Form(from_zero, whole(0), "a whole number of at least 0", "from_zero")


def above_zero(value: Any) -> float:
    if not _is_number_or_inf(value) or value <= 0:
        refuse(f"this must be {ABOVE_ZERO.text}, not {in_yaml(value)}")
    return in_float32(value, can_be_zero=False)


ABOVE_ZERO = Form(
    above_zero, {"type": "number", "exclusiveMinimum": 0, "maximum": LARGEST}, "a number above 0", "above_zero"
)


def at_least_zero(value: Any) -> float:
    if not _is_number_or_inf(value) or value < 0:
        refuse(f"this must be {AT_LEAST_ZERO.text}, not {in_yaml(value)}")
    return in_float32(value)


AT_LEAST_ZERO = Form(
    at_least_zero, {"type": "number", "minimum": 0, "maximum": LARGEST}, "a number of at least 0", "at_least_zero"
)


def fraction(value: Any) -> float:
    if not is_number(value) or not 0 <= value < 1:
        refuse(f"this must be at least 0 and below 1, not {in_yaml(value)}")
    if value > BELOW_ONE:
        refuse(
            f"this must be at most {BELOW_ONE:.8f}, not {in_yaml(value)}", "use a smaller value: float32 rounds it to 1"
        )
    return in_float32(value)


FRACTION = Form(fraction, PROBABILITY, "a number of at least 0 and below 1", "fraction")


def part(value: Any) -> float:
    if not is_number(value) or not 0 < value <= 1:
        refuse(f"this must be {PART.text}, not {in_yaml(value)}")
    return float(value)


PART = Form(part, {"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "a number above 0, at most 1", "part")


def _is_number_or_inf(value: Any) -> bool:
    """Infinity, as `1e999` is read, is refused with the bound that it exceeds."""
    return is_number(value) or value == inf


def in_float32(value: float, can_be_zero: bool = True) -> float:
    """A number of at least 0 that a step in float32 can compute with."""
    if value > LARGEST:
        help = f"use a smaller value: a step multiplies two such numbers, and float32 ends at {FLOAT32_MAX:g}"
        refuse(f"this must be at most {LARGEST:g}, not {in_yaml(value)}", help)
    if 0 < value < SMALLEST:
        least, larger = ("0 or at least", "0, or a larger value") if can_be_zero else ("at least", "a larger value")
        refuse(f"this must be {least} {SMALLEST:g}, not {in_yaml(value)}", f"use {larger}: float32 rounds it to 0")
    return float(value)


def seed(value: Any) -> int:
    if not is_int(value) or not 0 <= value < 2**32:
        refuse(f"this must be {SEED.text}, not {in_yaml(value)}")
    return int(value)


SEED = Form(seed, whole(0, 2**32 - 1), "a whole number of at least 0 and below 2^32")


def teacher(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        refuse(f"run is {TEACHER.text}, not {in_yaml(value)}")
    return value


TEACHER = Form(teacher, {"type": "string", "minLength": 1}, "the path of a run, or of a file with weights beside it")
