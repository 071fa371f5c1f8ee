"""Broken files and the exact rendering of what is said about them; shipped files and all their tables."""

from itertools import pairwise
from pathlib import Path

import pytest

from advconv.check import check, check_bytes
from advconv.manual.rules import example
from advconv.net import load
from advconv.report.summary import torchsummary
from advconv.report.text import report
from advconv.rules import RULES
from advconv.rules.diagnostics import placed
from advconv.rules.record import Rule
from advconv.system.console import Paint
from advconv.text.finding import Finding
from advconv.text.reader import PythonLoader
from advconv.text.source import Source, Span
from tests.golden import SHIPPED, expect

CASES = sorted(Path("tests/cases").glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_broken_file_is_explained(path: Path, update: bool) -> None:
    expect(path.with_suffix(".txt"), report(check_bytes(path.name, path.read_bytes())), update)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_failing_example_of_a_rule_is_explained(rule: Rule, update: bool) -> None:
    """A new rule needs no file but its own: `pytest --update` writes what is said of its example."""
    text = report(check(Source(f"{rule.code}.yaml", example(rule.fails))))

    assert f"{rule.severity}[{rule.code}]" in text
    expect(Path("tests/golden/rules") / f"{rule.code}.txt", text if rule.code != "AC121" else text[-400:], update)


def test_pyyamls_own_parser_gives_the_same_diagnostics_as_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no libyaml, as in a browser, the parser in Python reads the file."""
    texts = [path.read_bytes() for path in [*CASES, *sorted(Path("archs").rglob("*.yaml"))]]
    texts += [example(text).encode() for rule in RULES for text in (rule.fails, rule.passes)]
    expected = [check_bytes("t.yaml", text).diagnostics for text in texts]
    monkeypatch.setattr("advconv.text.reader.LOADER", PythonLoader)

    for text, diagnostics in zip(texts, expected, strict=True):
        assert check_bytes("t.yaml", text).diagnostics == diagnostics


def test_a_code_that_is_not_in_the_list_cannot_be_used() -> None:
    with pytest.raises(KeyError):
        placed([Finding("AC999", Span(), "unheard of")], Source("t", ""), None)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_architecture_is_measured_as_before(path: Path, update: bool) -> None:
    net = load(path)
    assert net.checked.measures is not None
    folder = Path("tests/golden/archs") / path.stem

    expect(folder / "check.txt", report(net.checked), update)
    expect(folder / "rf-table.txt", str(net.rf_table(explain=True)), update)
    expect(folder / "summary.txt", str(net.summary()), update)
    expect(folder / "torchsummary.txt", torchsummary(net.measures), update)


def test_colour_marks_severity_and_nothing_else_changes() -> None:
    checked = check(Source("t", "advconv: 2\n"))
    coloured = report(checked, Paint(on=True))

    assert "\x1b[31;1merror[AC118]\x1b[0m" in coloured
    assert "\x1b" not in report(checked)


def test_control_characters_of_a_file_do_not_reach_the_terminal() -> None:
    text = report(check(Source("t\x1b[2J", 'advconv: "\\x1b[2J"\nname: "\u202e"\n')))

    assert "\x1b" not in text
    assert "\u202e" not in text


def test_carets_stand_under_wide_characters_and_behind_tabs() -> None:
    lines = report(check(Source("t", 'advconv: 1\nname: "漢字" # x\ninput:\t0\n'))).splitlines()
    carets = [(above, line) for above, line in pairwise(lines) if set(line) == {" ", "|", "^"}]

    assert carets[1] == ('2 | name: "漢字" # x', "  |       ^^^^^^")
    assert carets[2] == ("3 | input: 0", "  |        ^")


def test_a_long_line_is_cut_around_its_caret() -> None:
    text = "advconv: 1\nname: x\ninput: [3, 8, 8]\nnetwork: {C1: [" + "conv: 4, " * 100 + "cov: 3]}\n"
    lines = report(check(Source("t", text))).splitlines()

    assert all(len(line) < 140 for line in lines[1:3])
    assert lines[1][lines[2].index("^") :].startswith("cov: 3")
