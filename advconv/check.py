"""From text to verdicts: the one pipeline of the command line, the Python interface and the tests."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from advconv.analysis.measure import Measures, measure
from advconv.constraints import judge
from advconv.constraints.record import Status, Verdict
from advconv.elaborate import elaborate
from advconv.geometry import Shape
from advconv.language.data_sets import SETS, misfits
from advconv.language.spec import ArchSpec, Part, parse, parse_part
from advconv.rules import RULES
from advconv.rules.diagnostics import Diagnostic, has_errors, placed
from advconv.rules.receptive_field import too_large
from advconv.rules.record import Severity, Subject
from advconv.text.document import Document, decode
from advconv.text.finding import MOST, Finding
from advconv.text.reader import read
from advconv.text.source import Source


class Checked(NamedTuple):
    """The result of a check. Stages that failed leave None; `diagnostics` has the reasons."""

    source: Source
    diagnostics: list[Diagnostic]
    spec: ArchSpec | None = None
    measures: Measures | None = None
    verdicts: tuple[Verdict, ...] = ()

    @property
    def ok(self) -> bool:
        """No errors, every constraint kept. Warnings and promises for training do not count."""
        return not has_errors(self.diagnostics)

    @property
    def kept(self) -> int:
        return sum(verdict.status is Status.KEPT for verdict in self.verdicts)

    @property
    def judged(self) -> int:
        return sum(verdict.status is not Status.PROMISED for verdict in self.verdicts)

    def count(self, severity: Severity) -> int:
        return sum(diagnostic.severity is severity for diagnostic in self.diagnostics)


def check_bytes(name: str, data: bytes, image: Shape | None = None) -> Checked:
    """The check of a file's content, for images of its input's shape or another."""
    source, undecodable = decode(name, data)
    return Checked(source, placed(undecodable, source, None)) if undecodable else check(source, image)


def check(source: Source, image: Shape | None = None) -> Checked:
    """Reads, validates, builds, measures and judges a text, and collects all diagnostics."""
    with uncollected():
        document, unsound = read(source)
        return check_document(document, unsound, image) if document else Checked(source, placed(unsound, source, None))


@contextmanager
def uncollected() -> Iterator[None]:
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


def check_document(document: Document, unsound: list[Finding], image: Shape | None = None) -> Checked:
    """The check of a document; `unsound` are the findings of its text."""
    spec, wrong = parse(document)
    part = _sound_part(document, spec, unsound, wrong)
    graph, unfit = elaborate(part, image) if part else (None, [])
    measures = measure(graph) if graph else None
    misfit = misfits(SETS[spec.data], spec.input, spec.classes) if spec and document.has(("data",)) else []
    large = too_large(measures) if measures else []
    broken = [*_untold(document, unsound, wrong), *wrong, *unfit, *large, *misfit]
    verdicts = judge(part.spec.constraints, measures) if part and part.is_whole and measures and not large else []
    failed = [verdict.finding for verdict in verdicts if verdict.status is Status.FAILED]
    subject = Subject(part.spec.input, part.spec, None if large else measures, tuple(broken)) if part else None
    linted = lint(subject) if subject else []
    diagnostics = placed([*broken, *linted, *failed], document.source, document)
    if broken or measures is None:
        return Checked(document.source, diagnostics, spec)
    return Checked(document.source, diagnostics, spec, measures, tuple(verdicts))


def _sound_part(document: Document, spec: ArchSpec | None, unsound: list[Finding], wrong: list[Finding]) -> Part | None:
    """The part of a file that can be built."""
    # A number beyond 64 bits was replaced by 1, so measurements would be wrong.
    is_readable = all(found.code != "AC110" for found in unsound)
    # The report is truncated already.
    if not is_readable or len(wrong) > MOST:
        return None
    return Part(spec) if spec else parse_part(document)


def lint(subject: Subject) -> list[Finding]:
    """The findings of all rules."""
    return [finding for rule in RULES if rule.check for finding in rule.check(subject)]


def _untold(document: Document, unsound: list[Finding], wrong: list[Finding]) -> list[Finding]:
    """Findings of the text, without each AC114 that validation reports at the same span with a better message."""
    if not unsound:
        return []
    told = {document.place(found) for found in wrong if found.code == "AC114"}
    return [found for found in unsound if found.code != "AC114" or found.path not in told]
