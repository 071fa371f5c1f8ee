"""Two processes that train one network."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from advconv.training.trainer import Trainer
from tests.processes import ROOT, Ended, Training, group, nothing, train
from tests.training import HEAD, metrics, only_run, weights, write_arch

pytestmark = pytest.mark.slow

WORDS = ("--limit", "640", "--epochs", "2", "--workers", "0", "--device", "cpu")
CUT = [{"strided": 8}, "gap", "linear"]


def by_two(directory: Path, *words: str | Path) -> tuple[Ended, Ended]:
    """How both processes have ended."""
    one, two = group(directory, *words)
    with one, two:
        return one.end(), two.end()


@contextmanager
def torchrun(directory: Path, *words: str | Path) -> Iterator["subprocess.Popen[str]"]:
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", "-m", "advconv"]
    program = [*launch, "train", *map(str, words)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(program, cwd=directory, env=environment, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def alone_and_together(directory: Path, norm: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What one process and what two say of the epochs."""
    rows = [{"conv": 8}, {"strided": 16}, *HEAD]
    for name in ("one", "two"):
        (directory / name).mkdir()
        write_arch(directory / name / "t.yaml", rows=rows, defaults={"norm": norm}, train={"precision": "float32"})
    words = ("t.yaml", "--batch-size", "64", *WORDS)
    ended = (train(directory / "one", *words), *by_two(directory / "two", *words))
    assert [each.code for each in ended] == [0, 0, 0], ended
    assert [each.out.count("test accuracy") for each in ended] == [1, 1, 0]
    one, two = (metrics(only_run(directory / name)) for name in ("one", "two"))
    return one, two


def test_two_processes_follow_the_curve_of_one_without_batch_norm(tmp_path: Path) -> None:
    one, two = alone_and_together(tmp_path, "layer")

    for alone, shared in zip(one, two, strict=True):
        assert shared["train_loss"] == pytest.approx(alone["train_loss"], rel=1e-4)
        assert shared["test_loss"] == pytest.approx(alone["test_loss"], rel=1e-3)
        assert shared["train_accuracy"] == pytest.approx(alone["train_accuracy"], abs=0.5)


def test_with_batch_norm_they_differ_by_the_norms_of_half_batches(tmp_path: Path) -> None:
    """On CPUs each process norms its own half of a batch; torch's SyncBatchNorm is for GPUs alone."""
    one, two = alone_and_together(tmp_path, "batch")
    apart = max(abs(a["train_loss"] - b["train_loss"]) for a, b in zip(one, two, strict=True))

    assert 0 < apart < 0.01


def test_a_batch_that_does_not_divide_is_told(tmp_path: Path) -> None:
    ended = by_two(tmp_path, write_arch(tmp_path / "t.yaml"), "--batch-size", "63", "--limit", "640")

    assert [each.code for each in ended] == [2, 2]
    assert not (tmp_path / "runs").exists()
    assert "a batch of 63 images does not divide into 2 processes" in ended[0].err


def test_what_one_process_cannot_do_ends_all_without_a_traceback(tmp_path: Path) -> None:
    file = write_arch(tmp_path / "t.yaml")
    ended = by_two(tmp_path, file, "--data", "folder", "--data-dir", tmp_path / "no")
    assert [each.code for each in ended] == [2, 2]
    assert ended[0].err.startswith(f"advconv: {tmp_path / 'no'}")
    assert [each.err.count("\n") for each in ended] == [1, 1]

    (tmp_path / "runs").write_text("a file", encoding="utf-8")
    ended = by_two(tmp_path, file, *WORDS)
    assert [each.code for each in ended] == [2, 2]
    assert "cannot be made" in ended[0].err
    assert [each.err.count("\n") for each in ended] == [1, 1]


def moves_on_rank_1() -> None:
    """To a directory from which no relative path leads to a file of the test."""
    if os.environ["RANK"] == "1":
        os.chdir("/")


def test_a_teacher_that_one_process_alone_can_open_ends_both(tmp_path: Path) -> None:
    file = write_arch(tmp_path / "t.yaml", rows=CUT)
    assert train(tmp_path, file, *WORDS).code == 0
    only_run(tmp_path).rename(tmp_path / "wider")
    student = write_arch(tmp_path / "s.yaml", rows=CUT, train={"distill": {"run": "wider"}})
    one, two = group(tmp_path, student, *WORDS, first=moves_on_rank_1)
    with one, two:
        ended = one.end(), two.end()

    assert [each.code for each in ended] == [2, 2]
    assert only_line(ended[0].err) == "advconv: another process has failed\n"
    assert only_line(ended[1].err) == "advconv: the teacher cannot be used: wider is not a run: it has no run.json\n"
    assert [each.code for each in by_two(tmp_path, student, *WORDS)] == [0, 0]


def test_two_processes_that_are_stopped_go_on_to_the_same_weights(tmp_path: Path) -> None:
    file = write_arch(tmp_path / "t.yaml", rows=CUT)
    words = [file, "--limit", "640", "--epochs", "8", "--workers", "0", "--device", "cpu"]
    with torchrun(tmp_path, *words) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if line.startswith("epoch"))
        process.send_signal(signal.SIGTERM)
        said = process.stdout.read()
    run = only_run(tmp_path)
    assert f"resume with: torchrun --nproc-per-node=2 -m advconv train --resume {run.relative_to(tmp_path)}" in said
    assert [each.code for each in by_two(tmp_path, "--resume", run)] == [0, 0]

    (tmp_path / "whole").mkdir()
    assert [each.code for each in by_two(tmp_path / "whole", *words)] == [0, 0]
    assert weights(run) == weights(only_run(tmp_path / "whole"))


def only_line(text: str) -> str:
    assert text.count("\n") == 1, text
    return text


def fails_on_rank(rank: str) -> None:
    """In step 6 of the first epoch."""
    update = Trainer._update

    def fails(self: Trainer, *batch: Any) -> None:
        if self.step == 5 and os.environ["RANK"] == rank:
            raise torch.OutOfMemoryError("CUDA out of memory")
        update(self, *batch)

    pytest.MonkeyPatch().setattr(Trainer, "_update", fails)


@contextmanager
def endless(directory: Path, failing: str = "") -> Iterator[tuple[Training, Training]]:
    file = write_arch(directory / "t.yaml", rows=CUT)
    words = [file, "--limit", "640", "--epochs", "5000", "--workers", "1", "--device", "cpu"]
    one, two = group(directory, *words, first=partial(fails_on_rank, failing) if failing else nothing)
    with one, two:
        yield one, two


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
    with endless(tmp_path) as processes:
        processes[0].wait_for("\nepoch ")
        processes[rank].send(number)
        ended = processes[1 - rank].end()

    assert ended.code == 2
    line = only_line(ended.err)
    # Process 1 does not know the run, which process 0 has made.
    run = only_run(tmp_path).relative_to(tmp_path) if rank == 1 else "RUN"
    assert line == f"advconv: {said}; resume with: torchrun --nproc-per-node=2 -m advconv train --resume {run}\n"


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_fails_is_told_with_its_reason_by_both(tmp_path: Path, rank: int) -> None:
    with endless(tmp_path, failing=str(rank)) as processes:
        own, other = processes[rank].end(), processes[1 - rank].end()

    reason = "epoch 1, step 6 of 20 failed: CUDA out of memory"
    assert (own.code, other.code) == (2, 2)
    line = only_line(other.err)
    # Where the one that failed takes long to end, the other one is ended while it waits, and does not know its run.
    assert line.startswith(f"advconv: rank {rank} failed: {reason}; resume with")
    assert "--resume " in line
    line = only_line(own.err)
    assert line.startswith(f"advconv: {reason}; resume with: torchrun --nproc-per-node=2 ")


def test_under_torchrun_the_process_that_is_left_says_which_one_was_killed(tmp_path: Path) -> None:
    file = write_arch(tmp_path / "t.yaml", rows=CUT)
    with torchrun(tmp_path, file, *WORDS, "--epochs", "5000") as process:
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
