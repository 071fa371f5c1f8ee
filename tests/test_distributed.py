"""Two processes that train one network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training import HEAD, metrics, only_run, write_arch

ROOT = Path(__file__).parents[1]
WORDS = ["--limit", "640", "--epochs", "2", "--batch-size", "64", "--workers", "0", "--device", "cpu"]


def launched(directory: Path, processes: int, *words: str) -> "subprocess.CompletedProcess[str]":
    launch = [] if processes == 1 else ["torch.distributed.run", f"--nproc-per-node={processes}", "--standalone", "-m"]
    program = [sys.executable, "-m", *launch, "advconv", "train", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(program, cwd=directory, env=environment, capture_output=True, text=True, check=False)


def train(directory: Path, processes: int, norm: str) -> Path:
    """A run by so many processes, as torchrun starts them."""
    directory.mkdir()
    rows = [{"conv": 16}, {"strided": 32}, {"strided": 32}, *HEAD]
    file = write_arch(directory / "t.yaml", rows=rows, defaults={"norm": norm}, train={"precision": "float32"})
    done = launched(directory, processes, file, *WORDS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("test accuracy") == 1
    return only_run(directory)


def test_two_processes_follow_the_curve_of_one_without_batch_norm(tmp_path: Path) -> None:
    one, two = (metrics(train(tmp_path / str(processes), processes, "layer")) for processes in (1, 2))

    for alone, shared in zip(one, two, strict=True):
        assert shared["train_loss"] == pytest.approx(alone["train_loss"], rel=1e-4)
        assert shared["test_loss"] == pytest.approx(alone["test_loss"], rel=1e-3)
        assert shared["train_accuracy"] == pytest.approx(alone["train_accuracy"], abs=0.5)


def test_with_batch_norm_they_differ_by_the_norms_of_half_batches(tmp_path: Path) -> None:
    """On CPUs each process norms its own half of a batch; torch's SyncBatchNorm is for GPUs alone."""
    one, two = (metrics(train(tmp_path / str(processes), processes, "batch")) for processes in (1, 2))
    apart = max(abs(a["train_loss"] - b["train_loss"]) for a, b in zip(one, two, strict=True))

    print(json.dumps({"largest difference of the training loss, batch norm, two processes": apart}))
    assert 0 < apart < 0.2


def test_a_batch_that_does_not_divide_is_told(tmp_path: Path) -> None:
    file = write_arch(tmp_path / "t.yaml")
    program = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", "-m", "advconv"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    words = ["train", file, "--batch-size", "63", "--limit", "640"]
    done = subprocess.run(
        [*program, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert not (tmp_path / "runs").exists()
    assert "a batch of 63 pictures does not divide into 2 processes" in done.stderr
