"""Lists of words in a sentence."""

from collections.abc import Iterable, Sequence


def join_words(words: Sequence[str], last: str = "or") -> str:
    """`a, b or c`"""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else words[0]


def the_keys_are(keys: Iterable[str]) -> str:
    """`the keys are a, b`, `the only key is a`"""
    first, *others = keys
    return f"the keys are {', '.join([first, *others])}" if others else f"the only key is {first}"
