"""Pages for the tests of `advconv report`, and a parser that refuses what is not well nested."""

from html.parser import HTMLParser
from typing import Any

from advconv.check import Checked, check
from advconv.report.page.document import page
from advconv.report.page.markup import VOID
from advconv.text.source import Source

HOSTILE = (
    "</script><script>window.hacked=1</script>\"'><img src=x onerror=window.hacked=1>]]>&lt;--><!--\u2028\u202e\u0000"
)
"""What ends a script, an attribute, an element, a comment and a CDATA section, and characters that cannot be seen."""


class Element:
    """An element with its attributes, its children in order, and its text."""

    def __init__(self, name: str, attributes: dict[str, str | None]) -> None:
        self.name, self.attributes = name, attributes
        self.children: list[Element | str] = []

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, name: str = "", **attributes: str) -> "list[Element]":
        """The elements inside with this name and these attributes; `class_` is one of its classes."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                found += [child] if child._has(name, attributes) else []
                found += child.all(name, **attributes)
        return found

    def one(self, name: str = "", **attributes: str) -> "Element":
        (found,) = self.all(name, **attributes)
        return found

    def _has(self, name: str, attributes: dict[str, str]) -> bool:
        classes = (self.attributes.get("class") or "").split()
        return name in ("", self.name) and all(
            value in classes if key == "class_" else self.attributes.get(key.replace("_", "-")) == value
            for key, value in attributes.items()
        )


class Parser(HTMLParser):
    """Builds the elements of a page; each end tag must end the element that was begun last."""

    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), attrs
        self.open[-1].children.append(element := Element(tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parsed(html: str) -> Element:
    parser = Parser()
    parser.feed(html)
    parser.close()
    assert len(parser.open) == 1
    return parser.open[0]


def page_of(text: str, name: str = "t.yaml") -> Element:
    return parsed(page(check(Source(name, text))))


def shown(checked: Checked) -> Element:
    return parsed(page(checked))


def long_network(rows: int) -> str:
    """A file with this many rows of convolutions."""
    listed = "\n".join(
        f"    - conv: {{out_channels: 8, padding: {'valid' if n < 20 else 'same'}}}" for n in range(rows)
    )
    return f"advconv: 1\nname: long\ninput: [3, 64, 64]\nnetwork:\n  C1:\n{listed}\n"


def hostile_file() -> str:
    """A network that is built, with hostile comments, and a finding that quotes what the file says."""
    # A line separator ends a comment.
    quoted = HOSTILE.replace("\u0000", "").replace("\u2028", "\u2028# ")
    return (
        f"# {quoted}\nadvconv: 1\nname: hostile\ninput: [3, 32, 32]\nnetwork:\n  C1:\n"
        f"    - conv: 5   # {quoted}\n    - conv: 8   # advconv: ignore[AC318] {quoted}\n"
    )


def data_of(root: Element) -> Any:
    import json

    return json.loads(root.one("script", id="data").text)
