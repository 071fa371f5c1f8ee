"""Sweeps that are interrupted, killed, fail or are damaged: nothing that was trained is lost."""

import json
import os
import shutil
import signal
import weakref
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from advconv.training import prepare
from advconv.training.data import DataError
from advconv.training.errors import ComputeError
from advconv.training.saved import dump_with_checksum
from advconv.training.sets import load_dataset
from advconv.training.signals import interrupts
from advconv.training.sweep.plan import open_sweep
from advconv.training.sweep.results import ranked
from advconv.training.sweep.trials import FAILURES, Failure, TrialResult, write_failures
from advconv.training.trainer import Trainer
from tests.damage import draws
from tests.processes import Training, train
from tests.swept import FIXED, STEPS, VARIED, rows, same, trials, with_values
from tests.test_resume import kill_at
from tests.training import command, only_run, write_arch

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("short_trainings")]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# What interrupts it.


def send_at(step: int, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal during a step, counted over all trials."""
    update, done = Trainer.update, 0

    def counted(self: Trainer, *batch: Any) -> None:
        nonlocal done
        update(self, *batch)
        done += 1
        if done == step:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(Trainer, "update", counted)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", [*Random(1).sample(range(1, STEPS), 3), 20])
def test_an_interrupted_sweep_ends_with_the_table_and_the_weights_of_an_uninterrupted_one(
    swept: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], step: int, number: int
) -> None:
    """Also in the last step of a trial, which is finished then, and the next is not started."""
    with monkeypatch.context() as patch:
        send_at(step, number, patch)
        assert command("sweep", write_arch(here / "t.yaml"), *FIXED, *VARIED) == 128 + number
    sweep = only_run(here).relative_to(here)
    stopped = f"stopped in trial {step // 10 + 1} of 4; resume with: advconv sweep --resume {sweep}"

    assert capsys.readouterr().out.splitlines()[-1] == stopped
    assert command("sweep", "--resume", sweep) == 0
    assert same(sweep, swept)


def test_a_signal_in_the_last_step_of_all_comes_too_late(
    swept: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_at(STEPS, signal.SIGINT, monkeypatch)
    assert command("sweep", write_arch(here / "t.yaml"), *FIXED, *VARIED) == 0

    assert same(only_run(here), swept)


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_signal_while_images_are_loaded_stops_it_too(
    swept: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_lost: bool
) -> None:
    """Though its exception is lost, as in the callbacks of garbage collection."""
    load, calls = load_dataset, 0

    def loaded(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            with suppress(*([KeyboardInterrupt] if is_lost else [])):
                os.kill(os.getpid(), signal.SIGTERM)
        return load(*arguments)

    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(prepare, "load_dataset", loaded)
    assert command("sweep", write_arch(here / "t.yaml"), *FIXED, *VARIED, "--quiet") == 128 + signal.SIGTERM
    assert capsys.readouterr().out.startswith("stopped in trial 3 of 4; resume with: advconv sweep --resume runs/")
    assert signal.getsignal(signal.SIGTERM) == handler

    assert command("sweep", "--resume", only_run(here)) == 0
    assert same(only_run(here), swept)


def test_a_signal_in_the_callback_of_garbage_collection_is_recorded_and_prints_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    class Collected:
        """Weakly referenced."""

    with interrupts() as stop:
        stop.raises = True
        collected = Collected()
        reference = weakref.ref(collected, lambda _: os.kill(os.getpid(), signal.SIGINT))
        del collected

    assert reference() is None
    assert stop.signal == signal.SIGINT
    assert capfd.readouterr() == ("", "")


def test_a_sweep_that_is_killed_again_and_again_ends_where_an_uninterrupted_one_does(
    swept: Path, tmp_path: Path
) -> None:
    """SIGKILL before the plan is written, while a run is made, in a step, and while a checkpoint is written."""
    words = (write_arch(tmp_path / "t.yaml"), *FIXED, *VARIED)
    for moment in (1, 8, 17, 60, 90, 33, 120):
        found = list((tmp_path / "runs").glob("t-*"))
        resumed: tuple[str | Path, ...] = ("--resume", *found) if found else words
        ended = train(tmp_path, *resumed, first=partial(kill_at, moment), command="sweep")
        assert (ended.code, ended.err) == (-signal.SIGKILL, "")
    sweep = only_run(tmp_path)
    (sweep / ".02-left-behind.part").mkdir()
    assert len(trials(sweep)) > 1, "all kills came in the first trial"
    assert train(tmp_path, "--resume", sweep, command="sweep").code == 0

    assert same(sweep, swept)
    assert [path.name for path in sweep.iterdir() if path.name.startswith(".")] == []


def test_a_finished_sweep_is_read_from_its_records_without_images(
    swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("advconv.training.prepare.load_dataset", None)
    sweep = shutil.copytree(swept, tmp_path / "moved")
    (sweep / "sweep.csv").unlink()
    assert command("sweep", "--resume", sweep, "--quiet", "--data-dir", tmp_path / "none") == 0

    assert rows(sweep) == rows(swept)
    assert "trial" not in capsys.readouterr().out


def test_two_processes_do_not_run_one_sweep(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (write_arch(here / "t.yaml"), "--limit", "640", "--epochs", "5000", "--device", "cpu", "--workers", "0")
    with Training(here, *words, command="sweep") as training:
        training.wait_for("\nepoch ")
        sweep = only_run(here)
        assert command("sweep", "--resume", sweep) == 2
        assert capsys.readouterr().err == f"advconv: {sweep} is being written by another process\n"


def test_the_options_of_a_resumed_sweep_stand_in_the_command_that_goes_on_with_it(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (write_arch(here / "t.yaml"), "--limit", "160", "--epochs", "2")
    for resumed, given in ((False, ()), (True, ("--workers", "0", "--device", "cpu"))):
        first = ("--resume", only_run(here).relative_to(here)) if resumed else words
        with monkeypatch.context() as patch:
            send_at(4, signal.SIGINT, patch)
            assert command("sweep", *first, *given) == 128 + signal.SIGINT
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("stopped")]
    resume = f"stopped in trial 1 of 1; resume with: advconv sweep --resume {only_run(here).relative_to(here)}"

    assert lines == [resume, f"{resume} --device cpu --workers 0"]


# What fails on its own.


def test_a_trial_that_diverges_is_a_row_with_its_reason_and_is_not_tried_again(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flush = Trainer.flush_metrics

    def diverging(self: Trainer) -> None:
        if self.recipe.lr == 0.2 and self.recipe.seed == 1 and self.pending_metrics:
            self.pending_metrics[-1] = self.pending_metrics[-1] * float("nan")
        flush(self)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "flush_metrics", diverging)
        assert command("sweep", write_arch(here / "t.yaml"), *FIXED, *VARIED) == 1
    out = capsys.readouterr().out
    table = rows(only_run(here))

    assert "trial 4 of 4 failed: the loss is nan in epoch 1, step 1 of 5" in out
    assert [row["train.lr"] for row in table] == ["0.02", "0.2"]
    assert [row["seeds"] for row in table] == ["2", "1"]
    assert [row["failed"] for row in table] == ["0", "1"]
    assert table[1]["reason"] == "seed 1: the loss is nan in epoch 1, step 1 of 5"
    assert command("sweep", "--resume", only_run(here), "--quiet") == 1
    assert rows(only_run(here)) == table


def test_a_trial_whose_device_failed_is_tried_again_when_the_sweep_is_resumed(
    swept: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def out_of_memory(self: Trainer, *batch: Any) -> None:
        raise ComputeError(f"{self.position(self.step)} failed: CUDA out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "update", out_of_memory)
        assert command("sweep", write_arch(here / "t.yaml"), *FIXED, *VARIED) == 1
    table = rows(only_run(here))
    assert {row["mean"] for row in table} == {""}
    assert {row["reason"] for row in table} == {
        "; ".join(f"seed {seed}: epoch 1, step 1 of 5 failed: CUDA out of memory" for seed in (3, 1))
    }
    assert "4 trainings failed" in capsys.readouterr().out

    assert command("sweep", "--resume", only_run(here)) == 0
    assert same(only_run(here), swept)


def test_combinations_that_lack_a_seed_are_ranked_behind_those_that_have_all(swept: Path) -> None:
    plan = with_values(open_sweep(swept).plan, ["1", "2", "3", "4"])
    accuracies = [50, 52, 99, None, 60, 61, None, None]
    results = [
        TrialResult(trial, "test", accuracy, failure=None if accuracy else Failure(trial.number, "broken", True))
        for trial, accuracy in zip(plan.trials(), accuracies, strict=True)
    ]

    assert [row.combination.number for row in ranked(results)] == [3, 1, 2, 4]


def test_what_no_trial_can_start_with_leaves_nothing_behind(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_arch(here / "t.yaml", data="folder")
    assert command("sweep", file, "--data-dir", here / "none", *VARIED) == 2

    assert "none" in capsys.readouterr().err
    assert list((here / "runs").iterdir()) == []


def test_a_sweep_that_cannot_go_on_is_kept(swept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(swept / "sweep.json", tmp_path)
    assert command("sweep", "--resume", tmp_path, "--device", "none") == 2

    assert "there is no device 'none' here" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.json"]


def test_an_error_of_the_outside_ends_the_sweep_and_says_how_to_go_on(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load, calls = load_dataset, 0

    def loaded(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise DataError("the disk is gone")
        return load(*arguments)

    monkeypatch.setattr(prepare, "load_dataset", loaded)
    assert command("sweep", write_arch(here / "t.yaml"), *FIXED, *VARIED, "--quiet") == 2
    resume = f"advconv sweep --resume {only_run(here).relative_to(here)}"
    assert capsys.readouterr().err == f"advconv: the disk is gone; then resume with: {resume}\n"


# What comes from a failing disk, or from someone else.


def test_no_damage_to_the_plan_changes_what_is_trained(swept: Path, tmp_path: Path) -> None:
    before, data = open_sweep(swept).plan, (swept / "sweep.json").read_bytes()
    for _, mutation, where in draws(60, ("sweep.json",)):
        (tmp_path / "sweep.json").write_bytes(changed := mutation(data))
        code = command("sweep", "--resume", tmp_path) if changed != data else 2
        assert code == 2, where
    assert open_sweep(swept).plan == before


def rewritten(sweep: Path, **fields: Any) -> None:
    """A plan that says something else, with a checksum that is right."""
    plan = json.loads((sweep / "sweep.json").read_text(encoding="utf-8"))
    del plan["sha256"]
    (sweep / "sweep.json").write_text(dump_with_checksum(plan | fields), encoding="utf-8")


AXIS = {"path": "train.lr", "values": ["0.1"], "option": "--set"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"seeds": []}, "seeds"),
        ({"seeds": [1, 1]}, "a seed is given twice"),
        ({"seeds": [-1]}, "seeds.0"),
        ({"seeds": "01"}, "seeds"),
        ({"axes": [AXIS, AXIS]}, "train.lr is set twice"),
        ({"axes": [AXIS | {"values": []}]}, "axes.0.values"),
        ({"axes": [AXIS | {"path": "\x1b[2J"}]}, "axes.0.path: contains control characters"),
        ({"axes": [AXIS | {"values": [str(value) for value in range(100)]}] * 9}, "train.lr is set twice"),
        ({"axes": [AXIS | {"path": f"a{place}", "values": ["1"] * 10} for place in range(9)]}, "2,000,000,000"),
        ({"name": "../../x"}, "name: has the wrong form"),
        ({"options": {}}, "options.data_dir"),
        ({"force": 1}, "force"),
        ({"text": None}, "text"),
    ],
)  # fmt: skip
def test_a_plan_of_someone_else_is_validated(
    swept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fields: dict[str, Any], reason: str
) -> None:
    shutil.copy(swept / "sweep.json", tmp_path)
    rewritten(tmp_path, **fields)
    assert command("sweep", "--resume", tmp_path) == 2

    err = capsys.readouterr().err
    assert err.startswith(f"advconv: {tmp_path / 'sweep.json'} is damaged: ")
    assert reason in err
    assert err.count("\n") == 1
    assert err.removesuffix("\n").isprintable()


def test_a_plan_whose_file_is_no_network_shows_its_diagnostics(
    swept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(swept / "sweep.json", tmp_path)
    for text, reason in (("name: [", "error[AC102]"), ("name: x", "cannot be trained"), ("", "the file is empty")):
        rewritten(tmp_path, text=text)
        assert command("sweep", "--resume", tmp_path) == 1
        assert reason in capsys.readouterr().err


def test_a_run_in_the_place_of_another_or_behind_a_link_is_refused(
    swept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = shutil.copytree(swept, tmp_path / "sweep")
    first, second, *_ = trials(sweep)
    shutil.rmtree(first)
    shutil.copytree(second, first)
    assert command("sweep", "--resume", sweep) == 2
    assert f"{first} is not a run of train.lr=0.02, seed 3" in capsys.readouterr().err

    shutil.rmtree(first)
    first.symlink_to(trials(swept)[0])
    for words in (("sweep", "--resume", sweep), ("compare", sweep), ("report", sweep, "-o", tmp_path / "x.html")):
        assert command(*words) == 2
        assert f"{first} is a link, which is not followed" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["run.json", "result.json", "metrics.jsonl"])
def test_a_damaged_trial_is_named_and_starts_again_without_its_directory(
    swept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    sweep = shutil.copytree(swept, tmp_path / "sweep")
    run = trials(sweep)[1]
    (run / name).write_text("{", encoding="utf-8")
    assert command("sweep", "--resume", sweep) == 2
    err = capsys.readouterr().err
    assert f"{run / name} is damaged" in err
    assert f"without {run} this trial starts again" in err

    shutil.rmtree(run)
    assert command("sweep", "--resume", sweep) == 0
    assert same(sweep, swept)


def test_damaged_failures_are_refused_and_control_no_terminal(
    swept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = shutil.copytree(swept, tmp_path / "sweep")
    directory = open_sweep(sweep).directory
    write_failures(directory, [Failure(1, "\x1b[2J", True)])
    assert command("sweep", "--resume", sweep) == 2
    assert f"{sweep / FAILURES} is damaged: 0.reason: contains control characters" in capsys.readouterr().err
    (sweep / FAILURES).write_text("{}", encoding="utf-8")
    assert command("sweep", "--resume", sweep) == 2
