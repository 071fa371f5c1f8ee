"""From text to verdicts: the one pipeline that the command line, Python and the tests share."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from advconv.analysis.coverage import unread
from advconv.analysis.measure import Measures, measure, overflow
from advconv.analysis.receptive_field import findings, square
from advconv.constraints import Status, Verdict, failures, judge
from advconv.elaborate import elaborate
from advconv.geometry import INT64_MAX, Shape
from advconv.language.data_sets import SETS, channels_first, misfits
from advconv.language.spec import ArchSpec, Part, parse, parse_part
from advconv.text.diagnostics import MOST, Diagnostic, Severity, error, has_errors, in_order, warning
from advconv.text.reader import read
from advconv.text.source import Document, Source, decode


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
    with uncollected():
        document, unsound = read(source)
        return check_document(document, unsound, picture) if document else Checked(source, in_order(unsound))


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector of cycles, which would look through the many values of a large file over and over."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def check_document(document: Document, unsound: list[Diagnostic], picture: Shape | None = None) -> Checked:
    """The check of what has been read; `unsound` is what was wrong with its text."""
    source = document.source
    spec, wrong = parse(document)
    # A number that could not be read stands for another; what would be said of a network with it is not worth much.
    is_readable = all(found.code != "AC110" for found in unsound)
    # Where more is wrong than is told, what else is wrong need not be found.
    is_told = len(wrong) <= MOST
    part = (Part(spec) if spec else parse_part(document)) if is_readable and is_told else None
    graph, unfit = elaborate(part, document, picture) if part else (None, [])
    measures = measure(graph) if graph else None
    too_large = _too_large(document, measures) if measures else []
    broken = [*_untold(unsound, wrong), *wrong, *unfit, *too_large, *_data_misfits(document, spec)]
    unusual = _unusual_input(document, part, broken)
    if measures is None or part is None or too_large:
        return Checked(source, in_order([*broken, *unusual]), spec)
    verdicts = judge(part.spec.constraints, measures) if part.is_whole else []
    surprises = [*unusual, *_surprises(document, measures), *_unread(document, measures)]
    said = [*broken, *surprises, *failures(verdicts, document)]
    if broken:
        return Checked(source, in_order(said), spec)
    return Checked(source, in_order(said), spec, measures, tuple(verdicts))


def _untold(unsound: list[Diagnostic], wrong: list[Diagnostic]) -> list[Diagnostic]:
    """What was wrong with the text, without the forms that are told again, with more known, at the same place."""
    told = {found.span for found in wrong if found.code == "AC114"}
    return [found for found in unsound if found.code != "AC114" or found.span not in told]


def _unusual_input(document: Document, part: Part | None, broken: list[Diagnostic]) -> list[Diagnostic]:
    """Whether the input looks like height, width, channels, where nothing else is said of it."""
    meant, span = channels_first(part.spec.input) if part else None, document.span(("input",))
    if meant is None or any(found.code == "AC503" and found.span == span for found in broken):
        return []
    order = [meant.height, meant.width, meant.channels]
    message = f"input is [channels, height, width], and {order} looks like [height, width, channels]"
    help = f"write `input: [{meant.channels}, {meant.height}, {meant.width}]`"
    return [warning("AC302", span, message, help)]


def _data_misfits(document: Document, spec: ArchSpec | None) -> list[Diagnostic]:
    """Whether the pictures that a file names fit its network."""
    if spec is None or not document.has(("data",)):
        return []
    return data_misfits(document, misfits(SETS[spec.data], spec.input, spec.classes))


def data_misfits(document: Document, found: list[tuple[str, str, str]]) -> list[Diagnostic]:
    return [error("AC503", document.span((field,)), message, help) for field, message, help in found]


def _too_large(document: Document, measures: Measures) -> list[Diagnostic]:
    """Counts must fit in 64 bits, as they must in torch."""
    found = overflow(measures)
    if not found:
        return []
    node, what = found
    span = document.key_span(node.row.path)
    return [error("AC209", span, f"{node.row.label}: {what} would not fit in 64 bits", "make the network smaller")]


def _surprises(document: Document, measures: Measures) -> list[Diagnostic]:
    """Where the receptive field becomes unknown or lopsided."""
    found = []
    for node, apart, is_too_large in findings(measures.graph, measures.flow.ways, measures.reaches):
        row, span = node.row, document.key_span(node.row.path)
        if apart is not None:
            message = f"{row.label}: the centres of the paths that meet are {apart:g} pixels apart"
            found.append(warning("AC211", span, message, "pad both ends alike, or use odd kernel sizes"))
        elif is_too_large:
            message = f"{row.label}: the receptive field is larger than {INT64_MAX:,} pixels"
            found.append(error("AC209", span, message, "stride or dilate less"))
        else:
            where = "meet" if len(node.inputs) > 1 else "have met in one position, and this window reads beside it"
            message = f"{row.label}: paths of unequal stride {where}; the receptive field is unknown from here on"
            found.append(warning("AC210", span, message, "give the paths the same stride"))
    return found


def _unread(document: Document, measures: Measures) -> list[Diagnostic]:
    """Positions that nothing reads."""
    found = []
    for item in unread(measures.graph):
        row, window = item.node.row, "x".join(map(str, item.window))
        reads = f"reads {item.read:,} of {item.of:,} positions, and nothing reads the others"
        message = f"{row.label}: a {window} window of stride {square(item.stride)} {reads}"
        help = f"use a kernel_size of {square(item.stride)} or more, or stride {square(item.window)}"
        found.append(warning("AC301", document.key_span(row.path), message, help))
    return found
