"""What is written in another form than the language has it: each mistake is told once, with what to write."""

from typing import Any

import pytest

from advconv.check import check
from advconv.geometry import Shape
from advconv.language.data_sets import channels_first
from advconv.report.data import github_report
from advconv.report.sarif import sarif_report
from advconv.rules.record import Severity
from advconv.text.source import Source
from tests.build import arch, checked


@pytest.mark.parametrize(
    ("row", "message", "help"),
    [
        ({"gap": True}, "gap is written alone, not with true", "write `- gap`"),
        ({"gap": 1}, "gap is written alone, not with 1", "write `- gap`"),
        ({"gap": [1, 1]}, "gap is written alone, not with [1, 1]", "write `- gap`"),
        ({"gap": False}, "gap takes no boolean", "leave the row out"),
        ({"flatten": True}, "flatten is written alone, not with true", "write `- flatten`"),
        ({"maxpool": True}, "maxpool is written alone, not with true", "write `- maxpool`"),
        ({"squeeze_excite": True}, "squeeze_excite is written alone, not with true", "write `- squeeze_excite`"),
        ({"squeeze_excite": False}, "squeeze_excite takes no boolean", "leave the row out"),
        ({"conv": True}, "conv takes no boolean", "write `- conv: 32`"),
        ({"norm": False}, "norm takes no boolean", "leave the row out"),
        ({"depthwise": 5}, "depthwise takes a mapping of its fields, not 5", "write `- depthwise: {kernel_size: 5}`"),
        (
            {"repeat": 5},
            "repeat takes a mapping of its fields, not 5",
            "write `- repeat: {times: 2, layers: [conv: 32]}`",
        ),
        (
            {"conv": [8, 3]},
            "the fields of conv are written by name, this is [8, 3]",
            "write `- conv: {out_channels: 8, kernel_size: 3}`",
        ),
        (
            {"conv": "8, 3"},
            "the fields of conv are written by name, this is 8, 3",
            "write `- conv: {out_channels: 8, kernel_size: 3}`",
        ),
        (
            [{"conv": 8}, {"kernel_size": 3}],
            "a row names a block, this is a list",
            "write `- conv: {out_channels: 8, kernel_size: 3}`",
        ),
        ([{"pointwise": 8}], "a row names a block, this is a list", "write `- pointwise: 8`"),
        (
            {"conv": None, "out_channels": 8},
            "a row names one block, this has 2 keys",
            "indent out_channels deeper than conv",
        ),
        ("conv", "conv has no out_channels", "write `- conv: 32`"),
        ({"Conv2d": 48}, "there is no block 'Conv2d'", "write `- conv: 48`"),
    ],
)  # fmt: skip
def test_a_row_of_another_form_is_told_how_to_be_written(row: Any, message: str, help: str) -> None:
    (found,) = checked(arch({"conv": 8}, row)).diagnostics

    assert (found.message, found.help) == (message, help)


@pytest.mark.parametrize(
    ("sections", "help"),
    [
        ({"network": [{"conv": 8}, "gap"]}, "write the rows under the name of a block: `network: {C1: [...]}`"),
        (
            {"network": [{"C1": ["gap"]}]},
            "write the names of the blocks without dashes: `network: {C1: [...], C2: [...]}`",
        ),
        ({"network": {"C1": {"conv": 8}}}, "write a dash before each row: `- conv: ...`"),
        ({"constraints": {"uses": ["separable_conv"]}}, 'write `uses: {dwsep: ">= 1"}`'),
        ({"constraints": {"uses": "dwsep"}}, 'write `uses: {dwsep: ">= 1"}`'),
        ({"constraints": {"uses": [{"dwsep": 1}]}}, 'write `uses: {dwsep: ">= 1"}`'),
        ({"constraints": {"uses": {"conv": True}}}, 'write ">= 1"'),
        ({"constraints": {"uses": {"maxpool": False}}}, "leave it out, or list it under forbids"),
        ({"constraints": {"forbids": "maxpool"}}, "write `forbids: [maxpool]`"),
        ({"constraints": {"forbids": {"maxpool": True}}}, "write `forbids: [maxpool]`"),
        ({"constraints": {"forbids": [{"maxpool": True}]}}, "write maxpool"),
        ({"train": [{"epochs": 3}]}, "write its keys without dashes"),
        ({"augment": "HorizontalFlip"}, "write `augment: [HorizontalFlip]`"),
        ({"augment": {"Blur": {"p": 1}}}, "write a dash before each: `- Blur: ...`"),
    ],
)  # fmt: skip
def test_a_section_of_another_form_is_told_how_to_be_written(sections: dict[str, Any], help: str) -> None:
    assert [found.help for found in checked(arch({"conv": 8}) | sections).diagnostics] == [help]


@pytest.mark.parametrize(
    ("sections", "message", "help"),
    [
        (
            {"constraints": "receptive_field > 44"},
            "constraints must be a mapping, not receptive_field > 44",
            'write `constraints: {receptive_field: "> 44"}`',
        ),
        (
            {"constraints": ["params < 9k", "rf_min > 4"]},
            "constraints must be a mapping, not [params < 9k, rf_min > 4]",
            'write `constraints: {params: "< 9k", rf_min: "> 4"}`',
        ),
        ({"constraints": {"params": "< 200K"}}, "K is not a unit of this limit", 'write "< 200k"'),
        ({"constraints": {"params": {"max": "200K"}}}, "K is not a unit of this limit", 'write "200k"'),
        (
            {"constraints": {"params": "200K"}},
            "a limit compares with <, <=, >, >= or ==, this is 200K",
            'write ">= 200k"',
        ),
        ({"constraints": {"params": "< 2X"}}, "X is not a unit of this limit", "its units are k, M or G"),
        ({"constraints": {"accuracy": "> 0.85"}}, "this limit has the unit %", 'write "> 85%"'),
        ({"constraints": {"accuracy": "> 85"}}, "this limit has the unit %", 'write "> 85%"'),
        ({"constraints": {"uses": None}}, "uses is empty", 'write `uses: {dwsep: ">= 1"}`'),
        ({"network": None}, "network is empty", "write `network: {C1: [conv: 32]}`"),
        ({"constraints": None}, "constraints is empty", "write its keys below it, indented, or leave it out"),
        ({"augment": None}, "augment is empty", "write its entries below it, each after a dash, or leave it out"),
        ({"network": {"C1": None}}, "rows are a list, and there is nothing here", "write `[conv: 32]`, or a line"),
        ({"network": {"C1": [None]}}, "this row is empty: it names no block", "write `- conv: 32`, or remove the dash"),
        (
            {"network": {"C1": [{"conv": {"out_channels=8": None}}]}},
            "a key and its value are separated by a colon, this is out_channels=8",
            "write `out_channels: 8`",
        ),
        (
            {"network": {"C1": [{"conv": "32  // big"}]}},
            "out_channels must be a whole number of at least 1, not 32  // big",
            "a comment starts with #: write `32  # big`",
        ),
        ({"defaults": {"norm": {"layer": {"foo": 1}}}}, "layer norm has no key 'foo'", "the only key is eps"),
        ({"// net": "x"}, "a comment starts with #, not with //", "write # in place of //"),
        (
            {"classes": 10, "network": {"C1": ["gap", {"linear": 5}]}},
            "the network's output is 5, classes is 10",
            "write `linear` alone, whose default is `classes`, or `classes: 5`",
        ),
    ],
)
def test_a_slip_of_a_value_is_told_once_with_what_to_write(sections: dict[str, Any], message: str, help: str) -> None:
    (found,) = checked(arch({"conv": 8}) | sections).diagnostics

    assert found.message == message
    assert found.help.startswith(help)


def test_fields_in_braces_without_their_names_are_one_mistake() -> None:
    text = "advconv: 1\nname: t\ninput: [3, 8, 8]\nnetwork:\n  C1:\n    - conv: {32, 3}\n"
    (found,) = check(Source("t.yaml", text)).diagnostics

    assert found.message == "the fields of conv are written by name, this is [32, 3]"
    assert found.help == "write `- conv: {out_channels: 32, kernel_size: 3}`"


def told(text: str) -> list[str]:
    return [found.message for found in check(Source("t.yaml", text)).diagnostics]


def test_a_file_without_its_version_is_told_so() -> None:
    assert told("name: t\ninput: [3, 8, 8]\nnetwork: {C1: [conv: 8]}\n") == ["the language version is missing"]


@pytest.mark.parametrize("text", ["a: 1\nb: {c: 2}\n", "{}", "import torch\n", "3", "~", "- a\n- b\n"])
def test_a_file_that_is_something_else_is_told_so_once(text: str) -> None:
    (found,) = told(text)

    assert "architecture" in found


def test_a_file_of_nothing_but_null_is_told_to_be_empty() -> None:
    assert told("null") == ["this file is not an architecture: it is empty"]


def test_keys_that_are_not_indented_are_told_at_what_they_belong_to() -> None:
    head = "advconv: 1\nname: t\ninput: [3, 8, 8]\n"

    assert told(f"{head}network:\nC1: [conv: 8]\nO: [gap]\n") == [
        "network is empty: C1 and O are at the same indentation"
    ]
    assert told(f"{head}network: {{C1: [gap]}}\ntrain:\nepochs: 3\n") == [
        "train is empty: epochs is at the same indentation"
    ]


def test_a_key_of_another_section_is_not_said_to_belong_to_an_empty_one() -> None:
    head = "advconv: 1\nname: t\ninput: [3, 8, 8]\nnetwork: {C1: [gap]}\n"

    assert told(f"{head}constraints:\nparams: '< 5'\nepochs: 3\nlr: 1\n") == [
        "constraints is empty: params is at the same indentation",
        "the architecture has no key 'epochs'",
        "the architecture has no key 'lr'",
    ]


@pytest.mark.parametrize(
    ("input", "meant"),
    [
        ((32, 32, 3), (3, 32, 32)), ((28, 28, 1), (1, 28, 28)), ((480, 640, 3), (3, 480, 640)),
        ((32, 32, 4), (4, 32, 32)), ((3, 32, 32), None), ((1, 28, 28), None), ((3, 224, 3), None), ((64, 8, 3), None),
        ((64, 4, 4), None), ((512, 1, 1), None), ((12, 1000, 1), None), ((32, 32, 32), None), ((32, 32, 2), None),
    ],
)  # fmt: skip
def test_an_input_with_its_channels_last_is_recognised(input: tuple[int, int, int], meant: Any) -> None:
    assert channels_first(Shape(*input)) == (Shape(*meant) if meant else None)


def test_an_input_with_its_channels_last_is_warned_of_everywhere() -> None:
    result = checked(arch({"conv": 8}, input=(32, 32, 3)))
    (found,) = result.diagnostics

    assert (found.code, found.severity, found.help) == ("AC302", Severity.WARNING, "write `input: [3, 32, 32]`")
    assert result.ok
    assert "AC302" in sarif_report([result])
    assert "::warning" in github_report(result)


def test_an_input_with_its_channels_last_is_told_beside_rows_that_do_not_fit() -> None:
    row = {"conv": {"out_channels": 8, "kernel_size": 9, "padding": 0}}

    assert [found.code for found in checked(arch(row, input=(32, 32, 3))).diagnostics] == ["AC302", "AC201"]


def test_data_that_tell_the_channels_are_enough() -> None:
    (found,) = checked(arch({"conv": 8}, input=(32, 32, 3), data="cifar10")).diagnostics

    assert (found.code, found.help) == ("AC503", "write `input: [3, 32, 32]`")
