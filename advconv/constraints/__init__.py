"""The constraints of the language, the model of their section, and the judge of them all."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, create_model

from advconv.analysis.measure import Measures
from advconv.blocks.base import Fields
from advconv.constraints import accuracy, latency, receptive_field, totals, use
from advconv.constraints.record import Constraint, Verdict

CONSTRAINTS: tuple[Constraint, ...] = (
    *receptive_field.CONSTRAINTS,
    *totals.CONSTRAINTS,
    *use.CONSTRAINTS,
    *accuracy.CONSTRAINTS,
    *latency.CONSTRAINTS,
)

if TYPE_CHECKING:

    class Constraints(Fields):
        """The section `constraints`: one field for each record, by its name."""

        def __getattr__(self, name: str) -> Any: ...

else:
    Constraints = create_model(
        "Constraints",
        __base__=Fields,
        **{
            constraint.name: (
                Annotated[constraint.form, Field(description=constraint.description)],
                constraint.default,
            )
            for constraint in CONSTRAINTS
        },
    )


def judge(constraints: Constraints, measures: Measures) -> list[Verdict]:
    """The verdicts on each constraint that is set, in the order of the records."""
    return list(verdicts(constraints, measures))


def verdicts(constraints: Constraints, measures: Measures) -> Iterator[Verdict]:
    """The same one by one."""
    for constraint in CONSTRAINTS:
        value = getattr(constraints, constraint.name)
        if value is not None:
            yield from constraint.judge(value, measures)
