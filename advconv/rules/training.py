"""Augmentation and data that training cannot use."""

from advconv.rules.record import ERROR, Rule

RULES = (
    Rule(
        code="AC501",
        severity=ERROR,
        title="unknown transform",
        what="A transform of `augment` is not in albumentations 2.0.8, or not supported.",
        why=(
            "Not supported are transforms that return other types than bytes, since normalisation happens on the "
            "device, and those that need masks, boxes or other images."
        ),
        fails="network: {C1: [conv: 32]}\naugment: [HorizontalFlop]",
        passes="network: {C1: [conv: 32]}\naugment: [HorizontalFlip]",
    ),
    Rule(
        code="AC502",
        severity=ERROR,
        title="contradictory range of a transform",
        what="The minimum of a range is above its maximum.",
        why=(
            "Such a range is easily written with names of albumentations 1: `max_width: 1` beside `min_width: 16` "
            "asks for a hole that is at most one pixel and at least sixteen pixels wide."
        ),
        fails=("network: {C1: [conv: 32]}\naugment: [CoarseDropout: {max_height: 16, max_width: 1, min_width: 16}]"),
        passes=("network: {C1: [conv: 32]}\naugment: [CoarseDropout: {max_height: 16, max_width: 16, min_width: 16}]"),
    ),
    Rule(
        code="AC503",
        severity=ERROR,
        title="images that do not fit the network",
        what="The images of `data` have other channels or classes than the network.",
        why=("`check` compares them if the file has `data`; `train` compares them always, before it starts."),
        fails="network: {C1: [conv: 32]}\ndata: mnist",
        passes="network: {C1: [conv: 32]}\ndata: cifar10",
    ),
    Rule(
        code="AC504",
        severity=ERROR,
        title="transform that the device cannot apply",
        what="`augment_on: device` is beside a transform, or a value of an argument, that only albumentations has.",
        why=(
            "Whole batches are augmented on the device by code of advconv, which has the three transforms of the "
            "course assignment: HorizontalFlip, ShiftScaleRotate (bilinear, with a constant border) and CoarseDropout "
            "(with a constant fill)."
        ),
        fails="network: {C1: [conv: 32]}\naugment: [HorizontalFlip, Blur]\ntrain: {augment_on: device}",
        passes="network: {C1: [conv: 32]}\naugment: [HorizontalFlip]\ntrain: {augment_on: device}",
    ),
    Rule(
        code="AC505",
        severity=ERROR,
        title="early stopping without validation images",
        what="`patience` is set and `val_split` is not.",
        why="Early stopping chooses an epoch; on the test set the choice would make its accuracy too good.",
        fails="network: {C1: [conv: 32]}\ntrain: {patience: 5}",
        passes="network: {C1: [conv: 32]}\ntrain: {patience: 5, val_split: 5000}",
    ),
    Rule(
        code="AC506",
        severity=ERROR,
        title="training images that the network cannot take",
        what="The smaller images of `initial_scale` do not fit the network, or would need other weights.",
        why=(
            "Progressive resizing trains one network on images of several sizes. A `linear` on a flattened map has "
            "weights for one size only; after a global pooling it has the same for all."
        ),
        fails="network: {C1: [strided: 8, flatten, linear: 10]}\ntrain: {initial_scale: 0.5}",
        passes="network: {C1: [strided: 8, gap, linear: 10]}\ntrain: {initial_scale: 0.5}",
    ),
)
