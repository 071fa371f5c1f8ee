"""Settings of `train` and `augment` that do not fit the network, the images or each other."""

from collections.abc import Iterator

from advconv.language.augment import Transform
from advconv.layers.pointwise import BatchNorm2d, GroupNorm
from advconv.rules.record import INFORMATION, WARNING, LintInput, Rule
from advconv.text.finding import Finding

NORMS = (BatchNorm2d, GroupNorm)

INVOLUTIONS = ("HorizontalFlip", "VerticalFlip", "Transpose", "InvertImg")
"""Transforms that, applied twice, give the image back."""

UNDONE_BY = {
    "Equalize": ("RandomBrightnessContrast", "RandomGamma"),
    "AutoContrast": ("RandomBrightnessContrast",),
}
"""Transforms of the histogram, with those whose effect they remove."""

P = 0.5
"""Albumentations' default probability of a transform."""

HOLES = (("hole_height_range", "height"), ("hole_width_range", "width"))


def decay_without_norm(subject: LintInput) -> Iterator[Finding]:
    spec, view = subject.spec, subject.network
    if spec is None or view is None or "weight_decay" not in spec.train.model_fields_set:
        return
    if spec.train.weight_decay and not view.nodes_of(*NORMS):
        message = f"weight_decay is {spec.train.weight_decay:g}, and the network has no norm"
        help = "lower it if the training stalls, or use a norm"
        yield Finding("AC341", ("train", "weight_decay"), message, help)


def batch_of_one(subject: LintInput) -> Iterator[Finding]:
    spec, view = subject.spec, subject.network
    if spec is None or view is None or spec.train.batch_size > 1:
        return
    if view.nodes_of(BatchNorm2d):
        message = "batch_size is 1, and the statistics of a batch norm are those of a single image"
        yield Finding("AC342", ("train", "batch_size"), message, "use a larger batch, or `norm: layer`")


def smoothed_mixup(subject: LintInput) -> Iterator[Finding]:
    spec = subject.spec
    if spec and spec.classes == 2 and spec.train.label_smoothing and spec.train.mixup:
        message = f"label_smoothing ({spec.train.label_smoothing:g}) and mixup together, with two classes"
        yield Finding("AC343", ("train", "mixup"), message, "set one of the two to 0")


def large_holes(subject: LintInput) -> Iterator[Finding]:
    for path, transform in _transforms(subject):
        for argument, side in HOLES if transform.name == "CoarseDropout" else ():
            given, size = transform.arguments.get(argument), getattr(subject.input, side)
            largest = given[1] if isinstance(given, list) and len(given) == 2 else None
            # A fraction is one of the image's side.
            pixels = round(largest * size) if isinstance(largest, float) else largest
            if isinstance(pixels, int) and pixels >= size:
                message = f"a hole up to {pixels} pixels in {side} spans the image, which has {size}"
                yield Finding("AC344", path, message, f"use a {side} below {size}")


def undone_transforms(subject: LintInput) -> Iterator[Finding]:
    before: dict[str, float] = {}
    for path, transform in _transforms(subject):
        name, p = transform.name, _probability(transform)
        if name in INVOLUTIONS and (share := before.get(name, 0.0) * p):
            message = f"{name} undoes the one before it on {share:.0%} of the images"
            yield Finding("AC345", path, message, "leave one of them out")
        for other in UNDONE_BY.get(name, ()) if p == 1 else ():
            if before.get(other):
                message = f"{name} removes what {other} before it has changed"
                yield Finding("AC345", path, message, f"leave {other} out, or put it behind {name}")
        before[name] = p


def _transforms(subject: LintInput) -> list[tuple[tuple[str, int], Transform]]:
    """The transforms that the file declares, with their paths."""
    if subject.spec is None or "augment" not in subject.spec.model_fields_set:
        return []
    return [(("augment", index), transform) for index, transform in enumerate(subject.spec.augment)]


def _probability(transform: Transform) -> float:
    p = transform.arguments.get("p", P)
    return float(p)


RULES = (
    Rule(
        code="AC341",
        severity=INFORMATION,
        title="weight decay without a norm",
        what="`train` sets a weight decay, and the network has no norm.",
        why=(
            "Behind a norm the scale of the weights has no effect and decay only raises the effective learning rate "
            "(van Laarhoven, L2 Regularization versus Batch and Weight Normalization, 2017). Without norms it shrinks "
            "what the network computes."
        ),
        fails="network: {C1: [conv: {out_channels: 16, norm: none}]}\ntrain: {weight_decay: 0.001}",
        passes="network: {C1: [conv: 16]}\ntrain: {weight_decay: 0.001}",
        check=decay_without_norm,
    ),
    Rule(
        code="AC342",
        severity=WARNING,
        title="batch norm over a batch of one",
        what="`batch_size` is 1, and the network has batch norms.",
        why=(
            "In training each image is then normalised by itself, at inference by the averages of all: two different "
            "networks."
        ),
        fails="network: {C1: [conv: 16]}\ntrain: {batch_size: 1}",
        passes="network: {C1: [conv: {out_channels: 16, norm: layer}]}\ntrain: {batch_size: 1}",
        check=batch_of_one,
    ),
    Rule(
        code="AC343",
        severity=WARNING,
        title="label smoothing and mixup of two classes",
        what="`train` has label smoothing and mixup, and there are two classes.",
        why=(
            "Both move the target towards the middle. With two classes that middle is the decision itself: most "
            "targets are then near one half."
        ),
        fails="classes: 2\nnetwork: {C1: [conv: 16, gap, linear]}\ntrain: {mixup: 0.2}",
        passes="classes: 2\nnetwork: {C1: [conv: 16, gap, linear]}\ntrain: {mixup: 0.2, label_smoothing: 0}",
        check=smoothed_mixup,
    ),
    Rule(
        code="AC344",
        severity=WARNING,
        title="hole that spans the image",
        what="A hole of CoarseDropout can be as high or as wide as the image.",
        why=(
            "It is cut off at the edges, so the range says more than is done; as high and as wide as the image, it "
            "leaves nothing of it, and the label is kept."
        ),
        fails="network: {C1: [conv: 32]}\naugment: [CoarseDropout: {hole_height_range: [8, 64]}]",
        passes="network: {C1: [conv: 32]}\naugment: [CoarseDropout: {hole_height_range: [8, 16]}]",
        check=large_holes,
    ),
    Rule(
        code="AC345",
        severity=WARNING,
        title="transform undone by another",
        what=(
            "A flip, a transposition or an inversion occurs twice, or the histogram is equalised after a change of "
            "brightness."
        ),
        why=(
            "Two flips with probability 0.5 are one flip with probability 0.5, and histogram equalisation gives the "
            "same image whatever its brightness was."
        ),
        fails="network: {C1: [conv: 32]}\naugment: [HorizontalFlip, ShiftScaleRotate, HorizontalFlip]",
        passes="network: {C1: [conv: 32]}\naugment: [HorizontalFlip, ShiftScaleRotate]",
        check=undone_transforms,
    ),
)
