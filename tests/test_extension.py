"""A run that is trained longer ends where a run of that length ends, and is never half extended."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import advconv
from advconv.language.recipe import Train
from advconv.net import ArchError
from advconv.training import extension
from advconv.training.errors import TrainingError
from advconv.training.extension import EXTENDABLE, what_depends_on_epochs
from advconv.training.files import RunDirectory
from advconv.training.optim import SCHEDULES
from advconv.training.run import Run, locked, open_run
from tests.processes import group
from tests.test_resume import interrupt_at
from tests.training import command, metrics, only_run, short_trainings_in, weights, write_arch

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("short_trainings")]

OPTIONS = ("--limit", "320", "--workers", "0", "--device", "cpu", "--quiet")
RESUMED = ("--workers", "0", "--device", "cpu", "--quiet")

LONGER = 4
"""Epochs of the extended run, which has two before."""


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of a constant learning rate: `short`, and `long` as it is without an interruption; `cosine`."""
    directory = tmp_path_factory.mktemp("runs")
    with short_trainings_in(directory):
        for name, schedule, epochs in (("short", "constant", 2), ("long", "constant", LONGER), ("cosine", "cosine", 2)):
            file = write_arch(directory / "t.yaml", train={"schedule": schedule, "epochs": epochs, "lr": 0.02})
            assert command("train", file, *OPTIONS, "--name", name) == 0
            next((directory / "runs").glob(f"{name}-*")).rename(directory / name)
    return directory


@pytest.fixture
def short(top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the finished run of two epochs."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(top / "short", tmp_path / "short")


def check_same(run: Path, long: Path) -> None:
    """All that a run computes."""
    for name in ("last.safetensors", "best.safetensors", "arch.yaml", "model.py", "per_class.csv"):
        assert (run / name).read_bytes() == (long / name).read_bytes(), name
    assert metrics(run) == metrics(long)
    results = [json.loads((each / "result.json").read_text(encoding="utf-8")) for each in (run, long)]
    for result in results:
        del result["training_seconds"]
    assert results[0] == results[1]
    assert not (run / "arch.next.yaml").exists()


def test_a_finished_run_goes_on_to_the_weights_of_a_longer_one(short: Path, top: Path) -> None:
    before = open_run(short).metadata
    assert command("train", "--resume", short, "--epochs", str(LONGER), *RESUMED) == 0

    check_same(short, top / "long")
    after = open_run(short).metadata
    assert after.hash == open_run(top / "long").metadata.hash
    assert [(each.epochs, each.hash) for each in after.extended] == [(2, before.hash)]
    assert (after.started, after.options) == (before.started, before.options)


def test_it_may_be_extended_more_than_once(short: Path, top: Path) -> None:
    for epochs in (3, 3, LONGER):
        assert command("train", "--resume", short, "--epochs", str(epochs), *RESUMED) == 0

    check_same(short, top / "long")
    assert [each.epochs for each in open_run(short).metadata.extended] == [2, 3]


def test_the_checkpoint_before_the_newest_can_be_extended_too(short: Path, top: Path) -> None:
    (short / "state.pt").write_bytes(b"damaged")
    assert command("train", "--resume", short, "--epochs", str(LONGER), *RESUMED) == 2
    assert command("train", "--resume", short, "--epochs", str(LONGER), "--previous", *RESUMED) == 0

    check_same(short, top / "long")


@pytest.mark.parametrize("step", [21, 33])
def test_an_interrupted_extension_goes_on(short: Path, top: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(step, patch)
        code = command("train", "--resume", short, "--epochs", str(LONGER), *RESUMED)

    assert code == 128 + signal.SIGINT
    assert command("train", "--resume", short, *RESUMED) == 0
    check_same(short, top / "long")


def test_so_does_one_of_a_run_that_is_not_finished(short: Path, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_arch(short.parent / "t.yaml", train={"schedule": "constant", "epochs": 2, "lr": 0.02})
    with monkeypatch.context() as patch:
        interrupt_at(13, patch)
        assert command("train", file, *OPTIONS) == 128 + signal.SIGINT
    run = only_run(short.parent)

    assert command("train", "--resume", run, "--epochs", str(LONGER), *RESUMED) == 0
    check_same(run, top / "long")


class Killed(BaseException):
    """As if the process had been killed: no handler of errors sees it."""


@pytest.mark.parametrize("again", [True, False], ids=["with --epochs", "without"])
@pytest.mark.parametrize("moment", [0, 1, 2])
def test_a_kill_between_two_renames_leaves_a_whole_run(
    short: Path, top: Path, monkeypatch: pytest.MonkeyPatch, moment: int, again: bool
) -> None:
    """The renames of `arch.next.yaml`, of `run.json`, and of `arch.yaml`."""
    put, seen = RunDirectory.put, 0

    def killed(self: RunDirectory, part: str, name: str) -> None:
        nonlocal seen
        seen += 1
        if seen > moment:
            raise Killed
        put(self, part, name)

    with monkeypatch.context() as patch:
        patch.setattr(RunDirectory, "put", killed)
        with pytest.raises(Killed):
            advconv.resume(short, epochs=LONGER, workers=0, device="cpu", quiet=True)
    is_extended = moment == 2
    assert open_run(short).spec.train.epochs == (LONGER if is_extended else 2)
    assert command("evaluate", short) == 0

    words = ("--epochs", str(LONGER)) if again else ()
    assert command("train", "--resume", short, *words, *RESUMED) == 0
    if is_extended or again:
        check_same(short, top / "long")
    else:
        assert weights(short) == weights(top / "short")


def test_one_that_was_killed_can_be_extended_further(short: Path, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that has not got its name yet is not overwritten before it has."""
    put = RunDirectory.put

    def killed(self: RunDirectory, part: str, name: str) -> None:
        if name == "arch.yaml":
            raise Killed
        put(self, part, name)

    with monkeypatch.context() as patch:
        patch.setattr(RunDirectory, "put", killed)
        with pytest.raises(Killed):
            advconv.resume(short, epochs=3, workers=0, device="cpu", quiet=True)
        with pytest.raises(Killed):
            advconv.resume(short, epochs=LONGER, workers=0, device="cpu", quiet=True)
    assert open_run(short).spec.train.epochs == 3

    assert command("train", "--resume", short, "--epochs", str(LONGER), *RESUMED) == 0
    check_same(short, top / "long")


def test_a_schedule_that_depends_on_the_number_of_epochs_is_refused_with_what_to_do(
    top: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(top)
    before = {path: path.read_bytes() for path in Path("cosine").glob("*") if path.is_file()}
    assert command("train", "--resume", "cosine", "--epochs", "5") == 2

    assert capsys.readouterr().err == (
        "advconv: cosine cannot be extended from 2 to 5 epochs: the learning rate of schedule cosine depends on the "
        "number of epochs at each step; to go on from its weights in a new run: advconv train cosine/arch.yaml "
        "--weights cosine --epochs 3\n"
    )
    assert {path: path.read_bytes() for path in before} == before


def test_images_that_grow_over_the_epochs_are_a_reason_too() -> None:
    constant = Train(schedule="constant")

    assert what_depends_on_epochs(constant) == ""
    assert what_depends_on_epochs(constant.model_copy(update={"initial_scale": 0.5})) == (
        "the size of the images (initial_scale) depends on the number of epochs at each step"
    )


def test_the_schedules_that_may_be_extended_are_those_whose_rate_is_the_same_for_any_length() -> None:
    """By brute force: the rate at each of the first 20 steps, of 20 and of 40."""
    factors: dict[str, Callable[[float], float]] = dict(SCHEDULES)
    same = [name for name, factor in factors.items() if all(factor(at / 20) == factor(at / 40) for at in range(20))]

    assert tuple(same) == EXTENDABLE


@pytest.mark.parametrize(
    ("epochs", "code", "words"),
    [
        ("1", 2, "advconv: short has 2 epochs, it cannot be shortened to 1\n"),
        ("0", 1, "--epochs 0: error[AC114] epochs must be a whole number of at least 1, not 0"),
        ("-3", 1, "--epochs -3: error[AC114] epochs must be a whole number of at least 1, not -3"),
        ("9999999", 1, "epochs must be at most 1,000,000, not 9999999"),
        ("9" * 30, 1, "epochs must be at most 1,000,000"),
        ("many", 2, "argument --epochs: 'many' is not a whole number"),
    ],
)
def test_other_numbers_of_epochs_are_refused(
    short: Path, capsys: pytest.CaptureFixture[str], epochs: str, code: int, words: str
) -> None:
    assert command("train", "--resume", "short", f"--epochs={epochs}") == code
    assert words in capsys.readouterr().err
    assert open_run(short).spec.train.epochs == 2


def test_as_many_epochs_as_there_are_change_nothing(top: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the schedule: the same command may be given again."""
    before = (top / "cosine" / "run.json").read_bytes()
    assert command("train", "--resume", top / "cosine", "--epochs", "2", "--device", "cpu") == 0

    assert "cosine is finished: epoch 2 of 2" in capsys.readouterr().out
    assert (top / "cosine" / "run.json").read_bytes() == before


def test_a_finished_run_says_how_to_go_on(top: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("train", "--resume", top / "short", "--device", "cpu") == 0

    assert f"to train longer: advconv train --resume {top / 'short'} --epochs 4\n" in capsys.readouterr().out


def test_a_run_that_another_process_trains_is_not_extended(
    short: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor one that another process has extended since it was read."""
    write = extension.write_extension

    def extended_meanwhile(before: Run, run: Run) -> None:
        write(before, run)
        with pytest.raises(TrainingError, match="has just been extended by another process; start again"):
            write(before, run)
        write(run, run)

    monkeypatch.setattr("advconv.training.train.write_extension", extended_meanwhile)
    assert command("train", "--resume", short, "--epochs", "3", *RESUMED) == 0


def test_a_lock_on_a_file_that_was_replaced_counts_for_nothing(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening and locking it, another process extends the run."""
    import fcntl

    lock: Callable[[int, int], object] = fcntl.lockf

    def replaced(file: int, kind: int) -> None:
        content = (short / "run.json").read_bytes()
        (short / "run.json").unlink()
        (short / "run.json").write_bytes(content)
        lock(file, kind)

    monkeypatch.setattr(fcntl, "lockf", replaced)
    with pytest.raises(TrainingError, match="has just been extended by another process"), locked(open_run(short)):
        pass


def test_from_python_and_in_reports(short: Path, top: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchError, match="epochs must be a whole number"):
        advconv.resume(short, epochs=-1, quiet=True)
    with pytest.raises(TrainingError, match="it cannot be shortened to 1"):
        advconv.resume(short, epochs=1, quiet=True)
    result = advconv.resume(short, epochs=LONGER, workers=0, device="cpu", quiet=True)

    check_same(result.path, top / "long")
    assert command("report", short, "--format", "markdown", "-o", tmp_path / "report") == 0
    text = (tmp_path / "report" / "README.md").read_text(encoding="utf-8")
    assert "from 2 epochs" in text
    assert "4 of 4 epochs" in text


def test_two_processes_extend_a_run_once(tmp_path: Path) -> None:
    rows, train = [{"strided": 8}, "gap", "linear"], {"schedule": "constant", "epochs": 1}
    file = write_arch(tmp_path / "t.yaml", rows=rows, train=train)
    for words in ((file, "--limit", "640"), ("--resume", "RUN", "--epochs", "2")):
        given = [str(only_run(tmp_path)) if word == "RUN" else word for word in words]
        one, two = group(tmp_path, *given, *RESUMED)
        with one, two:
            ended = one.end(), two.end()
        assert [each.code for each in ended] == [0, 0], ended
    run = open_run(only_run(tmp_path))

    assert [each.epochs for each in run.metadata.extended] == [1]
    assert len(metrics(run.path)) == 2
