"""The augmentation that a file declares: held to albumentations, drawn from (seed, epoch, index) alone."""

import inspect
import pickle
import warnings
from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np
import pytest

from advconv.geometry import Shape
from advconv.language.augment import ASSIGNMENT, Transform, source, transform
from advconv.language.transforms import COMPOSITIONS, TRANSFORMS
from advconv.training.augment import Augment, TransformError, compile_augment
from advconv.training.shapes import Image
from advconv.training.trial import AugmentError
from tests.training import command

SIZE = Shape(3, 32, 32)
MEAN = (0.4914, 0.4822, 0.4465)
IMAGE: Image = np.random.default_rng(5).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def compiled(*rows: Any) -> A.Compose:
    return compile_augment(tuple(map(transform, rows)), MEAN, SIZE)


@pytest.mark.parametrize("name", [*TRANSFORMS, *COMPOSITIONS])
def test_the_table_of_transforms_is_that_of_the_library(name: str) -> None:
    arguments = [key for key in inspect.signature(getattr(A, name).__init__).parameters if key != "self"]

    assert sorted({**TRANSFORMS, **COMPOSITIONS}[name]) == sorted(arguments)


def test_the_table_leaves_out_only_what_it_says() -> None:
    """Each transform of images that is not in it returns other than uint8, or needs more than an image."""
    kinds = [getattr(A, name) for name in dir(A) if inspect.isclass(getattr(A, name))]
    of_images = [kind for kind in kinds if issubclass(kind, A.ImageOnlyTransform | A.DualTransform)]
    left_out = {kind.__name__ for kind in of_images if not issubclass(kind, A.Transform3D)} - set(TRANSFORMS)

    assert left_out == {
        *("ImageOnlyTransform", "DualTransform", "Lambda"),  # no transforms of their own
        *("Normalize", "ToFloat", "FromFloat"),
        *("FDA", "HistogramMatching", "Mosaic", "OverlayElements", "PixelDistributionAdaptation", "TextImage"),
        *("MaskDropout", "ConstrainedCoarseDropout", "CropNonEmptyMaskIfExists", "RandomCropNearBBox"),
        *("RandomSizedBBoxSafeCrop", "BBoxSafeRandomCrop", "AtLeastOneBBoxRandomCrop"),
    }


CLASSIC: dict[str, dict[str, Any]] = {
    "CoarseDropout": {
        "max_holes": 1, "max_height": 16, "max_width": 16, "min_holes": 1, "min_height": 16, "min_width": 16,
        "fill_value": "mean", "mask_fill_value": "None",
    }
}  # fmt: skip


def test_the_assignments_dropout_is_a_hole_of_16x16_filled_with_the_mean() -> None:
    for rows in ([CLASSIC], [ASSIGNMENT[2]]):
        (dropout,) = compiled(*rows).transforms
        assert (dropout.num_holes_range, dropout.hole_height_range, dropout.hole_width_range) == (
            (1, 1),
            (16, 16),
            (16, 16),
        )
        assert dropout.fill == pytest.approx([255 * part for part in MEAN])


def test_the_hole_in_the_image_is_16x16() -> None:
    draw = Augment(compiled({"CoarseDropout": CLASSIC["CoarseDropout"] | {"p": 1.0}}), seed=0)
    fill = np.round([255 * part for part in MEAN]).astype(int)

    for index in range(50):
        changed = (draw(IMAGE, 0, index) != IMAGE).any(axis=2)
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        assert (int(np.ptp(rows)), int(np.ptp(columns))) == (15, 15)
        inside = draw(IMAGE, 0, index)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(int)
        assert np.abs(inside - fill).max() <= 1


@pytest.mark.parametrize(
    ("given", "present"),
    [
        (
            {"CoarseDropout": {"max_width": 4}},
            {"num_holes_range": [8, 8], "hole_height_range": [8, 8], "hole_width_range": [4, 4]},
        ),
        ({"ShiftScaleRotate": {"value": 3, "mask_value": 1}}, {"fill": 3, "fill_mask": 1}),
        ({"Affine": {"cval": 3, "cval_mask": 1}}, {"fill": 3, "fill_mask": 1}),
        ({"ImageCompression": {"quality_lower": 50}}, {"quality_range": [50, 100]}),
        ({"Blur": {"always_apply": True}}, {"p": 1.0}),
        ({"Blur": {"always_apply": False}}, {}),
        ({"Blur": None}, {}),
    ],
)
def test_arguments_of_albumentations_1_are_those_of_albumentations_2(given: Any, present: dict[str, Any]) -> None:
    assert transform(given).arguments == present
    compiled(given)


def test_the_default_is_the_assignments_and_is_silent() -> None:
    """The library advises against ShiftScaleRotate, which the assignment asks for; warnings are errors here."""
    pipeline = compile_augment(ASSIGNMENT, MEAN, SIZE)

    assert [type(step).__name__ for step in pipeline.transforms] == [
        "HorizontalFlip",
        "ShiftScaleRotate",
        "CoarseDropout",
    ]
    assert [step.p for step in pipeline.transforms] == [0.5, 0.5, 0.5]


def test_a_draw_depends_on_seed_epoch_and_index_alone() -> None:
    draw, again = (Augment(compile_augment(ASSIGNMENT, MEAN, SIZE), seed=3) for _ in range(2))
    first = [draw(IMAGE, epoch, index) for epoch in range(3) for index in range(20)]

    # Another process would get a pickled copy, and the images in another order.
    other = pickle.loads(pickle.dumps(again))
    second = [other(IMAGE, epoch, index) for epoch in reversed(range(3)) for index in reversed(range(20))]

    assert all((a == b).all() for a, b in zip(first, reversed(second), strict=True))
    assert len({image.tobytes() for image in first}) > 40
    assert any(
        (a != Augment(compile_augment(ASSIGNMENT, MEAN, SIZE), 4)(IMAGE, 0, i)).any() for i, a in enumerate(first[:20])
    )


NEEDS: dict[str, dict[str, Any]] = {
    "CenterCrop": {"height": 32, "width": 32},
    "CropAndPad": {"px": 2},
    "GridElasticDeform": {"num_grid_xy": [4, 4], "magnitude": 2},
    "LongestMaxSize": {"max_size": 32},
    "RandomCrop": {"height": 32, "width": 32},
    "RandomResizedCrop": {"size": [32, 32]},
    "RandomSizedCrop": {"min_max_height": [20, 30], "size": [32, 32]},
    "Resize": {"height": 32, "width": 32},
    "SmallestMaxSize": {"max_size": 32},
    "Crop": {"x_max": 32, "y_max": 32},
    "Pad": {"padding": 0},
    "PadIfNeeded": {"min_height": 32, "min_width": 32},
    "FrequencyMasking": {"freq_mask_param": 8},
    "TimeMasking": {"time_mask_param": 8},
    "XYMasking": {"num_masks_x": 1, "num_masks_y": 1, "mask_x_length": 4, "mask_y_length": 4},
}
RESIZES = {"RandomScale": "Resize", "Downscale": "", "RandomCropFromBorders": "Resize"}


@pytest.mark.slow
@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_draws_the_same_again(name: str) -> None:
    """No transform keeps a source of chance of its own."""
    rows: list[Any] = [{name: NEEDS.get(name, {}) | {"p": 1.0}}]
    rows += [{"Resize": NEEDS["Resize"]}] if RESIZES.get(name) else []
    with warnings.catch_warnings():
        # HEStain and others warn of how they compute.
        warnings.simplefilter("ignore")
        draws = [Augment(compiled(*rows), seed=1) for _ in range(2)]
        for index in (7, 3):
            assert (draws[0](IMAGE, 2, index) == draws[1](IMAGE, 2, index)).all()
        assert (draws[0](IMAGE, 2, 7) == draws[1](IMAGE, 2, 7)).all()


@pytest.mark.parametrize(
    ("row", "place", "message"),
    [
        ({"RandomCrop": {"height": 64, "width": 64}}, (), "RandomCrop fails on a 3x32x32 image: Crop size"),
        (
            {"RandomCrop": {"height": 24, "width": 24}},
            (),
            "augmented images are 3x24x24, the network takes 3x32x32",
        ),
        ({"Blur": {"blur_limit": "x"}}, ("blur_limit",), "Blur: blur_limit must be a list or a whole number, not x"),
        ({"Rotate": {"limit": "x"}}, ("limit",), "Rotate: limit must be a list or a number, not x"),
        ({"Rotate": {"limit": [1, "x"]}}, ("limit",), "Rotate: limit: input should be a valid number"),
        ({"CoarseDropout": {"fill": "x"}}, ("fill",), "fill must be a list or a number or 'random', 'random_uniform',"),
        ({"RandomCrop": {}}, ("height",), "RandomCrop: height: field required"),
        (
            {"CoarseDropout": {"num_holes_range": [0, 1]}},
            ("num_holes_range",),
            "all values in (0, 1) must be >= 1, not (0, 1)",
        ),
        ({"SomeOf": {"transforms": ["Blur"], "n": "a"}}, (), "SomeOf: "),
        ({"ShiftScaleRotate": {"border_mode": 77}}, ("border_mode",), "not 77"),
        ({"CropAndPad": None}, (), "CropAndPad: both px and percent"),
        ({"OneOf": {"transforms": [{"RandomCrop": {"height": 24, "width": 24}}, "NoOp"]}}, (), "images are 3x24x24"),
        (
            {"OneOf": {"transforms": [{"RandomCrop": {"height": 64, "width": 64}}, "NoOp"]}},
            (),
            "OneOf fails on a 3x32x32",
        ),
        ({"OneOf": {"transforms": [{"Blur": {"p": 0}}]}}, (), "OneOf: "),
    ],
)
def test_what_the_library_refuses_is_told_with_its_place(row: Any, place: tuple[Any, ...], message: str) -> None:
    with pytest.raises(AugmentError) as caught:
        compiled("HorizontalFlip", row)

    assert caught.value.finding.path == ("augment", 1, next(iter(row)), *place)
    assert message in caught.value.finding.message


@pytest.mark.usefixtures("short_trainings")
def test_a_default_augmentation_that_fails_is_told_at_the_input_that_it_does_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "t.yaml"
    text = "advconv: 1\nname: t\ninput: [3, 1, 1]\nclasses: 10\nnetwork: {C1: [linear]}\ndata: shapes\n"
    file.write_text(text, encoding="utf-8")
    assert command("train", file) == 1
    told = capsys.readouterr().err
    assert f"{file}:3:8: error[AC114] the default augmentation cannot be used: CoarseDropout fails on a 3x1x1" in told
    assert "help: write `augment: []`, or the transforms to use" in told

    file.write_text(f"{text}augment: [CenterCrop: {{height: 2, width: 2}}]\n", encoding="utf-8")
    assert command("train", file) == 1
    assert "t.yaml:7:" in capsys.readouterr().err


def test_a_transform_that_turns_images_needs_square_ones() -> None:
    with pytest.raises(AugmentError, match="augmented images are 3x64x32, the network takes 3x32x64"):
        compile_augment((transform("D4"),), MEAN, Shape(3, 32, 64))


def test_what_fails_only_in_training_is_told() -> None:
    draw = Augment(A.Compose([A.RandomCrop(40, 40, p=1.0)]), seed=0)
    with pytest.raises(TransformError, match="RandomCrop fails on image 7: Crop size"):
        draw(IMAGE, 0, 7)
    with pytest.raises(TransformError, match=r"resizes image 7 from \(32, 32, 3\) to \(20, 20, 3\)"):
        Augment(A.Compose([A.RandomCrop(20, 20, p=1.0)]), seed=0)(IMAGE, 0, 7)


def test_a_transform_that_changes_sizes_is_welcome_where_the_last_one_mends_them() -> None:
    compiled({"PadIfNeeded": {"min_height": 40, "min_width": 40}}, {"RandomCrop": {"height": 32, "width": 32}})


@pytest.mark.parametrize(
    "rows",
    [
        ASSIGNMENT,
        (),
        (CLASSIC, {"OneOf": {"transforms": ["Blur", {"SomeOf": {"transforms": ["VerticalFlip"], "n": 1}}], "p": 0.3}}),
        (
            {
                "Affine": {
                    "scale": [0.9, 1.1],
                    "translate_percent": [-0.1, 0.1],
                    "rotate": [-15, 15],
                    "shear": [-5, 5],
                    "fill": "mean",
                }
            },
        ),
        ({"CoarseDropout": {"fill": "random"}},),
    ],
)
def test_emitted_code_is_the_pipeline_that_is_trained_with(rows: tuple[Any, ...]) -> None:
    declared = tuple(map(transform, rows))
    space: dict[str, Any] = {}
    exec(compile(source(declared, "t"), "augment.py", "exec"), space)
    mean = tuple(255 * part for part in MEAN)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert repr(space["augmentation"](mean)) == repr(compile_augment(declared, MEAN, SIZE))
    assert all(len(line) <= 120 for line in source(declared, "t").splitlines())


def test_a_transform_reads_back() -> None:
    assert transform(Transform("Blur")) == transform("Blur") == Transform("Blur", {})
