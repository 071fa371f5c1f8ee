"""An architecture that is trained: its document, and the spec and the measures that were validated from it."""

from typing import NamedTuple

from advconv.analysis.measure import Measures
from advconv.check import Checked, check_document
from advconv.language.spec import ArchSpec
from advconv.net import ArchError
from advconv.rules.diagnostics import placed
from advconv.text.document import Document, decode
from advconv.text.finding import Finding
from advconv.text.reader import read


class Architecture(NamedTuple):
    """A valid network; `document` has the places of its values in the text."""

    document: Document
    spec: ArchSpec
    measures: Measures


def read_document(name: str, data: bytes) -> tuple[Document, list[Finding]]:
    """A file's content as a document, and the errors of its text. Raises ArchError if it is not a document."""
    source, undecodable = decode(name, data)
    document, yaml_findings = (None, undecodable) if undecodable else read(source)
    if document is None:
        raise ArchError(Checked(source, placed(yaml_findings, source, None)))
    return document, yaml_findings


def check_architecture(document: Document, yaml_findings: list[Finding], force: bool) -> Architecture:
    """Validates a document. Raises ArchError if it is invalid, or if it fails constraints and `force` is not set."""
    checked = check_document(document, yaml_findings)
    if checked.spec is None or checked.measures is None or not (checked.ok or force):
        raise ArchError(checked)
    return Architecture(document, checked.spec, checked.measures)
