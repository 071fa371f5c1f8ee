"""From text to verdicts: the one pipeline of the command line, the Python interface and the tests."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from advconv.analysis.measure import Measures, measure
from advconv.analysis.view import GraphView
from advconv.constraints import judge
from advconv.constraints.record import Status, Verdict
from advconv.geometry import Shape
from advconv.graph import Graph
from advconv.language.data_sets import SETS, field_findings
from advconv.language.device_augment import device_findings
from advconv.language.elaborate import elaborate
from advconv.language.resizing import resizing_findings
from advconv.language.spec import ArchSpec, ValidPart, parse, parse_part
from advconv.rules import RULES
from advconv.rules.diagnostics import Diagnostic, has_errors, placed
from advconv.rules.ignores import silenced
from advconv.rules.receptive_field import too_large
from advconv.rules.record import LintInput, Severity
from advconv.rules.selection import ALL, Selection
from advconv.text.document import Document, decode
from advconv.text.finding import MAX_FINDINGS, Finding
from advconv.text.reader import read
from advconv.text.source import Source

LINTS = tuple(rule for rule in RULES if rule.check or rule.check_network)


class Checked(NamedTuple):
    """The result of a check. Stages that failed leave None; `diagnostics` has the reasons.

    `is_strict`: whether warnings are failures.
    """

    source: Source
    diagnostics: list[Diagnostic]
    spec: ArchSpec | None = None
    measures: Measures | None = None
    verdicts: tuple[Verdict, ...] = ()
    is_strict: bool = False

    @property
    def ok(self) -> bool:
        """No errors, every constraint kept; if strict, no warnings. Promises for training do not count."""
        return not has_errors(self.diagnostics) and not (self.is_strict and self.count(Severity.WARNING))

    @property
    def kept(self) -> int:
        return sum(verdict.status is Status.KEPT for verdict in self.verdicts)

    @property
    def judged(self) -> int:
        return sum(verdict.status is not Status.PROMISED for verdict in self.verdicts)

    def count(self, severity: Severity) -> int:
        return sum(diagnostic.severity is severity for diagnostic in self.diagnostics)


def check_bytes(name: str, data: bytes, image: Shape | None = None, selection: Selection = ALL) -> Checked:
    """The check of a file's content, for images of its input's shape or another."""
    source, undecodable = decode(name, data)
    return Checked(source, placed(undecodable, source, None)) if undecodable else check(source, image, selection)


def check(source: Source, image: Shape | None = None, selection: Selection = ALL) -> Checked:
    """Reads, validates, builds, measures and judges a text, and collects all diagnostics."""
    with gc_disabled():
        document, findings = read(source)
        if document is None:
            return Checked(source, placed(findings, source, None))
        return check_document(document, findings, image, selection)


@contextmanager
def gc_disabled() -> Iterator[None]:
    """Disables cyclic garbage collection, which costs more than it frees on large files."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if not gc.get_freeze_count():
                # Moves live objects to the oldest generation, so that enabling GC does not trigger a full scan.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def check_document(
    document: Document, yaml_findings: list[Finding], image: Shape | None = None, selection: Selection = ALL
) -> Checked:
    """The check of a document; `yaml_findings` are those of its text."""
    spec, spec_findings = parse(document)
    part = _valid_part(document, spec, yaml_findings, spec_findings)
    graph, shape_findings = elaborate(part, image) if part else (None, [])
    measures = measure(graph) if graph else None
    overflow_findings = too_large(measures) if measures else []
    text_findings = _without_repeated(document, yaml_findings, spec_findings)
    training_findings = _training_findings(document, spec, graph) if spec else []
    errors = [*text_findings, *spec_findings, *shape_findings, *overflow_findings, *training_findings]
    measured = None if overflow_findings else measures
    verdicts = judge(part.spec.constraints, measured) if part and part.is_whole and measured else []
    failed = [verdict.finding for verdict in verdicts if verdict.status is Status.FAILED]
    view = GraphView(measured) if measured and not errors else None
    warnings = lint(LintInput(part.spec.input, part.spec, view, tuple(errors)), selection) if part else []
    warnings = silenced(document, warnings, selection, is_complete=view is not None)
    diagnostics = placed([*errors, *warnings, *failed], document.source, document)
    if errors or measures is None:
        return Checked(document.source, diagnostics, spec)
    return Checked(document.source, diagnostics, spec, measures, tuple(verdicts))


def _valid_part(
    document: Document, spec: ArchSpec | None, yaml_findings: list[Finding], spec_findings: list[Finding]
) -> ValidPart | None:
    """The part of a file that can be built."""
    # A number beyond 64 bits was replaced by 1, so measurements would be wrong.
    is_readable = all(found.code != "AC110" for found in yaml_findings)
    # The report is truncated already.
    if not is_readable or len(spec_findings) > MAX_FINDINGS:
        return None
    return ValidPart(spec) if spec else parse_part(document)


def _training_findings(document: Document, spec: ArchSpec, graph: Graph | None) -> list[Finding]:
    """Whether the images of the recipe, in each of their sizes, and its augmentation can be used."""
    found = field_findings(SETS[spec.data], spec.input, spec.classes) if document.has(("data",)) else []
    augment_findings = device_findings(spec.augment) if spec.train.augment_on == "device" else []
    return [*found, *augment_findings, *(resizing_findings(spec, graph) if graph else [])]


def lint(given: LintInput, selection: Selection = ALL) -> list[Finding]:
    """The findings of the selected rules; of a row that is repeated, those of its first round.

    They end where a report ends: one more than it lists.
    """
    found: dict[tuple[str, object], Finding] = {}
    for finding in _findings(given, selection):
        found.setdefault((finding.code, finding.path), finding)
        if len(found) > MAX_FINDINGS:
            break
    return list(found.values())


def _findings(given: LintInput, selection: Selection) -> Iterator[Finding]:
    for rule in LINTS if selection == ALL else filter(selection.includes, LINTS):
        if rule.check:
            yield from rule.check(given)
        if rule.check_network and given.network:
            yield from rule.check_network(given.network)


def _without_repeated(document: Document, yaml_findings: list[Finding], spec_findings: list[Finding]) -> list[Finding]:
    """Findings of the text, without each AC114 that validation reports at the same span with a better message."""
    if not yaml_findings:
        return []
    repeated = {document.span_of(found) for found in spec_findings if found.code == "AC114"}
    return [found for found in yaml_findings if found.code != "AC114" or found.path not in repeated]
