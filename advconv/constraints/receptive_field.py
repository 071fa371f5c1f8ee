"""Limits on the receptive field, along the widest path and along the narrowest."""

from collections.abc import Callable, Iterator

from advconv.analysis.measure import Measures
from advconv.constraints.record import Constraint, Status, Verdict, status
from advconv.values.limits import Limit, MaybeCountLimit

UNIT = "pixels"


def widest(limit: Limit, measures: Measures) -> Iterator[Verdict]:
    yield _verdict("receptive_field", limit, measures.receptive_field.size, _help)


def narrowest(limit: Limit, measures: Measures) -> Iterator[Verdict]:
    yield _verdict("rf_min", limit, measures.receptive_field.narrowest, _help_of_narrowest)


def _verdict(name: str, limit: Limit, sizes: tuple[int, int] | None, help: Callable[[bool], str]) -> Verdict:
    """Both axes must be inside the limit. The argument of `help`: whether the receptive field is too small."""
    path = ("constraints", name)
    if sizes is None:
        same = "give merged paths the same stride"
        return Verdict(name, limit, None, UNIT, Status.FAILED, path, "AC402", same)
    worst = limit.worst(sizes)
    kept = limit.holds(worst)
    height, width = sizes
    value = height if height == width else sizes
    return Verdict(name, limit, value, UNIT, status(kept), path, "AC401", "" if kept else help(limit.is_below(worst)))


def _help(is_too_small: bool) -> str:
    if is_too_small:
        return "dilate a convolution, stride earlier, or add one before the last map"
    return "dilate less, stride later, or remove a convolution"


def _help_of_narrowest(is_too_small: bool) -> str:
    return "widen the narrowest path" if is_too_small else "give the narrowest path smaller windows"


CONSTRAINTS = (
    Constraint(
        name="receptive_field",
        form=MaybeCountLimit,
        judge=widest,
        description="Pixels that the last map before the first global pooling sees, on each axis; gates excluded.",
        unit="pixels of the input, on each axis",
        example='"> 44"',
        topic="receptive_field",
    ),
    Constraint(
        name="rf_min",
        form=MaybeCountLimit,
        judge=narrowest,
        description="The receptive field along the narrowest path.",
        unit="pixels of the input, on each axis",
        example='"> 2"',
        topic="receptive_field",
    ),
)
