"""Limits on the receptive field: its size along the widest path and the narrowest, its gaps, and its alignment."""

from collections.abc import Callable, Iterator

from advconv.analysis.connectivity import MAX_AREAS, MAX_FIELD, connected, full_dilations
from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import receptive_field_issues
from advconv.constraints.record import Constraint, Verdict, status
from advconv.layers.conv import Convolution
from advconv.values.forms import Flag
from advconv.values.limits import ZERO, Limit, MaybeCountLimit, MaybePercentLimit
from advconv.values.quantities import PERCENT

UNIT = "pixels"
SAME_STRIDE = "give merged paths the same stride"


def widest(limit: Limit, measures: Measures) -> Iterator[Verdict]:
    yield _verdict("receptive_field", limit, measures.receptive_field.size, _help)


def narrowest(limit: Limit, measures: Measures) -> Iterator[Verdict]:
    yield _verdict("rf_min", limit, measures.receptive_field.narrowest, _help_of_narrowest)


def _verdict(name: str, limit: Limit, sizes: tuple[int, int] | None, help: Callable[[bool], str]) -> Verdict:
    """Both axes must be inside the limit. The argument of `help`: whether the receptive field is too small."""
    path = ("constraints", name)
    if sizes is None:
        return Verdict.unknown(name, limit, UNIT, path, SAME_STRIDE)
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


def coverage(limit: Limit, measures: Measures) -> Iterator[Verdict]:
    """In hundredths of a percent, rounded down: only a field without any gap has 100."""
    path, found = ("constraints", "coverage"), connected(measures)
    if found is None:
        yield Verdict.unknown("coverage", limit, PERCENT, path, _why_not_examined(measures))
        return
    value = 10_000 * found.pixels // found.total / 100
    kept = limit.holds(value)
    help = "" if kept else without_gaps(measures) if limit.is_below(value) else "raise the limit, or dilate more"
    yield Verdict("coverage", limit, value, PERCENT, status(kept), path, "AC401", help)


def _why_not_examined(measures: Measures) -> str:
    size = measures.receptive_field.size
    if size is None:
        return SAME_STRIDE
    if max(size) > MAX_FIELD:
        return f"gaps are examined in receptive fields of at most {MAX_FIELD:,} pixels on a side; stride or dilate less"
    return f"gaps are examined if merged paths read at most {MAX_AREAS} different areas; merge fewer dilated paths"


def without_gaps(measures: Measures) -> str:
    """The dilations that leave no gap in the receptive field, for a help."""
    layers = (node.layer for node in measures.graph.nodes)
    if not any(isinstance(layer, Convolution) and layer.is_dilated for layer in layers):
        return "use windows that are at least as large as their stride"
    dilations, size = full_dilations(measures)
    # A row that is repeated has one dilation for all rounds.
    if len({node.origin.place for node, _ in dilations}) < max(1, len(dilations)):
        return "dilate each convolution at most by the receptive field before it, the first one not at all"
    rows = ", ".join(f"{node.origin.label} {dilation}" for node, dilation in dilations)
    return f"dilations without gaps: {rows} (receptive field {size})"


def aligned(is_required: bool, measures: Measures) -> Iterator[Verdict]:
    """The largest distance between the centres of paths that are merged."""
    if not is_required:
        return
    name, path = "misalignment", ("constraints", "aligned")
    issues = receptive_field_issues(measures.graph, measures.flow.ungated_inputs, measures.reaches)
    distances = {issue.node.origin.label: issue.misalignment for issue in issues}
    if None in distances.values():
        yield Verdict.unknown(name, ZERO, UNIT, path, SAME_STRIDE)
        return
    value, row = max(((distance or 0, row) for row, distance in distances.items()), default=(0, ""))
    help = f"look at {row} first: pad both ends alike, or use odd kernel sizes" if row else ""
    yield Verdict(name, ZERO, value, UNIT, status(not row), path, "AC401", help)


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
    Constraint(
        name="coverage",
        form=MaybePercentLimit,
        judge=coverage,
        description="The part of the receptive field that is connected to the last map, without the gaps of dilation.",
        unit="percent of its pixels, rounded down to 0.01%",
        example='">= 90%"',
        topic="receptive_field",
    ),
    Constraint(
        name="aligned",
        form=Flag,
        default=False,
        judge=aligned,
        description="Whether the receptive fields of merged paths must have the same centres; false is no constraint.",
        unit="pixels between the centres",
        example="true",
        topic="receptive_field",
    ),
)
