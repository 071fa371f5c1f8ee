"""Two processes that train one network."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training import HEAD, metrics, only_run, weights, write_arch

ROOT = Path(__file__).parents[1]
WORDS = ["--limit", "640", "--epochs", "2", "--batch-size", "64", "--workers", "0", "--device", "cpu"]


ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def program(processes: int, *words: str | Path) -> list[str]:
    launch = [] if processes == 1 else ["torch.distributed.run", f"--nproc-per-node={processes}", "--standalone", "-m"]
    return [sys.executable, "-m", *launch, "advconv", "train", *map(str, words)]


def launched(directory: Path, processes: int, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    command = program(processes, *words)
    return subprocess.run(command, cwd=directory, env=ENVIRONMENT, capture_output=True, text=True, check=False)


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

    assert 0 < apart < 0.01


def test_a_batch_that_does_not_divide_is_told(tmp_path: Path) -> None:
    file = write_arch(tmp_path / "t.yaml")
    done = launched(tmp_path, 2, file, "--batch-size", "63", "--limit", "640")

    assert done.returncode != 0
    assert not (tmp_path / "runs").exists()
    assert "a batch of 63 images does not divide into 2 processes" in done.stderr


def test_what_one_process_cannot_do_ends_all_without_a_traceback(tmp_path: Path) -> None:
    done = launched(
        tmp_path, 2, write_arch(tmp_path / "t.yaml"), "--data", "folder", "--data-dir", str(tmp_path / "no")
    )
    assert done.returncode != 0
    assert f"advconv: {tmp_path / 'no'}" in done.stderr
    # Torchrun's own traceback may follow; it ends the other process, sometimes before that has said why it ends.
    assert str(ROOT / "advconv") not in done.stderr

    (tmp_path / "runs").write_text("a file", encoding="utf-8")
    done = launched(tmp_path, 2, write_arch(tmp_path / "t.yaml"), *WORDS)
    assert done.returncode != 0
    assert "cannot be made" in done.stderr
    assert str(ROOT / "advconv") not in done.stderr


def test_two_processes_that_are_stopped_go_on_to_the_same_weights(tmp_path: Path) -> None:
    file = write_arch(tmp_path / "t.yaml")
    words = [file, "--limit", "640", "--epochs", "8", "--workers", "0", "--device", "cpu"]
    with subprocess.Popen(
        program(2, *words), cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if line.startswith("epoch"))
        process.send_signal(signal.SIGTERM)
        said = process.stdout.read()
    run = only_run(tmp_path)
    assert f"resume with: torchrun --nproc-per-node=2 -m advconv train --resume {run.relative_to(tmp_path)}" in said
    done = launched(tmp_path, 2, "--resume", run)
    assert done.returncode == 0, done.stderr

    (tmp_path / "whole").mkdir()
    assert launched(tmp_path / "whole", 2, *words).returncode == 0
    assert weights(run) == weights(only_run(tmp_path / "whole"))


PROGRAM = """
import os, sys, torch
from advconv.cli.parser import main
from advconv.training.trainer import Trainer
update = Trainer._update

def fails(self, *batch):
    if self.step == 5 and os.environ["RANK"] == os.environ.get("FAILING"):
        raise torch.OutOfMemoryError("CUDA out of memory")
    update(self, *batch)

Trainer._update = fails
main(["train", *sys.argv[1:]])
"""


def by_hand(directory: Path, failing: str = "") -> list["subprocess.Popen[str]"]:
    """Two processes without torchrun, which would end the one that is left."""
    file = write_arch(directory / "t.yaml", rows=[{"strided": 8}, "gap", "linear"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        group = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    words = [file, "--limit", "640", "--epochs", "5000", "--workers", "1", "--device", "cpu"]
    start = ["-c", PROGRAM] if failing else ["-m", "advconv", "train"]
    return [
        subprocess.Popen(
            [sys.executable, *start, *words],
            cwd=directory,
            env=ENVIRONMENT | group | {"RANK": str(rank), "LOCAL_RANK": str(rank), "FAILING": failing},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]


def ending_of(processes: list["subprocess.Popen[str]"], rank: int) -> tuple[int, list[str]]:
    """The exit code of a process and what it has said of its end; then all are gone."""
    try:
        _, said = processes[rank].communicate(timeout=300)
        return processes[rank].returncode, said.splitlines()
    finally:
        for process in processes:
            process.kill()
            process.communicate()


@pytest.mark.parametrize(
    ("rank", "number", "said"),
    [
        (1, signal.SIGKILL, "rank 1 sent no heartbeat for 2 s"),
        (0, signal.SIGKILL, "rank 0 sent no heartbeat for 2 s"),
        (1, signal.SIGSTOP, "rank 1 sent no heartbeat for 10 s"),
    ],
)
def test_a_process_that_is_killed_or_hangs_is_told_by_the_one_that_is_left(
    tmp_path: Path, rank: int, number: int, said: str
) -> None:
    processes = by_hand(tmp_path)
    assert processes[0].stdout is not None
    next(line for line in processes[0].stdout if line.startswith("epoch"))
    processes[rank].send_signal(number)
    code, lines = ending_of(processes, 1 - rank)

    assert code == 2
    (line,) = lines
    assert line.startswith(f"advconv: {said}; resume with")
    assert "--resume " in line


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_fails_is_told_with_its_reason_by_both(tmp_path: Path, rank: int) -> None:
    processes = by_hand(tmp_path, failing=str(rank))
    own = processes[rank].communicate(timeout=300)[1].splitlines()
    code, lines = ending_of(processes, 1 - rank)

    reason = "epoch 1, step 6 of 20 failed: CUDA out of memory"
    assert (code, processes[rank].returncode) == (2, 2)
    (line,) = lines
    # Where the one that failed takes long to end, the other one is ended while it waits, and does not know its run.
    assert line.startswith(f"advconv: rank {rank} failed: {reason}; resume with")
    assert "--resume " in line
    (line,) = own
    assert line.startswith(f"advconv: {reason}; resume with: torchrun --nproc-per-node=2 ")


def test_under_torchrun_the_process_that_is_left_says_which_one_was_killed(tmp_path: Path) -> None:
    file = write_arch(tmp_path / "t.yaml", rows=[{"strided": 8}, "gap", "linear"])
    words = [file, "--limit", "640", "--epochs", "5000", "--workers", "0", "--device", "cpu"]
    with subprocess.Popen(
        program(2, *words), cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        next(line for line in process.stdout if line.startswith("epoch"))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="utf-8").split()
        environments = {child: Path(f"/proc/{child}/environ").read_bytes().split(b"\0") for child in children}
        (second,) = [child for child, environment in environments.items() if b"RANK=1" in environment]
        os.kill(int(second), signal.SIGKILL)
        said = process.stderr.read()

    run = only_run(tmp_path).relative_to(tmp_path)
    how = f"resume with: torchrun --nproc-per-node=2 -m advconv train --resume {run}"
    assert f"advconv: rank 1 sent no heartbeat for 2 s; {how}\n" in said
    assert str(ROOT / "advconv") not in said
