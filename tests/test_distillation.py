"""A network that learns the scores of a teacher: the loss, what the teacher sees, how a run opens it again."""

import json
import math
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from advconv.language.recipe import Distill, Train
from advconv.training.data import ImageSet, TrainingData
from advconv.training.device import Normalise, choose_accelerator
from advconv.training.distillation import Distillation, Teacher
from advconv.training.loader import BatchPlan
from advconv.training.options import TeacherRecord
from advconv.training.teacher import open_teacher
from advconv.training.trainer import Trainer
from tests.build import arch, checked, measured
from tests.test_resume import interrupt_at
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

OPTIONS = ("--limit", "320", "--workers", "0", "--device", "cpu")
CPU = choose_accelerator("cpu", "float32", "off")
RECORD = TeacherRecord("somewhere", "0" * 64)


class Known(nn.Module):
    """A teacher with these scores, which keeps what it has seen."""

    def __init__(self, scores: Tensor) -> None:
        super().__init__()
        self.scores, self.seen = scores, torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        self.seen = x
        return self.scores


def teacher_of(module: nn.Module, settings: Distill, mean: float = 0.5, std: float = 0.25) -> Teacher:
    return Teacher(settings, RECORD, measured("gap"), module, ["a", "b", "c"], (mean,) * 3, (std,) * 3)


def loss_of(module: nn.Module, settings: Distill, mean: float = 0.5, std: float = 0.25) -> Distillation:
    """Of a network whose images have the mean 0.5 and the deviation 0.25."""
    return Distillation(teacher_of(module, settings, mean, std), (0.5,) * 3, (0.25,) * 3, CPU)


def softmax(scores: list[float], temperature: float) -> list[float]:
    powers = [math.exp(score / temperature) for score in scores]
    return [power / sum(powers) for power in powers]


@pytest.mark.parametrize("temperature", [1.0, 2.5, 8.0])
@pytest.mark.parametrize("weight", [0.3, 1.0])
def test_the_loss_is_that_of_the_paper(temperature: float, weight: float) -> None:
    """Equation by equation, one image and one class at a time."""
    ours, theirs = torch.randn(4, 3, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    divergence = 0.0
    for own, known in zip(ours.tolist(), theirs.tolist(), strict=True):
        target, soft = softmax(known, temperature), softmax(own, temperature)
        divergence += sum(p * (math.log(p) - math.log(q)) for p, q in zip(target, soft, strict=True)) / 4
    expected = (1 - weight) * 0.7 + weight * temperature**2 * divergence
    loss = loss_of(Known(theirs), Distill(run="x", weight=weight, temperature=temperature))

    assert float(loss(torch.zeros(4, 3, 2, 2), ours, torch.tensor(0.7))) == pytest.approx(expected, rel=1e-5)


def test_the_gradient_at_a_high_temperature_is_the_difference_of_the_scores() -> None:
    """Section 2.1 of the paper: with centred scores it is their difference by the classes and the images."""
    own, known = (scores - scores.mean(1, keepdim=True) for scores in torch.randn(2, 4, 3, dtype=torch.float64))
    own.requires_grad_()
    loss_of(Known(known), Distill(run="x", weight=1.0, temperature=1e3))(
        torch.zeros(4, 3, 2, 2), own, torch.tensor(0.0)
    ).backward()

    assert own.grad is not None
    assert own.grad.flatten().tolist() == pytest.approx(((own - known) / 3 / 4).flatten().tolist(), abs=2e-3)


def test_a_network_that_knows_what_its_teacher_knows_has_nothing_to_learn() -> None:
    scores = torch.randn(4, 3, requires_grad=True)
    loss = loss_of(Known(scores.detach().clone()), Distill(run="x", weight=1.0))
    value = loss(torch.zeros(4, 3, 2, 2), scores, torch.tensor(0.0))
    value.backward()

    assert float(value.detach()) == pytest.approx(0, abs=1e-6)
    assert scores.grad is not None
    assert scores.grad.abs().max() < 1e-6


def test_a_teacher_sees_images_as_in_its_own_training() -> None:
    images = torch.randint(0, 256, (2, 5, 4, 3), dtype=torch.uint8)
    teacher = Known(torch.zeros(2, 3))
    loss = loss_of(teacher, Distill(run="x"), mean=0.3, std=0.7)
    loss(Normalise((0.5,) * 3, (0.25,) * 3)(images), torch.zeros(2, 3), torch.tensor(0.0))

    assert torch.allclose(teacher.seen, Normalise((0.3,) * 3, (0.7,) * 3)(images), atol=1e-5)


def test_a_teacher_sees_smaller_images_where_the_network_does() -> None:
    images = ImageSet(torch.randint(0, 256, (4, 16, 16, 3), dtype=torch.uint8), torch.tensor([0, 1, 2, 0]))
    data = TrainingData(images, None, images, ("a", "b", "c"), (0.5,) * 3, (0.25,) * 3)
    recipe, teacher = Train(initial_scale=0.5, precision="float32"), Known(torch.zeros(4, 3))
    first = Known(torch.zeros(4, 3, 1, 1))
    network = nn.Sequential(first, nn.BatchNorm2d(3), nn.Flatten())
    trainer = Trainer(network, data, recipe, BatchPlan(4, 4, 5, 0), CPU, teacher_of(teacher, Distill(run="x")))
    trainer.update(images.images, images.labels)

    assert first.seen.shape == (4, 3, 8, 8)
    assert torch.allclose(teacher.seen, first.seen)


def test_a_teacher_does_not_learn() -> None:
    teacher = nn.Sequential(nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    before = [each.clone() for each in teacher.state_dict().values()]
    loss = loss_of(teacher, Distill(run="x")).train()
    scores = torch.randn(4, 3, requires_grad=True)
    loss(torch.randn(4, 3, 2, 2), scores, torch.tensor(0.0)).backward()

    assert all(map(torch.equal, before, teacher.state_dict().values()))
    assert not any(each.requires_grad or each.grad is not None for each in teacher.parameters())


# Runs.


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a teacher."""
    directory = tmp_path_factory.mktemp("teacher")
    with short_trainings_in(directory):
        file = write_arch(directory / "t.yaml", train={"epochs": 3, "seed": 7})
        assert command("train", file, *OPTIONS, "--quiet") == 0
    return only_run(directory)


@pytest.fixture
def folder(top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the teacher as `wider`."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(top, tmp_path / "wider")
    return tmp_path


def student(folder: Path, **distill: Any) -> str:
    return write_arch(folder / "s.yaml", train={"distill": {"run": "wider"} | distill})


def test_a_shipped_teacher_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    train = {"distill": {"run": "archs/c1c2c3c4-fast.yaml"}}
    spec = checked(arch("gap", input=(3, 32, 32), train=train)).spec
    assert spec is not None
    first = open_teacher(spec)
    assert first is not None
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = open_teacher(spec, first.record)

    assert Path(first.record.source).is_file()
    assert again is not None
    assert again.record == first.record


slow = pytest.mark.slow
short = pytest.mark.usefixtures("short_trainings")


@slow
@short
def test_an_interrupted_training_with_a_teacher_ends_where_the_whole_one_ends(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("train", student(folder), *OPTIONS, "--quiet") == 0
    whole = only_run(folder).rename(folder / "whole")
    with monkeypatch.context() as patch:
        interrupt_at(13, patch)
        assert command("train", "s.yaml", *OPTIONS, "--quiet") == 128 + signal.SIGINT
    run = only_run(folder)
    # The run has recorded where its teacher is, so it is found from another directory too.
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert command("train", "--resume", run, "--workers", "0", "--device", "cpu", "--quiet") == 0

    assert metrics(run) == metrics(whole)
    assert weights(run) == weights(whole)


@slow
@short
def test_the_teacher_changes_what_is_learned(folder: Path) -> None:
    for weight in (0.1, 1.0):
        assert command("train", student(folder, weight=weight), *OPTIONS, "--quiet", "--name", f"w{weight}") == 0
    first, second = sorted((folder / "runs").glob("w*"))

    assert weights(first) != weights(second)
    assert json.loads((first / "run.json").read_text())["options"]["teacher"]["source"] == str(folder / "wider")


@slow
@short
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("gone", "the teacher cannot be used: {top}/wider is not a run: it has no run.json"),
        ("other", "the teacher {top}/wider has other weights than when the run started"),
    ],
)
def test_a_resumed_run_needs_the_same_teacher(
    folder: Path, change: str, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(13, patch)
        command("train", student(folder), *OPTIONS, "--quiet")
    run = only_run(folder)
    if change == "gone":
        shutil.rmtree(folder / "wider")
    else:
        data = bytearray((folder / "wider/last.safetensors").read_bytes())
        data[-1] ^= 1
        (folder / "wider/last.safetensors").write_bytes(data)
        with_new_checksums(folder / "wider")
    assert command("train", "--resume", run, "--workers", "0", "--device", "cpu", "--quiet") == 2

    assert capsys.readouterr().err == f"advconv: {reason.format(top=folder)}\n"


@slow
@short
@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"input": (3, 20, 20)}, "its images are 3x16x16, those of t are 3x20x20"),
        ({"train": {"distill": {"run": "no"}}}, "no is not a run: it has no run.json"),
        ({"train": {"distill": {"run": "s.yaml"}}}, "s.yaml has no weights, there is no s.safetensors"),
    ],
)
def test_a_teacher_that_cannot_be_used_is_refused_before_anything_is_written(
    folder: Path, sections: dict[str, Any], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_arch(folder / "s.yaml", **({"train": {"distill": {"run": "wider"}}} | sections))
    assert command("train", "s.yaml", *OPTIONS) == 2

    error = capsys.readouterr().err
    assert "the teacher" in error
    assert reason in error
    assert not (folder / "runs").exists()


@slow
@short
def test_a_teacher_that_cannot_take_the_smaller_images_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_arch(tmp_path / "t.yaml", rows=[{"strided": 8}, "flatten", "linear"])
    assert command("train", "t.yaml", *OPTIONS, "--limit", "64", "--epochs", "1", "--quiet") == 0
    only_run(tmp_path).rename(tmp_path / "wider")
    write_arch(tmp_path / "s.yaml", train={"distill": {"run": "wider"}, "initial_scale": 0.5})
    capsys.readouterr()

    assert command("train", "s.yaml", *OPTIONS) == 2
    reason = (
        "the teacher wider cannot be used: training has images of 8x8, which the network cannot take: C1[2] would have"
    )
    assert reason in capsys.readouterr().err


@slow
@short
def test_a_teacher_of_other_classes_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    about = json.loads((folder / "wider/run.json").read_text())
    write_metadata(folder / "wider", about | {"classes": [*about["classes"][1:], "yeti"]})
    assert command("train", student(folder), *OPTIONS) == 2

    assert (
        "knows other classes (ring, square, diamond, triangle, arrow) than the images (disc" in capsys.readouterr().err
    )
