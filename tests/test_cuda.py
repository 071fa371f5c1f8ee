"""Trainings on a GPU, from their start to what is done with their runs."""

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tests.gpu_device import DEVICE, IS_CUDA, MARKS, RECIPE, WITHOUT_DROPOUT
from tests.processes import Training, group, train
from tests.training import command, metrics, only_run, write_arch

pytestmark = MARKS

WORDS = ("--limit", "640", "--epochs", "3", "--workers", "0", "--device", DEVICE)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run made on the device: bfloat16 autocast, channels_last, averaged weights, mixup, torch.compile."""
    directory = tmp_path_factory.mktemp("device")
    arch = write_arch(directory / "t.yaml", train=RECIPE)
    ended = train(directory, arch, *WORDS, "--compile", "auto")
    assert ended.code == 0, ended.err
    return only_run(directory)


def test_a_training_learns_and_records_its_device(run: Path) -> None:
    rows = metrics(run)
    device = json.loads((run / "run.json").read_text(encoding="utf-8"))["device"]
    name = torch.cuda.get_device_name() if IS_CUDA else "CPU, 1 thread"

    assert len(rows) == 3
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]
    assert device == f"{name}, bfloat16 autocast{', compiled' if IS_CUDA else ''}"


def test_weights_are_stored_in_float32_on_the_cpu(run: Path) -> None:
    stored = load_file(run / "last.safetensors")

    assert {tensor.dtype for tensor in stored.values()} <= {torch.float32, torch.int64}
    assert all(torch.isfinite(tensor).all() for tensor in stored.values())


@pytest.mark.parametrize("compilation", ["off", "on"])
def test_compiled_and_not_the_loss_is_the_same(tmp_path: Path, compilation: str) -> None:
    """Within the rounding of bfloat16, over the first epoch."""
    arch = write_arch(tmp_path / "t.yaml", rows=WITHOUT_DROPOUT, train=RECIPE | {"lr": 1e-3})
    words = ("--limit", "320", "--epochs", "1", "--workers", "0")
    ended = [
        train(tmp_path, arch, *words, "--device", DEVICE, "--compile", compilation, "--name", "one"),
        train(tmp_path, arch, *words, "--device", "cpu", "--compile", "off", "--name", "two"),
    ]
    assert [each.code for each in ended] == [0, 0], ended
    one, two = (next((tmp_path / "runs").glob(f"{name}-*")) for name in ("one", "two"))

    assert metrics(one)[0]["train_loss"] == pytest.approx(metrics(two)[0]["train_loss"], rel=0.01)


def test_a_killed_run_is_resumed_from_its_last_epoch(tmp_path: Path) -> None:
    """What is exact: the epochs before the kill, and the learning rates after it; on a CPU all of it.

    Sums of a GPU have no fixed order, so the losses after it are those of an uninterrupted run up to rounding.
    `test_cuda_steps.py` has the batches after a kill.
    """
    arch = write_arch(tmp_path / "t.yaml", train=RECIPE | {"epochs": 6})
    words = (arch, "--limit", "640", "--workers", "0", "--device", DEVICE)
    whole = train(tmp_path, *words, "--name", "whole")
    assert whole.code == 0, whole.err
    with Training(tmp_path, *words, "--name", "killed") as training:
        training.wait_for("epoch 1/")
        training.send(signal.SIGKILL)
        training.end()
    (killed,), (uninterrupted,) = (list(tmp_path.glob(f"runs/{name}-*")) for name in ("killed", "whole"))
    before = metrics(killed)
    resumed = train(tmp_path, "--resume", killed, "--workers", "0")
    assert resumed.code == 0, resumed.err
    after, wanted = metrics(killed), metrics(uninterrupted)

    assert 1 <= len(before) < 6
    assert after[: len(before)] == before
    assert [row["epoch"] for row in after] == [1, 2, 3, 4, 5, 6]
    assert [row["lr"] for row in after] == [row["lr"] for row in wanted]
    for row, other in zip(after, wanted, strict=True):
        assert row["train_loss"] == pytest.approx(other["train_loss"], rel=0.05)
        assert row["test_loss"] == pytest.approx(other["test_loss"], rel=0.05)
    assert IS_CUDA or after == wanted


def test_what_was_trained_on_one_device_is_evaluated_on_another(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found: list[dict[str, Any]] = []
    for device in (DEVICE, "cpu"):
        assert command("evaluate", run, "--device", device, "--format", "json") == 0
        found.append(json.loads(capsys.readouterr().out)["totals"])
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "black.png")

    assert found[0]["accuracy"] == pytest.approx(found[1]["accuracy"], abs=1)
    assert found[0]["loss"] == pytest.approx(found[1]["loss"], rel=0.02)
    assert command("predict", run, tmp_path / "black.png") == 0
    assert command("export", run, "-o", tmp_path / "model.onnx") == 0
    assert "agree on 640 of 640 test images" in capsys.readouterr().out


def test_a_run_made_on_a_cpu_is_evaluated_and_goes_on_on_the_device(tmp_path: Path) -> None:
    arch = write_arch(tmp_path / "t.yaml", train=RECIPE | {"epochs": 4})
    with Training(tmp_path, arch, "--limit", "640", "--workers", "0", "--device", "cpu") as training:
        training.wait_for("epoch 1/")
        training.send(signal.SIGTERM)
        assert training.end().code == 128 + signal.SIGTERM
    assert command("evaluate", only_run(tmp_path), "--device", DEVICE) == 0
    resumed = train(tmp_path, "--resume", only_run(tmp_path), "--device", DEVICE, "--workers", "0")

    assert resumed.code == 0, resumed.err
    assert [row["epoch"] for row in metrics(only_run(tmp_path))] == [1, 2, 3, 4]
    if IS_CUDA:
        assert "the result may differ from that of an uninterrupted run" in resumed.out


@pytest.mark.skipif(not IS_CUDA, reason="the memory of a CPU is not filled")
def test_a_gpu_without_memory_is_told_in_a_line(tmp_path: Path) -> None:
    arch = write_arch(tmp_path / "t.yaml", rows=[{"conv": 4096}, "gap", "linear"], input=(3, 96, 96))
    words = ("--batch-size", "5000", "--limit", "5000", "--workers", "0", "--force")
    ended = train(tmp_path, arch, *words, "--device", DEVICE)

    assert ended.code == 2
    (line,) = [line for line in ended.err.splitlines() if "failed" in line]
    assert "out of memory" in line
    assert "resume with" in line


@pytest.mark.skipif(IS_CUDA and torch.cuda.device_count() < 2, reason="there are not two GPUs")
def test_two_processes_follow_the_curve_of_one(tmp_path: Path) -> None:
    """Without batch norm, mixup and dropout, which differ in halves of a batch, up to the rounding of bfloat16."""
    sections: dict[str, Any] = {"rows": WITHOUT_DROPOUT, "defaults": {"norm": "layer"}}
    arch = write_arch(tmp_path / "t.yaml", **sections, train=RECIPE | {"mixup": 0.0})
    words = (arch, "--limit", "640", "--epochs", "2", "--workers", "0", "--device", DEVICE)
    assert train(tmp_path, *words, "--name", "alone").code == 0
    one, two = group(tmp_path, *words, "--name", "shared")
    with one, two:
        assert [one.end().code, two.end().code] == [0, 0]
    (alone,), (shared,) = (list(tmp_path.glob(f"runs/{name}-*")) for name in ("alone", "shared"))

    for row, other in zip(metrics(shared), metrics(alone), strict=True):
        assert row["train_loss"] == pytest.approx(other["train_loss"], rel=0.02)
        assert row["test_loss"] == pytest.approx(other["test_loss"], rel=0.02)
