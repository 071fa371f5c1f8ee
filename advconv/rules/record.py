"""The record of a rule: the data of a diagnostic, and the check that finds it."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from advconv.analysis.measure import Measures
from advconv.geometry import Shape
from advconv.language.spec import ArchSpec
from advconv.text.finding import Finding


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


ERROR, WARNING = Severity.ERROR, Severity.WARNING


class LintInput(NamedTuple):
    """The input of a check: the image, the tables of the graph, if there is one, and the errors so far.

    `spec`: the validated file; None for a graph made in Python.
    """

    input: Shape
    spec: ArchSpec | None = None
    measures: Measures | None = None
    errors: tuple[Finding, ...] = ()


class Rule(NamedTuple):
    """A diagnostic. A code is never used again for something else.

    `what` it reports and `why`, for its page. `fails` and `passes` are whole files, or rows of one (`- conv: 32`), or
    the sections after `input` (`classes: 10`); both are run by a test. `check` finds it in a network; None for findings
    of another stage: the parser, the models of the language, the shapes of layers.
    """

    code: str
    severity: Severity
    title: str
    what: str
    why: str
    fails: str
    passes: str
    check: Callable[[LintInput], Iterator[Finding]] | None = None
