"""What an architecture promises, and whether it keeps it."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from advconv.analysis.features import Feature, features
from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import square
from advconv.language.spec import Constraints, Use
from advconv.text.diagnostics import Diagnostic, error
from advconv.text.source import Document, Path
from advconv.values.limits import Bound, Limit
from advconv.values.quantities import BYTES, amount_text

NONE = Limit("== 0", (Bound("==", 0),))
OCCURRENCES = "occurrences"


class Status(StrEnum):
    KEPT = "kept"
    FAILED = "failed"
    PROMISED = "promised"


class Verdict(NamedTuple):
    """A constraint with what was measured of it, as data; the properties that end in `_text` are for people.

    `value` is (height, width) where the axes differ, and None where there is no number; `words` then stand in the place
    of value and margin.
    """

    name: str
    limit: Limit
    value: int | tuple[int, int] | None
    unit: str
    status: Status
    path: Path
    code: str
    help: str = ""
    words: tuple[str, str] = ("unknown", "no margin")

    @property
    def axes(self) -> tuple[int, ...]:
        if self.value is None:
            return ()
        return self.value if isinstance(self.value, tuple) else (self.value,)

    @property
    def margin(self) -> float | None:
        """How far the value is inside its limit, in `unit`; below 0 outside. Of two axes, that of the worse one."""
        return self.limit.slack(self.limit.worst(self.axes)) if self.axes else None

    @property
    def value_text(self) -> str:
        return "x".join(amount_text(value, self.unit) for value in self.axes) or self.words[0]

    @property
    def margin_text(self) -> str:
        """`29 above 44`: where the value stands from the nearest bound."""
        if not self.axes:
            return self.words[1]
        value = self.limit.worst(self.axes)
        bound = self.limit.nearest(value)
        limit, distance = (amount_text(amount, self.unit) for amount in (bound, abs(value - bound)))
        return f"at {limit}" if value == bound else f"{distance} {'above' if value > bound else 'below'} {limit}"

    @property
    def finding(self) -> str:
        """A sentence for a constraint that failed."""
        if self.code == "AC404":
            return f"{self.name.removeprefix('forbids ')} is forbidden and occurs {_times(self.value_text)}"
        if self.code == "AC403":
            return f"{self.name.removeprefix('uses ')} occurs {_times(self.value_text)}, the limit is {self.limit.text}"
        return f"{self.name} is {self.value_text}, the limit is {self.limit.text} ({self.margin_text})"


def _times(count: str) -> str:
    return {"0": "nowhere", "1": "once"}.get(count, f"{count} times")


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
    return error(verdict.code, document.span(verdict.path), verdict.finding, verdict.help)


def _status(kept: bool) -> Status:
    return Status.KEPT if kept else Status.FAILED


def _fields(constraints: Constraints, measures: Measures) -> Iterator[Verdict]:
    field = measures.field
    for name, limit in (("receptive_field", constraints.receptive_field), ("rf_min", constraints.rf_min)):
        if limit is not None:
            sizes = field.size if name == "receptive_field" else field.narrowest
            yield _field_verdict(name, limit, sizes)


def _field_verdict(name: str, limit: Limit, sizes: tuple[int, int] | None) -> Verdict:
    """Each axis must hold."""
    path = ("constraints", name)
    if sizes is None:
        help = "give paths that meet the same stride"
        return Verdict(name, limit, None, "pixels", Status.FAILED, path, "AC402", help)
    worst = limit.worst(sizes)
    kept = limit.holds(worst)
    help = "" if kept else _field_help(name, limit, worst)
    height, width = sizes
    value = height if height == width else sizes
    return Verdict(name, limit, value, "pixels", _status(kept), path, "AC401", help)


def _field_help(name: str, limit: Limit, value: float) -> str:
    too_small = limit.is_below(value)
    if name == "rf_min":
        return "widen the narrowest path" if too_small else "give the narrowest path smaller windows"
    if too_small:
        return "dilate a convolution, stride earlier, or add one before the last map"
    return "dilate less, stride later, or take a convolution out"


SUMMED = ("params", "macs", "weights", "training_memory")
"""What is a sum over the layers; other totals are peaks."""


def _totals(constraints: Constraints, measures: Measures) -> Iterator[Verdict]:
    params, macs = [cost.params for cost in measures.costs], [cost.macs for cost in measures.costs]
    memory = measures.memory
    for name, limit, value, parts, unit in (
        ("params", constraints.params, measures.total.params, params, "parameters"),
        ("macs", constraints.macs, measures.total.macs, macs, "MACs"),
        ("weights", constraints.weights, measures.weights, params, BYTES),
        ("memory", constraints.memory, memory.inference, memory.live, BYTES),
        ("memory_eager", constraints.memory_eager, memory.eager, memory.held, BYTES),
        ("training_memory", constraints.training_memory, memory.training, memory.kept, BYTES),
    ):
        if limit is not None:
            kept = limit.holds(value)
            help = "" if kept else _total_help(measures, limit, value, parts, sum if name in SUMMED else max)
            yield Verdict(name, limit, value, unit, _status(kept), ("constraints", name), "AC401", help)


def _total_help(
    measures: Measures, limit: Limit, value: int, parts: list[int], combine: Callable[[list[int]], int]
) -> str:
    """The row to look at first."""
    if limit.is_below(value):
        return "lower the limit, or give the rows more channels"
    rows: dict[str, list[int]] = {}
    for node, part in zip(measures.graph.nodes, parts, strict=True):
        rows.setdefault(node.row.label, []).append(part)
    return f"look at {max(rows, key=lambda label: combine(rows[label]))} first, it has the largest part"


def _features(constraints: Constraints, measures: Measures) -> Iterator[Verdict]:
    names = dict.fromkeys([*constraints.uses, *constraints.forbids])
    occurrences = {name: features(measures.graph, (name,)) for name in names}
    for name, use in constraints.uses.items():
        found = occurrences[name]
        matching = [feature for feature in found if feature.has(use.narrowing)]
        kept = use.count.holds(len(matching))
        path, described = ("constraints", "uses", name), f"uses {_described(name, use)}"
        help = "" if kept else _use_help(measures, name, use, found, matching)
        yield Verdict(described, use.count, len(matching), OCCURRENCES, _status(kept), path, "AC403", help)
    for index, name in enumerate(constraints.forbids):
        found = occurrences[name]
        at, help = ("constraints", "forbids", index), f"take it out of {_places(measures, found)}" if found else ""
        yield Verdict(f"forbids {name}", NONE, len(found), OCCURRENCES, _status(not found), at, "AC404", help)


def _described(name: str, use: Use) -> str:
    narrowed = ", ".join(
        f"{field} {square(value) if isinstance(value, tuple) else value}" for field, value in use.narrowing.items()
    )
    return f"{name} ({narrowed})" if narrowed else name


HOW_TO_USE = {
    "gap": "write `- gap`; an average pooling smaller than its map is no global one",
    "dwsep": "write `- dwsep: N`; its first convolution has a group for each input channel",
    "depthwise": "write `- depthwise`, a group for each input channel",
    "grouped": "write `- conv: {out_channels: N, groups: G}`",
    "norm": "write `norm: batch` under defaults",
    "activation": "write `activation: relu` under defaults",
    "dropout": "write `dropout: 0.05` under defaults",
    "add": "write `- residual: [...]`",
    "concat": "write `- branches: {merge: concat, paths: {...}}`",
    "multiply": "write `- squeeze_excite`",
}


def _use_help(measures: Measures, name: str, use: Use, found: list[Feature], matching: list[Feature]) -> str:
    if use.count.is_below(len(matching)):
        counted = {feature.index for feature in matching}
        others = [feature for feature in found if feature.index not in counted]
        if others:
            return f"change {_places(measures, others)}: {name}, but with other fields"
        return HOW_TO_USE.get(name, f"write `- {name}: ...`")
    return f"take some out of {_places(measures, matching)}"


def _places(measures: Measures, found: list[Feature]) -> str:
    """The rows that show a feature, the first few of them."""
    labels = list(dict.fromkeys(measures.graph.nodes[feature.index].row.label for feature in found))
    return ", ".join(labels[:6]) + (f" and {len(labels) - 6} more" if len(labels) > 6 else "")


def _promises(constraints: Constraints) -> Iterator[Verdict]:
    if constraints.accuracy is not None:
        path, words = ("constraints", "accuracy"), ("not measured here", "training is held to it")
        yield Verdict("accuracy", constraints.accuracy, None, "%", Status.PROMISED, path, "AC401", words=words)
