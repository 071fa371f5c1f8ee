"""The package from Python."""

import contextlib
import copy
import io
import json
import pickle
import subprocess
import sys
from html import escape
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

import advconv
from advconv.cli.main import main


def test_a_network_is_loaded_and_asked() -> None:
    net = advconv.load("archs/c1c2c3c4.yaml")

    assert net.ok
    assert (net.params, net.macs, net.receptive_field) == (193_434, 26_939_328, 81)
    assert "C1" in str(net.rf_table())
    assert "receptive_field" in str(net.check())


def test_a_network_is_one_line_and_in_notebooks_its_constraints_below_it() -> None:
    net, broken = advconv.load("archs/c1c2c3c4.yaml"), advconv.load("archs/reference/99850.yaml")

    assert repr(net) == "Net(c1c2c3c4: 193,434 params, 26,939,328 MACs, receptive field 81, ok)"
    assert repr(broken).endswith("receptive field 69, 2 errors, 7 warnings)")
    assert net._repr_html_() == f"<p><b>{net!r}</b></p>\n{net.check()._repr_html_()}"


def test_bytes_are_those_of_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    net = advconv.load("archs/c1c2c3c4.yaml")
    with pytest.raises(SystemExit):
        main(["check", "archs/c1c2c3c4.yaml", "--format", "json"])
    said = json.loads(capsys.readouterr().out)["files"][0]["network"]

    assert (net.weights, net.memory, net.training_memory) == tuple(
        said[key] for key in ("weights", "memory", "training_memory")
    )
    assert net.weights == sum(p.numel() * p.element_size() for p in net.module().parameters())
    assert all("ytes" in str(getattr(advconv.Net, name).__doc__) for name in ("weights", "memory", "training_memory"))


def test_a_text_is_loaded_as_a_file_is() -> None:
    text = Path("archs/c1c2c3c4.yaml").read_text(encoding="utf-8")

    assert repr(advconv.loads(text)) == repr(advconv.load("archs/c1c2c3c4.yaml"))
    assert advconv.loads(text, input=(3, 64, 64)).macs == advconv.load("archs/c1c2c3c4.yaml", (3, 64, 64)).macs
    with pytest.raises(advconv.ArchError, match=r"^<text>:1:1: error\[AC112\]"):
        advconv.loads("advconv: 2")
    for broken in ("\ud800", "", " " * 2_000_000):
        with pytest.raises(advconv.ArchError, match=r"^a\.yaml:1:1: error"):
            advconv.loads(broken, "a.yaml")
    with pytest.raises(ValueError, match="input is"):
        advconv.loads(text, input=(3, 0, 1))


def test_help_and_dir_show_what_there_is() -> None:
    from importlib.metadata import version

    with contextlib.redirect_stdout(io.StringIO()) as out:
        help(advconv)
    text = out.getvalue()

    assert set(advconv.__all__) <= set(dir(advconv))
    assert advconv.__version__ == version("advconv")
    assert f"VERSION\n    {advconv.__version__}" in text
    for shown in ("class Net(", "class ArchError(", "    load(path", "    loads(text", "The network in a file,"):
        assert shown in text


def test_a_star_imports_every_public_name() -> None:
    names: dict[str, object] = {}
    exec("from advconv import *", names)

    assert set(advconv.__all__) == set(names) - {"__builtins__"}
    assert names["load"] is advconv.load


def test_an_unknown_name_is_told_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'laod'; it has ArchError, Net, TrainingError, __version__"):
        advconv.laod  # noqa: B018

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    assert not hasattr(advconv, "__version__")


def test_importing_the_package_imports_nothing_heavy() -> None:
    program = (
        "import sys, advconv\nadvconv.__version__, dir(advconv)\n"
        "assert not {'pydantic', 'yaml', 'torch', 'advconv.net'} & set(sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


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


def test_what_is_neither_a_path_nor_a_text_is_told() -> None:
    with pytest.raises(TypeError, match="load takes the path of a file, not 5"):
        advconv.load(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="loads takes a text, not 5"):
        advconv.loads(5)  # type: ignore[arg-type]


def test_suggest_returns_the_edits_that_the_command_prints() -> None:
    net = advconv.load("archs/c1c2c3c4.yaml")

    assert net.suggest() == []
    (best,) = net.suggest("receptive_field > 85", edits=1, most=1)
    assert best["params"]["before"] == net.params
    assert best["receptive_field"]["after"][0] > 85
    with pytest.raises(ValueError, match="is not a limit"):
        net.suggest("nonsense")
    with pytest.raises(advconv.ArchError, match="constraints has no key 'foo'"):
        net.suggest("foo > 3")
