"""The weights in the repository: of the file beside them, as accurate as the documents say."""

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

import advconv
from advconv.backends.weights import RECORD
from advconv.training.trained import open_trained
from tests.training import command

FILES = sorted(Path("archs").rglob("*.safetensors"))

ROUNDING = 0.1
"""Percent by which bfloat16 on another processor may differ."""


def recorded(path: Path) -> float:
    with safe_open(path, "pt") as file:
        return float(json.loads(file.metadata()[RECORD])["test_accuracy"])


def test_there_are_some() -> None:
    assert Path("archs/c1c2c3c4.safetensors") in FILES


@pytest.mark.parametrize("path", FILES, ids=str)
def test_each_belongs_to_the_file_beside_it_and_is_small(path: Path) -> None:
    trained = open_trained(path.with_suffix(".yaml"))

    assert path.stat().st_size < 1_000_000
    assert trained.module(torch.zeros(1, *trained.spec.input[:3])).shape == (1, len(trained.classes))
    assert next(iter(advconv.load(path.with_suffix(".yaml")).module(pretrained=True).state_dict())) in (
        trained.module.state_dict()
    )


def test_the_readme_has_the_accuracy_that_is_recorded() -> None:
    (figure,) = re.findall(r"advconv evaluate archs/c1c2c3c4.yaml +# ([0-9.]+)%", Path("README.md").read_text("utf-8"))

    assert figure == f"{recorded(Path('archs/c1c2c3c4.safetensors')):.2f}"


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=str)
def test_each_has_its_recorded_accuracy_on_the_test_images(
    path: Path, cifar10: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = path.with_suffix(".yaml")
    assert command("evaluate", file, "--data-dir", cifar10, "--device", "cpu", "--format", "json") == 0

    assert json.loads(capsys.readouterr().out)["totals"]["accuracy"] == pytest.approx(recorded(path), abs=ROUNDING)
