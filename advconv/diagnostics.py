"""What is wrong with an architecture, where, and what to change."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text: line and column from 1, and how many characters of that line it takes."""

    line: int = 1
    column: int = 1
    width: int = 1


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A finding with its code and its place; `help` is a statement that says what to change.

    `trail`: for a layer that does not fit, the rows that lead up to it, as (row, layer, output shape).
    """

    code: str
    severity: Severity
    span: Span
    message: str
    help: str = ""
    trail: tuple[tuple[str, str, str], ...] = ()


def error(code: str, span: Span, message: str, help: str = "") -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, span, message, help)


def warning(code: str, span: Span, message: str, help: str = "") -> Diagnostic:
    return replace(error(code, span, message, help), severity=Severity.WARNING)


def has_errors(diagnostics: "list[Diagnostic]") -> bool:
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)


def in_order(diagnostics: "list[Diagnostic]") -> "list[Diagnostic]":
    """Each finding once, as a reader meets them in the text."""
    return sorted(dict.fromkeys(diagnostics), key=lambda diagnostic: (diagnostic.span.line, diagnostic.span.column))
