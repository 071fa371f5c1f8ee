"""Findings and the edits that mend what they are about."""

import json

import pytest

from advconv.check import check
from advconv.report.data import json_report
from advconv.text.edits import Replacement, edited
from advconv.text.source import Source, Span

FILE = """advconv: 1
name: t
input: [3, 8, 8]
network:
  C1:
    - conv: {out_channels: 8, kernal_size: 5}  # é
    - conv:
        out_chanels: 4
constrains: {params: "< 10k"}
"""


def test_misspelt_keys_are_mended_by_the_edits_of_their_findings() -> None:
    checked = check(Source("t", FILE))
    edits = [edit for found in checked.diagnostics for edit in found.edits]
    mended = edited(FILE, edits)

    assert [found.code for found in checked.diagnostics] == ["AC111"] * 3
    assert check(Source("t", mended)).diagnostics == []
    right = FILE.replace("kernal_size", "kernel_size").replace("out_chanels", "out_channels")
    assert mended == right.replace("constrains", "constraints")


def test_json_has_the_edits_with_their_offsets() -> None:
    (edit,) = json.loads(json_report([check(Source("t", FILE))]))["files"][0]["diagnostics"][0]["edits"]

    assert FILE[edit["offset"] : edit["end_offset"]] == "kernal_size"
    assert edit["text"] == "kernel_size"


def test_edits_may_touch_and_must_not_overlap() -> None:
    assert edited("abcd", [Replacement(Span(2, 4), "y"), Replacement(Span(0, 2), "x")]) == "xy"
    with pytest.raises(ValueError, match="two edits overlap at offset 1"):
        edited("abcd", [Replacement(Span(0, 2), "x"), Replacement(Span(1, 3), "y")])
