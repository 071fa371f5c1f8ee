"""Values as Python source, laid out as `ruff format` does."""

from math import isfinite
from typing import Any, NamedTuple, TypeAlias

from advconv.text.visible import columns

WIDTH = 88
"""The line length of ruff and black."""

INDENT = "    "


class Brackets(NamedTuple):
    """A call, a list, a tuple or a dict; a label before it, such as `fill=`, is part of `opening`."""

    opening: str
    parts: tuple["Expression", ...]
    closing: str

    @property
    def is_call(self) -> bool:
        return self.closing == ")" and self.opening[-2:-1].isalnum()

    @property
    def last_comma(self) -> str:
        """The comma of a tuple of one element."""
        return "," if self.closing == ")" and not self.is_call and len(self.parts) == 1 else ""


Expression: TypeAlias = str | Brackets


def literal(value: Any) -> str:
    """Source on one line that evaluates to the value; infinity and NaN as `float("inf")`."""
    return _flat(expression(value))


def expression(value: Any) -> Expression:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        # An exponent has no plus sign in formatted source.
        return repr(value).replace("+", "") if isfinite(value) else Brackets("float(", (_text(str(value)),), ")")
    if isinstance(value, dict):
        return Brackets("{", tuple(labelled(f"{literal(key)}: ", expression(part)) for key, part in value.items()), "}")
    if isinstance(value, list | tuple):
        opening, closing = "[]" if isinstance(value, list) else "()"
        return Brackets(opening, tuple(map(expression, value)), closing)
    return repr(value)


def labelled(label: str, part: Expression) -> Expression:
    """`fill=` or `"key": ` before a value."""
    return f"{label}{part}" if isinstance(part, str) else part._replace(opening=f"{label}{part.opening}")


def _text(text: str) -> str:
    """In double quotes, or in single quotes if those need fewer escapes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return f"{quote}{_escaped(text, quote)}{quote}"


def docstring(text: str) -> str:
    return f'"""{_escaped(text, chr(34))}"""'


def _escaped(text: str, quote: str) -> str:
    return "".join(f"\\{quote}" if character == quote else repr(character)[1:-1] for character in text)


def layout(part: Expression, depth: int, after: str = ",") -> str:
    """On one line if it fits with what comes after it; else the contents of the brackets on lines of their own."""
    line = _flat(part)
    if isinstance(part, str) or not part.parts or _fits(f"{line}{after}", depth):
        return line
    inner = ", ".join(map(_flat, part.parts))
    if part.is_call and _fits(inner, depth + 1):
        lines = f"{INDENT * (depth + 1)}{inner}\n"
    else:
        comma = "," if len(part.parts) > 1 else part.last_comma
        lines = "".join(f"{INDENT * (depth + 1)}{layout(each, depth + 1, comma)}{comma}\n" for each in part.parts)
    return f"{part.opening}\n{lines}{INDENT * depth}{part.closing}"


def _flat(part: Expression) -> str:
    if isinstance(part, str):
        return part
    return f"{part.opening}{', '.join(map(_flat, part.parts))}{part.last_comma}{part.closing}"


def _fits(line: str, depth: int) -> bool:
    return columns(INDENT * depth + line) <= WIDTH
