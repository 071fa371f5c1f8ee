"""What interrupts a training costs at most an epoch: it goes on to the very weights that it was heading for."""

import json
import os
import resource
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from advconv.training.environment import Environment
from advconv.training.files import RunDirectory, RunError
from advconv.training.run import locked, open_run
from advconv.training.trainer import Trainer
from tests.processes import Training, train
from tests.training import (
    command,
    metrics,
    only_run,
    short_trainings_in,
    weights,
    with_new_checksums,
    write_arch,
    write_metadata,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("short_trainings")]

OPTIONS = ("--limit", "320", "--epochs", "3", "--workers", "0", "--device", "cpu")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupts."""
    directory = tmp_path_factory.mktemp("whole")
    with short_trainings_in(directory):
        assert command("train", write_arch(directory / "t.yaml"), *OPTIONS) == 0
    return only_run(directory)


def interrupt_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Ctrl-C were pressed during a step."""
    update = Trainer.update

    def counted(self: Trainer, *batch: Any) -> None:
        update(self, *batch)
        if self.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Trainer, "update", counted)


@pytest.mark.parametrize("step", [1, 9, 10, 17, 29])
def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(
    whole: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], step: int
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(step, patch)
        code = command("train", write_arch(here / "t.yaml"), *OPTIONS)
    run = only_run(here)

    assert code == 128 + signal.SIGINT
    assert f"resume with: advconv train --resume {run.relative_to(here)}" in capsys.readouterr().out
    assert command("train", "--resume", run, "--workers", "1", "--device", "cpu") == 0
    assert weights(run) == weights(whole)
    assert metrics(run) == metrics(whole)
    assert (run / "best.safetensors").read_bytes() == (whole / "best.safetensors").read_bytes()


@pytest.mark.parametrize(
    "train",
    [{"augment_on": "device"}, {"optimizer": "adamw", "lr": 0.003}, {"optimizer": "muon", "lr": 0.02}],
    ids=["device", "adamw", "muon"],
)
def test_so_it_does_with_another_recipe(here: Path, monkeypatch: pytest.MonkeyPatch, train: dict[str, Any]) -> None:
    arch = write_arch(here / "t.yaml", train=train)
    assert command("train", arch, *OPTIONS, "--name", "whole") == 0
    with monkeypatch.context() as patch:
        interrupt_at(13, patch)
        assert command("train", arch, *OPTIONS, "--name", "resumed") == 128 + signal.SIGINT
    (whole,), (resumed,) = (list(Path("runs").glob(f"{name}-*")) for name in ("whole", "resumed"))

    assert command("train", "--resume", resumed, "--device", "cpu") == 0
    assert weights(resumed) == weights(whole)
    assert metrics(resumed) == metrics(whole)


def test_so_it_does_with_several_threads(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = (write_arch(here / "t.yaml"), "--limit", "96", "--epochs", "1", "--workers", "0", "--device", "cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert command("train", *words, "--name", "whole") == 0
        with monkeypatch.context() as patch:
            interrupt_at(2, patch)
            command("train", *words, "--name", "stopped")
        stopped, whole = sorted((here / "runs").iterdir())
        assert command("train", "--resume", stopped, "--workers", "0", "--device", "cpu") == 0
    finally:
        torch.set_num_threads(threads)

    assert weights(stopped) == weights(whole)


def test_what_is_asked_of_a_resumed_run_stands_in_the_command_that_goes_on_with_it(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("train", write_arch(here / "t.yaml"), *OPTIONS, "--until", "1.5") == 0
    run = only_run(here)
    with monkeypatch.context() as patch:
        interrupt_at(17, patch)
        command("train", "--resume", run.relative_to(here), "--until", "99.5", "--workers", "0")
    assert f"resume with: advconv train --resume {run.relative_to(here)} --until 99.5\n" in capsys.readouterr().out

    # What the run was started with had been reached before the epoch that was interrupted; that one is finished.
    assert command("train", "--resume", run, "--workers", "0") == 0
    assert "reached 1.5% on the test set in epoch 2" in capsys.readouterr().out


def test_a_stop_request_in_the_last_step_comes_too_late(
    whole: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(30, patch)
        assert command("train", write_arch(here / "t.yaml"), *OPTIONS) == 0

    assert "averaged weights of epoch 3" in capsys.readouterr().out
    assert weights(only_run(here)) == weights(whole)


def test_a_finished_run_can_be_resumed_and_says_the_same(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = weights(whole)

    assert command("train", "--resume", whole, "--device", "cpu") == 0
    result = json.loads((whole / "result.json").read_text(encoding="utf-8"))
    assert (
        f"test accuracy {result['test_accuracy']:.2f}% (320 images of drawn shapes), averaged weights of epoch 3"
        in capsys.readouterr().out
    )
    assert weights(whole) == before


def test_a_finished_run_says_that_it_is_and_how_to_train_longer(
    whole: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newest = metrics(whole)[-1]["test_accuracy"]
    assert command("train", "--resume", whole, "--device", "cpu") == 0
    said = capsys.readouterr().out
    assert (
        f"{whole} is finished: epoch 3 of 3, {newest:.2f}% on the test set; to train longer, start a new run: " in said
    )
    assert f"advconv train {whole / 'arch.yaml'} --epochs 6\n" in said

    assert command("train", write_arch(here / "t.yaml"), *OPTIONS, "--until", "1.5") == 0
    capsys.readouterr()
    assert command("train", "--resume", only_run(here), "--device", "cpu", "--workers", "0") == 0
    said = capsys.readouterr().out
    assert "is finished: epoch 1 of 3, " in said
    assert "to train on, give a higher --until than 1.5\n" in said


MAY_DIFFER = "the result may differ from that of an uninterrupted run: "


def test_what_a_run_goes_on_with_that_is_not_as_before_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it was when the last checkpoint was written, whether by the start or by a resume."""

    def interrupted(step: int, *words: str | Path) -> str:
        with monkeypatch.context() as patch:
            interrupt_at(step, patch)
            assert command("train", *words, "--workers", "0", "--device", "cpu") == 130
        return capsys.readouterr().out

    threads = torch.get_num_threads()
    try:
        assert MAY_DIFFER not in interrupted(5, write_arch(here / "t.yaml"), "--limit", "640")
        run = only_run(here)
        assert MAY_DIFFER not in interrupted(6, "--resume", run)
        torch.set_num_threads(threads + 1)
        said = interrupted(7, "--resume", run)
        assert said.count(f"{MAY_DIFFER}CPU, {threads + 1} threads, ") == 1
        assert "(summation order and last bits differ)\n" in said
        assert MAY_DIFFER not in interrupted(8, "--resume", run)
    finally:
        torch.set_num_threads(threads)
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["world_size"] == 1


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (("CPU, 2 threads, float32", 1, "2.6"), ("CPU, 2 threads, float32", 1, "2.6"), ""),
        (
            ("CPU, 2 threads, float32", 1, "2.6"),
            ("CPU, 1 thread, float32", 1, "2.6"),
            "CPU, 2 threads, float32 instead of CPU, 1 thread, float32 (summation order and last bits differ)",
        ),
        (
            ("CPU, 2 threads, float32", 2, "2.6"),
            ("CPU, 2 threads, float32", 1, "2.6"),
            "2 processes instead of 1 (batch norm statistics and random numbers differ)",
        ),
        (
            ("NVIDIA H100, bfloat16 autocast, compiled", 1, "2.7"),
            ("CPU, 2 threads, float32", 1, "2.6"),
            "NVIDIA H100, bfloat16 autocast, compiled instead of CPU, 2 threads, float32 "
            "(kernels, precision or random numbers differ); "
            "torch 2.7 instead of 2.6 (summation order and random numbers may differ)",
        ),
    ],
)
def test_each_difference_says_how_it_matters(now: Any, before: Any, said: str) -> None:
    assert Environment(*now).difference(Environment(*before)) == (said and f"{MAY_DIFFER}{said}")


def kill_at(moment: int) -> None:
    """SIGKILL to itself and its workers in so many steps and calls that change files."""
    seen = 0

    def counted(call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == moment:
            os.killpg(0, signal.SIGKILL)
        return call(*args, **more)

    patch = pytest.MonkeyPatch()
    for name in ("replace", "link", "mkdir", "fsync"):
        patch.setattr(os, name, partial(counted, getattr(os, name)))
    update = Trainer.update
    patch.setattr(Trainer, "update", lambda self, *batch: counted(partial(update, self), *batch))


NEVER = 0
MOMENTS = (1, 5, 9, 14, 22, 40, 62, 13, 57, 80)
"""Within the making of the run, its first epoch and its first checkpoint; then in the epochs behind another one."""


def test_a_run_that_is_killed_ten_times_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    """SIGKILL before the first step, within an epoch, while a checkpoint is written; by the hundred in benchmarks/."""
    words = (write_arch(tmp_path / "t.yaml"), "--limit", "160", "--epochs", "12", "--workers", "1", "--device", "cpu")
    (tmp_path / "whole").mkdir()
    assert train(tmp_path / "whole", *words, first=partial(kill_at, NEVER)).code == 0
    for moment in MOMENTS:
        found = list((tmp_path / "runs").glob("t-*"))
        resumed: tuple[str | Path, ...] = ("--resume", *found, "--workers", "1") if found else words
        ended = train(tmp_path, *resumed, first=partial(kill_at, moment))
        assert (ended.code, ended.err) == (-signal.SIGKILL, "")
    run = only_run(tmp_path)
    assert len(metrics(run)) > 4, "most kills came before the first checkpoint"
    assert train(tmp_path, "--resume", run, first=partial(kill_at, NEVER)).code == 0

    assert weights(run) == weights(only_run(tmp_path / "whole"))
    assert metrics(run) == metrics(only_run(tmp_path / "whole"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_finishes_the_step_and_says_how_to_go_on(tmp_path: Path, number: int) -> None:
    words = (write_arch(tmp_path / "t.yaml"), "--limit", "640", "--epochs", "5000", "--device", "cpu")
    with Training(tmp_path, *words) as training:
        training.wait_for("\nepoch ")
        training.send(number)
        ended = training.end()

    assert ended.code == 128 + number
    assert "stopped in epoch" in ended.out
    assert (only_run(tmp_path) / "state.pt").exists()


def test_a_closed_terminal_ends_a_training_with_a_checkpoint_though_all_processes_are_told_twice(
    tmp_path: Path,
) -> None:
    words = (write_arch(tmp_path / "t.yaml"), "--limit", "640", "--epochs", "5000", "--device", "cpu", "--workers", "2")
    with Training(tmp_path, *words) as training:
        training.wait_for("\nepoch ")
        assert training.process.pid is not None
        for _ in range(2):
            os.killpg(training.process.pid, signal.SIGHUP)
        ended = training.end()

    assert (ended.code, ended.err) == (128 + signal.SIGHUP, "")
    assert "stopped in epoch" in ended.out


def test_a_training_that_ignores_closed_terminals_goes_on(tmp_path: Path) -> None:
    words = (write_arch(tmp_path / "t.yaml"), "--limit", "64", "--epochs", "20", "--device", "cpu", "--workers", "0")
    with Training(tmp_path, *words, first=partial(signal.signal, signal.SIGHUP, signal.SIG_IGN)) as training:
        training.wait_for("\nepoch ")
        training.send(signal.SIGHUP)

        assert training.end().code == 0


def test_a_changed_architecture_is_refused(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = shutil.copytree(whole, tmp_path / "run")
    text = (run / "arch.yaml").read_text(encoding="utf-8")
    (run / "arch.yaml").write_text(text.replace("out_channels: 16", "out_channels: 17"), encoding="utf-8")

    for arguments in (
        ("train", "--resume", run),
        ("evaluate", run),
        ("predict", run, "x.png"),
        ("export", run, "-o", "x.onnx"),
    ):
        assert command(*arguments) == 2
        assert "has changed since the run started" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("state.pt", b"", "state.pt is damaged"),
        ("state.pt", b"PK\x03\x04", "state.pt is damaged"),
        ("run.json", b"{", "run.json is damaged"),
        ("run.json", b"{}", "run.json is damaged"),
        ("run.json", {"options": {}}, "run.json is damaged"),
        ("run.json", {"options": {"data_dir": "", "later": 1}}, "run.json is damaged"),
        ("run.json", None, "is not a run: it has no run.json"),
        ("arch.yaml", None, "arch.yaml cannot be read: No such file"),
    ],
)
def test_a_damaged_run_is_told(
    whole: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | dict[str, Any] | None,
    said: str,
) -> None:
    run = shutil.copytree(whole, tmp_path / "run")
    before = (run / name).read_bytes()
    (run / name).unlink()
    if isinstance(content, dict):
        content = json.dumps(json.loads(before) | content).encode()
    if content is not None:
        (run / name).write_bytes(content)

    assert command("train", "--resume", run) == 2
    assert said in capsys.readouterr().err


def test_a_truncated_checkpoint_is_told_wherever_it_ends(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(whole, tmp_path / "run")
    state = (run / "state.pt").read_bytes()
    for share in (0.1, 0.5, 0.9, 0.999):
        (run / "state.pt").write_bytes(state[: int(share * len(state))])
        assert command("train", "--resume", run) == 2
        assert "state.pt is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        (b"no weights", "is damaged, or not a safetensors file: "),
        (save({"O.1.weight": torch.zeros(1)}), "does not have the weights of this network: Missing key(s)"),
    ],
    ids=["damaged", "of another network"],
)
def test_other_weights_are_told(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], weights: bytes, reason: str
) -> None:
    run = shutil.copytree(whole, tmp_path / "run")
    (run / "last.safetensors").write_bytes(weights)
    with_new_checksums(run)

    assert command("evaluate", run) == 2
    assert f"last.safetensors {reason}" in capsys.readouterr().err


def test_a_run_goes_on_with_its_own_recipe(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("train", "--resume", whole, "--lr", "1", "--set", "train.lr=1", "--limit", "9") == 2
    assert "leave out --lr, --set, --limit" in capsys.readouterr().err


def test_a_run_goes_on_with_its_own_images(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = shutil.copytree(whole, tmp_path / "run")
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    about["options"]["limit"] = 300
    write_metadata(run, about)

    assert command("train", "--resume", run) == 2
    assert "has other images than those that the run was started with" in capsys.readouterr().err


def test_a_full_disk_is_told_and_leaves_the_older_file(tmp_path: Path) -> None:
    """The limit on the size of a file stands in for the disk: the system refuses the bytes beyond it alike."""
    path = tmp_path / "state.pt"
    RunDirectory(tmp_path).write("state.pt", b"older")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(RunError, match=r"state.pt cannot be written: File too large"):
            RunDirectory(tmp_path).write("state.pt", b"newer" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_fills_up_in_training_leaves_the_last_checkpoint(
    whole: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = []

    def fails_later(file: int) -> None:
        written.append(file)
        if len(written) > 40:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails_later)
        assert command("train", write_arch(here / "t.yaml"), *OPTIONS) == 2
    said = capsys.readouterr().err
    assert "cannot be written: No space left on device" in said
    run = only_run(here)
    assert command("train", "--resume", run, "--device", "cpu") == 0
    assert weights(run) == weights(whole)


def kill_before(name: str, epochs: int) -> None:
    """SIGKILL before a file is put in its place after so many epochs."""
    replace = os.replace

    def killing(source: Any, target: Any, **directories: Any) -> None:
        # The logs are put in place once before the first epoch.
        rows = next(Path("runs").glob("t-*/log.csv"), None)
        done = rows.read_text().count("\n") - 1 if rows else -1
        if Path(target).name == name and done == epochs:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target, **directories)

    pytest.MonkeyPatch().setattr(os, "replace", killing)


@pytest.mark.parametrize(
    ("name", "epochs"),
    [
        ("state.pt", 0),
        ("metrics.jsonl", 0),
        ("checkpoints.json", 0),
        ("checkpoints.json", 1),
        ("best.safetensors", 1),
        ("last.safetensors", 1),
        ("state.pt", 1),
        ("log.csv", 1),
    ],
)
def test_a_kill_between_the_files_of_a_checkpoint_loses_nothing(
    whole: Path, here: Path, name: str, epochs: int
) -> None:
    """The first checkpoint, and one that replaces another; before each of the files that are put in place."""
    ended = train(here, write_arch(here / "t.yaml"), *OPTIONS, first=partial(kill_before, name, epochs))
    run = only_run(here)
    assert ended.code == -signal.SIGKILL
    assert (run / "state.pt").exists() == (epochs > 0 or name in ("metrics.jsonl", "log.csv"))

    assert command("train", "--resume", run, "--device", "cpu") == 0
    assert weights(run) == weights(whole)
    assert metrics(run) == metrics(whole)


def test_logs_that_a_kill_kept_from_being_written_are_written_by_a_resume(whole: Path, tmp_path: Path) -> None:
    run = shutil.copytree(whole, tmp_path / "run")
    (run / "metrics.jsonl").unlink()
    (run / "log.csv").unlink()

    assert command("train", "--resume", run, "--device", "cpu") == 0
    assert metrics(run) == metrics(whole)
    assert (run / "log.csv").read_bytes() == (whole / "log.csv").read_bytes()


def test_two_processes_do_not_write_one_run(whole: Path, tmp_path: Path) -> None:
    run = shutil.copytree(whole, tmp_path / "run")
    with locked(open_run(run)):
        ended = train(tmp_path, "--resume", run)

    assert ended.code == 2
    assert "is being written by another process" in ended.err


def test_a_directory_that_cannot_be_made_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "runs").write_text("a file", encoding="utf-8")

    assert command("train", write_arch(here / "t.yaml"), *OPTIONS) == 2
    assert "cannot be made" in capsys.readouterr().err
