"""Limits on totals of the network: parameters, MACs and bytes."""

from collections.abc import Callable, Iterator
from typing import Any

from advconv.analysis.measure import Measures
from advconv.constraints.record import Constraint, Verdict, status
from advconv.values.limits import Limit, MaybeByteLimit, MaybeCountLimit
from advconv.values.quantities import BYTES

Parts = Callable[[Measures], list[int]]
"""The part of each node in the total."""


def total(
    name: str,
    form: Any,
    measure: Callable[[Measures], int],
    parts: Parts,
    combine: Callable[[list[int]], int],
    unit: str,
    **page: str,
) -> Constraint:
    """A constraint on one number. `combine`: the part of a row from those of its nodes: sum, or max for a peak."""

    def judge(limit: Limit, measures: Measures) -> Iterator[Verdict]:
        value = measure(measures)
        kept = limit.holds(value)
        help = "" if kept else _help(measures, limit, value, parts(measures), combine)
        yield Verdict(name, limit, value, unit, status(kept), ("constraints", name), "AC401", help)

    return Constraint(name, form, judge, **{"unit": unit} | page)


def _help(measures: Measures, limit: Limit, value: int, parts: list[int], combine: Callable[[list[int]], int]) -> str:
    """The row to look at first."""
    if limit.is_below(value):
        return "lower the limit, or give the rows more channels"
    rows: dict[str, list[int]] = {}
    for node, part in zip(measures.graph.nodes, parts, strict=True):
        rows.setdefault(node.origin.label, []).append(part)
    return f"look at {max(rows, key=lambda label: combine(rows[label]))} first, it has the largest part"


def params(measures: Measures) -> list[int]:
    return [cost.params for cost in measures.costs]


CONSTRAINTS = (
    total(
        "params",
        MaybeCountLimit,
        lambda measures: measures.total.params,
        params,
        sum,
        "parameters",
        description="Number of parameters.",
        example='"< 200k"',
        topic="parameters",
    ),
    total(
        "macs",
        MaybeCountLimit,
        lambda measures: measures.total.macs,
        lambda measures: [cost.macs for cost in measures.costs],
        sum,
        "MACs",
        description="Multiply-accumulates for one image; bias and norm not counted.",
        example="{min: 1k, max: 100M}",
        topic="parameters",
    ),
    total(
        "weights",
        MaybeByteLimit,
        lambda measures: measures.weights,
        params,
        sum,
        BYTES,
        description="Bytes of the parameters in float32.",
        example='"< 1MB"',
        topic="parameters",
    ),
    total(
        "memory",
        MaybeByteLimit,
        lambda measures: measures.memory.inference,
        lambda measures: measures.memory.live,
        max,
        BYTES,
        description="Peak bytes at inference, each output freed after its last reader, float32, one image.",
        example='"< 2MB"',
        topic="memory",
    ),
    total(
        "memory_eager",
        MaybeByteLimit,
        lambda measures: measures.memory.eager,
        lambda measures: measures.memory.eager_live,
        max,
        BYTES,
        description="Peak bytes of the built module in torch's eager mode, without gradients, float32, one image.",
        example='"< 2MB"',
        topic="memory",
    ),
    total(
        "training_memory",
        MaybeByteLimit,
        lambda measures: measures.memory.training,
        lambda measures: measures.memory.saved,
        sum,
        BYTES,
        description="Bytes that autograd saves for the backward pass, float32, one image.",
        example='"< 16MiB"',
        topic="memory",
    ),
)
