"""All diagnostics of the language, one record each; `RULES` is in the order of their codes."""

from advconv.rules import constraints, language, network, receptive_field, shapes, training, yaml
from advconv.rules.record import Rule

RULES: tuple[Rule, ...] = tuple(
    sorted(
        [
            *yaml.RULES,
            *language.RULES,
            *shapes.RULES,
            *receptive_field.RULES,
            *network.RULES,
            *constraints.RULES,
            *training.RULES,
        ]
    )
)
BY_CODE = {rule.code: rule for rule in RULES}
