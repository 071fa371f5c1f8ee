"""From text to verdicts: the one pipeline that the command line, Python and the tests share."""

from typing import NamedTuple

from advconv.analysis.measure import Measures, measure, overflow
from advconv.analysis.receptive_field import disagreements
from advconv.constraints import Status, Verdict, failures, judge
from advconv.diagnostics import Diagnostic, Severity, error, has_errors, in_order, warning
from advconv.elaborate import elaborate, grow
from advconv.geometry import INT64_MAX, Shape
from advconv.source import Document, Source, decode, read
from advconv.spec import ArchSpec, parse, parse_prefix


class Checked(NamedTuple):
    """An architecture as far as it could be taken: what is missing is None, and `diagnostics` say why."""

    source: Source
    diagnostics: list[Diagnostic]
    spec: ArchSpec | None = None
    measures: Measures | None = None
    verdicts: tuple[Verdict, ...] = ()

    @property
    def ok(self) -> bool:
        """No errors, every constraint kept. Warnings, and promises that training keeps, are no failures."""
        return not has_errors(self.diagnostics)

    @property
    def kept(self) -> int:
        return sum(verdict.status is Status.KEPT for verdict in self.verdicts)

    @property
    def judged(self) -> int:
        return sum(verdict.status is not Status.PROMISED for verdict in self.verdicts)

    def count(self, severity: Severity) -> int:
        return sum(diagnostic.severity is severity for diagnostic in self.diagnostics)


def check_bytes(name: str, data: bytes, picture: Shape | None = None) -> Checked:
    """The check of a file's content."""
    source, diagnostics = decode(name, data)
    return Checked(source, diagnostics) if diagnostics else check(source, picture)


def check(source: Source, picture: Shape | None = None) -> Checked:
    """Reads, validates, builds, measures and judges; at each stage all that is wrong is said."""
    document, unsound = read(source)
    if document is None:
        return Checked(source, in_order(unsound))
    spec, diagnostics = parse(document)
    if unsound:
        return Checked(source, in_order(unsound + diagnostics))
    if spec is None:
        prefix = parse_prefix(document)
        diagnostics += grow(prefix, document, picture)[2] if prefix else []
        return Checked(source, in_order(diagnostics))
    graph, diagnostics = elaborate(spec, document, picture)
    if graph is None:
        return Checked(source, in_order(diagnostics), spec)
    return _judged(source, document, spec, measure(graph))


def _judged(source: Source, document: Document, spec: ArchSpec, measures: Measures) -> Checked:
    too_large = _too_large(document, measures)
    if too_large:
        return Checked(source, too_large, spec)
    verdicts = judge(spec.constraints, measures)
    diagnostics = _meetings(document, measures) + failures(verdicts, document)
    return Checked(source, in_order(diagnostics), spec, measures, tuple(verdicts))


def _too_large(document: Document, measures: Measures) -> list[Diagnostic]:
    """Counts must fit in 64 bits, as they must in torch."""
    found = overflow(measures)
    if not found:
        return []
    node, what = found
    span = document.key_span(node.row.path)
    return [error("AC209", span, f"{node.row.label}: {what} would not fit in 64 bits", "make the network smaller")]


def _meetings(document: Document, measures: Measures) -> list[Diagnostic]:
    """Where the receptive field becomes unknown or lopsided."""
    found = []
    for meeting in disagreements(measures.graph, measures.reaches):
        row = meeting.node.row
        span = document.key_span(row.path)
        if meeting.apart is None:
            message = f"{row.label}: paths of unequal stride meet, the receptive field is unknown from here on"
            found.append(warning("AC210", span, message, "give the paths the same stride"))
        else:
            message = f"{row.label}: the centres of the paths that meet are {meeting.apart:g} pixels apart"
            found.append(warning("AC211", span, message, "pad both ends alike, or use odd kernel sizes"))
    return found + _endless(document, measures)


def _endless(document: Document, measures: Measures) -> list[Diagnostic]:
    """Strides multiply: a field can outgrow 64 bits on a map of one position."""
    for index, node in enumerate(measures.graph.nodes):
        sources = [reach for source in node.inputs for reach in measures.reaches[source]]
        is_new = len(node.inputs) == 1 and not any(reach.unknown for reach in sources)
        if is_new and any(reach.unknown for reach in measures.reaches[index]):
            message = f"{node.row.label}: the receptive field is larger than {INT64_MAX:,} pixels"
            return [error("AC209", document.key_span(node.row.path), message, "stride or dilate less")]
    return []
