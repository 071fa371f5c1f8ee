"""The record of a constraint, and the verdict on one: the measured value and its limit, as data."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from advconv.analysis.measure import Measures
from advconv.text.finding import Finding, Path
from advconv.values.limits import Limit
from advconv.values.quantities import amount_text


class Status(StrEnum):
    KEPT = "kept"
    FAILED = "failed"
    PROMISED = "promised"


class Verdict(NamedTuple):
    """A constraint with its measured value, as data; the properties that end in `_text` are for people.

    `value` is (height, width) if the axes differ, and None if there is no number; `words` are then shown for value and
    margin. `message`: that of its finding, if it is not the measured value with its limit.
    """

    name: str
    limit: Limit
    value: float | tuple[int, int] | None
    unit: str
    status: Status
    path: Path
    code: str
    help: str = ""
    message: str = ""
    words: tuple[str, str] = ("unknown", "no margin")

    @classmethod
    def unknown(cls, name: str, limit: Limit, unit: str, path: Path, help: str) -> "Verdict":
        """The verdict where there is no number, which fails."""
        return cls(name, limit, None, unit, Status.FAILED, path, "AC402", help)

    @property
    def axes(self) -> tuple[float, ...]:
        if self.value is None:
            return ()
        return self.value if isinstance(self.value, tuple) else (self.value,)

    @property
    def margin(self) -> float | None:
        """How far the value is inside its limit, in `unit`; below 0 outside. Of two axes, that of the worse one."""
        # The difference of two decimals has more digits than they have: 28.99 - 90.
        return round(self.limit.slack(self.limit.worst(self.axes)), 9) if self.axes else None

    @property
    def value_text(self) -> str:
        return "x".join(amount_text(value, self.unit) for value in self.axes) or self.words[0]

    @property
    def margin_text(self) -> str:
        """`29 above 44`: the distance of the value from the nearest bound."""
        if not self.axes:
            return self.words[1]
        value = self.limit.worst(self.axes)
        bound = self.limit.nearest(value)
        limit, distance = (amount_text(amount, self.unit) for amount in (bound, abs(value - bound)))
        return f"at {limit}" if value == bound else f"{distance} {'above' if value > bound else 'below'} {limit}"

    @property
    def finding(self) -> Finding:
        """The finding for a failed constraint."""
        measured = f"{self.name} is {self.value_text}, the limit is {self.limit.text} ({self.margin_text})"
        return Finding(self.code, self.path, self.message or measured, self.help)


class Constraint(NamedTuple):
    """A constraint of the language.

    `form` is the type of its field. `judge(value, measures)` yields the verdicts on a value. `description`, `unit`,
    `example` and `topic`, which defines the number, are for its page.
    """

    name: str
    form: Any
    judge: Callable[[Any, Measures], Iterator[Verdict]]
    description: str
    unit: str
    example: str
    topic: str
    default: Any = None


def status(kept: bool) -> Status:
    return Status.KEPT if kept else Status.FAILED
