"""Edits of rows in a text: what is changed, and what stays byte for byte."""

from collections.abc import Sequence

import pytest

from advconv.text.document import Document
from advconv.text.edits import (
    Replacement,
    edited,
    with_fields,
    with_other_word,
    with_row_after,
    with_row_replaced,
    without_row,
)
from advconv.text.reader import read
from advconv.text.source import Source

LINES = """\
network:
  C1:                    # the first
    - conv: 16           # short
    - conv: {out_channels: 32, kernel_size: 5}   # braces
    - conv:
        # inside
        out_channels: 64 # width

        stride: 2
    - depthwise
    # before the last
    - residual:
        - conv: 8
        - conv: 8
  C2: [conv: 16, gap , linear: 10]
# the end
"""


def document(text: str = LINES) -> Document:
    found, wrong = read(Source("t", text))
    assert found is not None
    assert not wrong
    return found


def after(edits: Sequence[Replacement], text: str = LINES) -> str:
    return edited(text, edits)


def only_change(edits: Sequence[Replacement]) -> tuple[str, str]:
    """The lines that are changed, before and after."""
    before, now = LINES.splitlines(), after(edits).splitlines()
    pairs = [(old, new) for old, new in zip(before, now, strict=True) if old != new]
    assert len(pairs) == 1
    return pairs[0][0].strip(), pairs[0][1].strip()


def row(*path: str | int) -> tuple[str | int, ...]:
    return ("network", *path)


@pytest.mark.parametrize(
    ("path", "fields", "line"),
    [
        (row("C1", 0, "conv"), {"out_channels": "24"}, "- conv: 24           # short"),
        (row("C1", 0, "conv"), {"stride": "2"}, "- conv: {out_channels: 16, stride: 2}           # short"),
        (row("C1", 1, "conv"), {"kernel_size": "3"}, "- conv: {out_channels: 32, kernel_size: 3}   # braces"),
        (
            row("C1", 1, "conv"),
            {"dilation": "2", "groups": "4"},
            "- conv: {out_channels: 32, kernel_size: 5, dilation: 2, groups: 4}   # braces",
        ),
        (row("C1", 2, "conv"), {"stride": "1"}, "stride: 1"),
        (row("C1", 3, "depthwise"), {"dilation": "2"}, "- depthwise: {dilation: 2}"),
        (row("C1", 4, "residual", "layers", 1, "conv"), {"out_channels": "4"}, "- conv: 4"),
        (
            row("C2", 0, "conv"),
            {"dilation": "2"},
            "C2: [conv: {out_channels: 16, dilation: 2}, gap , linear: 10]",
        ),
    ],
)
def test_a_field_is_replaced_or_added_in_the_form_of_its_row(
    path: tuple[str | int, ...], fields: dict[str, str], line: str
) -> None:
    assert only_change(with_fields(document(), path, fields, "out_channels"))[1] == line


def test_a_field_is_added_on_a_line_of_its_own_to_a_row_in_lines() -> None:
    text = after(with_fields(document(), row("C1", 2, "conv"), {"dilation": "2"}, "out_channels"))

    assert text == LINES.replace("        out_channels: 64", "        dilation: 2\n        out_channels: 64")


def test_a_row_is_left_out_with_its_lines_and_comments_around_it_stay() -> None:
    assert after(without_row(document(), row("C1", 0, "conv"))) == LINES.replace(
        "    - conv: 16           # short\n", ""
    )
    without_residual = after(without_row(document(), row("C1", 4, "residual")))
    assert without_residual == LINES.replace("    - residual:\n        - conv: 8\n        - conv: 8\n", "")
    assert "C2: [gap , linear: 10]" in after(without_row(document(), row("C2", 0, "conv")))
    assert "C2: [conv: 16, gap]" in after(without_row(document(), row("C2", 2, "linear")))


def test_the_only_row_of_a_list_is_not_left_out() -> None:
    text = "network: {C1: [gap]}\n"

    with pytest.raises(ValueError, match="only row"):
        without_row(document(text), row("C1", 0, "gap"))


def test_a_row_is_added_behind_another() -> None:
    assert after(with_row_after(document(), row("C1", 0, "conv"), "conv: 8")) == LINES.replace(
        "# short\n", "# short\n    - conv: 8\n"
    )
    assert "C2: [conv: 16, gap, conv: 8 , linear: 10]" in after(
        with_row_after(document(), row("C2", 1, "gap"), "conv: 8")
    )
    end = "network:\n  C1:\n  - gap"
    assert after(with_row_after(document(end), row("C1", 0, "gap"), "linear"), end) == f"{end}\n  - linear"


def test_a_row_or_its_word_is_replaced() -> None:
    assert only_change(with_row_replaced(document(), row("C1", 1, "conv"), "gap"))[1] == "- gap   # braces"
    assert only_change(with_other_word(document(), row("C1", 0, "conv"), "dwsep"))[1] == "- dwsep: 16           # short"
    assert only_change(with_other_word(document(), row("C1", 3, "depthwise"), "gap"))[1] == "- gap"


def test_line_breaks_of_windows_are_kept() -> None:
    text = LINES.replace("\n", "\r\n")

    added = after(with_row_after(document(text), row("C1", 0, "conv"), "conv: 8"), text)
    assert added == text.replace("# short\r\n", "# short\r\n    - conv: 8\r\n")
    field = after(with_fields(document(text), row("C1", 2, "conv"), {"dilation": "2"}, "out_channels"), text)
    assert field.count("\r\n") == field.count("\n")
