"""Limits without quotes and lists in parentheses, changed before YAML misreads them."""

import re

GREATER, EXCLAMATION = "\ue000", "\ue001"
"""Stand-ins for the `>` and the `!` of a limit, which YAML reads as a folded scalar and a tag."""

SIGNS = str.maketrans({GREATER: ">", EXCLAMATION: "!"})

NUMBERS = r"(?= [-+.0-9eE_\ \t]*+ , [-+.eE_,\ \t]*+ [0-9]) [-+.0-9eE_,\ \t]*+"
"""Numbers with a comma, and a digit after the first one. The quantifiers are possessive, so that a long line without a
digit is read once."""


def starting(sign: str) -> str:
    """The pattern of a sign at the start of a value; a quote or a sign elsewhere is part of a value.

    The sign comes first in the pattern, so that a search jumps from one such sign to the next.
    """
    return rf"{sign} (?<! [^\s,:\[{{] {sign})"


SLIP = re.compile(
    rf"""
      {starting('"')} (?:\\.|[^"\\])*+" | {starting("'")} (?:''|[^'])*+'   # text in quotes
    | \# (?<!\S\#) [^\n\r\x85\u2028\u2029]*                         # a comment
    | {starting(">")} (?=[ \t]*(?:=|[-+]?\.?[0-9]))                    # > 44
    | {starting("!")} (?==)                                            # != 44
    | {starting("[(]")} {NUMBERS} \) | {starting("[{]")} {NUMBERS} \}}     # (3, 3), and the same in braces
    """,
    re.VERBOSE | re.DOTALL,
)


def repaired(text: str) -> str:
    """The text with stand-ins for what YAML would misread; offsets stay the same.

    >>> repaired("kernel_size: (3, 3)  # not (5, 5)")
    'kernel_size: [3, 3]  # not (5, 5)'
    """
    if not any(sign in text for sign in (">", "!=", "(", "{")) or GREATER in text or EXCLAMATION in text:
        return text
    return SLIP.sub(_stand_in, text)


def _stand_in(match: re.Match[str]) -> str:
    slip = match[0]
    if slip[0] in "({":
        return f"[{slip[1:-1]}]"
    return {">": GREATER, "!": EXCLAMATION}.get(slip[0], slip)


def as_written(text: str) -> str:
    """A piece of a repaired text, with the signs of limits restored."""
    return text.translate(SIGNS)
