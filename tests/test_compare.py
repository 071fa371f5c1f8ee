"""`advconv compare`: a row for each run with its own numbers, the settings that differ, and no torch."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from advconv.report.run.overview import MAX_COLUMNS
from tests.training import command

pytestmark = pytest.mark.slow


@pytest.fixture
def runs(recorded: dict[str, Path]) -> list[Path]:
    return [recorded[name] for name in ("plain", "other", "validated")]


def compared(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert command("compare", *arguments) == 0
    return capsys.readouterr().out


def read(run: Path, name: str) -> Any:
    return json.loads((run / name).read_text(encoding="utf-8"))


def last_epoch(run: Path) -> Any:
    return json.loads((run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])


def test_the_numbers_are_those_of_the_files_of_each_run(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    table = json.loads(compared(capsys, *runs, "--format", "json"))
    for row, run in zip(table["rows"], runs, strict=True):
        result, about, last = read(run, "result.json"), read(run, "run.json"), last_epoch(run)
        assert row["run"] == run.name
        assert (row["seed"], row["device"], row["state"]) == (about["seed"], about["device"], "finished")
        assert row["test accuracy"] == pytest.approx(result["test_accuracy"], rel=1e-5)
        assert row["validation accuracy"] == (last["val_accuracy"] and pytest.approx(last["val_accuracy"], rel=1e-5))
        assert (row["best epoch"], row["picked on"]) == (result["best_epoch"], result["best_picked_on"])
        assert row["its accuracy"] == pytest.approx(result["best_accuracy"], rel=1e-5)
        assert row["time of the epochs"] == pytest.approx(result["training_seconds"], rel=1e-5)
        assert row["epochs"] == "2 of 2"


def test_sizes_are_those_that_check_prints(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    (row, *_) = json.loads(compared(capsys, *runs, "--format", "json"))["rows"]
    assert command("check", runs[0] / "arch.yaml", "--format", "json") == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    network = file["network"]

    assert (row["parameters"], row["MACs"]) == (network["params"], network["macs"])
    assert [row["receptive field"]] * 2 == network["receptive_field"]["size"]


def test_a_few_settings_that_differ_are_columns(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(compared(capsys, *runs, "--format", "csv"))))

    assert [row["train.lr"] for row in rows] == ["0.1", "0.1", "0.05"]
    assert [row["train.val_split"] for row in rows] == ["0", "0", "64"]
    assert "train.seed" not in rows[0], "the seed has a column of its own"
    text = compared(capsys, *runs)
    assert text.splitlines()[2].split()[-2:] == ["train.lr", "train.val_split"]


def test_many_settings_that_differ_are_a_table_below(
    recorded: dict[str, Path], runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    pair = runs[0], recorded["hostile"]
    text, markdown = compared(capsys, *pair), compared(capsys, *pair, "--format", "markdown")
    (row, *_) = json.loads(compared(capsys, *pair, "--format", "json"))["rows"]
    settings = list(row)[list(row).index("device") + 1 :]

    assert len(settings) > MAX_COLUMNS
    for each in (text, markdown):
        head, _, below = each.partition("Settings, versions and devices")
        assert all(name in below for name in ("data", "classes", "constraints.params"))
        assert "constraints.params" not in head
    assert row["constraints.params"] == "< 100k"


def test_runs_that_differ_in_nothing_have_no_column_more(
    recorded: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = shutil.copytree(recorded["plain"], tmp_path / recorded["plain"].name)
    rows = json.loads(compared(capsys, recorded["plain"], twin, "--format", "json"))["rows"]

    assert list(rows[0])[-1] == "device"
    assert [row["run"] for row in rows] == [str(recorded["plain"]), str(twin)], "equal names are told apart by paths"


def test_a_run_that_is_not_finished_has_no_result(
    recorded: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(recorded["plain"], tmp_path / "unfinished")
    (run / "result.json").unlink()
    (row,) = json.loads(compared(capsys, run, "--format", "json"))["rows"]

    assert (row["state"], row["test accuracy"], row["epochs"]) == ("interrupted", None, "2 of 2")
    assert row["best epoch"] == read(recorded["plain"], "result.json")["best_epoch"]


@pytest.mark.parametrize("format", ["text", "markdown", "csv"])
def test_what_a_run_holds_controls_no_terminal(
    recorded: dict[str, Path], capsys: pytest.CaptureFixture[str], format: str
) -> None:
    out = compared(capsys, recorded["hostile"], recorded["plain"], "--format", format)

    assert out.replace("\n", "").isprintable()
    assert "\\u202e" in out


def test_what_cannot_be_compared_is_one_line(
    recorded: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = recorded["plain"]
    damaged = shutil.copytree(run, tmp_path / "damaged")
    (damaged / "metrics.jsonl").write_text("{", encoding="utf-8")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for words, reason in (
        ((tmp_path,), "is not a run: it has no run.json"),
        ((tmp_path / "none", run), "is not a run"),
        ((run / "arch.yaml",), "is not a run"),
        ((run, run), "a run is named twice"),
        ((damaged, run), "metrics.jsonl is damaged"),
        ((tmp_path / "loop",), "is not a run"),
    ):
        assert command("compare", *words) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert reason in err


def test_runs_are_compared_without_torch(runs: list[Path]) -> None:
    words = ["compare", *map(str, runs)]
    program = (
        "import sys\nfrom advconv.cli.main import main\n"
        f"try: main({words!r})\nexcept SystemExit as exit: assert exit.code == 0\n"
        "assert not {'torch', 'numpy', 'matplotlib'} & set(sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0
