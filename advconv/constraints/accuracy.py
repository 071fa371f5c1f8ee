"""The promised accuracy, which training must reach."""

from collections.abc import Iterator

from advconv.analysis.measure import Measures
from advconv.constraints.record import Constraint, Status, Verdict
from advconv.values.limits import Limit, MaybePercentLimit
from advconv.values.quantities import PERCENT


def promised(limit: Limit, measures: Measures) -> Iterator[Verdict]:
    words = ("not measured here", "checked by training")
    yield Verdict("accuracy", limit, None, PERCENT, Status.PROMISED, ("constraints", "accuracy"), "AC401", words=words)


CONSTRAINTS = (
    Constraint(
        name="accuracy",
        form=MaybePercentLimit,
        judge=promised,
        description='Accuracy that training must reach, such as ">= 85%".',
        unit="percent of the test images",
        example='">= 85%"',
        topic="training",
    ),
)
