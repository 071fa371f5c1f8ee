"""Sweeps: each combination with each seed, a table whose numbers are those of the runs, and what is refused."""

import csv
import io
import json
import shutil
import statistics
from pathlib import Path
from typing import Any

import pytest

from advconv.training.sweep import figure
from advconv.training.sweep.plan import MAX_TRIALS, open_sweep
from advconv.training.sweep.trials import TrialResult
from tests.swept import FIXED, rows, trials, with_values
from tests.training import command, metrics, only_run, weights, write_arch

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("short_trainings")]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# What it trains and prints.


def test_each_combination_is_trained_with_each_seed_to_the_weights_that_train_gives(swept: Path, here: Path) -> None:
    names = [f"{number:02}-lr-{lr}-seed-{seed}" for number, (lr, seed) in enumerate(
        [("0.02", 3), ("0.02", 1), ("0.2", 3), ("0.2", 1)], 1
    )]  # fmt: skip
    alone = ("--set", "train.lr=0.2", "--set", "train.mixup=0.2", "--seed", "1")
    assert command("train", write_arch(here / "t.yaml"), *FIXED, *alone) == 0

    assert [run.name for run in trials(swept)] == names
    assert weights(trials(swept)[3]) == weights(only_run(here))
    assert metrics(trials(swept)[3]) == metrics(only_run(here))


def test_the_table_has_mean_and_spread_of_the_runs_own_results_best_first(swept: Path) -> None:
    results = [json.loads((run / "result.json").read_text(encoding="utf-8")) for run in trials(swept)]
    accuracies = {"0.02": [each["test_accuracy"] for each in results[:2]]}
    accuracies["0.2"] = [each["test_accuracy"] for each in results[2:]]
    table = rows(swept)

    assert {row["train.lr"] for row in table} == set(accuracies)
    for row in table:
        found = accuracies[row["train.lr"]]
        numbers = [float(row[name]) for name in ("mean", "lowest", "highest", "standard deviation")]
        expected = [statistics.mean(found), min(found), max(found), statistics.stdev(found)]
        assert numbers == pytest.approx(expected, rel=1e-5)
        assert row["seeds"] == "2"
    assert float(table[0]["mean"]) >= float(table[1]["mean"])
    assert (swept / "sweep.png").read_bytes().startswith(b"\x89PNG")


def test_choosing_by_test_accuracy_is_commented_and_validation_names_no_test_accuracy(
    swept: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("sweep", "--resume", swept) == 0
    out = capsys.readouterr().out
    assert "looks better there than it is: choose with --val-split N" in out
    assert "test accuracy of the averaged weights after the last epoch, seeds 3 and 1" in out

    held_out = ("--val-split", "40", "--format", "json", "--set", "train.lr=0.02,0.2")
    assert command("sweep", write_arch(here / "t.yaml"), *FIXED, *held_out) == 0
    out = capsys.readouterr().out
    table = json.loads(out)
    last = [metrics(run)[-1]["val_accuracy"] for run in trials(only_run(here))]
    assert sorted((row["mean"] for row in table["rows"]), reverse=True) == [row["mean"] for row in table["rows"]]
    assert sorted(row["mean"] for row in table["rows"]) == pytest.approx(sorted(last), rel=1e-5)
    assert "test" not in out.replace(str(here), "")
    assert [row["standard deviation"] for row in table["rows"]] == [None, None]


def test_one_combination_is_a_row_without_advice_and_the_seed_is_that_of_the_file(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_arch(here / "t.yaml", train={"seed": 7})
    options = ("--epochs", "1", "--limit", "64", "--workers", "0", "--device", "cpu", "--name", "own")
    assert command("sweep", file, *options, "--format", "markdown") == 0
    out = capsys.readouterr().out

    assert out.startswith("**own: test accuracy of the averaged weights after the last epoch, seed 7: runs/own-sweep-")
    assert "| network" in out
    assert "val-split" not in out
    assert [run.name for run in trials(only_run(here))] == ["01-seed-7"]


def test_a_figure_has_each_seed_and_the_mean_over_the_values_or_by_name(
    swept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []

    def png(each: Any) -> bytes:
        drawn.append(each)
        return b""

    monkeypatch.setattr(figure, "png", png)
    sweep = open_sweep(swept)
    for values, kind, scale in (
        (["0.1", "0.2"], "number", "linear"),
        (["0.1", "2"], "number", "log"),
        (["cosine", "linear"], "name", "linear"),
    ):
        plan = with_values(sweep.plan, values)
        results = [TrialResult(trial, "test", 50.0 + trial.number) for trial in plan.trials()]
        assert figure.sweep_figure(plan, results) == b""
        axes = drawn[-1].axes[0]
        points = {tuple(point) for line in axes.lines for point in zip(*line.get_data(), strict=True)}
        accuracies = {point[kind == "number"] for point in points}
        assert {51, 52, 53, 54, 51.5, 53.5} == accuracies
        assert axes.get_xscale() == scale
        assert ("test accuracy (%)" in (axes.get_ylabel() if kind == "number" else axes.get_xlabel())) is True


# What is refused.


@pytest.mark.parametrize(
    ("options", "code", "reasons"),
    [
        ((), 0, ()),
        (("--set", "train.lr=0.1,-1,x"), 1, ("train.lr=-1:\n\n", "lr must be a number above 0, not -1", "2 of 3")),
        (("--set", "train.lrr=1,2"), 1, ("--set train.lrr=1", "2 of 2 combinations cannot be trained\n")),
        (("--set", "lr=1,2"), 2, ("there is no 'lr'",)),
        (("--set", "C1[0].out_channels=16,512"), 1, ("C1[0].out_channels=512:", "params is", "with --force\n")),
        (("--set", "augment=[],[Nope]"), 1, ("augment=[Nope]:", "there is no transform 'Nope'")),
        (("--set", "augment=[],[{HorizontalFlip: {p: 2}}]"), 1, ("1 of 2 combinations",)),
        (("--set", "data=shapes,mnist"), 1, ("data=mnist:", "AC503")),
        (("--set", "train.lr=0.1,1e-1"), 2, ("train.lr=0.1 and train.lr=1e-1 are the same network and recipe",)),
        (("--set", "train.lr=0.1", "--lr", "0.2"), 2, ("train.lr is set twice, by --lr and --set",)),
        (("--set", "train.seed=1,2"), 2, ("train.seed is set by --seeds",)),
        (("--set", "train.val_split=0,9"), 2, ("train.val_split=0 has no validation images",)),
        (("--set", "train.lr"), 2, ("'train.lr' is not PATH=VALUE,VALUE",)),
        (("--set", "train.lr="), 2, ("train.lr has no value",)),
        (("--set", "train.lr=1]"), 2, ("cannot be separated",)),
        (("--set", "train.lr=1] # x"), 2, ("cannot be separated",)),
        (("--set", "train.lr=1,\n2"), 2, ("contains control characters",)),
        (("--set", f"train.lr={','.join(map(str, range(1, MAX_TRIALS + 2)))}"), 2, ("1,001 trainings; the most is",)),
        (("--set", f"train.lr={'1' * 200_000}"), 2, ("the limit is 100,000",)),
        (("--seeds", "0,x"), 2, ("'x' is not a whole number",)),
        (("--seeds", "0,1,0"), 2, ("the seed 0 is given twice",)),
        (("--resume", "."), 2, ("either a FILE or --resume SWEEP",)),
    ],
)  # fmt: skip
def test_all_combinations_are_validated_before_the_first_is_trained(
    here: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], code: int, reasons: tuple[str, ...]
) -> None:
    file = write_arch(here / "t.yaml", constraints={"params": "< 60k"})
    short = ("--limit", "64", "--epochs", "1", "--workers", "0", "--device", "cpu") if code == 0 else ()

    assert command("sweep", file, *options, *short) == code
    err = capsys.readouterr().err
    for reason in reasons:
        assert reason in err
    assert (here / "runs").exists() == (code == 0)


def test_many_combinations_that_fail_alike_have_one_report(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_arch(here / "t.yaml", constraints={"params": "< 100"})
    assert command("sweep", file, "--set", "train.lr=0.1,0.2,0.3,0.4,0.5") == 1
    err = capsys.readouterr().err

    assert err.startswith("train.lr=0.1\ntrain.lr=0.2\ntrain.lr=0.3\nand 2 more combinations:\n\n")
    assert err.count("error[AC401]") == 1
    assert err.endswith("advconv: 5 of 5 combinations cannot be trained; train anyway with --force\n")


def test_a_sweep_is_resumed_with_its_own_plan(swept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("sweep", "--resume", swept, "--set", "a=1", "--seeds", "1", "--lr", "1", "--name", "x") == 2
    assert "leave out --lr, --set, --seeds, --name" in capsys.readouterr().err
    assert command("sweep", "--resume", trials(swept)[0]) == 2
    assert "is not a sweep: it has no sweep.json" in capsys.readouterr().err


def test_torchrun_is_not_for_sweeps(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert command("sweep", write_arch(here / "t.yaml")) == 2
    assert "a sweep trains in one process" in capsys.readouterr().err


# The plan alone.


def test_names_of_trials_are_different_and_safe_whatever_is_written(swept: Path) -> None:
    hostile = ["../../x", "/etc/passwd", ".", "a b", "{p: 1}", "\u202e", "x" * 500, "0.1"]
    plan = with_values(open_sweep(swept).plan, hostile)
    names = [trial.name for trial in plan.trials()]

    assert len({name[:2] for name in names}) == len(names)
    assert [name for name in names if not all(c.isascii() and (c.isalnum() or c in "-._") for c in name)] == []
    assert names[-1] == "16-lr-0.1-seed-1"


def test_a_report_and_a_comparison_of_a_sweep_are_those_of_its_runs(
    swept: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("report", swept) == 0
    assert capsys.readouterr().out == "wrote comparison.html; 4 runs, 4 finished\n"
    assert command("compare", swept, "--format", "csv") == 0
    found = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    assert [row["run"] for row in found] == [run.name for run in trials(swept)]
    assert [row["train.lr"] for row in found] == ["0.02", "0.02", "0.2", "0.2"]
    assert command("report", swept, trials(swept)[0]) == 2
    assert "a run is named twice" in capsys.readouterr().err


def test_a_sweep_without_runs_has_nothing_to_compare(
    swept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(swept / "sweep.json", tmp_path)
    assert command("compare", tmp_path) == 2
    assert "no training of the sweep" in capsys.readouterr().err
