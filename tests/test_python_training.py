"""Training from Python: the command's own result, exceptions instead of exit codes."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import advconv
from advconv.training.trainer import Trainer
from tests.training import command, metrics, only_run, weights, write_arch

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("short_trainings")]

FEW: dict[str, Any] = {"limit": 320, "epochs": 2, "workers": 0, "device": "cpu", "quiet": True}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def file(here: Path) -> str:
    return write_arch(here / "t.yaml")


def test_it_does_what_the_command_does(here: Path, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    settings = {"train.seed": np.int64(3), "train.mixup": 0.4, "C1[0].out_channels": 8, "augment": ["HorizontalFlip"]}
    result = advconv.train(file, **FEW, lr=0.05, settings=settings, runs=here / "python")
    assert capsys.readouterr().out == ""
    words = ["--limit", "320", "--epochs", "2", "--workers", "0", "--device", "cpu", "--lr", "0.05", "--seed", "3"]
    words += ["--set", "train.mixup=0.4", "--set", "C1[0].out_channels=8", "--set", "augment=[HorizontalFlip]"]
    assert command("train", file, *words) == 0
    run = only_run(here)

    assert weights(result.path) == weights(run)
    assert metrics(result.path) == metrics(run)
    assert (result.path / "arch.yaml").read_bytes() == (run / "arch.yaml").read_bytes()
    said = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert result.accuracy == said["test_accuracy"]
    assert (result.best, result.best_epoch) == (said["best_accuracy"], said["best_epoch"])
    assert str(result).replace(str(result.path), str(run.relative_to(here))) in capsys.readouterr().out


def test_the_result_has_the_network_with_its_weights(file: str) -> None:
    result = advconv.train(Path(file), **FEW, name="named")
    module = result.module()

    assert result.path.parent == Path("runs")
    assert result.path.name.startswith("named-")
    assert not module.training
    assert module(torch.zeros(2, 3, 16, 16)).shape == (2, 10)
    with pytest.raises(FrozenInstanceError):
        result.accuracy = 100  # type: ignore[misc]
    with pytest.raises(ValueError, match="the weights of a run are last or best, not 'first'"):
        result.module("first")


def test_a_shipped_file_is_trained_from_anywhere(here: Path) -> None:
    result = advconv.train("archs/c1c2c3c4-fast.yaml", **FEW, data="shapes", val_split=32)

    assert result.path.is_relative_to("runs")
    assert not (here / "archs").exists()


def test_a_loaded_network_trains_on_the_input_that_it_was_loaded_for(file: str) -> None:
    result = advconv.train(advconv.load(file, input=(3, 8, 8)), **FEW)

    assert "input: [3, 8, 8]" in (result.path / "arch.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("promise", "kept"), [("> 0%", True), (">= 99%", False)])
def test_a_promise_is_kept_or_broken_or_not_judged(here: Path, promise: str, kept: bool) -> None:
    rows = [{"strided": {"out_channels": 4, "stride": 4}}, "gap", "linear"]
    file = write_arch(here / "t.yaml", rows=rows, augment=[], constraints={"accuracy": promise})
    whole = {key: value for key, value in FEW.items() if key != "limit"} | {"epochs": 1, "batch_size": 500}

    assert advconv.train(file, **whole).promise_kept is kept
    assert advconv.train(file, **FEW).promise_kept is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"lr": -1}, "lr=-1: error[AC114] lr must be a number above 0, not -1\n | lr=-1\n |    ^^"),
        ({"settings": {"train.schedule": "cosin"}}, 'train.schedule="cosin": error[AC114]'),
        ({"settings": {"C1[0].p": 3}}, "C1[0].p=3: error[AC111] conv has no key 'p'"),
        ({"data": "mnist"}, "error[AC503] the input has 3 channels"),
        ({"settings": {"augment": [{"RandomCrop": {"height": 64, "width": 64}}]}}, "RandomCrop fails on a 3x16x16"),
    ],
)
def test_what_makes_no_architecture_raises_with_its_diagnostics(file: str, arguments: Any, said: str) -> None:
    with pytest.raises(advconv.ArchError) as caught:
        advconv.train(file, **FEW | arguments)

    assert said in str(caught.value)
    assert caught.value.diagnostics
    assert not Path("runs").exists()


def test_a_network_that_breaks_its_constraints_is_trained_by_force_alone(here: Path) -> None:
    file = write_arch(here / "t.yaml", constraints={"params": "< 10"})
    with pytest.raises(advconv.ArchError, match="AC401") as caught:
        advconv.train(file, **FEW)

    assert "train anyway with force=True" in caught.value.__notes__[0]
    assert advconv.train(file, **FEW, force=True).path.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"until": 0.85}, "0.85 is not an accuracy in percent, above 1 and at most 100; 85 is 85%"),
        ({"until": "85"}, "until is an accuracy in percent, not '85'"),
        ({"name": 5}, "name is a text, not 5"),
        ({"limit": 0}, "limit is a whole number of at least 1, not 0"),
        ({"workers": -1}, "workers is a whole number of at least 0, not -1"),
        ({"compile": "maybe"}, "compile is one of auto, on, off, not 'maybe'"),
        ({"name": "a/b"}, "'a/b' cannot name a directory"),
        ({"settings": {"C9[0]": "gap"}}, "there is no 'C9'; the blocks are C1,"),
        ({"settings": {"train.mixup": object()}}, "is not a number, text, list or mapping"),
    ],
)
def test_arguments_that_cannot_be_are_value_errors(file: str, arguments: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        advconv.train(file, **FEW | arguments)


def test_a_number_is_not_read_as_a_file_that_is_open() -> None:
    with pytest.raises(TypeError, match="train takes the path of a file or a network, not 0"):
        advconv.train(0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"data": "folder", "data_dir": "nowhere"}, "nowhere does not exist"),
        ({"device": "nowhere"}, "there is no device 'nowhere' here"),
        ({"val_split": 320}, "val_split takes 320 of 320 training images for validation"),
    ],
)
def test_what_the_world_lacks_is_a_training_error(file: str, arguments: Any, said: str) -> None:
    with pytest.raises(advconv.TrainingError) as caught:
        advconv.train(file, **FEW | arguments)

    assert said in str(caught.value)


def test_a_run_that_is_none_and_a_file_that_is_missing() -> None:
    with pytest.raises(advconv.TrainingError, match=r"nowhere is not a run: it has no run.json"):
        advconv.resume("nowhere")
    with pytest.raises(FileNotFoundError):
        advconv.train("nowhere.yaml")


def signal_at(step: int, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a signal came during a step."""
    update = Trainer.update

    def counted(self: Trainer, *batch: Any) -> None:
        update(self, *batch)
        if self.step == step:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(Trainer, "update", counted)


def test_ctrl_c_leaves_a_checkpoint_that_resume_goes_on_from(
    here: Path, file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = advconv.train(file, **FEW, runs="whole")
    with monkeypatch.context() as patch:
        signal_at(13, signal.SIGINT, patch)
        with pytest.raises(KeyboardInterrupt):
            advconv.train(file, **FEW)
    run = only_run(here)

    assert f"stopped in epoch 2 of 2; resume with: advconv.resume('{run.relative_to(here)}')" in capsys.readouterr().out
    assert (run / "state.pt").exists()
    resumed = advconv.resume(run, workers=1, device=torch.device("cpu"))
    assert weights(resumed.path) == weights(whole.path)
    assert resumed.accuracy == whole.accuracy


def test_sigterm_reaches_the_handler_that_was_there_after_the_checkpoint(
    here: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    before = signal.signal(signal.SIGTERM, lambda *_: seen.append((only_run(here) / "state.pt").exists()))
    try:
        with monkeypatch.context() as patch:
            signal_at(3, signal.SIGTERM, patch)
            with pytest.raises(KeyboardInterrupt):
                advconv.train(file, **FEW)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert seen == [True]


def test_another_thread_trains_too(file: str) -> None:
    results = []
    thread = threading.Thread(target=lambda: results.append(advconv.train(file, **FEW)))
    thread.start()
    thread.join()

    assert results[0].path.exists()


WITHOUT_EXTRAS = """
import sys, advconv
from advconv.system.extras import MODULES
sys.modules.update(dict.fromkeys(MODULES))
net = advconv.load("archs/c1c2c3c4.yaml")
try:
    {call}
except ModuleNotFoundError as problem:
    print(problem)
"""


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ("advconv.train('t.yaml')", "advconv.train"),
        ("advconv.resume('runs/x')", "advconv.train"),
        ("net.module()", "net.module()"),
        ("net.verify()", "net.verify()"),
    ],
)
def test_without_the_extra_it_names_the_extra(call: str, what: str) -> None:
    program = [sys.executable, "-c", WITHOUT_EXTRAS.format(call=call)]
    said = subprocess.run(program, capture_output=True, text=True, check=True).stdout

    assert said.startswith(f"{what} needs the training extra; install it with: pip install ")
