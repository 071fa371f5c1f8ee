"""The package from Python."""

import copy
import pickle
from html import escape
from pathlib import Path
from typing import Any

import pytest

import advconv


def test_a_network_is_loaded_and_asked() -> None:
    net = advconv.load("archs/c1c2c3c4.yaml")

    assert net.ok
    assert (net.params, net.macs, net.receptive_field) == (193_434, 26_939_328, 81)
    assert "C1" in str(net.rf_table())
    assert "receptive_field" in str(net.check())


def test_tables_show_themselves_in_notebooks() -> None:
    net = advconv.load(Path("archs/c1c2c3c4.yaml"))

    for table in (net.check(), net.rf_table(explain=True), net.summary()):
        html = table._repr_html_()
        assert html.startswith("<p>")
        assert all(escape(line) in html for line in table.closing)
        assert html.count("<tr>") == len(table.rows) + 1


def test_what_a_file_says_is_text_in_html_too(tmp_path: Path) -> None:
    file = tmp_path / "<b>.yaml"
    file.write_text("advconv: 1\nname: x\ninput: [3, 8, 8]\nnetwork: {C1: [conv: 4]}\nconstraints: {params: '< 9'}\n")

    assert "<b>" not in advconv.load(file).check()._repr_html_()


def test_a_failed_constraint_is_no_exception() -> None:
    net = advconv.load("archs/reference/99968.yaml")

    assert not net.ok
    assert net.receptive_field == 31


def test_a_file_that_is_no_network_raises_with_its_diagnostics() -> None:
    with pytest.raises(advconv.ArchError, match="AC201") as caught:
        advconv.load("tests/cases/window.yaml")

    assert [found.code for found in caught.value.diagnostics] == ["AC201"]
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(copy.copy(caught.value)) == str(caught.value)


@pytest.mark.parametrize("input", [(3, 64), (), (0, 1, 1), (3, 64.5, 64), (3, -5, 5), "3,64,64", (3, None, 3)])
def test_an_input_is_three_numbers(input: Any) -> None:
    with pytest.raises(ValueError, match=r"input is \(channels, height, width\)"):
        advconv.load("archs/c1c2c3c4.yaml", input=input)


def test_another_input_and_fields_that_are_not_square(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    row = "conv: {out_channels: 4, kernel_size: [1, 3]}"
    file.write_text(f"advconv: 1\nname: x\ninput: [3, 8, 8]\nnetwork: {{C1: [{row}]}}\n")

    assert advconv.load(file).receptive_field == (1, 3)
    assert advconv.load(file, input=(3, 16, 16)).macs == 4 * advconv.load(file).macs
    file.write_text(file.read_text().replace("]}\n", ", squeeze_excite]}\n"))
    assert advconv.load(file).receptive_field == (1, 3)
