"""What an architecture promises, and whether it keeps it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from advconv.analysis.features import Feature, features
from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import Field, square
from advconv.diagnostics import Diagnostic, error
from advconv.limits import Limit
from advconv.source import Document, Path
from advconv.spec import Constraints, Use
from advconv.units import bytes_text, count_text

INFINITE = float("inf")


class Status(StrEnum):
    KEPT = "kept"
    FAILED = "failed"
    PROMISED = "promised"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A constraint, what was measured, and how far that is from the limit."""

    name: str
    limit: str
    value: str
    status: Status
    margin: str
    path: Path
    code: str
    help: str = ""


def judge(constraints: Constraints, measures: Measures) -> list[Verdict]:
    """A verdict for each constraint, in the order of the language."""
    return [
        *_fields(constraints, measures),
        *_totals(constraints, measures),
        *_features(constraints, measures),
        *_promises(constraints),
    ]


def failures(verdicts: list[Verdict], document: Document) -> list[Diagnostic]:
    return [_failure(verdict, document) for verdict in verdicts if verdict.status is Status.FAILED]


def _failure(verdict: Verdict, document: Document) -> Diagnostic:
    message = f"{verdict.name} is {verdict.value}, the limit is {verdict.limit} ({verdict.margin})"
    return error(verdict.code, document.span(verdict.path), message, verdict.help)


def _status(kept: bool) -> Status:
    return Status.KEPT if kept else Status.FAILED


def _fields(constraints: Constraints, measures: Measures) -> Iterator[Verdict]:
    field = measures.field
    for name, limit in (("receptive_field", constraints.receptive_field), ("rf_min", constraints.rf_min)):
        if limit is not None:
            sizes = field.size if name == "receptive_field" else field.narrowest
            yield _field_verdict(name, limit, field, sizes)


def _field_verdict(name: str, limit: Limit, field: Field, sizes: tuple[int, int] | None) -> Verdict:
    """Each axis must hold. Through a gate or a global pooling the field has no bound."""
    path = ("constraints", name)
    if sizes is None:
        help = "give paths that meet the same stride"
        return Verdict(name, limit.text, "unknown", Status.FAILED, "no margin", path, "AC402", help)
    is_whole = field.whole and name == "receptive_field"
    values = (INFINITE, INFINITE) if is_whole else sizes
    margin = min(limit.margin(value) for value in values)
    kept = all(limit.holds(value) for value in values)
    help = "" if kept else _field_help(name, limit, min(values))
    text = str(field) if is_whole else square(sizes)
    return Verdict(name, limit.text, text, _status(kept), _margin_text(margin, str), path, "AC401", help)


def _field_help(name: str, limit: Limit, value: float) -> str:
    too_small = any(not bound.holds(value) and value < bound.value for bound in limit.bounds)
    if name == "rf_min":
        return "widen the narrowest path" if too_small else "give the narrowest path smaller windows"
    if too_small:
        return "dilate a convolution, stride earlier, or add one before the last map"
    return "dilate less, stride later, or take a convolution out"


def _totals(constraints: Constraints, measures: Measures) -> Iterator[Verdict]:
    params, macs = [cost.params for cost in measures.costs], [cost.macs for cost in measures.costs]
    memory = measures.memory
    for name, limit, value, parts, text in (
        ("params", constraints.params, measures.total.params, params, count_text),
        ("macs", constraints.macs, measures.total.macs, macs, count_text),
        ("weights", constraints.weights, measures.weights, params, bytes_text),
        ("memory", constraints.memory, memory.inference, memory.live, bytes_text),
        ("training_memory", constraints.training_memory, memory.training, memory.kept, bytes_text),
    ):
        if limit is not None:
            kept, margin = limit.holds(value), _margin_text(limit.margin(value), text)
            help = "" if kept else _where_most(measures, parts)
            yield Verdict(name, limit.text, text(value), _status(kept), margin, ("constraints", name), "AC401", help)


def _where_most(measures: Measures, parts: list[int]) -> str:
    """The row to look at first."""
    rows: dict[str, int] = {}
    for node, part in zip(measures.graph.nodes, parts, strict=True):
        rows[node.row.label] = rows.get(node.row.label, 0) + part
    return f"look at {max(rows, key=lambda label: rows[label])} first, it has the largest part"


def _features(constraints: Constraints, measures: Measures) -> Iterator[Verdict]:
    for name, use in constraints.uses.items():
        found = features(measures.graph, (name,))
        matching = [feature for feature in found if feature.has(use.narrowing)]
        kept = use.count.holds(len(matching))
        path = ("constraints", "uses", name)
        margin = _margin_text(use.count.margin(len(matching)), count_text)
        help = "" if kept else _use_help(name, found, matching)
        limit, value = use.count.text, count_text(len(matching))
        yield Verdict(f"uses {_described(name, use)}", limit, value, _status(kept), margin, path, "AC403", help)
    for index, name in enumerate(constraints.forbids):
        found = features(measures.graph, (name,))
        places = ", ".join(dict.fromkeys(measures.graph.nodes[feature.index].row.label for feature in found[:20]))
        margin = _margin_text(-len(found), count_text)
        path, help = ("constraints", "forbids", index), f"take it out of {places}" if found else ""
        value = count_text(len(found))
        yield Verdict(f"forbids {name}", "== 0", value, _status(not found), margin, path, "AC404", help)


def _described(name: str, use: Use) -> str:
    narrowed = ", ".join(
        f"{field} {square(value) if isinstance(value, tuple) else value}" for field, value in use.narrowing.items()
    )
    return f"{name} ({narrowed})" if narrowed else name


def _use_help(name: str, found: list[Feature], matching: list[Feature]) -> str:
    others = len(found) - len(matching)
    if others:
        return f"{others} of kind {name} have other fields; change those, or the limit"
    return f"bring the count of {name} within the limit"


def _promises(constraints: Constraints) -> Iterator[Verdict]:
    if constraints.accuracy is not None:
        limit = constraints.accuracy.text
        path = ("constraints", "accuracy")
        yield Verdict("accuracy", limit, "not measured here", Status.PROMISED, "training is held to it", path, "AC401")


def _margin_text(margin: float, text: Callable[[int], str]) -> str:
    if abs(margin) == INFINITE:
        return "without bound"
    amount = text(int(abs(margin))) if margin == int(margin) else f"{abs(margin):g}"
    return f"margin {amount}" if margin >= 0 else f"off by {amount}"
