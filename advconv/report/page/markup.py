"""HTML and SVG from Python: elements, and the one escaping of every text that they hold."""

import json
import re
from collections.abc import Iterable
from html import escape
from typing import Any, TypeAlias

from advconv.text.visible import visible


class Markup(str):
    """Text that is HTML already; any other text is escaped when it becomes part of an element."""

    __slots__ = ()


Content: TypeAlias = "str | int | Iterable[Content] | None"
"""Texts, elements, numbers, nothing, and sequences of them."""

VOID = {"br", "hr", "img", "link", "meta"}


def element(name: str, /, *content: Content, **attributes: str | float | bool | None) -> Markup:
    """An element. `class_` is the attribute class, `aria_label` is aria-label; None and False leave an attribute out.

    >>> element("a", "<b> & c", href='"#"', data_row=3)
    '<a href="&quot;#&quot;" data-row="3">&lt;b&gt; &amp; c</a>'
    """
    start = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    return Markup(start if name in VOID else f"{start}{joined(*content)}</{name}>")


def _attribute(key: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return (
        f" {name}" if value is True else f' {name}="{text(f"{value:g}" if isinstance(value, float) else str(value))}"'
    )


def joined(*content: Content) -> Markup:
    """Contents one after the other."""
    return Markup("".join(map(_markup, content)))


def _markup(content: Content) -> str:
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        return text(content)
    if content is None:
        return ""
    return str(content) if isinstance(content, int) else joined(*content)


def text(content: str) -> Markup:
    """Any text as HTML on one line; characters that cannot be seen are written as in Python's repr.

    >>> text("</script>" + chr(0x2028))
    '&lt;/script&gt;\\\\u2028'
    """
    return Markup(escape(visible(content)))


QUOTED = re.compile(r"`([^`]+)`")


def prose(content: str) -> Markup:
    """A message, with what stands between backticks as code.

    >>> prose("write `padding: <n>`")
    'write <code>padding: &lt;n&gt;</code>'
    """
    return Markup(QUOTED.sub(r"<code>\1</code>", text(content)))


def lines(content: Iterable[str], prefix: str = "", marked: Iterable[int] = ()) -> Markup:
    """Lines of code, each an element with the identifier `prefix` and its number from 1.

    A character that cannot be seen is shown by its code, with the character itself in `data-code` for who copies it.
    """
    found, is_marked = [], set(marked)
    for number, line in enumerate(content, 1):
        shown = Markup(escape(line) if _is_plain(line) else "".join(map(_code_character, line)))
        name = f"{prefix}{number}" if prefix else None
        found.append(element("span", shown, id=name, class_="marked" if number in is_marked else None))
    return Markup("\n".join(found))


def _is_plain(line: str) -> bool:
    return line.replace("\t", "").isprintable()


def _code_character(character: str) -> str:
    if character == "\t" or character.isprintable():
        return escape(character)
    return element("span", repr(character)[1:-1], class_="code", data_code=ord(character))


SCRIPT_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def json_script(name: str, value: Any) -> Markup:
    """Data for the script, as an element that no value can end.

    >>> json_script("data", "</script>" + chr(0x2028))
    '<script type="application/json" id="data">"\\\\u003c/script\\\\u003e\\\\u2028"</script>'
    """
    data = json.dumps(value, separators=(",", ":")).translate(SCRIPT_ESCAPES)
    return element("script", Markup(data), type="application/json", id=name)
