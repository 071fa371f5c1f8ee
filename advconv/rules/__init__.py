"""All diagnostics of the language, one record each; `RULES` is in the order of their codes."""

from advconv.rules import (
    channels,
    comments,
    constraints,
    gridding,
    image,
    language,
    output,
    padding,
    positions,
    receptive_field,
    recipe,
    shapes,
    stages,
    training,
    yaml,
)
from advconv.rules.record import Rule

SUBJECTS = (
    channels, comments, constraints, gridding, image, language, output, padding, positions, receptive_field, recipe,
    shapes, stages, training, yaml,
)  # fmt: skip

RULES: tuple[Rule, ...] = tuple(sorted(rule for subject in SUBJECTS for rule in subject.RULES))
BY_CODE = {rule.code: rule for rule in RULES}
