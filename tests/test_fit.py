"""`advconv fit` and `advconv check --fix`: what they may change, and what they find."""

import io
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from advconv.check import Checked, check, check_bytes
from advconv.suggest.fit import fit
from advconv.suggest.fixes import fix
from advconv.suggest.suggestion import Task
from advconv.text.edits import edited
from advconv.text.source import Source
from tests.broken import broken
from tests.strategies import LAW
from tests.test_suggest import run

HEAD = "advconv: 1\nname: t\ninput: [3, 32, 32]\nclasses: 10\nnetwork:\n"
WIDE = f"""{HEAD}  C1:
    - conv: 16   # narrow
    - strided: 32
    - residual: [conv: 32, conv: {{out_channels: 32, activation: none}}]
    - &last
      conv: {{out_channels: 48, groups: 4}}   # wide
    - *last
  O: [gap, linear]
constraints:
  receptive_field: "> 20"
"""


def fitted(text: str, divisor: int = 8) -> Checked:
    source = Source("t", text)
    found = fit(Task(source), divisor)
    assert found is not None
    assert found.after is not None
    checked = check(Source("t", edited(text, found.edits)))
    assert checked.ok
    assert checked.measures is not None
    assert checked.measures.total == found.after.total
    return checked


def params(checked: Checked) -> int:
    assert checked.measures is not None
    return checked.measures.total.params


def scaled(data: dict[str, object], widths: dict[int, int]) -> str:
    """The file with other widths, by a walk through its data."""

    def walk(value: object) -> object:
        if isinstance(value, list):
            return [walk(item) for item in value]
        if not isinstance(value, dict):
            return value
        is_width = ("conv", "strided", "dwsep", "pointwise", "out_channels")
        return {
            key: widths[item] if key in is_width and isinstance(item, int) else walk(item)
            for key, item in value.items()
        }

    return yaml.safe_dump(data | {"network": walk(data["network"])}, sort_keys=False)


def uniform(text: str, divisor: int) -> list[Checked]:
    """The networks of all factors up to 4 in small steps that keep all constraints."""
    data = yaml.safe_load(text)
    found = {}
    for step in range(1, 4 * 96):
        factor = step / 96
        widths = {width: max(1, int(width * factor / divisor + 0.5)) * divisor for width in (16, 32, 48)}
        found[tuple(widths.values())] = check(Source("t", scaled(data, widths)))
    return [checked for checked in found.values() if checked.ok]


@pytest.mark.slow
@pytest.mark.parametrize("budget", ["params: '< 9k'", "params: '< 40k'", "macs: '< 3M'", "weights: '< 100kB'"])
@pytest.mark.parametrize("divisor", [8, 12])
def test_no_factor_gives_a_larger_network_that_keeps_all_constraints(budget: str, divisor: int) -> None:
    text = f"{WIDE}  {budget}\n"

    largest = max(uniform(text, divisor), key=params, default=None)

    assert largest is not None
    assert params(fitted(text, divisor)) >= params(largest)


def test_widths_are_multiples_and_everything_else_stays() -> None:
    text = f"{WIDE}  params: '< 40k'\n"
    found = fit(Task(Source("t", text)), 4)

    assert found is not None
    assert {move.fields[0][0] for move in found.moves} == {"out_channels"}
    assert all(move.fields[0][1] % 4 == 0 for move in found.moves)
    after = edited(text, found.edits)
    assert [line.partition("#")[2] for line in after.splitlines()] == [
        line.partition("#")[2] for line in text.splitlines()
    ]


def test_shortcuts_stay_what_they_are() -> None:
    text = f"{HEAD}  C1: [conv: 16, residual: [conv: 24, conv: 24], residual: [conv: 24]]\n  O: [gap, linear]\n"
    before = check(Source("t", text))
    checked = fitted(f"{text}constraints: {{params: '< 9k'}}\n")

    assert before.measures is not None
    assert checked.measures is not None
    assert [node.name for node in checked.measures.graph.nodes] == [node.name for node in before.measures.graph.nodes]


def test_a_hidden_row_as_wide_as_the_classes_is_scaled_and_the_output_is_not() -> None:
    text = f"{HEAD}  C1: [conv: 10, conv: {{out_channels: 10, activation: none}}, gap]\n"
    text += "constraints: {params: '< 2k'}\n"
    found = fit(Task(Source("t", text)))

    assert found is not None
    assert [move.row.label for move in found.moves] == ["C1[0]"]


@pytest.mark.parametrize(
    ("constraints", "code", "message"),
    [
        ("  params: '< 50'\n", 1, "no width keeps params < 50, the nearest has 2,418"),
        ("  receptive_field: '> 99'\n  params: '< 9k'\n", 1, "no width keeps receptive_field > 99, the nearest has 21"),
        ("  macs: '> 9M'\n  params: '< 9k'\n", 1, "no width keeps all constraints together; the nearest has "),
        ("", 2, "no constraint bounds the size from above; --budget 'params < 100k' does"),
    ],
)
def test_why_nothing_fits_is_one_line(
    constraints: str, code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(WIDE.replace('  receptive_field: "> 20"\n', constraints or '  receptive_field: "> 20"\n'))

    exit, out, err = run("fit", str(file), "--apply", capsys=capsys)

    assert (exit, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1


def test_fit_writes_the_file_or_prints_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(WIDE)
    budget = ["--budget", "params < 9k", "--apply"]

    assert run("fit", str(file), *budget, capsys=capsys)[0] == 0
    assert check(Source("t", file.read_text() + '  params: "< 9k"\n')).ok
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(WIDE.encode())))
    assert run("fit", "-", *budget, capsys=capsys)[:2] == (0, file.read_text())


VAIN = f"""{HEAD}  C1:
    - conv: {{out_channels: 16, bias: true}}   # a bias in vain
    - strided: 32
    - pointwise: {{out_channels: 32, dilation: 2}}
    - relu
    - activation: relu   # twice
  O: [gap, linear]
""".replace("    - relu\n", "")


def test_fixes_are_applied_and_said_and_a_second_run_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(VAIN)

    _, _, err = run("check", str(file), "--fix", capsys=capsys)
    once = file.read_text()
    assert f"advconv: {file}: fixed AC327 C1[0]: " in err
    assert f"advconv: {file}: fixed AC323 C1[3]: " in err
    assert "bias: false}   # a bias in vain" in once
    assert "activation" not in once

    _, _, err = run("check", str(file), "--fix", capsys=capsys)
    assert err == ""
    assert file.read_text() == once


def test_a_fix_that_changes_a_judged_number_is_not_applied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "t.yaml"
    text = f"{VAIN}constraints: {{params: '> 1k'}}\n"
    file.write_text(text)

    _, _, err = run("check", str(file), "--fix", capsys=capsys)

    assert "not fixed: AC327" in err
    assert "; it changes params from" in err
    assert "bias: true" in file.read_text()


def test_a_fix_of_a_row_that_an_alias_repeats_is_not_applied_to_other_rows() -> None:
    text = f"""{HEAD}  C1:
    - conv: 8
    - &r
      residual: [conv: 8, activation: relu]
    - conv: {{out_channels: 8, norm: none, activation: none}}
    - *r
  O: [gap, linear]
"""
    before = check(Source("t", text))
    fixed = fix(Source("t", text))

    assert [found.code for found in before.diagnostics if found.edits]
    assert fixed.text == text or check(Source("t", fixed.text)).measures is not None
    assert all("alias" in problem for _, problem in fixed.refused)


@LAW
@given(data=broken(), bias=st.booleans())
def test_fixes_add_no_finding_keep_all_numbers_and_are_done_once(data: bytes, bias: bool) -> None:
    text = data.decode("utf-8-sig")
    pool, vain_pool = "maxpool: {kernel_size: 3, stride: 1, padding: 1}", "maxpool: {kernel_size: 1, stride: 1}"
    text = text.replace("kernel_size: [3, 3]", "bias: true") if bias else text.replace(pool, vain_pool)
    before = check(Source("t", text))
    assume(before.measures)
    fixed = fix(Source("t", text))
    after = check(Source("t", fixed.text))

    assert [verdict.value for verdict in after.verdicts] == [verdict.value for verdict in before.verdicts]
    assert len(after.diagnostics) <= len(before.diagnostics) - len(fixed.applied) or not fixed.applied
    assert fix(Source("t", fixed.text)).applied == []


def test_files_in_directories_are_fixed_and_those_that_cannot_be_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b", "locked"):
        (tmp_path / f"{name}.yaml").write_text(VAIN)
    broken_file = tmp_path / "broken.yaml"
    broken_file.write_text(VAIN.replace("strided: 32", "strided: x"))
    locked = tmp_path / "locked.yaml"
    locked.chmod(0o444)

    code, _, err = run("check", str(tmp_path), "--fix", capsys=capsys)

    assert "Traceback" not in err
    assert "bias: false" in (tmp_path / "a.yaml").read_text()
    assert "bias: false" in (tmp_path / "b.yaml").read_text()
    assert "strided: x" in broken_file.read_text()
    assert "bias: true" in broken_file.read_text()
    if os.geteuid():
        assert code == 2
        assert f"{locked} cannot be written: Permission denied" in err
        assert check_bytes("t", locked.read_bytes()).diagnostics


def test_standard_input_is_not_fixed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(VAIN.encode())))

    code, out, err = run("check", "-", "--fix", capsys=capsys)

    assert (code, out, err) == (2, "", "advconv: --fix writes files; standard input has none\n")
