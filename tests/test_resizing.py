"""Progressive resizing: the sizes of the steps, what networks cannot take, and that training has them."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from yaml import safe_dump

import advconv
from advconv.language.recipe import GROWTH, Train
from advconv.language.resizing import MULTIPLE, size_at
from advconv.training.data import ImageSet, TrainingData
from advconv.training.device import choose_accelerator
from advconv.training.loader import BatchPlan
from advconv.training.trainer import Trainer
from tests.build import arch, checked

SIDES, SCALES = st.integers(1, 300), st.floats(0.01, 1)


@given(st.tuples(SIDES, SIDES), SCALES, st.floats(0, 1), st.floats(0, 1))
def test_images_grow_in_multiples_of_four_up_to_the_whole_size(
    size: tuple[int, int], scale: float, first: float, second: float
) -> None:
    earlier, later = (size_at(size, scale, progress) for progress in sorted((first, second)))
    for side, small, large in zip(size, earlier, later, strict=True):
        assert 0 < small <= large <= side
        assert all(found == side or found % MULTIPLE == 0 for found in (small, large))
        assert abs(small - side) <= (1 - scale) * side + MULTIPLE
    assert size_at(size, scale, GROWTH) == size_at(size, 1.0, 0.0) == size


def test_a_training_has_the_size_of_each_step() -> None:
    seen = list[tuple[int, ...]]()

    class Spy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            seen.append(tuple(x.shape[1:]))
            scores: Tensor = self.linear(x.mean((2, 3)))
            return scores

    images = ImageSet(torch.randint(0, 256, (8, 16, 32, 3), dtype=torch.uint8), torch.arange(8) % 2)
    data = TrainingData(images, None, images, ("a", "b"), (0.5,) * 3, (0.2,) * 3)
    recipe = Train(initial_scale=0.5, precision="float32")
    trainer = Trainer(Spy(), data, recipe, BatchPlan(8, 8, 10, 0), choose_accelerator("cpu", "float32", "off"))
    for _ in range(10):
        trainer.update(images.images, images.labels)
    trainer.evaluate(images)

    assert seen[:10] == [(3, *size_at((16, 32), 0.5, step / 10)) for step in range(10)]
    assert seen[0] == (3, 8, 16)
    assert set(seen[8:]) == {(3, 16, 32)}


def test_an_image_of_one_colour_keeps_it() -> None:
    """Bilinear interpolation weighs pixels with parts whose sum is one."""
    images = torch.full((2, 32, 32, 3), 200, dtype=torch.uint8)
    data = TrainingData(
        ImageSet(images, torch.tensor([0, 1])),
        None,
        ImageSet(images, torch.tensor([0, 1])),
        ("a", "b"),
        (0.5,) * 3,
        (0.2,) * 3,
    )
    trainer = Trainer(
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)), data, Train(initial_scale=0.4),
        BatchPlan(2, 2, 5, 0), choose_accelerator("cpu", "float32", "off"),
    )  # fmt: skip
    small = trainer._resized(trainer.normalise(images))

    assert small.shape == (2, 3, 12, 12)
    assert small.flatten().tolist() == pytest.approx([(200 / 255 - 0.5) / 0.2] * small.numel(), abs=1e-5)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (["flatten", "linear"], "C1[1] would have 7,690 parameters instead of 30,730"),
        ([{"maxpool": 17}, "gap", "linear"], "C1[0]: a 17x17 window does not fit on a map of 16x16"),
        ([{"conv": {"out_channels": 10, "kernel_size": 32, "padding": "valid"}}], "does not fit on a map of 16x16"),
    ],
)
def test_a_network_that_cannot_take_the_first_images_is_refused(rows: list[Any], reason: str) -> None:
    text = arch(*rows, input=(3, 32, 32), classes=10, train={"initial_scale": 0.5})
    (found,) = [each for each in checked(text).diagnostics if each.code == "AC506"]

    assert reason in found.message
    assert checked(arch(*rows, input=(3, 32, 32), classes=10)).ok


ODD = {"branches": {"merge": "add", "paths": {"a": [{"strided": 8}], "b": [{"maxpool": 2}]}}}
"""Its paths have maps of one size only if that of the input is even."""

NETWORKS: list[list[Any]] = [
    ["gap", "linear"],
    [{"strided": 8}, "flatten", "linear"],
    [{"conv": 10}, {"strided": 10}, "gap", "flatten"],
    [{"strided": 8}, {"strided": 8}, ODD, "gap", "linear"],
    [{"strided": 8}, ODD, "gap", "linear"],
    [{"conv": {"out_channels": 10, "kernel_size": 8, "padding": "valid", "stride": 8}}, "flatten", "linear"],
    [{"dilated": {"out_channels": 8, "dilation": 9, "padding": "valid"}}, "gap", "linear"],
    [{"inverted_residual": {"out_channels": 4, "squeeze_excite": 2}}, {"avgpool": 8}, "flatten", "linear"],
    [{"residual": [{"strided": 8}, {"conv": 8}]}, {"conv": {"out_channels": 8, "padding": [2, 0]}}, "gap", "linear"],
]


@pytest.mark.parametrize("rows", NETWORKS, ids=str)
@pytest.mark.parametrize("scale", [0.3, 0.5, 0.8])
def test_a_network_is_refused_if_its_module_cannot_run_on_a_size_of_the_training(rows: list[Any], scale: float) -> None:
    """Asked of torch: the module of the whole image, on the images of a thousand steps."""
    data = arch(*rows, input=(3, 32, 32), classes=10)
    module = advconv.loads(safe_dump(data)).module().eval()
    refusals = [
        each for each in checked(data | {"train": {"initial_scale": scale}}).diagnostics if each.code == "AC506"
    ]
    sizes = {size_at((32, 32), scale, step / 1000) for step in range(1000)}
    fits = all(runs(module, size) for size in sizes)

    assert (refusals == []) == fits


def runs(module: nn.Module, size: tuple[int, int]) -> bool:
    try:
        return tuple(module(torch.zeros(2, 3, *size)).shape) == (2, 10)
    except RuntimeError:
        return False


def test_the_sizes_between_count_too() -> None:
    """The map of 20x20 is 5x5 after two strides, and the paths differ; those of 16x16 and of the whole image do not."""
    rows: list[Any] = [{"strided": 8}, {"strided": 8}, ODD, "gap", "linear"]
    (found,) = checked(arch(*rows, input=(3, 32, 32), classes=10, train={"initial_scale": 0.5})).diagnostics

    assert "training has images of 20x20, which the network cannot take: C1[2]" in found.message


def test_a_network_that_pools_its_last_map_takes_every_size() -> None:
    assert checked(
        arch({"strided": 8}, "gap", "linear", input=(3, 32, 32), classes=10, train={"initial_scale": 0.1})
    ).ok
