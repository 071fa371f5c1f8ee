"""Which rules a check runs: all, or those that are selected; errors cannot be left out."""

from collections.abc import Iterable
from typing import NamedTuple

from advconv.rules import RULES
from advconv.rules.record import Rule


class Selection(NamedTuple):
    """Codes, or beginnings of codes such as `AC3`, of warnings and information; an empty `select` is all of them."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def includes(self, rule: Rule) -> bool:
        is_selected = not self.select or rule.code.startswith(self.select)
        return not rule.is_optional or (is_selected and not rule.code.startswith(self.ignore))


ALL = Selection()


def codes(words: Iterable[str]) -> tuple[str, ...]:
    """Codes as an option lists them. Raises ValueError for one that is of no warning and no information."""
    found = tuple(word.strip() for word in words)
    for word in found:
        matching = [rule for rule in RULES if word and rule.code.startswith(word)]
        if not matching:
            raise ValueError(f"there is no rule {word[:20]!r}; write a code such as AC301, or its beginning")
        if not any(rule.is_optional for rule in matching):
            raise ValueError(f"{word} is an error, which cannot be selected or ignored")
    return found
