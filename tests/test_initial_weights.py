"""A training that starts from weights: they are loaded where they fit, and recorded, and needed only once."""

import hashlib
import json
import shutil
import signal
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import advconv
from advconv.backends.torch_module import build, initialised
from advconv.net import load
from advconv.training.errors import TrainingError
from advconv.training.initial_weights import recorded_start, start_from
from advconv.training.run import open_run
from advconv.training.trained import open_trained
from tests.damage import MUTATIONS, mutated
from tests.processes import group
from tests.test_resume import interrupt_at
from tests.training import (
    HEAD,
    ROWS,
    command,
    metrics,
    only_run,
    short_trainings_in,
    weights,
    write_arch,
    write_metadata,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("short_trainings")]

OPTIONS = ("--limit", "320", "--workers", "0", "--device", "cpu")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose weights others start from."""
    directory = tmp_path_factory.mktemp("source")
    with short_trainings_in(directory):
        assert command("train", write_arch(directory / "t.yaml"), *OPTIONS, "--quiet") == 0
    return only_run(directory)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def started(run: Path) -> dict[str, torch.Tensor]:
    """The weights before the first step."""
    start = recorded_start(open_run(run))
    assert start is not None
    return dict(start.tensors)


def recorded(run: Path) -> Any:
    return json.loads((run / "run.json").read_text(encoding="utf-8"))["options"]["initial_weights"]


def test_a_run_starts_from_the_last_weights_of_another(
    source: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("train", write_arch(here / "t.yaml"), *OPTIONS, "--weights", source, "--epochs", "1") == 0
    run, expected = only_run(here), load_file(source / "last.safetensors")

    assert f"starts from {source}/last.safetensors: 24,026 of 24,026 parameters loaded\n" in capsys.readouterr().out
    assert started(run).keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in started(run).items())
    assert recorded(run) == {
        "source": str(source / "last.safetensors"),
        "sha256": hashlib.sha256(weights(source)).hexdigest(),
        "start": hashlib.sha256((run / "initial.safetensors").read_bytes()).hexdigest(),
    }


def test_it_is_better_in_its_first_epoch_than_a_new_one(source: Path, here: Path) -> None:
    file = write_arch(here / "t.yaml", train={"lr": 0.01, "epochs": 1})
    for name, words in (("new", ()), ("old", ("--weights", source))):
        assert command("train", file, *OPTIONS, *words, "--name", name, "--quiet") == 0
    new, old = (metrics(next(here.glob(f"runs/{name}-*")))[0]["test_loss"] for name in ("new", "old"))

    assert old < new


def test_a_learning_rate_of_almost_0_leaves_the_average_where_it_started(source: Path, here: Path) -> None:
    """So neither the weights nor their average have anything of a new initialisation."""
    file = write_arch(here / "t.yaml", train={"lr": 1e-30, "weight_decay": 0, "epochs": 1})
    assert command("train", file, *OPTIONS, "--weights", source, "--quiet") == 0
    expected, found = load_file(source / "last.safetensors"), load_file(only_run(here) / "last.safetensors")
    parameters = [name for name, _ in build(open_run(source).measures.graph).named_parameters()]

    assert all(torch.equal(found[name], expected[name]) for name in parameters)


def test_a_head_of_another_size_stays_new_and_is_named(
    source: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [*ROWS, "gap", {"linear": {"out_features": 20}}, {"linear": {"out_features": 10}}]
    assert command("train", write_arch(here / "t.yaml", rows=rows), *OPTIONS, "--weights", source) == 0
    run, given = only_run(here), load_file(source / "last.safetensors")
    new = initialised(open_run(run).measures.graph, 0).state_dict()
    said = capsys.readouterr().out.splitlines()[2:5]

    others = "C1.5.weight (10x32 in the file, 20x32 here), C1.5.bias (10 in the file, 20 here)"
    assert said == [
        f"starts from {source}/last.safetensors: 23,696 of 24,566 parameters loaded",
        f"not loaded, of another shape: {others}",
        "newly initialised, not in the file: C1.6.bias, C1.6.weight",
    ]
    for name, value in started(run).items():
        assert torch.equal(value, new[name] if name.startswith(("C1.5", "C1.6")) else given[name]), name


def test_a_state_dict_of_any_origin_and_precision_will_do(source: Path, here: Path) -> None:
    given = {name: value.double() if value.is_floating_point() else value
             for name, value in load_file(source / "last.safetensors").items()}  # fmt: skip
    save_file(given | {"head.weight": torch.zeros(3)}, here / "w.safetensors")
    graph = open_run(source).measures.graph
    start = start_from("w.safetensors", graph, seed=0, force=False)

    assert start.lines[1:] == ("ignored, not in this network: head.weight",)
    assert all(torch.equal(value.double(), given[name].double()) for name, value in start.tensors.items())


def test_shipped_weights_will_do_from_any_directory(here: Path) -> None:
    net = load("archs/c1c2c3c4-fast.yaml")
    start = start_from("archs/c1c2c3c4-fast.safetensors", net.measures.graph, 0, False)

    assert all(map(torch.equal, start.tensors.values(), net.module(pretrained=True).state_dict().values()))
    assert Path(start.record.source).is_file()


def test_many_names_are_cut_short(source: Path, here: Path) -> None:
    given = load_file(source / "last.safetensors")
    save_file(given | {f"x{index:02}": torch.zeros(1) for index in range(20)}, here / "w.safetensors")
    (_, line) = start_from("w.safetensors", open_run(source).measures.graph, seed=0, force=False).lines

    assert line == f"ignored, not in this network: {', '.join(f'x{index:02}' for index in range(8))} and 12 more"


def without(given: dict[str, torch.Tensor], *names: str) -> dict[str, torch.Tensor]:
    return {name: value for name, value in given.items() if not name.startswith(names)}


def test_fewer_than_half_of_the_parameters_are_refused_without_force(
    source: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file(without(load_file(source / "last.safetensors"), "C1.2", "C1.3"), here / "w.safetensors")
    file = write_arch(here / "t.yaml")
    assert command("train", file, *OPTIONS, "--weights", "w.safetensors") == 2
    assert capsys.readouterr().err == (
        "advconv: w.safetensors has 5,466 of the 24,026 parameters of this network, fewer than half; to start from it "
        "anyway, give --force (in Python force=True)\n"
    )
    assert not (here / "runs").exists()

    assert command("train", file, *OPTIONS, "--weights", "w.safetensors", "--force", "--quiet") == 0


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({}, "no parameter of w.safetensors has a name and the shape of this network; it starts with nothing, "),
        ({"a": torch.zeros(1)}, "it starts with a, the network with C1.0.conv.weight"),
        ({"C1.0.conv.weight": torch.zeros(16, 3, 3)}, "no parameter of w.safetensors has a name and the shape"),
        ({"C1.0.conv.weight": torch.zeros(16, 3, 3, 3, dtype=torch.int8)}, "no parameter of w.safetensors has a name"),
        ({"C1.0.conv.weight": torch.full((16, 3, 3, 3), torch.nan)}, "C1.0.conv.weight has values that are not finite"),
        ({"C1.0.conv.weight": torch.full((16, 3, 3, 3), 1e300, dtype=torch.float64)}, "not finite in torch.float32"),
    ],
    ids=["nothing", "other names", "other shapes", "integers", "NaN", "too large"],
)  # fmt: skip
@pytest.mark.parametrize("force", [False, True])
def test_weights_that_cannot_be_used_are_refused(
    source: Path, here: Path, tensors: dict[str, torch.Tensor], words: str, force: bool
) -> None:
    save_file(tensors, here / "w.safetensors")

    with pytest.raises(TrainingError) as caught:
        start_from("w.safetensors", open_run(source).measures.graph, seed=0, force=force)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("none.safetensors", "none.safetensors cannot be read: No such file or directory"),
        ("folder", "folder is not a run: it has no run.json"),
        ("t.yaml", "t.yaml is an architecture; its weights would be t.safetensors"),
        ("/dev/zero", "/dev/zero cannot be read: it is not a regular file"),
        ("state.pt", "state.pt is not a safetensors file: it looks like one of torch.save, which may run code; "
         "convert it with safetensors.torch.save_file"),
        ("w\n.safetensors", "'w\\n.safetensors' cannot be recorded: it contains control characters; rename it"),
    ],
)  # fmt: skip
def test_a_wrong_path_has_one_line(
    source: Path, here: Path, capsys: pytest.CaptureFixture[str], name: str, line: str
) -> None:
    (here / "folder").mkdir()
    shutil.copy(source / "state.pt", here)
    shutil.copy(source / "last.safetensors", here / "w\n.safetensors")

    assert command("train", write_arch(here / "t.yaml"), *OPTIONS, "--weights", name) == 2
    assert capsys.readouterr().err == f"advconv: {line}\n"
    assert not (here / "runs").exists()


def test_a_damaged_file_is_refused_on_one_line_or_has_other_numbers(source: Path, here: Path) -> None:
    """A file of any origin has no hash of its own."""
    graph, whole, told = open_run(source).measures.graph, weights(source), list[str]()
    for seed in range(90):
        (here / "w.safetensors").write_bytes(mutated(MUTATIONS[seed % len(MUTATIONS)], Random(seed), whole))
        try:
            start_from("w.safetensors", graph, seed=0, force=False)
        except TrainingError as problem:
            told.append(str(problem))

    assert len(told) >= 25
    assert not [text for text in told if "\n" in text]


def test_a_run_with_damaged_weights_is_refused(source: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = shutil.copytree(source, here / "copy")
    (run / "last.safetensors").write_bytes(b"damaged")

    assert command("train", write_arch(here / "t.yaml"), *OPTIONS, "--weights", run) == 2
    assert "last.safetensors is damaged: its SHA-256 is not the one that was recorded" in capsys.readouterr().err


@pytest.mark.parametrize("step", [1, 13])
def test_an_interrupted_run_goes_on_without_the_source(
    source: Path, here: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    file, given = write_arch(here / "t.yaml"), shutil.copy(source / "last.safetensors", here / "w.safetensors")
    words = ("train", file, *OPTIONS, "--weights", given, "--quiet")
    assert command(*words, "--name", "whole") == 0
    with monkeypatch.context() as patch:
        interrupt_at(step, patch)
        assert command(*words, "--name", "stopped") == 128 + signal.SIGINT
    Path(given).unlink()
    whole, stopped = (next(here.glob(f"runs/{name}-*")) for name in ("whole", "stopped"))

    assert command("train", "--resume", stopped, "--workers", "0", "--device", "cpu", "--quiet") == 0
    assert weights(stopped) == weights(whole)


def killed_before_its_first_checkpoint(run: Path) -> Path:
    for name in ("state.pt", "last.safetensors", "best.safetensors", "checkpoints.json", "metrics.jsonl", "log.csv"):
        (run / name).unlink()
    shutil.rmtree(run / "previous")
    return run


def test_so_does_one_that_was_killed_before_its_first_checkpoint(source: Path, here: Path) -> None:
    assert command("train", write_arch(here / "t.yaml"), *OPTIONS, "--weights", source, "--quiet") == 0
    expected = weights(run := only_run(here))
    killed_before_its_first_checkpoint(run)

    assert command("train", "--resume", run, "--workers", "0", "--device", "cpu", "--quiet") == 0
    assert weights(run) == expected


def test_its_recorded_start_is_verified(source: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("train", write_arch(here / "t.yaml"), *OPTIONS, "--weights", source, "--quiet") == 0
    run = only_run(here)
    (run / "initial.safetensors").write_bytes(b"damaged")
    # It is not needed as long as there is a checkpoint.
    assert command("train", "--resume", run, "--workers", "0", "--device", "cpu", "--quiet") == 0
    killed_before_its_first_checkpoint(run)

    assert command("train", "--resume", run, "--workers", "0", "--device", "cpu", "--quiet") == 2
    assert "initial.safetensors is damaged: its SHA-256 is not the one" in capsys.readouterr().err


def test_a_run_of_a_version_without_these_fields_is_read(source: Path, here: Path) -> None:
    run = shutil.copytree(source, here / "old")
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    del about["options"]["initial_weights"], about["extended"]
    write_metadata(run, about)

    assert open_run(run).metadata == open_run(source).metadata
    assert command("train", "--resume", run, "--device", "cpu", "--quiet") == 0


@pytest.mark.parametrize(
    "record",
    [5, {"source": "a"}, {"source": "\x1b", "sha256": "0" * 64, "start": "0" * 64},
     {"source": "a", "sha256": "0" * 63, "start": "0" * 64}],
)  # fmt: skip
def test_a_wrong_record_is_refused(
    source: Path, here: Path, capsys: pytest.CaptureFixture[str], record: object
) -> None:
    run = shutil.copytree(source, here / "wrong")
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    about["options"]["initial_weights"] = record
    write_metadata(run, about)

    assert command("evaluate", run) == 2
    assert "run.json is damaged: options.initial_weights" in capsys.readouterr().err


def test_from_python_and_in_reports(source: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = advconv.train(
        load(write_arch(here / "t.yaml")), weights=source, limit=320, workers=0, device="cpu", quiet=True
    )
    sha256 = hashlib.sha256(weights(source)).hexdigest()
    assert recorded(result.path)["sha256"] == sha256
    with pytest.raises(TrainingError, match="nowhere cannot be read"):
        advconv.train(here / "t.yaml", weights="nowhere", limit=320, workers=0, device="cpu", quiet=True)

    assert command("report", result.path, "--format", "markdown", "-o", here / "report") == 0
    text = (here / "report" / "README.md").read_text(encoding="utf-8")
    assert f"It started from given weights (SHA-256 {sha256})." in text
    assert f"{source.name}/last.safetensors (SHA-256 {sha256})" in text
    assert str(source) not in text


def test_before_its_training_such_a_network_has_the_weights_that_it_started_from(source: Path, here: Path) -> None:
    """For `advconv erf`; a file of weights does not have those."""
    assert command("train", write_arch(here / "t.yaml"), *OPTIONS, "--weights", source, "--quiet") == 0
    run = only_run(here)
    untrained, expected = open_trained(run).untrained().state_dict(), load_file(source / "last.safetensors")
    assert all(torch.equal(value, expected[name]) for name, value in untrained.items())

    assert command("export", run, "-o", "t.safetensors") == 0
    with pytest.raises(TrainingError, match=r"t.yaml was trained from other weights \(SHA-256 [0-9a-f]{64}\)"):
        open_trained(Path("t.yaml")).untrained()


def test_it_is_refused_for_a_run_that_is_resumed(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("train", "--resume", source, "--weights", source) == 2
    assert "--weights starts a new run; leave out --resume, or --weights\n" in capsys.readouterr().err


WORDS = ("--limit", "640", "--epochs", "1", "--workers", "0", "--device", "cpu")


def test_two_processes_start_from_the_same_weights(source: Path, tmp_path: Path) -> None:
    file = write_arch(tmp_path / "t.yaml", rows=[*ROWS, *HEAD], defaults={"norm": "batch"})
    one, two = group(tmp_path, file, *WORDS, "--weights", source)
    with one, two:
        ended = one.end(), two.end()

    assert [each.code for each in ended] == [0, 0], ended
    assert [each.out.count("starts from") for each in ended] == [1, 0]


def test_they_end_if_the_weights_differ_between_them(source: Path, tmp_path: Path) -> None:
    """The path leads each to another file, as it may on two machines."""
    file, given = write_arch(tmp_path / "t.yaml"), load_file(source / "last.safetensors")
    for name in ("0", "1"):
        (tmp_path / name).mkdir()
        save_file(given | {"C1.5.bias": torch.full((10,), float(name))}, tmp_path / name / "w.safetensors")
    one, two = group(tmp_path, file, *WORDS, "--weights", "w.safetensors", first=enter_own_directory)
    with one, two:
        ended = one.end(), two.end()

    assert [each.code for each in ended] == [2, 2]
    assert all("w.safetensors is not the same file in all processes" in each.err for each in ended), ended


def enter_own_directory() -> None:
    import os

    os.chdir(os.environ["RANK"])
