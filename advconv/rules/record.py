"""The record of a rule: the data of a diagnostic, and the check that finds it."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from advconv.analysis.view import GraphView
from advconv.geometry import Shape
from advconv.graph import Node
from advconv.language.spec import ArchSpec
from advconv.text.finding import FieldEdit, Finding, RowRemoval


class Severity(StrEnum):
    """Warnings are probably mistakes; information is worth knowing, in a network that may be as it should be."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


ERROR, WARNING, INFORMATION = Severity


class LintInput(NamedTuple):
    """The input of a check: the image, the network, if there is one, and the errors so far.

    `spec`: the validated file; None for a graph made in Python.
    """

    input: Shape
    spec: ArchSpec | None = None
    network: GraphView | None = None
    errors: tuple[Finding, ...] = ()


class Rule(NamedTuple):
    """A diagnostic. A code is never used again for something else.

    `what` it reports and `why`, for its page. `fails` and `passes` are whole files, or rows of one (`- conv: 32`), or
    the sections after `input` (`classes: 10`); both are run by a test. `check` finds it in a file, `check_network` in
    a network that has no errors; a rule without either is found by another stage: the parser, the models of the
    language, the shapes of layers.
    """

    code: str
    severity: Severity
    title: str
    what: str
    why: str
    fails: str
    passes: str
    check: Callable[[LintInput], Iterator[Finding]] | None = None
    check_network: Callable[[GraphView], Iterator[Finding]] | None = None

    @property
    def is_optional(self) -> bool:
        """Whether a file can ignore it: it finds what runs and is probably wrong."""
        return self.severity is not ERROR


def in_row(node: Node, code: str, message: str, help: str, field: str = "", fix: str | None = None) -> Finding:
    """A finding about a row; `field` is the key of the row that it is about, if the row has it.

    `fix`: the value of the field that mends it for sure.
    """
    row = node.origin.path
    edits = (FieldEdit(row, field, fix),) if fix is not None and row else ()
    return Finding(code, node.origin.place, f"{node.origin.label}: {message}", help, edits, at_key=True, field=field)


def vain_row(node: Node, code: str, message: str) -> Finding:
    """A finding about a row that can be left out; one of several layers of a row cannot."""
    row, kind = node.origin.path, node.origin.kind
    edits = (RowRemoval(row),) if row and kind in SINGLE_LAYERS else ()
    return Finding(code, node.origin.place, f"{node.origin.label}: {message}", "leave it out", edits, at_key=True)


SINGLE_LAYERS = ("activation", "norm", "dropout", "maxpool", "avgpool")
"""Blocks that are a layer."""
