"""Any text whatever ends in diagnostics, never in an exception."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from advconv.check import Checked, check, check_bytes
from advconv.report.data import github_report, json_report
from advconv.report.rf_table import rf_table
from advconv.report.summary import summary, torchsummary
from advconv.report.text import report
from advconv.text.source import Source

ANY = settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
SHIPPED = sorted(Path("archs").rglob("*.yaml"))

WORDS = (
    "conv strided dilated dwsep pointwise depthwise residual branches repeat squeeze_excite inverted_residual maxpool "
    "avgpool gap flatten linear dropout norm activation out_channels kernel_size stride padding dilation groups layers "
    "paths merge times shortcut name 0 1 2 -1 3.5 99999999999999999999 1e400 same valid none null true [] {} [1,2] "
    "[1,2,3,4] & * ! << ? | > % @ ` ' \" : - # \t \n {a:1} .nan .inf é \u2028 \x85 depthwise identity pad "
    "(3,3) (1,[2],3) >=1 >1 =<3 != ≥4 Conv2d nn.ReLU() \ue000"
).split(" ")


def all_reports(checked: Checked) -> None:
    """Every way to show a check; each must hold for every input."""
    assert report(checked)
    assert json_report([checked])
    github_report(checked)
    assert checked.diagnostics or checked.measures
    if checked.measures:
        for text in (rf_table(checked.measures, "x", True).render("json"), summary(checked.measures, "x").text()):
            assert text
        torchsummary(checked.measures)


@ANY
@given(st.text(max_size=200))
@example("\ud800")
@example("advconv: 1\n\x00")
def test_any_text_ends_in_diagnostics(text: str) -> None:
    all_reports(check(Source("t", text)))


@ANY
@given(st.binary(max_size=200))
def test_any_bytes_end_in_diagnostics(data: bytes) -> None:
    all_reports(check_bytes("t", data))


@pytest.mark.slow
@ANY
@given(st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(WORDS)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=3)),
    max_leaves=12,
))  # fmt: skip
def test_any_value_in_the_place_of_rows_ends_in_diagnostics(value: object) -> None:
    import yaml

    head = {"advconv": 1, "name": "t", "input": [3, 8, 8]}
    for key in ("network", "input", "classes", "name", "constraints"):
        all_reports(check(Source("t", yaml.safe_dump(head | {"network": {"C1": ["gap"]}, key: value}))))
    all_reports(check(Source("t", yaml.safe_dump(value))))
    all_reports(check(Source("t", yaml.safe_dump(head | {"network": {"C1": value}}, allow_unicode=True))))
    all_reports(check(Source("t", yaml.safe_dump(head | {"network": {"C1": [value]}, "defaults": value}))))
    all_reports(check(Source("t", yaml.safe_dump(head | {"network": {"C1": [{"conv": value}]}, "constraints": value}))))


def mutated(text: str, chance: random.Random) -> str:
    """One change: a word replaced, a line dropped, doubled or moved, a piece cut out."""
    lines = text.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    words = lines[at].split(" ")
    change = chance.randrange(5)
    if change == 0:
        words[chance.randrange(len(words))] = chance.choice(WORDS)
        lines[at] = " ".join(words)
    elif change == 1:
        del lines[at]
    elif change == 2:
        lines.insert(chance.randrange(len(lines)), lines[at])
    elif change == 3:
        lines[at] = " " * chance.randrange(8) + lines[at].lstrip(" ")
    else:
        start = chance.randrange(len(text))
        return text[:start] + chance.choice(WORDS) + text[start + chance.randrange(20) :]
    return "".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_mutations_of_shipped_files_end_in_diagnostics(path: Path) -> None:
    chance = random.Random(path.stem)
    for _ in range(250):
        text = path.read_text(encoding="utf-8")
        for _ in range(chance.randrange(1, 4)):
            text = mutated(text, chance)
        all_reports(check(Source(path.name, text)))
