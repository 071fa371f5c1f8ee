"""Every end of a training is an end: its workers end with it, and one line says what happened and how to go on."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from multiprocessing import active_children
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch

import advconv
from advconv.training.augment import Augment
from advconv.training.progress import ProgressReporter
from advconv.training.trainer import Trainer
from tests.processes import Training, wait_until
from tests.training import command, only_run, shorten, write_arch

pytestmark = pytest.mark.slow

FEW = ("--limit", "64", "--epochs", "3", "--workers", "2", "--device", "cpu")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    # The image of what is drawn is made by this process.
    monkeypatch.setattr("advconv.training.start_run._augmented_files", lambda setup: {})
    shorten(monkeypatch)
    yield tmp_path
    assert active_children() == []


@pytest.fixture
def file(here: Path) -> str:
    return write_arch(here / "t.yaml", rows=[{"strided": 8}, "gap", "linear"])


def at_step(number: int, act: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Does something within a step of the training."""
    update = Trainer._update

    def acting(self: Trainer, *batch: Any) -> None:
        if self.step == number:
            act()
        update(self, *batch)

    monkeypatch.setattr(Trainer, "_update", acting)


def in_a_worker(number: int, act: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Does something instead of drawing an image in the second epoch."""
    draw = Augment.__call__

    def acting(self: Augment, image: Any, epoch: int, index: int) -> Any:
        if (epoch, index) == (1, number):
            act()
        return draw(self, image, epoch, index)

    monkeypatch.setattr(Augment, "__call__", acting)


def raising(problem: Exception) -> Callable[[], NoReturn]:
    def act() -> NoReturn:
        raise problem

    return act


def test_workers_end_with_a_training_that_is_done(file: str) -> None:
    assert command("train", file, *FEW) == 0


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (RuntimeError("value cannot be converted to type float"), "value cannot be converted to type float"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried 2 GiB.\nand more"), "CUDA out of memory. Tried 2 GiB"),
        (RuntimeError(""), "RuntimeError"),
    ],
)
def test_what_torch_raises_in_a_step_is_one_line(
    here: Path, file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    problem: Exception, said: str,
) -> None:  # fmt: skip
    at_step(3, raising(problem), monkeypatch)

    assert command("train", file, *FEW) == 2
    assert capsys.readouterr().err == (
        f"advconv: epoch 2, step 2 of 2 failed: {said}; "
        f"resume with: advconv train --resume {only_run(here).relative_to(here)}\n"
    )


def test_classes_that_the_network_does_not_have_are_one_line(
    here: Path, file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def draw(count: int, shape: Any, seed: int) -> Any:
        return np.zeros((count, *shape), np.uint8), np.full(count, 99)

    monkeypatch.setattr("advconv.training.sets.draw_shapes", draw)

    assert command("train", file, *FEW) == 2
    said = capsys.readouterr().err
    assert "epoch 1, step 1 of 2 failed: Target 99 is out of bounds; resume with: " in said
    assert said.count("\n") == 1


def test_in_python_it_is_a_training_error(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    at_step(0, raising(RuntimeError("CUDA error")), monkeypatch)
    said = r"step 1 of 2 failed: CUDA error; resume with: advconv.resume\('runs/"

    with pytest.raises(advconv.TrainingError, match=said):
        advconv.train(file, limit=64, epochs=1, workers=1, device="cpu", quiet=True)


def test_a_bug_of_our_own_is_raised_after_the_workers_have_ended(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: ProgressReporter, trainer: Trainer) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ProgressReporter, "after_step", fails)
    with pytest.raises(ZeroDivisionError):
        advconv.train(file, limit=64, epochs=1, workers=2, device="cpu")


def test_a_bug_in_a_worker_comes_with_its_own_traceback(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_worker(7, raising(ZeroDivisionError("in the worker")), monkeypatch)
    with pytest.raises(ZeroDivisionError, match="in the worker") as caught:
        advconv.train(file, limit=64, epochs=2, workers=2, device="cpu")

    assert "in acting" in caught.value.__notes__[0]


def test_an_image_that_cannot_be_drawn_is_told_as_the_worker_says_it(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_a_worker(7, lambda: monkeypatch.setattr(Augment, "_reseed", spoil), monkeypatch)

    assert command("train", file, *FEW) == 2
    assert capsys.readouterr().err.startswith("advconv: HorizontalFlip fails on image 7: ")


def spoil(self: Augment, epoch: int, index: int) -> None:
    self.steps = [type("HorizontalFlip", (), {"__call__": lambda self, image: image["no image"]})()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_worker_does_not_keep_a_training_from_ending_with_a_checkpoint(
    here: Path, file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    def act() -> None:
        os.kill(os.getppid(), number)
        os.kill(os.getpid(), signal.SIGSTOP)

    in_a_worker(7, act, monkeypatch)

    assert command("train", file, *FEW) == 128 + number
    said = capsys.readouterr().out
    assert "has not answered for 2 s" in said
    assert "stopped in epoch 1 of 3; resume with: advconv train --resume" in said
    assert (only_run(here) / "state.pt").exists()


def catches(process: int, number: int) -> bool:
    """Whether a process has a handler for a signal."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    (caught,) = re.findall(r"SigCgt:\s*(\w+)", status)
    return bool(int(caught, 16) >> (number - 1) & 1)


@pytest.mark.skipif(sys.platform != "linux", reason="signal handlers of another process are read from /proc")
def test_a_second_ctrl_c_ends_at_once_what_a_stopped_worker_holds_up(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act() -> None:
        os.kill(os.getppid(), signal.SIGINT)
        # Once that is noted, signals do what they did before the training.
        wait_until(lambda: not catches(os.getppid(), signal.SIGTERM))
        os.kill(os.getppid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGSTOP)

    in_a_worker(7, act, monkeypatch)

    assert command("train", file, *FEW) == 130


def test_a_dead_worker_is_told_with_its_signal(
    here: Path, file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_a_worker(7, lambda: os.kill(os.getpid(), signal.SIGUSR1), monkeypatch)

    assert command("train", file, *FEW) == 2
    said = capsys.readouterr().err
    assert "was killed by SIGUSR1; resume with: advconv train --resume" in said
    assert said.count("\n") == 1


def stop_workers() -> None:
    def stops(self: Augment, image: Any, epoch: int, index: int) -> None:
        print("worker", os.getpid(), flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)

    patch = pytest.MonkeyPatch()
    patch.setattr("advconv.training.start_run._augmented_files", lambda setup: {})
    patch.setattr(Augment, "__call__", stops)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG, which ends a stopped worker, is of Linux")
def test_a_stopped_worker_does_not_outlive_a_training_that_is_killed(here: Path, file: str) -> None:
    with Training(here, file, "--limit", "64", "--workers", "1", "--quiet", first=stop_workers) as training:
        training.wait_for("worker ")
        worker = Path("/proc", re.findall(r"worker (\d+)", training.written("out"))[0])
        training.send(signal.SIGKILL)
        training.end()
        # It is a process of nobody, or of none.
        wait_until(lambda: not worker.exists() or not (worker / "cmdline").read_bytes())
