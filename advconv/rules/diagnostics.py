"""Findings with their severity and span, as reports show them."""

from collections.abc import Iterable
from typing import NamedTuple

from advconv.blocks import BLOCKS_BY_KIND
from advconv.rules import BY_CODE
from advconv.rules.record import Severity
from advconv.text.document import Document
from advconv.text.edits import Replacement, with_fields, without_row
from advconv.text.finding import MAX_FINDINGS, Edit, FieldEdit, Finding
from advconv.text.source import Position, Source, Span


class Diagnostic(NamedTuple):
    """A finding with its severity and span; `source` is a file or an option of the command line."""

    code: str
    severity: Severity
    source: Source
    span: Span
    message: str
    help: str = ""
    edits: tuple[Replacement, ...] = ()
    trail: tuple[tuple[str, str, str], ...] = ()

    @property
    def start(self) -> Position:
        return self.source.position(self.span.start)

    @property
    def end(self) -> Position:
        """The position after its last character."""
        return self.source.position(self.span.end)

    @property
    def option(self) -> str:
        """The option that it is about; empty if it is about the file."""
        return self.source.text if self.source.is_option else ""


MAX_MESSAGE_LENGTH = 1000
"""Characters of a message or a help: a file may contain a word of a megabyte."""


def placed(findings: Iterable[Finding], source: Source, document: Document | None) -> list[Diagnostic]:
    """The findings without duplicates in the order of the text, those of options last, at most MAX_FINDINGS of them."""
    diagnostics = dict.fromkeys(_placed(finding, source, document) for finding in findings)
    found = sorted(diagnostics, key=lambda found: (found.option, found.span.start))
    if len(found) <= MAX_FINDINGS:
        return found
    last = found[MAX_FINDINGS]
    more = Finding("AC121", last.span, "further errors are not listed", "fix the listed ones first")
    return [*found[:MAX_FINDINGS], _placed(more, last.source, None)]


def _placed(finding: Finding, source: Source, document: Document | None) -> Diagnostic:
    """Raises KeyError for a code that no rule has."""
    span = document.span_of(finding) if document else finding.path
    if not isinstance(span, Span):
        raise TypeError(f"{finding.code} has a path, and there is no document")
    message, help = _shortened(finding.message), _shortened(finding.help)
    rule, text = BY_CODE[finding.code], span.source or source
    edits = tuple(_replacements(finding, document)) if document else ()
    return Diagnostic(rule.code, rule.severity, text, span, message, help, edits, finding.trail)


def _replacements(finding: Finding, document: Document) -> list[Replacement]:
    """The edits of a finding in the text; none if the text has a form that cannot be edited so."""
    found: list[Replacement] = []
    try:
        for edit in finding.edits:
            if isinstance(edit, Edit):
                found.append(Replacement(document.span_of_edit(edit), edit.text))
            elif isinstance(edit, FieldEdit):
                short = BLOCKS_BY_KIND[str(edit.row[-1])].short
                found += with_fields(document, edit.row, {edit.field: edit.text}, short)
            else:
                found += without_row(document, edit.row)
    except (ValueError, KeyError):
        return []
    return found


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_MESSAGE_LENGTH else f"{text[: MAX_MESSAGE_LENGTH - 3]}..."


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)
