"""Code on a page: lines with numbers, and a button that copies them."""

from collections.abc import Sequence

from advconv.report.page.markup import Markup, element, lines

MAX_LINES, MAX_CHARACTERS = 2_000, 100_000
"""Of one listing on the page."""


def cut(content: Sequence[str]) -> list[str]:
    """The first lines, as many as a page holds."""
    kept, room = list[str](), MAX_CHARACTERS
    for line in content[:MAX_LINES]:
        kept.append(line[:room])
        room -= len(line)
        if room <= 0:
            break
    return kept


def listing(content: Sequence[str], label: str, prefix: str = "", marked: Sequence[int] = ()) -> Markup:
    """The first lines of a text; with a `prefix` each has an identifier, and the marked ones are marked."""
    kept = cut(content)
    is_cut = len(kept) < len(content) or sum(map(len, kept)) >= MAX_CHARACTERS
    note = element("p", f"The first {len(kept):,} of {len(content):,} lines.", class_="closing") if is_cut else None
    button = element("button", "Copy", type="button", class_="copy")
    code = element("code", lines(kept, prefix, marked))
    text = element("pre", code, class_="scroll listing", role="group", tabindex=0, aria_label=label)
    return element("div", button, text, note, class_="code")
