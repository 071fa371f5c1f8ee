"""What does not fit together for training."""

from advconv.rules.record import ERROR, Rule

RULES = (
    Rule(
        code="AC501",
        severity=ERROR,
        title="unknown transform",
        what="A transform of `augment` is none of albumentations 2.0.8, or one that cannot be had here.",
        why=(
            "Left out are those that put out other than bytes, since normalisation happens on the device, and "
            "those that need masks, boxes or other images."
        ),
        fails="network: {C1: [conv: 32]}\naugment: [HorizontalFlop]",
        passes="network: {C1: [conv: 32]}\naugment: [HorizontalFlip]",
    ),
    Rule(
        code="AC502",
        severity=ERROR,
        title="contradictory range of a transform",
        what="The ends of a range are the wrong way round.",
        why=(
            "Under its classic names such a range is easily written: `max_width: 1` beside `min_width: 16` "
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
        why=(
            "`check` says so where the file names its data; `train` holds every network to its images before it starts."
        ),
        fails="network: {C1: [conv: 32]}\ndata: mnist",
        passes="network: {C1: [conv: 32]}\ndata: cifar10",
    ),
)
