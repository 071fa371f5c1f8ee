"""Augmentation on the device: the same transforms as albumentations', drawn from the same distributions."""

import warnings
from typing import Any

import albumentations as A
import numpy as np
import pytest
import torch
from albumentations.augmentations.geometric import functional as geometry
from scipy import stats

from advconv.language.augment import ASSIGNMENT, transform
from advconv.language.device_augment import DEVICE_TRANSFORMS
from advconv.language.recipe import Train
from advconv.training.augment import Augment, pipeline
from advconv.training.data import ImageSet, TrainingData
from advconv.training.device_augment import (
    STEPS,
    CoarseDropout,
    DeviceAugment,
    ShiftScaleRotate,
    image_augment,
    inverse_affine,
    load_batches_on,
)
from advconv.training.loader import BatchPlan
from advconv.training.shapes import Image, draw_shapes

MEAN = (0.4914, 0.4822, 0.4465)
HEIGHT, WIDTH = 24, 32
IMAGE: Image = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
SHAPE = {"shape": IMAGE.shape}
COUNT = 4000
LEAST = 1e-3
"""Of the probability that two samples are of one distribution."""
CORRELATION = 5 * (2 / COUNT) ** 0.5
"""Five standard errors of the difference between the correlations of two samples."""


def compiled(*rows: Any) -> A.Compose:
    """A seeded pipeline."""
    found = pipeline(tuple(map(transform, rows)), MEAN)
    found.set_random_seed(0)
    return found


def drawn(augment: DeviceAugment, count: int = COUNT, epoch: int = 0) -> torch.Tensor:
    return augment.uniform(epoch, np.arange(count))


def images(count: int) -> torch.Tensor:
    return torch.from_numpy(IMAGE).repeat(count, 1, 1, 1)


def are_alike(ours: Any, theirs: Any) -> bool:
    return bool(stats.ks_2samp(np.asarray(ours, float), np.asarray(theirs, float)).pvalue > LEAST)


def test_each_transform_of_the_language_has_its_step() -> None:
    assert STEPS.keys() == DEVICE_TRANSFORMS.keys()


def test_a_flip_is_that_of_albumentations() -> None:
    rows = compiled({"HorizontalFlip": {"p": 1.0}})

    assert (DeviceAugment(rows, 0, 1)(images(1), 0, np.arange(1))[0].numpy() == rows(image=IMAGE)["image"]).all()


AFFINE = {"shift_limit_x": [-0.2, 0.1], "shift_limit_y": 0.3, "scale_limit": [-0.3, 0.1], "rotate_limit": 90}


@pytest.mark.parametrize("arguments", [{}, AFFINE], ids=["default", "other"])
def test_shifts_scales_and_angles_are_distributed_as_those_of_albumentations(arguments: dict[str, Any]) -> None:
    rows = compiled({"ShiftScaleRotate": {"p": 1.0, **arguments}})
    step, (theirs,) = ShiftScaleRotate(rows.transforms[0]), rows.transforms
    found = [theirs.get_params_dependent_on_data(SHAPE, {}) for _ in range(COUNT)]
    shift, scale, angle = step.parameters(drawn(DeviceAugment(rows, 1, COUNT))[:, 1:], HEIGHT, WIDTH)
    # Of the matrix y = c + t + R S (x - c) at x = c.
    centre = np.array([*geometry.center(IMAGE.shape), 1.0])
    shifts = np.array([(each["matrix"] @ centre - centre)[:2] for each in found])

    assert are_alike(angle.rad2deg(), [each["rotate"] for each in found])
    for axis, name in enumerate("xy"):
        assert are_alike(scale[:, axis], [each["scale"][name] for each in found])
        assert are_alike(shift[:, axis], shifts[:, axis].round(6))
    theirs_together = np.column_stack([shifts, [[*each["scale"].values(), each["rotate"]] for each in found]])
    ours_together = np.column_stack([shift, scale, angle])
    assert np.abs(np.corrcoef(ours_together.T) - np.corrcoef(theirs_together.T)).max() < CORRELATION


def test_a_matrix_is_the_inverse_of_that_of_albumentations() -> None:
    scale, angle, shift = {"x": 0.8, "y": 1.3}, 30.0, {"x": 3, "y": -2}
    centre = geometry.center(IMAGE.shape)
    theirs = geometry.create_affine_transformation_matrix(shift, {"x": 0, "y": 0}, scale, angle, centre)
    ours = inverse_affine(
        torch.tensor([[3.0, -2.0]]), torch.tensor([[0.8, 1.3]]), torch.tensor([angle]).deg2rad(), HEIGHT, WIDTH
    )
    to_pixels = np.array([[WIDTH / 2, 0, centre[0]], [0, HEIGHT / 2, centre[1]], [0, 0, 1]])
    in_pixels = to_pixels @ np.vstack([ours[0].numpy(), [0, 0, 1]]) @ np.linalg.inv(to_pixels)

    assert np.allclose(in_pixels, np.linalg.inv(theirs), atol=1e-5)


@pytest.mark.parametrize("fill", [0, 200, [10, 20.6, 30]], ids=str)
def test_a_warped_image_is_that_of_albumentations(fill: Any) -> None:
    """Up to the interpolation: OpenCV rounds positions to 1/32 of a pixel."""
    smooth = np.asarray(geometry.resize(IMAGE[::6, ::6], (HEIGHT, WIDTH), 1))
    rows = compiled({"ShiftScaleRotate": {"p": 1.0, "fill": fill, **AFFINE}})
    (theirs,), step = rows.transforms, ShiftScaleRotate(rows.transforms[0])
    uniform = drawn(DeviceAugment(rows, 2, 200), 200)[:, 1:]
    batch = torch.from_numpy(smooth).permute(2, 0, 1).float().repeat(200, 1, 1, 1)
    ours = step.apply(batch, uniform).permute(0, 2, 3, 1).numpy()
    shift, scale, angle = step.parameters(uniform, HEIGHT, WIDTH)
    for index in range(200):
        matrix = geometry.create_affine_transformation_matrix(
            dict(zip("xy", shift[index].tolist(), strict=True)),
            {"x": 0, "y": 0},
            dict(zip("xy", scale[index].tolist(), strict=True)),
            float(angle[index].rad2deg()),
            geometry.center(IMAGE.shape),
        )
        wanted = theirs.apply(smooth, matrix=matrix, output_shape=(HEIGHT, WIDTH))
        difference = np.abs(ours[index] - wanted.astype(float))

        assert difference.mean() < 0.7
        assert np.quantile(difference, 0.99) < 8


HOLES: list[dict[str, Any]] = [
    {"num_holes_range": [1, 1], "hole_height_range": [16, 16], "hole_width_range": [16, 16]},
    {"num_holes_range": [1, 4], "hole_height_range": [2, 9], "hole_width_range": [0, 50]},
    {"num_holes_range": [2, 3], "hole_height_range": [0.1, 0.4], "hole_width_range": [0.2, 0.9]},
]


@pytest.mark.parametrize("arguments", HOLES, ids=["fixed", "pixels", "fractions"])
def test_holes_are_distributed_as_those_of_albumentations(arguments: dict[str, Any]) -> None:
    rows = compiled({"CoarseDropout": {"p": 1.0, **arguments}})
    step, (theirs,) = CoarseDropout(rows.transforms[0]), rows.transforms
    ends, is_there = step.holes(drawn(DeviceAugment(rows, 3, COUNT))[:, 1:], HEIGHT, WIDTH)
    found = [theirs.get_params_dependent_on_data(SHAPE, {})["holes"] for _ in range(COUNT)]
    left, top, right, bottom = np.concatenate(found).T
    our_top, our_bottom, our_left, our_right = ends[is_there].T

    assert are_alike(is_there.sum(1), [len(holes) for holes in found])
    for ours, other in [
        (our_top, top), (our_left, left), (our_bottom - our_top, bottom - top), (our_right - our_left, right - left),
        (our_bottom, bottom), (our_right, right),
    ]:  # fmt: skip
        assert are_alike(ours, other)


@pytest.mark.parametrize("fill", [0, 7.9, "mean", [1, 2, 3]], ids=str)
def test_a_hole_is_filled_as_by_albumentations(fill: Any) -> None:
    rows = compiled({"CoarseDropout": {"p": 1.0, "fill": fill, **HOLES[1]}})
    (theirs,), augment = rows.transforms, DeviceAugment(rows, 4, 50)
    ours = augment(images(50), 0, np.arange(50)).numpy()
    ends, is_there = CoarseDropout(theirs).holes(drawn(augment, 50)[:, 1:], HEIGHT, WIDTH)
    for index in range(50):
        holes = ends[index][is_there[index]].numpy().astype(int)[:, [2, 0, 3, 1]]

        assert (ours[index] == theirs.apply(IMAGE, holes=holes, seed=0)).all()


@pytest.mark.slow
def test_the_moments_of_images_are_those_of_albumentations() -> None:
    """Of the assignment's pipeline, at each pixel: the mean within five standard errors, the deviation within 5%."""
    rows = pipeline(ASSIGNMENT, MEAN)
    count = 6000
    square = draw_shapes(1, (32, 32, 3), seed=0)[0][0]
    ours = torch.cat(
        [
            DeviceAugment(rows, 6, count)(
                torch.from_numpy(square).repeat(500, 1, 1, 1), 0, np.arange(start, start + 500)
            )
            for start in range(0, count, 500)
        ]
    ).numpy()
    host = Augment(rows, 6)
    theirs = np.stack([host(square, 0, index) for index in range(count)])
    error = np.sqrt((ours.var(0) + theirs.var(0)) / count) + 0.05

    assert (np.abs(ours.mean(0) - theirs.mean(0)) / error).max() < 5
    assert ours.std() == pytest.approx(theirs.std(), rel=0.01)
    assert (np.abs(ours.std(0) - theirs.std(0)) <= 0.05 * theirs.std(0) + 1).all()


def test_each_transform_is_applied_with_its_probability() -> None:
    for p in (0.0, 0.3, 1.0):
        rows = compiled({"HorizontalFlip": {"p": p}})
        flipped = DeviceAugment(rows, 7, COUNT)(images(COUNT), 0, np.arange(COUNT)) != images(COUNT)

        assert flipped.flatten(1).any(1).float().mean().item() == pytest.approx(p, abs=0.03)


def test_an_image_depends_on_seed_epoch_and_index_alone() -> None:
    rows = pipeline(ASSIGNMENT, MEAN)
    at_once = DeviceAugment(rows, 8, 100)(images(100), 3, np.arange(100))
    order = np.random.default_rng(0).permutation(100)
    larger = DeviceAugment(rows, 8, 999)
    larger(images(10), 2, np.arange(10))
    others = larger(images(100), 3, order)

    assert (others == at_once[torch.from_numpy(order)]).all()
    assert (DeviceAugment(rows, 9, 100)(images(100), 3, np.arange(100)) != at_once).any()
    assert (DeviceAugment(rows, 8, 100)(images(100), 4, np.arange(100)) != at_once).any()


def test_a_single_image_is_augmented_as_in_its_batch() -> None:
    data = TrainingData(
        ImageSet(images(10), torch.arange(10)), None, ImageSet(images(1), torch.zeros(1)), (), MEAN, MEAN
    )
    at_once = DeviceAugment(pipeline(ASSIGNMENT, MEAN), 5, 10)(images(10), 3, np.arange(10))
    alone = image_augment(ASSIGNMENT, Train(augment_on="device", seed=5), data)
    by_workers = image_augment(ASSIGNMENT, Train(seed=5), data)

    for index in range(10):
        assert (alone(IMAGE, 3, index) == at_once[index].numpy()).all()
        assert (by_workers(IMAGE, 3, index) == Augment(pipeline(ASSIGNMENT, MEAN), 5)(IMAGE, 3, index)).all()


def test_batches_are_those_of_the_plan() -> None:
    data = ImageSet(images(10), torch.arange(10))
    plan = BatchPlan(dataset_size=10, batch_size=4, epochs=2, seed=0)
    augment = DeviceAugment(compiled(), 0, 10)
    labels = [batch.tolist() for _, batch in load_batches_on(torch.device("cpu"), data, augment, plan, 1)]

    assert labels == [plan.order(0)[4:8].tolist(), plan.order(1)[:4].tolist(), plan.order(1)[4:8].tolist()]


@pytest.fixture(autouse=True)
def no_advice() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="ShiftScaleRotate is a special case")
        yield
