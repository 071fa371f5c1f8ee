"""Damage to the files of a run is noticed or harmless, and there always is a checkpoint that is whole."""

import errno
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

import advconv
from advconv.training import checkpoints
from advconv.training.files import RunDirectory, RunError
from advconv.training.metrics import History
from advconv.training.run import open_run
from advconv.training.run_files import load_checkpoint, write_logs
from advconv.training.saved import CHECKSUM
from advconv.training.state import dump_state, load_state
from tests.damage import FILES, draws, flipped, reading, trainer_of
from tests.training import (
    command,
    only_run,
    short_trainings_in,
    weights,
    with_new_checksums,
    write_arch,
    write_metadata,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("short_trainings")]

OPTIONS = ("--limit", "96", "--epochs", "2", "--workers", "0", "--device", "cpu")
"""Three steps an epoch."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs, with the checkpoints of both."""
    directory = tmp_path_factory.mktemp("trained")
    with short_trainings_in(directory):
        file = write_arch(directory / "t.yaml", rows=[{"strided": 4}, "gap", "linear"], augment=[])
        assert command("train", file, *OPTIONS) == 0
    return only_run(directory)


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "run")


def test_damage_anywhere_is_noticed_or_harmless(run: Path) -> None:
    trainer = trainer_of(open_run(run))
    whole, told = reading(run, trainer), list[str]()
    for name, damage, draw in draws(210, FILES):
        before = (run / name).read_bytes()
        after = damage(before)
        (run / name).write_bytes(after)
        try:
            assert reading(run, trainer).same(whole), draw
            assert name in ("metrics.jsonl", "run.json", "checkpoints.json") or after == before, f"unnoticed: {draw}"
        except RunError as problem:
            told.append(str(problem))
        (run / name).write_bytes(before)

    assert len(told) > 170
    assert not [text for text in told if "\n" in text]


def test_damage_with_recomputed_checksums_may_go_unnoticed_but_gives_no_traceback(run: Path) -> None:
    shutil.rmtree(run / "previous")
    trainer = trainer_of(open_run(run))
    told = []
    for name, damage, _ in draws(80, ("state.pt", "last.safetensors")):
        before = (run / name).read_bytes()
        (run / name).write_bytes(damage(before))
        with_new_checksums(run)
        try:
            reading(run, trainer)
        except RunError as problem:
            told.append(str(problem))
        (run / name).write_bytes(before)

    assert len(told) > 30
    assert not [text for text in told if "\n" in text]


@pytest.mark.parametrize("name", ["state.pt", "last.safetensors", "best.safetensors"])
def test_one_flipped_bit_is_refused_with_the_last_good_checkpoint_and_the_way_on(run: Path, name: str) -> None:
    damaged = run / name
    damaged.write_bytes(flipped(damaged.read_bytes(), Random(0)))
    opened = open_run(run)

    with pytest.raises(RunError) as caught:
        load_checkpoint(opened, trainer_of(opened))
    assert str(caught.value) == (
        f"{damaged} is damaged: its SHA-256 is not the one that was recorded when it was written; the last good "
        "checkpoint is the one before it (step 3, after epoch 1), which --previous uses (in Python previous=True); "
        f"resume from there with: advconv train --resume {run} --previous"
    )


def test_the_checkpoint_before_the_newest_leads_to_the_same_weights(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reached, damaged = weights(run), run / "state.pt"
    damaged.write_bytes(flipped(damaged.read_bytes(), Random(0)))
    assert command("train", "--resume", run) == 2
    assert f"advconv: {damaged} is damaged" in capsys.readouterr().err
    with pytest.raises(advconv.TrainingError, match="is damaged: its SHA-256"):
        advconv.resume(run)

    assert command("train", "--resume", run, "--previous", "--workers", "0", "--device", "cpu") == 0
    assert weights(run) == reached
    assert checkpoints.intact(RunDirectory(run)) is not None


@pytest.mark.parametrize(
    "words", [["evaluate"], ["predict", "image.png"], ["export", "-o", "m.onnx"]], ids=lambda w: w[0]
)
def test_damaged_weights_are_refused_by_whatever_loads_them(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    damaged = run / "last.safetensors"
    damaged.write_bytes(flipped(damaged.read_bytes(), Random(0)))
    name, *rest = words

    assert command(name, run, *rest) == 2
    assert f"{damaged} is damaged: its SHA-256" in capsys.readouterr().err
    assert not Path("m.onnx").exists()


def test_the_checkpoint_before_the_newest_can_be_scored(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "last.safetensors").write_bytes(b"")
    assert command("evaluate", run, "--previous", "--format", "json") == 0
    before = capsys.readouterr().out
    (run / "last.safetensors").write_bytes((run / "previous" / "last.safetensors").read_bytes())
    assert command("evaluate", with_new_checksums(run), "--format", "json") == 0

    assert capsys.readouterr().out == before


def test_a_result_of_python_refuses_damaged_weights_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = write_arch(tmp_path / "t.yaml", rows=[{"strided": 4}, "gap", "linear"], augment=[])
    result = advconv.train(file, limit=96, epochs=2, workers=0, device="cpu", quiet=True)
    result.module()
    damaged = result.path / "last.safetensors"
    damaged.write_bytes(flipped(damaged.read_bytes(), Random(0)))

    with pytest.raises(advconv.TrainingError, match=r"last.safetensors is damaged"):
        result.module()
    result.module(previous=True)


def test_without_a_good_checkpoint_the_way_on_is_a_new_training(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for state in (run / "state.pt", run / "previous" / "state.pt"):
        state.write_bytes(flipped(state.read_bytes(), Random(0)))

    for words in ([], ["--previous"]):
        assert command("train", "--resume", run, *words) == 2
        said = capsys.readouterr().err
        assert f"there is no other good checkpoint; train it again with: advconv train {run / 'arch.yaml'}" in said


def test_previous_needs_a_run_and_a_checkpoint(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("train", "t.yaml", "--previous") == 2
    assert "--previous goes with --resume RUN" in capsys.readouterr().err
    shutil.rmtree(run / "previous")
    assert command("train", "--resume", run, "--previous") == 2
    assert f"{run} has no checkpoint before the newest one; leave --previous out" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["evaluate"], ["train", "--resume"]], ids=lambda words: words[0])
def test_a_run_without_checksums_is_refused(run: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    listed, metadata = run / "checkpoints.json", json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps({key: metadata[key] for key in metadata if key != CHECKSUM}))
    assert command(*words, run) == 2
    assert f"{run / 'run.json'} is damaged: its own SHA-256 is missing" in capsys.readouterr().err

    write_metadata(run, metadata)
    listed.unlink()
    assert command(*words, run) == 2
    assert f"{listed} is missing, so " in capsys.readouterr().err


@pytest.mark.parametrize("name", ["last.safetensors", "state.pt"])
def test_a_file_of_the_checkpoint_before_is_not_taken_for_one_of_the_newest(
    run: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (run / name).read_bytes() != (run / "previous" / name).read_bytes()
    shutil.copy(run / "previous" / name, run / name)

    assert command("train", "--resume", run) == 2
    assert f"{name} is damaged: its SHA-256 is not the one" in capsys.readouterr().err
    if name == "last.safetensors":
        assert command("evaluate", run, "--weights", "last") == 2


def test_a_missing_state_is_refused_where_the_log_has_epochs(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (run / "metrics.jsonl").read_bytes()
    (run / "state.pt").unlink()

    assert command("train", "--resume", run) == 2
    said = capsys.readouterr().err
    assert f"{run / 'state.pt'} is missing, and metrics.jsonl has finished epochs; the last good" in said
    assert (run / "metrics.jsonl").read_bytes() == before
    shutil.rmtree(run / "previous")
    assert command("train", "--resume", run) == 2
    assert "there is no other good checkpoint; train it again" in capsys.readouterr().err


WRONG: tuple[Any, ...] = (None, -1, "\x1b]0;text", [], [[]], {}, {"a": 1}, 10**400, float("nan"), True)


def with_field(data: Any, path: tuple[Any, ...], *value: Any) -> Any:
    """A copy of nested data with another value at a place, or without that place."""
    data = dict(data) if isinstance(data, dict) else list(data)
    key, *rest = path
    if rest:
        data[key] = with_field(data[key], tuple(rest), *value)
    elif value:
        data[key] = value[0]
    else:
        del data[key]
    return data


def places(data: Any) -> Iterator[tuple[Any, ...]]:
    """Each field of nested data."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (key,)
        yield from ((key, *rest) for rest in places(value))


LEGAL: dict[tuple[Any, ...], Any] = {
    ("options", "limit"): None,
    ("options", "until"): None,
    ("options", "tensorboard"): True,
    ("options", "initial_weights"): None,
    ("options", "teacher"): None,
    ("versions",): {},
    ("extended",): [],
}
"""What would be wrong elsewhere."""

OPTIONAL = {
    "limit",
    "until",
    "device",
    "compile",
    "tensorboard",
    "promised_data",
    "initial_weights",
    "teacher",
    "extended",
}
"""Fields that have a default; the checksum tells where they are absent."""


def test_a_deviation_that_would_overflow_is_refused(run: Path) -> None:
    metadata = json.loads((run / "run.json").read_text(encoding="utf-8"))
    write_metadata(run, metadata | {"std": [1e-320] * 3})

    with pytest.raises(RunError, match=r"run.json is damaged: std"):
        open_run(run)


def test_run_json_is_held_to_its_types_field_by_field(run: Path) -> None:
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    del about["sha256"]
    about["extended"] = [{"epochs": 1, "hash": "0" * 64}]
    about["options"]["initial_weights"] = {"source": "a", "sha256": "0" * 64, "start": "0" * 64}
    about["options"]["teacher"] = {"source": "a", "sha256": "0" * 64}
    for path in places(about):
        wrong: list[tuple[Any, ...]] = [(value,) for value in WRONG if path not in LEGAL or value != LEGAL[path]]
        is_needed = path[-1] not in OPTIONAL and path[0] != "versions" and path != ("extended", 0)
        for value in [*wrong, ()] if is_needed else wrong:
            write_metadata(run, with_field(about, path, *value))
            with pytest.raises(RunError, match=r"run.json is damaged: ") as caught:
                open_run(run)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ({"classes": ["\x1b[2J"]}, "classes.0: contains control characters"),
        ({"options": 5}, "options: must be a mapping"),
        ({"versions": []}, "versions: must be a mapping"),
        ({"name": "a/b"}, "name: has the wrong form"),
        ({"seed": -1}, "seed: must be greater than or equal to 0"),
        ({"seed": None}, "seed: must be a valid integer"),
    ],
)
def test_a_wrong_value_of_run_json_is_told_without_the_words_of_a_library(
    run: Path, field: dict[str, Any], reason: str
) -> None:
    write_metadata(run, json.loads((run / "run.json").read_text(encoding="utf-8")) | field)

    assert refused(run) == f"{run / 'run.json'} is damaged: {reason}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"seed": ' + b"9" * 5_000 + b"}", "a number of 5,000 digits"),
        (b"", "not JSON from line 1, column 1 on"),
        (b'{\n"seed": x}', "not JSON from line 2, column 9 on"),
        (b'{"seed": "\xff"}', "not UTF-8"),
        (b'{"std": [NaN]}', "NaN is not a JSON number"),
    ],
)
def test_what_is_not_json_is_told_without_the_words_of_python(run: Path, text: bytes, reason: str) -> None:
    (run / "run.json").write_bytes(text)

    assert refused(run) == f"{run / 'run.json'} is damaged: {reason}"


def refused(run: Path) -> str:
    with pytest.raises(RunError) as caught:
        open_run(run)
    return str(caught.value)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_the_state_is_held_to_its_types_field_by_field_and_to_the_trainer(
    run: Path, monkeypatch: pytest.MonkeyPatch, optimizer: str
) -> None:
    """In the first step of the second epoch."""
    opened = open_run(run)
    trainer = trainer_of(opened, optimizer)
    first = load_checkpoint(opened, trainer_of(opened)).epochs[0]
    for _ in range(4):
        trainer.update(torch.zeros(32, 16, 16, 3, dtype=torch.uint8), torch.zeros(32, dtype=torch.long))
    trainer.flush_metrics()
    trainer.running.steps = 1
    data = dump_state(opened.metadata.hash, trainer, History([first], first.test_accuracy, 1))
    load_state(data, opened.metadata.hash, trainer)
    state = torch.load(io.BytesIO(data), weights_only=True)

    for path in places(state):
        for value in wrong_values(state, path):
            told = with_field(state, path, *value)
            # As if it had been loaded from bytes, which takes most of the time.
            monkeypatch.setattr(torch, "load", lambda *_, told=told, **__: told)
            with pytest.raises(ValueError, match=r"\w") as caught:
                load_state(data, opened.metadata.hash, trainer)
            assert "\n" not in str(caught.value)


def wrong_values(state: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """None of them for a field that is left out."""
    before = state
    for key in path:
        before = before[key]
    tensors = (torch.zeros(3), torch.zeros(()), torch.zeros((), dtype=torch.long), torch.zeros(2).to_sparse())
    yield ()
    yield from ((value,) for value in (*WRONG, *tensors) if not is_same(value, before))


def is_same(value: Any, before: Any) -> bool:
    if isinstance(value, torch.Tensor) or isinstance(before, torch.Tensor):
        kinds = [(type(each), getattr(each, "shape", 0), getattr(each, "dtype", 0)) for each in (value, before)]
        return kinds[0] == kinds[1]
    return value is before or (type(value) is type(before) and value == before)


def test_text_in_a_state_reaches_no_log(run: Path) -> None:
    state = torch.load(run / "state.pt", weights_only=True)
    state["history"]["epochs"][0]["lr"] = "a line of someone else\n"
    torch.save(state, run / "state.pt")
    with_new_checksums(run)
    before = (run / "metrics.jsonl").read_bytes()

    assert command("train", "--resume", run) == 2
    assert (run / "metrics.jsonl").read_bytes() == before


def test_structures_of_another_kind_are_refused(run: Path) -> None:
    opened = open_run(run)
    trainer = trainer_of(opened)
    structures: tuple[Any, ...] = (
        None,
        [],
        {},
        "text",
        1,
        torch.zeros(1),
        [{}],
        {"trainer": {}},
        {1: 2},
        {"hash": opened.metadata.hash},
    )
    for told in structures:
        out = io.BytesIO()
        torch.save(told, out)
        with pytest.raises(ValueError, match=r"is missing|must be"):
            load_state(out.getvalue(), opened.metadata.hash, trainer)


def test_a_resume_writes_through_no_link(run: Path) -> None:
    mine = run.parent / "outside"
    mine.write_text("mine", encoding="utf-8")
    written = ("metrics.jsonl", "log.csv", "curves.png", "result.json")
    for name in (*written, ".metrics.jsonl.part", ".state.pt.part"):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(mine)
    assert command("train", "--resume", run, "--device", "cpu") == 0

    assert mine.read_text(encoding="utf-8") == "mine"
    assert not [name for name in written if (run / name).is_symlink()]


@pytest.mark.parametrize("name", ["run.json", "arch.yaml", "checkpoints.json", "state.pt", "last.safetensors"])
@pytest.mark.parametrize("kind", ["link", "fifo", "directory"])
def test_what_is_no_file_of_the_run_is_refused_and_nothing_waits_for_it(run: Path, name: str, kind: str) -> None:
    elsewhere = run.parent / name
    (run / name).rename(elsewhere)
    makers: dict[str, Callable[[Path], None]] = {
        "link": lambda path: path.symlink_to(elsewhere),
        "fifo": os.mkfifo,
        "directory": os.mkdir,
    }
    makers[kind](run / name)

    with pytest.raises(RunError, match=r"which is not followed|not a regular file|is not a run") as caught:
        reading(run, trainer_of(open_run(run)))
    assert str(run) in str(caught.value)


def test_a_fifo_in_the_place_of_the_log_is_refused(run: Path) -> None:
    (run / "metrics.jsonl").unlink()
    (run / "state.pt").unlink()
    os.mkfifo(run / "metrics.jsonl")

    with pytest.raises(RunError, match=r"metrics.jsonl cannot be read: it is not a regular file"):
        reading(run, trainer_of(open_run(run)))


@pytest.mark.parametrize("name", ["previous", "tensorboard"])
def test_directories_in_a_run_are_no_links(run: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    elsewhere = run.parent / "elsewhere"
    elsewhere.mkdir()
    shutil.rmtree(run / name, ignore_errors=True)
    (run / name).symlink_to(elsewhere)
    words = {"previous": "--previous", "tensorboard": "--tensorboard"}

    assert command("train", "--resume", run, words[name], "--device", "cpu") == 2
    assert f"{run / name} is a link, which is not followed" in capsys.readouterr().err
    assert not list(elsewhere.iterdir())


def test_parts_that_a_killed_process_has_left_are_swept(run: Path) -> None:
    left = run / ".advconv-0123.part"
    left.write_bytes(b"half")
    assert command("train", "--resume", run, "--device", "cpu") == 0

    assert not left.exists()
    assert not list(run.rglob(".advconv-*"))


def test_a_full_disk_leaves_the_older_onnx_file(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "m.onnx"
    path.write_bytes(b"older")
    monkeypatch.setattr("advconv.training.export.onnx_bytes", lambda *_: b"newer")
    monkeypatch.setattr(os, "fsync", full)

    assert command("export", run, "-o", path) == 2
    assert f"{path} cannot be written: No space left on device" in capsys.readouterr().err
    assert path.read_bytes() == b"older"


class Killed(BaseException):
    """As if the process ended here."""


def test_whenever_a_process_ends_each_file_is_one_that_the_list_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checkpoint after checkpoint, killed before each call that changes the directory."""
    for kill_at in range(1, 60):
        path = tmp_path / str(kill_at)
        path.mkdir()
        directory, calls, written = RunDirectory(path), 0, 0

        def counted(call: Callable[..., Any], *args: Any, at: int = kill_at, **more: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == at:
                raise Killed
            return call(*args, **more)

        with monkeypatch.context() as patch:
            for name in ("replace", "link", "mkdir"):
                patch.setattr(os, name, partial(counted, getattr(os, name)))
            patch.setattr(RunDirectory, "_remove", lambda *_: None)
            # What a disk keeps of a process that ends is what was written, synced or not.
            patch.setattr(os, "fsync", lambda _: None)
            try:
                for step in (1, 2, 3, 4):
                    files = {name: f"{name} {step}".encode() for name in ("last.safetensors", "state.pt")}
                    files |= {"best.safetensors": f"best {step}".encode()} if step in (2, 4) else {}
                    checkpoints.write(directory, step, step, files)
                    written = step
            except Killed:
                pass
        if not directory.has("state.pt"):
            assert written == 0
            continue
        found = checkpoints.verify(directory)
        assert found is not None
        assert found.step in (written, written + 1)
        if found.step > 1:
            kept = checkpoints.intact(directory.child("previous"))
            assert kept is not None
            assert kept.step in (found.step, found.step - 1)
        checkpoints.write(directory, 9, 9, {"last.safetensors": b"last 9", "state.pt": b"state 9"})
        assert checkpoints.verify(directory) == checkpoints.intact(directory)
        assert checkpoints.read_file(directory, "state.pt") == b"state 9"
        kept = checkpoints.intact(directory.child("previous"))
        assert kept is not None
        assert kept.step == found.step


def test_a_disk_that_stores_something_else_is_noticed_before_the_older_checkpoint_goes(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = RunDirectory(run)
    before = (run / "state.pt").read_bytes()
    monkeypatch.setattr(os, "fsync", lambda file: os.pwrite(file, b"x", 0) if os.fstat(file).st_nlink == 1 else None)

    with pytest.raises(RunError, match="was not stored as it was written; the disk may be failing"):
        checkpoints.write(directory, 3, 9, {"last.safetensors": b"last", "state.pt": b"state"})
    assert (run / "state.pt").read_bytes() == before
    assert not list(run.glob(".advconv-*"))


def test_the_logs_are_written_from_the_state(run: Path) -> None:
    before = (run / "metrics.jsonl").read_bytes()
    opened = open_run(run)
    history = load_checkpoint(opened, trainer_of(opened))
    (run / "metrics.jsonl").write_bytes(b"")
    write_logs(opened.directory, history)

    assert (run / "metrics.jsonl").read_bytes() == before
