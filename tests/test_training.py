"""Training: it learns, one seed gives one result, and a run shows all of it."""

import contextlib
import csv
import json
import math
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import termios
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from tqdm import tqdm

from advconv.language.recipe import Train
from advconv.language.recipe_forms import BELOW_ONE, LARGEST, SMALLEST
from advconv.training import figures
from advconv.training.augment import Augment
from advconv.training.data import ImageSet, TrainingData
from advconv.training.device import choose_accelerator
from advconv.training.evaluation import Evaluation, evaluate
from advconv.training.loader import BatchPlan
from advconv.training.mixing import mixed
from advconv.training.optim import SCHEDULES, create_average, create_optimizer, create_scheduler
from advconv.training.results import classes_of, confusion_matrix
from advconv.training.trainer import Diverged, Trainer
from tests.processes import Training
from tests.training import HEAD, command, metrics, only_run, small, weights, write_arch, write_metadata

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("short_trainings")]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs that nothing has interrupted."""
    directory = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        file = write_arch(directory / "t.yaml", constraints={"accuracy": ">= 20%"})
        assert command("train", file, "--limit", "1600", "--workers", "1", "--device", "cpu") == 0
    return only_run(directory)


def test_it_learns(trained: Path) -> None:
    first, last = metrics(trained)

    assert last["train_loss"] < first["train_loss"]
    assert last["test_loss"] < first["test_loss"]
    assert last["test_accuracy"] > 25


@pytest.mark.parametrize("workers", ["0", "2"])
def test_one_seed_gives_one_result_whatever_the_number_of_workers(trained: Path, here: Path, workers: str) -> None:
    file = write_arch(here / "t.yaml", constraints={"accuracy": ">= 20%"})
    assert command("train", file, "--limit", "1600", "--workers", workers, "--device", "cpu") == 0

    assert metrics(only_run(here)) == metrics(trained)
    assert weights(only_run(here)) == weights(trained)


def test_another_seed_gives_another_result(trained: Path, here: Path) -> None:
    command("train", write_arch(here / "t.yaml"), "--limit", "1600", "--workers", "0", "--seed", "1", "--device", "cpu")

    assert weights(only_run(here)) != weights(trained)


ARTEFACTS = {
    "arch.yaml", "augmented.json", "augmented.png", "best.safetensors", "checkpoints.json", "confusion.png",
    "curves.png", "last.safetensors", "log.csv", "metrics.jsonl", "misclassified.png", "model.py", "per_class.csv",
    "predictions.json", "previous", "result.json", "run.json", "state.pt", "summary.txt",
}  # fmt: skip


def test_a_run_has_every_artefact_and_nothing_else(trained: Path) -> None:
    checkpoint = {"best.safetensors", "checkpoints.json", "last.safetensors", "state.pt"}

    assert {path.name for path in trained.iterdir()} == ARTEFACTS
    assert {path.name for path in (trained / "previous").iterdir()} == checkpoint


@pytest.mark.parametrize("name", ["augmented.png", "confusion.png", "curves.png", "misclassified.png"])
def test_figures_open_and_are_not_blank(trained: Path, name: str) -> None:
    with Image.open(trained / name) as figure:
        pixels = np.asarray(figure.convert("RGB"))

    # Text alone is black, white and grey.
    colours = pixels.astype(int).max(axis=2) - pixels.astype(int).min(axis=2)
    assert min(pixels.shape[:2]) > 200
    assert (colours > 20).mean() > 0.002


def test_the_log_says_what_the_metrics_say(trained: Path) -> None:
    with open(trained / "log.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    for row, full in zip(rows, metrics(trained), strict=True):
        assert all(
            math.isclose(float(row[key]), value, rel_tol=1e-5) for key, value in full.items() if value is not None
        )
        assert all(row[key] == "" for key, value in full.items() if value is None)


def test_the_summary_is_torchinfos(trained: Path) -> None:
    text = (trained / "summary.txt").read_text(encoding="utf-8")
    parameters = sum(value.numel() for key, value in load_file(trained / "last.safetensors").items() if is_weight(key))

    assert f"Total params: {parameters:,}" in text


def is_weight(key: str) -> bool:
    return not key.endswith(("running_mean", "running_var", "num_batches_tracked"))


ALONE = """
import json, sys
import numpy as np, torch
from safetensors.torch import load_file
sys.modules["advconv"] = None
import model
network = model.Net().eval()
network.load_state_dict(load_file("last.safetensors"))
about = json.load(open("run.json"))
images = torch.from_numpy(np.load(sys.argv[1])).permute(0, 3, 1, 2) / 255
mean, std = (torch.tensor(about[key]).view(1, -1, 1, 1) for key in ("mean", "std"))
with torch.no_grad():
    print(json.dumps(network((images - mean) / std).softmax(1).tolist()))
"""


def test_model_py_loads_the_weights_without_advconv_and_says_what_predict_says(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    for index, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{index}.png")
    command("predict", trained, tmp_path / "0.png", tmp_path / "1.png", "--top", "10", "--format", "json")
    said = json.loads(capsys.readouterr().out)["rows"]
    assert [row["image"] for row in said] == [str(tmp_path / f"{index}.png") for index in (0, 1) for _ in range(10)]

    program = [sys.executable, "-c", ALONE, str(tmp_path / "images.npy")]
    alone = json.loads(subprocess.run(program, cwd=trained, capture_output=True, check=True, text=True).stdout)

    classes = json.loads((trained / "run.json").read_text(encoding="utf-8"))["classes"]
    for index, shares in enumerate(alone):
        told = {row["class"]: row["probability"] for row in said[10 * index : 10 * index + 10]}
        assert all(share == float(f"{share:.6g}") for share in told.values())
        assert told == pytest.approx(dict(zip(classes, shares, strict=True)), abs=1e-3)


def test_evaluate_says_the_headline_of_the_run(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = json.loads((trained / "result.json").read_text(encoding="utf-8"))
    assert command("evaluate", trained, "--format", "json") == 0
    said = json.loads(capsys.readouterr().out)

    assert said["totals"]["accuracy"] == result["test_accuracy"] == metrics(trained)[-1]["test_accuracy"]
    assert sum(row["images"] for row in said["rows"]) == 1000
    assert sum(row["correct"] for row in said["rows"]) == round(10 * result["test_accuracy"])
    for row in said["rows"]:
        assert row["accuracy"] == pytest.approx(100 * row["correct"] / row["images"], rel=1e-5)
        assert row["times"] <= row["images"] - row["correct"]

    assert command("evaluate", trained, "--flip", "--weights", "best", "--device", "cpu") == 0
    shown = capsys.readouterr().out
    assert "with mirror images" in shown
    assert re.search(r"\d\.\d\d%", shown)


def test_a_run_whose_device_is_not_here_is_evaluated_on_the_best_one(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    metadata = json.loads((run / "run.json").read_text(encoding="utf-8"))
    write_metadata(run, metadata | {"options": metadata["options"] | {"device": "cuda:99"}})
    assert command("evaluate", trained, "--format", "csv") == 0
    expected = capsys.readouterr().out

    assert command("evaluate", run, "--format", "csv") == 0
    out, err = capsys.readouterr()
    assert out == expected
    assert f"{run} was trained with --device cuda:99, which cannot be used here; computing on " in err

    assert command("train", "--resume", run) == 2
    assert capsys.readouterr().err.rstrip().endswith("; use another one, such as cpu")


def test_accuracies_by_class_are_numbers_and_a_class_without_images_has_none() -> None:
    data = ImageSet(torch.zeros(3, 1, 1, 3, dtype=torch.uint8), torch.tensor([0, 0, 0]))
    said = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    table = classes_of(data, Evaluation(said, 0.3456789012, 200 / 3), ["cat", "dog"], "t")

    assert table.rows == (("cat", 3, 2, 66.6667, "dog", 1), ("dog", 0, 0, None, None, 0))
    assert table.totals == {"accuracy": 66.6667, "loss": 0.345679, "images": 3}
    assert "66.67%" in table.text()
    assert table.csv().splitlines()[1:] == ["cat,3,2,66.6667,dog,1", "dog,0,0,,,0"]


def test_the_confusion_of_classes_adds_up(trained: Path) -> None:
    with open(trained / "per_class.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    result = json.loads((trained / "result.json").read_text(encoding="utf-8"))

    assert sum(int(row["images"]) for row in rows) == 1000
    assert sum(int(row["correct"]) for row in rows) == round(10 * result["test_accuracy"])


def test_patience_ends_training_when_the_validation_accuracy_stays(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The learning rate is so small that the first epoch stays the best one."""
    file = write_arch(here / "t.yaml", train={"lr": 1e-30, "epochs": 9, "patience": 3, "val_split": 64, "ema": 0.0})
    assert command("train", file, "--limit", "320", "--workers", "0", "--device", "cpu") == 0
    (run,) = (here / "runs").iterdir()
    rows = metrics(run)

    assert "ended early: no better validation accuracy for 3 epochs (patience)" in capsys.readouterr().out
    assert len(rows) == 4
    assert {row["val_accuracy"] for row in rows} == {rows[0]["val_accuracy"]}
    assert json.loads((run / "result.json").read_text())["best_epoch"] == 1
    assert command("train", "--resume", run) == 0
    assert "is finished: epoch 4 of 9" in capsys.readouterr().out


def test_until_stops_and_says_what_it_was_picked_on(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_arch(here / "t.yaml")
    assert command("train", file, "--limit", "640", "--epochs", "9", "--until", "1.5%", "--workers", "0") == 0
    assert "reached 1.5% on the test set in epoch 1" in capsys.readouterr().out
    assert len(metrics(only_run(here))) == 1


@pytest.mark.parametrize("text", ["0", "0.85", "1", "850", "100.1", "nan", "inf", "-3", "85%%", "most"])
def test_until_is_an_accuracy_in_percent(here: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert command("train", write_arch(here / "t.yaml"), "--until", text) == 2
    assert f"argument --until: {text!r} is not an accuracy in percent, above 1 and at most 100; write --until 85" in (
        capsys.readouterr().err
    )
    assert not (here / "runs").exists()


def test_a_validation_set_keeps_the_test_set_for_the_end(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_arch(here / "t.yaml")
    assert command("train", file, "--limit", "1280", "--val-split", "500", "--workers", "0") == 0
    rows = metrics(only_run(here))

    assert [row["test_accuracy"] is None for row in rows] == [True, False]
    assert all(row["val_accuracy"] is not None for row in rows)
    assert "780 training + 500 for validation + 1,000 test images" in (said := capsys.readouterr().out)
    assert "picked on the validation set" in said


TINY = [{"strided": {"out_channels": 4, "stride": 4}}, "gap", "linear"]


@pytest.mark.parametrize(("promise", "code", "word"), [(">= 99%", 1, "FAILED (-"), ("> 0%", 0, "kept (+")])
def test_a_promise_is_judged_on_all_images_of_its_own_data(
    here: Path, capsys: pytest.CaptureFixture[str], promise: str, code: int, word: str
) -> None:
    file = write_arch(here / "t.yaml", rows=TINY, constraints={"accuracy": promise}, augment=[])

    assert command("train", file, "--epochs", "1", "--batch-size", "500", "--workers", "0") == code
    assert f"accuracy {promise}: {word}" in capsys.readouterr().out
    result = json.loads((only_run(here) / "result.json").read_text(encoding="utf-8"))
    assert (result["promise_kept"], result["promise_not_judged"]) == (code == 0, None)


@pytest.mark.parametrize(
    ("data", "options", "reason"),
    [
        ("shapes", ["--limit", "100"], "the run used the first 100 images"),
        ("cifar10", ["--data", "shapes"], "the run used drawn shapes instead of CIFAR-10"),
        (None, ["--set", "data=shapes"], "the run used drawn shapes instead of CIFAR-10"),
        ("svhn", ["--data", "shapes", "--limit", "100"],
         "the run used the first 100 images of drawn shapes instead of SVHN"),
    ],
)  # fmt: skip
def test_other_images_judge_no_promise(
    here: Path, capsys: pytest.CaptureFixture[str], data: str | None, options: list[str], reason: str
) -> None:
    arch = small(rows=TINY, constraints={"accuracy": ">= 99%"}, augment=[], data=data)
    arch = {key: value for key, value in arch.items() if value is not None}
    (here / "t.yaml").write_text(json.dumps(arch), encoding="utf-8")
    words = ["--epochs", "1", "--batch-size", "500", "--workers", "0"]

    assert command("train", here / "t.yaml", *options, *words) == 0
    assert f"accuracy >= 99% is not judged: {reason}\n" in capsys.readouterr().out
    run = only_run(here)
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert (result["promise_kept"], result["promise_not_judged"]) == (None, reason)

    # A resumed run remembers what the promise is about.
    assert command("train", "--resume", run) == 0
    assert f"accuracy >= 99% is not judged: {reason}\n" in capsys.readouterr().out


def test_a_limit_and_a_batch_above_what_there_is_are_told_and_change_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_arch(here / "t.yaml", rows=TINY, constraints={"accuracy": "> 0%"}, augment=[])

    assert command("train", file, "--epochs", "1", "--batch-size", "9999", "--limit", "9999", "--workers", "0") == 0
    said = capsys.readouterr().out
    assert "a limit of 9,999 is above the 5,000 training and 1,000 test images; all are used" in said
    assert "a batch has all 5,000 training images, which are fewer than the batch_size of 9,999" in said
    assert "accuracy > 0%: kept" in said


def test_a_network_that_breaks_its_constraints_is_trained_with_force_alone(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_arch(here / "t.yaml", constraints={"params": "< 10"})

    assert command("train", file, "--limit", "128") == 1
    assert "train anyway with --force" in capsys.readouterr().err
    assert not (here / "runs").exists()
    assert command("train", file, "--limit", "128", "--epochs", "1", "--workers", "0", "--force") == 0


def test_options_change_any_field_and_the_run_says_so(here: Path) -> None:
    settings = [
        "train.schedule=cosine",
        "augment=[VerticalFlip]",
        "network.C1.0.conv.out_channels=4",
        "train.mixup=0.4",
        # Where the file has a short form, the fields of the long one.
        "augment.0.VerticalFlip.p=0.25",
        "network.C1.3.residual.layers.0.conv.kernel_size=5",
        "network.C1.4.gap.name=pooled",
    ]
    options = [part for text in settings for part in ("--set", text)]
    recipe = ["--epochs", "1", "--batch-size", "32", "--lr", "0.1", "--name", "named", "--set", "train.clip=1"]
    optimized = ["--set", "train.optimizer=adamw", "--set", "train.precision=float32", "--set", "train.ema=0"]
    assert command("train", write_arch(here / "t.yaml"), "--limit", "128", *options, *recipe, *optimized) == 0
    text = (only_run(here) / "arch.yaml").read_text(encoding="utf-8")

    assert only_run(here).name.startswith("named-")
    for line in (
        "schedule: cosine",
        "- VerticalFlip:\n    p: 0.25",
        "out_channels: 4",
        "kernel_size: [5, 5]",
        "name: pooled",
        "mixup: 0.4",
        "batch_size: 32",
        "lr: 0.1",
    ):
        assert line in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--set", "train.schedule"], "'train.schedule' is not PATH=VALUE"),
        (["--set", "train.schedule=cosin"], "did you mean cosine?"),
        (["--set", "train.schedul=cosine"], "train has no key 'schedul'"),
        (["--set", "network.C1.9=gap"], "--set network.C1.9=gap: network.C1 is a list, its rows are network.C1[0] to"),
        (["--set", "name.x=1"], "--set name.x=1: name is t, there is no 'x' in it"),
        (["--set", "constraints.accuracy=>= 101%"], "--set constraints.accuracy=>= 101%: error[AC120]"),
        (["--set", "train.mixup=2", "--epochs", "0"], " | --epochs 0\n"),
        (["--set", "train={"], "the value of train is not YAML"),
        (["--set", f"C1[0].out_channels={'9' * 20}"], "C1[0].out_channels cannot be used: the number does not fit in"),
        (["--set", "augment=[{RandomCrop: {height: 64, width: 64}}]"], "RandomCrop fails on a 3x16x16 image"),
        (["--epochs", "0"], "epochs must be a whole number of at least 1, not 0"),
        (["--data", "mnist"], "the input has 3 channels, MNIST has 1"),
        (["--data", "cifar100"], "the network has 10 classes, CIFAR-100 has 100"),
        (["--val-split", "5000"], "val_split takes 5,000 of 5,000 training images for validation"),
        (["--device", "tpu"], "there is no device 'tpu' here: use cpu, cuda, cuda:1 or mps\n"),
        (["--device", "cuda:99"], "there is no device 'cuda:99' here"),
        (["--limit", "0"], "argument --limit: '0' is not a whole number of at least 1\n"),
        (["--limit=-3"], "argument --limit: '-3' is not a whole number of at least 1\n"),
        (["--workers=-1"], "argument --workers: '-1' is not a whole number of at least 0\n"),
        (["--limit", "9" * 20], "argument --limit: 999999999999999999... has 20 digits"),
        (["--limit", "9999999999"], "argument --limit: limit is at most 1,000,000,000, not 9999999999"),
        (["--workers", "5000"], "argument --workers: workers is at most 256, not 5000"),
        (["--epochs", "9999999"], "--epochs 9999999: error[AC114] epochs must be at most 1,000,000, not 9999999"),
        (["--resume", "nowhere"], "train takes either a FILE or --resume RUN"),
    ],
)
def test_options_that_cannot_be_are_told(
    here: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert command("train", write_arch(here / "t.yaml"), *options) in (1, 2)
    assert said in capsys.readouterr().err
    assert not (here / "runs").exists()


@pytest.mark.parametrize(("count", "values"), [(5, "5 values"), (1, "1 value")])
def test_an_output_of_another_size_than_the_classes_is_shown_at_its_row(
    here: Path, capsys: pytest.CaptureFixture[str], count: int, values: str
) -> None:
    file = write_arch(here / "t.yaml", rows=[{"conv": 4}, "gap", {"linear": count}], classes=None)
    Path(file).write_text(Path(file).read_text().replace("classes: null\n", ""))

    assert command("train", file) == 1
    said = capsys.readouterr().err
    assert f"error[AC503] the output of the network has {values}, drawn shapes has 10 classes" in said
    assert f"- linear: {count}" in said


@pytest.mark.parametrize("options", [["--batch-size", "1"], ["--limit", "1"]])
def test_a_batch_of_one_image_that_a_norm_cannot_take_is_told_before_training(
    here: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    file = write_arch(here / "t.yaml", rows=[{"strided": 8}, "gap", {"pointwise": 8}, "linear"])

    assert command("train", file, *options) == 2
    assert "a batch of one image leaves the batch norm of C1[2] one value a channel" in capsys.readouterr().err
    assert not (here / "runs").exists()


def test_a_file_that_is_no_text_is_not_trained(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "t.yaml").write_bytes(Path(write_arch(here / "u.yaml")).read_bytes() + b"# \xff\n")

    assert command("train", here / "t.yaml") == 1
    assert "the byte 0xff is not UTF-8" in capsys.readouterr().err


def test_places_of_the_file_and_of_options_are_told_apart(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_arch(here / "t.yaml", augment=[{"RandomCrop": {"height": 64, "width": 64}}])
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    crop = next(number for number, line in enumerate(lines, 1) if "RandomCrop" in line)

    assert command("train", file, "--epochs", "1") == 1
    assert f"{file}:{crop}:" in capsys.readouterr().err
    assert command("train", file, "--epochs", "1", "--lr", "-1") == 1
    assert capsys.readouterr().err == (
        "--lr -1: error[AC114] lr must be a number above 0, not -1\n | --lr -1\n |      ^^\n\nt.yaml: 1 error\n"
    ).replace("t.yaml:", f"{file}:")


@pytest.mark.parametrize(("option", "text"), [("--epochs", "three"), ("--lr", "fast"), ("--seed", "1.5")])
def test_options_that_are_no_numbers_are_wrong_usage(
    here: Path, capsys: pytest.CaptureFixture[str], option: str, text: str
) -> None:
    assert command("train", write_arch(here / "t.yaml"), option, text) == 2
    assert f"argument {option}: {text!r} is not a " in capsys.readouterr().err


def test_a_network_without_classes_is_not_trained(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arch = small(rows=[{"conv": 8}])
    del arch["classes"]
    (here / "t.yaml").write_text(json.dumps(arch), encoding="utf-8")

    assert command("train", here / "t.yaml") == 1
    assert "training needs one output for each class, the output of the network is 8x16x16" in capsys.readouterr().err


def test_a_loss_that_is_no_number_stops_with_its_place(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_arch(here / "t.yaml", rows=[{"conv": {"out_channels": 8, "norm": "none"}}, "gap", "linear"])

    assert (
        command("train", file, "--limit", "640", "--lr", "1e18", "--workers", "0", "--set", "train.schedule=constant")
        == 1
    )
    said = capsys.readouterr().err
    assert "the loss is nan in epoch 1, step 3 of 20; try a lower lr (it is 1e+18)" in said
    assert not (only_run(here) / "state.pt").exists()


def test_a_worker_that_is_killed_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def dies(self: Augment, *_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(Augment, "__call__", dies)
    # The figure of augmented images is drawn by this process.
    monkeypatch.setattr("advconv.training.start_run._augmented_files", lambda setup: {})

    assert command("train", write_arch(here / "t.yaml"), "--limit", "640", "--workers", "1") == 2
    said = capsys.readouterr().err
    assert "was killed by SIGKILL (memory may be short; take fewer workers)" in said
    assert f"; resume with: advconv train --resume {only_run(here).relative_to(here)}\n" in said


def test_names_of_classes_are_no_formulas() -> None:
    classes = ["$5_and_$10", "cash$_x_$^"]
    test = ImageSet(torch.zeros((2, 4, 4, 3), dtype=torch.uint8), torch.tensor([0, 1]))
    scores = Evaluation(torch.tensor([[0.1, 0.9], [0.8, 0.2]]), 1.0, 0.0)

    assert figures.misclassified(test, scores, classes).startswith(b"\x89PNG")
    assert figures.confusion(confusion_matrix(test, scores), classes, "$x_$^").startswith(b"\x89PNG")


def test_quiet_says_how_it_ended_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command("train", write_arch(here / "t.yaml"), "--limit", "64", "--epochs", "1", "--quiet", "--workers", "0")
    said = capsys.readouterr()

    assert said.err == ""
    assert "epoch 1/1" not in said.out
    assert "test accuracy" in said.out


def test_tensorboard_gets_the_rows(here: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    command("train", write_arch(here / "t.yaml"), "--limit", "64", "--epochs", "1", "--tensorboard", "--workers", "0")

    events = EventAccumulator(str(only_run(here) / "tensorboard")).Reload()
    (row,) = metrics(only_run(here))
    (loss,) = events.Scalars("train_loss")
    assert (loss.step, loss.value) == (1, pytest.approx(row["train_loss"]))


def test_real_images_are_learned(cifar10: Path, here: Path) -> None:
    rows = [{"strided": 16}, {"strided": 32}, *HEAD]
    file = write_arch(here / "t.yaml", rows=rows, input=(3, 32, 32), data="cifar10", train={"epochs": 2}, augment=[])

    assert command("train", file, "--limit", "2560", "--data-dir", cifar10, "--batch-size", "32") == 0
    first, *_, last = metrics(only_run(here))
    assert last["train_loss"] < first["train_loss"] < 2.3
    assert last["test_accuracy"] > 25


RATES = {
    "onecycle": {0.0: 0.1, 0.2: 1.0, 0.6: 0.5005, 1.0: 0.001},
    "cosine": {0.0: 1.0, 0.5: 0.5, 1.0: 0.0},
    "step": {0.0: 1.0, 0.49: 1.0, 0.5: 0.1, 0.75: 0.01},
    "constant": {0.0: 1.0, 1.0: 1.0},
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_where_it_should_be(name: str) -> None:
    recipe = Train.model_validate({"schedule": name, "lr": 2.0})
    moved = create_optimizer(nn.Linear(1, 1), recipe)
    rates, steps = [], 100
    schedule_of = create_scheduler(moved, recipe, steps)
    for _ in range(steps + 1):
        rates.append(schedule_of.get_last_lr()[0])
        moved.step()
        schedule_of.step()

    assert {share: rates[round(share * steps)] / 2 for share in RATES[name]} == pytest.approx(RATES[name])


def test_the_rate_is_that_of_the_optimizer_that_an_option_chooses(here: Path) -> None:
    options = ["--set", "train.optimizer=adamw", "--limit", "32", "--epochs", "1", "--workers", "0"]
    arch = small(train={"lr": 0.1})
    del arch["train"]["lr"]
    (here / "t.yaml").write_text(json.dumps(arch), encoding="utf-8")

    command("train", here / "t.yaml", *options)
    assert "lr: 0.003" in (only_run(here) / "arch.yaml").read_text(encoding="utf-8")


SIXTEEN = ImageSet(torch.arange(64, dtype=torch.uint8).view(16, 2, 2, 1), torch.arange(16) % 2)


def a_trainer(**recipe: Any) -> Trainer:
    """A trainer of a network for 1x2x2 images."""
    data = TrainingData(SIXTEEN, None, SIXTEEN, ("a", "b"), (0.1,), (0.1,))
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    train = Train.model_validate({"precision": "float32", "ema": 0} | recipe)
    return Trainer(module, data, train, BatchPlan(16, 16, 10, 0), choose_accelerator("cpu", "float32", "off"))


def moved(trainer: Trainer) -> float:
    """How far one step on all images moves the weights."""
    before = nn.utils.parameters_to_vector(trainer.module.parameters()).detach()
    trainer.update(*SIXTEEN)
    after = nn.utils.parameters_to_vector(trainer.module.parameters()).detach()
    return float((after - before).norm())


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
@pytest.mark.parametrize("end", ["largest", "smallest"])
def test_a_step_can_compute_with_whatever_a_recipe_may_hold(optimizer: str, end: str) -> None:
    """Each number of the recipe at its bound. The loss may become no number, which is told, but torch refuses none."""
    free, fraction = (LARGEST, BELOW_ONE) if end == "largest" else (SMALLEST, SMALLEST)
    frees, fractions = ("lr", "weight_decay", "mixup", "cutmix", "clip"), ("momentum", "label_smoothing", "ema")
    numbers = dict.fromkeys(frees, free) | dict.fromkeys(fractions, fraction)
    trainer = a_trainer(optimizer=optimizer, **numbers)

    for _ in range(3):
        trainer.update(*SIXTEEN)
    with contextlib.suppress(Diverged):
        trainer.flush_metrics()


def test_clipping_bounds_a_step() -> None:
    plain = {"schedule": "constant", "lr": 1.0, "momentum": 0.0, "weight_decay": 0.0}

    assert moved(a_trainer(**plain, clip=1e-3)) == pytest.approx(1e-3, rel=1e-3)
    assert moved(a_trainer(**plain)) > 1e-2


def test_mixup_weights_images_and_their_classes_alike() -> None:
    trainer = a_trainer(mixup=1.0)
    trainer._reseed()
    inputs = torch.arange(16.0).view(16, 1, 1, 1)
    labels = (torch.arange(16) >= 8).long()
    images, targets = mixed(inputs, labels, 2, trainer.recipe, trainer.step)
    share = float(np.random.default_rng((0, 0)).beta(1.0, 1.0))

    assert targets.sum(1) == pytest.approx(torch.ones(16))
    for index in range(16):
        other = (images[index].item() - share * index) / (1 - share)
        assert other == pytest.approx(round(other), abs=1e-3)
        assert targets[index, 1].item() == pytest.approx(
            share * (index >= 8) + (1 - share) * (round(other) >= 8), abs=1e-5
        )


@pytest.mark.parametrize("step", range(12))
def test_cutmix_weights_classes_by_the_pixels_of_each_image(step: int) -> None:
    """Images of one value each, so that the pixels of both are counted."""
    torch.manual_seed(step)
    inputs = torch.arange(16.0).view(16, 1, 1, 1).expand(16, 3, 5, 8)
    labels = torch.arange(16)
    images, targets = mixed(inputs, labels, 16, Train(cutmix=1.0, seed=step), step)

    assert (
        len(
            {tuple((image != index).flatten().tolist()) for index, image in enumerate(images) if (image != index).any()}
        )
        <= 1
    )
    for index, (image, target) in enumerate(zip(images, targets, strict=True)):
        counts = torch.bincount(image.flatten().long(), minlength=16) / image.numel()
        assert target == pytest.approx(counts, abs=1e-6)
        changed = (image[0] != index).nonzero()
        if len(changed):
            (top, left), (bottom, right) = changed.min(0).values.tolist(), changed.max(0).values.tolist()
            assert len(changed) == (bottom - top + 1) * (right - left + 1)


def test_the_part_that_cutmix_leaves_has_the_mean_of_the_formula() -> None:
    """The box ends at the edges, so more remains than the beta distribution says; by simulation in floating point."""
    random = np.random.default_rng(0)
    sides, middles = np.sqrt(1 - random.beta(1, 1, 200_000)), random.random((2, 200_000))
    spans = np.minimum(1, middles + sides / 2) - np.maximum(0, middles - sides / 2)
    expected = 1 - (spans[0] * spans[1]).mean()
    inputs, labels = torch.zeros(2, 1, 32, 32), torch.tensor([0, 1])
    found = [float(mixed(inputs, labels, 2, Train(cutmix=1.0), step)[1].diagonal().mean()) for step in range(4000)]
    mixed_steps = [share for share in found if share < 1]

    assert np.mean(mixed_steps) == pytest.approx(expected, abs=0.02)


def test_with_both_mixup_and_cutmix_take_turns() -> None:
    inputs, labels = torch.arange(2.0).view(2, 1, 1, 1).expand(2, 1, 8, 8), torch.tensor([0, 1])
    recipe, mixups = Train(mixup=1.0, cutmix=1.0), 0
    for step in range(400):
        images, _ = mixed(inputs, labels, 2, recipe, step)
        mixups += bool(((images > 0) & (images < 1)).any())

    # The random order exchanges the two images in half of the steps; mixup is taken in half of these.
    assert 60 <= mixups <= 140


def test_smoothed_labels_give_the_loss_of_the_formula() -> None:
    trainer = a_trainer(label_smoothing=0.2)
    images, labels = SIXTEEN
    log = trainer.module(trainer.normalise(images)).log_softmax(1)
    picked = log[torch.arange(16), labels]

    trainer.update(images, labels)
    assert trainer.pending_metrics[0][0].item() == pytest.approx(
        -(0.8 * picked + 0.2 * log.mean(1)).mean().item(), rel=1e-5
    )


def test_mirror_images_are_averaged() -> None:
    trainer = a_trainer()
    data = ImageSet(torch.randint(0, 256, (5, 2, 2, 1), dtype=torch.uint8), torch.zeros(5, dtype=torch.int64))
    mirrored = ImageSet(data.images.flip(2), data.labels)
    alone, other = (evaluate(trainer.module, view, trainer.normalise, trainer.accelerator) for view in (data, mirrored))
    both = evaluate(trainer.module, data, trainer.normalise, trainer.accelerator, flip=True)

    assert (both.probabilities - (alone.probabilities + other.probabilities) / 2).abs().max() < 1e-6


def test_compiled_training_follows_the_curve_of_the_other(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--limit", "320", "--epochs", "1", "--workers", "0", "--device", "cpu", "--set", "train.precision=float32"]
    file = write_arch(here / "t.yaml", rows=[{"strided": 8}, *HEAD])
    command("train", file, *words, "--compile", "on", "--name", "on")
    assert "float32, compiled" in capsys.readouterr().out
    command("train", file, *words, "--compile", "off", "--name", "off")
    on, off = (metrics(run)[0] for run in sorted((here / "runs").iterdir(), reverse=True))

    assert on["train_loss"] == pytest.approx(off["train_loss"], rel=1e-2)


def test_without_a_compiler_it_goes_on_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    there = choose_accelerator("cpu", "auto", "on")

    assert not there.compiles
    assert there.note == "there is no C++ compiler, so torch.compile is not used"


def test_a_compiler_that_fails_is_told_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("CppCompileError: no header\nand much more")

    monkeypatch.setattr(torch, "compile", fails)
    there = choose_accelerator("cpu", "auto", "on")

    assert not there.compiles
    assert there.note == "torch.compile fails here (CppCompileError: no header), so it is not used"


class AlwaysDrawn(tqdm):  # type: ignore[type-arg]
    """However fast the steps are."""

    def __init__(self, **options: Any) -> None:
        super().__init__(mininterval=0, **options)


def write_to(terminal: str) -> None:
    pytest.MonkeyPatch().setattr("advconv.training.progress.tqdm", AlwaysDrawn)
    file = os.open(terminal, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(file, stream)


def test_a_terminal_gets_a_bar_for_each_epoch_whose_steps_are_its_percentage(tmp_path: Path) -> None:
    main_end, end = os.openpty()
    termios.tcsetwinsize(end, (24, 120))
    words = (write_arch(tmp_path / "t.yaml", rows=TINY), "--limit", "640", "--epochs", "12", "--workers", "0")
    with Training(tmp_path, *words, first=partial(write_to, os.ttyname(end))) as training:
        said = b""
        while training.process.is_alive() or select.select([main_end], [], [], 0)[0]:
            if select.select([main_end], [], [], 0.1)[0]:
                said += os.read(main_end, 4096)
    os.close(end)
    os.close(main_end)

    bar = rb"epoch 2/12: +(\d+)%\|[^\r]*\| (\d+)/20 \[\d\d:\d\d, loss \d[^\r]*accuracy \d[^\r]*, \S+ remaining"
    found = [(int(percent), int(step)) for percent, step in re.findall(bar, said)]
    assert found, said
    assert all(percent == 5 * step for percent, step in found)


def test_norms_and_biases_do_not_decay() -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(2, 2))
    decayed, kept = create_optimizer(module, Train()).param_groups

    assert [p.ndim for p in decayed["params"]] == [4, 2]
    assert [p.ndim for p in kept["params"]] == [1, 1, 1, 1]
    assert (decayed["weight_decay"], kept["weight_decay"]) == (5e-4, 0.0)


def test_the_average_is_that_of_the_formula() -> None:
    module = nn.Linear(1, 1, bias=False)
    averaged = create_average(module, Train.model_validate({"ema": 0.5}))
    expected, decays = 0.0, [0.0, 2 / 11, 3 / 12, 4 / 13]
    for step, decay in enumerate(decays):
        with torch.no_grad():
            module.weight.fill_(float(step))
        averaged.update_parameters(module)
        expected = decay * expected + (1 - decay) * step

    assert next(averaged.module.parameters()).item() == pytest.approx(expected)
