"""The promised latency, which `advconv bench` measures."""

from collections.abc import Iterator

from advconv.analysis.measure import Measures
from advconv.constraints.record import Constraint, Status, Verdict, status
from advconv.values.limits import Limit, MaybeTimeLimit
from advconv.values.quantities import MICROSECONDS

PATH = ("constraints", "latency")


def promised(limit: Limit, measures: Measures) -> Iterator[Verdict]:
    words = ("not measured here", "measured by bench")
    yield Verdict("latency", limit, None, MICROSECONDS, Status.PROMISED, PATH, "AC401", words=words)


def measured(limit: Limit, microseconds: float) -> Verdict:
    """The verdict on a measured latency."""
    kept = limit.holds(microseconds)
    help = "" if kept else "use fewer layers, fewer channels, or stride earlier"
    return Verdict("latency", limit, microseconds, MICROSECONDS, status(kept), PATH, "AC401", help)


CONSTRAINTS = (
    Constraint(
        name="latency",
        form=MaybeTimeLimit,
        judge=promised,
        description='Time of torch for one image on the device of `advconv bench`, such as "< 5 ms".',
        unit="us, ms or s, for one image in float32",
        example='"< 5 ms"',
        topic="training",
    ),
)
