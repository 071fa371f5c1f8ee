"""The record of a rule: all that is known of a diagnostic, and the check that finds it."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from advconv.analysis.measure import Measures
from advconv.language.spec import ArchSpec
from advconv.text.finding import Finding


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


ERROR, WARNING = Severity.ERROR, Severity.WARNING


class Subject(NamedTuple):
    """What checks look at: the validated file, the tables of its graph, where it has one, and the errors so far."""

    spec: ArchSpec
    measures: Measures | None = None
    errors: tuple[Finding, ...] = ()


class Rule(NamedTuple):
    """A diagnostic. A code is never used again for something else.

    `what` it says and `why` it is one, for its page. `fails` and `passes` are whole files, or rows of one
    (`- conv: 32`), or what follows `input` (`classes: 10`); both are run by a test. `check` finds it in a network;
    None for what another stage finds on its way: the parser, the models of the language, the shapes of layers.
    """

    code: str
    severity: Severity
    title: str
    what: str
    why: str
    fails: str
    passes: str
    check: Callable[[Subject], Iterator[Finding]] | None = None
