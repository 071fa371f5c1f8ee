"""Options that override a file: the paths that messages print lead where they say, and places are in the option."""

from typing import Any

import pytest
import yaml
from hypothesis import assume, given

from advconv.check import Checked, check_document
from advconv.language.overrides import SettingError, apply_settings, parse_setting, setting, whole_path
from advconv.net import ArchError
from advconv.report.data import github_report, json_report
from advconv.report.sarif import sarif_report
from advconv.report.text import report
from advconv.text.document import Document
from advconv.text.reader import read
from advconv.text.source import Source
from tests import build
from tests.strategies import LAW, archs

ARCH = """\
advconv: 1
name: t
input: [3, 16, 16]
classes: 10
network:
  C1:
    - conv: 16
    - residual: [conv: 16, conv: {out_channels: 16, activation: none}]
  C2:
    - residual: {layers: [strided: 32], shortcut: [strided: {out_channels: 32, kernel_size: 1}]}
    - branches: {paths: {near: [conv: 8], merge: [dilated: 8], same: []}}
    - repeat: {times: 2, layers: [conv: 32, dwsep: 32]}
  O: [gap, linear]
augment: [HorizontalFlip, OneOf: {transforms: [VerticalFlip, Transpose]}]
"""


def document(text: str = ARCH) -> Document:
    found, wrong = read(Source("t.yaml", text))
    assert found is not None
    assert wrong == []
    return found


def with_options(*options: str, text: str = ARCH) -> Checked:
    return check_document(apply_settings(document(text), [parse_setting(option) for option in options]), [])


def at(data: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        data = data[step]
    return data


@pytest.mark.parametrize(
    ("option", "path"),
    [
        ("C1[0].out_channels=24", ("network", "C1", 0, "conv", "out_channels")),
        ("C1[1].layers[0].out_channels=24", ("network", "C1", 1, "residual", "layers", 0, "conv", "out_channels")),
        ("C1.1.residual.layers.0.conv.out_channels=24",
         ("network", "C1", 1, "residual", "layers", 0, "conv", "out_channels")),
        ("C2[0].shortcut[0].kernel_size=3", ("network", "C2", 0, "residual", "shortcut", 0, "strided", "kernel_size")),
        ("C2[1].near[0].groups=2", ("network", "C2", 1, "branches", "paths", "near", 0, "conv", "groups")),
        ("C2[1].merge[0].dilation=3", ("network", "C2", 1, "branches", "paths", "merge", 0, "dilated", "dilation")),
        ("C2[1].merge=concat", ("network", "C2", 1, "branches", "merge")),
        ("C2[2][1][0].groups=2", ("network", "C2", 2, "repeat", "layers", 0, "conv", "groups")),
        ("C2[2].layers[0].groups=2", ("network", "C2", 2, "repeat", "layers", 0, "conv", "groups")),
        ("C2[2].times=3", ("network", "C2", 2, "repeat", "times")),
        ("O[0].name=pooled", ("network", "O", 0, "gap", "name")),
        ("O[0]=gap", ("network", "O", 0)),
        ("network.C1.0.conv.groups=1", ("network", "C1", 0, "conv", "groups")),
        ("network.C1[0].groups=1", ("network", "C1", 0, "conv", "groups")),
        ("augment[0].p=0.25", ("augment", 0, "HorizontalFlip", "p")),
        ("augment.0.HorizontalFlip.p=0.25", ("augment", 0, "HorizontalFlip", "p")),
        ("augment[1].transforms[1].p=0.25", ("augment", 1, "OneOf", "transforms", 1, "Transpose", "p")),
        ("train.mixup=0.25", ("train", "mixup")),
        ("defaults.norm=none", ("defaults", "norm")),
        ("defaults.norm.batch.eps=0.25", ("defaults", "norm", "batch", "eps")),
        ("input[1]=24", ("input", 1)),
    ],
)  # fmt: skip
def test_a_path_as_messages_print_it_sets_that_value_alone(option: str, path: tuple[str | int, ...]) -> None:
    changed = apply_settings(document(), [parse_setting(option)])
    value = yaml.safe_load(option.partition("=")[2])

    assert at(changed.root.data, path) == value
    assert check_document(changed, []).spec is not None
    assert changed.source.text == ARCH
    assert changed.span(path).source == Source(f"--set {option}", f"--set {option}", is_option=True)


def test_a_row_can_be_replaced_whole() -> None:
    checked = with_options("C1[0]={strided: 16}", "C2[0].shortcut=auto")

    assert checked.spec is not None
    assert [block.kind for block in checked.spec.network["C1"]] == ["strided", "residual"]


def test_a_block_that_is_called_as_a_section_is_meant_by_its_rows() -> None:
    text = ARCH.replace("C1:", "data:")

    assert apply_settings(document(text), [parse_setting("data=shapes")]).root.data["data"] == "shapes"
    changed = apply_settings(document(text), [parse_setting("data[0].out_channels=24")])
    assert changed.root.data["network"]["data"][0] == {"conv": {"out_channels": 24}}


@LAW
@given(archs())
def test_the_label_of_a_row_leads_to_the_row(data: dict[str, Any]) -> None:
    measures = build.checked(data).measures
    assume(measures is not None)
    assert measures is not None

    for node in measures.graph.nodes[1:]:
        if node.origin.block != "output":
            # A row's own path ends in the word of its block; one more step says that the block is gone into.
            path = whole_path(data, setting(f"{node.origin.label}.x", "1", "x").path)
            assert tuple(step.key for step in path) == (*map(str, node.origin.path), "x")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("C9[0].groups=2", "there is no 'C9'; the blocks are C1, C2, O, the sections advconv, name, input,"),
        ("network.C9[0].groups=2", "there is no 'C9'; the blocks are C1, C2, O"),
        ("C1[7]=gap", "C1 is a list, its rows are C1[0] to C1[1]; there is no '7' in it"),
        ("C1.conv=3", "C1 is a list, its rows are C1[0] to C1[1]; there is no 'conv' in it"),
        ("C2[1].same[0].groups=2", "C2[1].same is a list, which is empty; there is no '0' in it"),
        ("C1[1].layers[2].groups=2", "C1[1].layers is a list, its rows are C1[1].layers[0] to C1[1].layers[1]"),
        ("C2[2][2][0].groups=2", "C2[2] has 2 rounds, counted from 0"),
        ("name.x=1", "name is t, there is no 'x' in it"),
        ("C1[x].groups=2", "'C1[x].groups' is not a path, write one as in train.mixup or C1[0].out_channels"),
        ("C1[0.groups=2", "'C1[0.groups' is not a path"),
        ("train..mixup=2", "'train..mixup' is not a path"),
        (".mixup=2", "'.mixup' is not a path"),
        ("train.mixup.=2", "'train.mixup.' is not a path"),
    ],
)
def test_a_path_that_leads_nowhere_says_which_step_and_what_there_is(option: str, said: str) -> None:
    with pytest.raises(SettingError) as caught:
        apply_settings(document(), [parse_setting(option)])

    assert said in str(caught.value)


def test_what_an_option_gets_wrong_is_shown_in_the_option() -> None:
    options = ["train.lr=-1", "C1[0].out_chanels=3", "augment[0]={HorizontalFlip: {p: 3}}"]
    found = report(with_options(*options)).split("\n\n")

    assert found[:3] == [
        "--set C1[0].out_chanels=3: error[AC111] conv has no key 'out_chanels'\n"
        " | --set C1[0].out_chanels=3\n"
        " |             ^^^^^^^^^^^\n"
        " = help: did you mean out_channels?",
        "--set augment[0]={HorizontalFlip: {p: 3}}: error[AC114] p of HorizontalFlip is a probability from 0 to 1, "
        "not 3\n"
        " | --set augment[0]={HorizontalFlip: {p: 3}}\n"
        " |                                       ^",
        "--set train.lr=-1: error[AC114] lr must be a number above 0, not -1\n"
        " | --set train.lr=-1\n"
        " |                ^^",
    ]  # fmt: skip


def test_what_the_file_gets_wrong_stays_where_it_is() -> None:
    text = ARCH.replace("classes: 10", "classes: 11").replace("- linear", "- linear: 10")
    (found,) = with_options("train.epochs=3", text=text.replace("linear]", "linear: 10]")).diagnostics

    assert (found.code, found.start.line, found.option) == ("AC208", 4, "")


def test_a_long_option_is_cut_before_the_message() -> None:
    option = f"augment=[{', '.join(['HorizontalFlip'] * 40)}, {{HorizontalFlip: {{p: 3}}}}]"
    first, excerpt, carets, *_ = report(with_options(option)).splitlines()

    assert first.startswith("--set augment=[HorizontalFlip, ")
    assert "...: error[AC114] p of HorizontalFlip" in first
    assert len(first) < 140
    assert excerpt[carets.index("^")] == "3"


def test_a_broken_file_is_told_before_a_path_that_it_hides() -> None:
    (found,) = with_options("C1[0].groups=2", text=ARCH.replace("name: t", "nam: t")).diagnostics

    assert found.code == "AC111"


def test_programs_are_told_the_option_and_no_line_of_the_file() -> None:
    checked = with_options("train.lr=-1")

    assert '"option": "--set train.lr=-1"' in (said := json_report([checked]))
    assert '"line": 1,' in said
    assert github_report(checked).startswith("::error file=t.yaml,title=AC114::--set train.lr=-1: lr must be")
    assert "--set train.lr=-1: lr must be" in (said := sarif_report([checked]))
    assert '"region"' not in said


def test_the_exception_in_python_shows_it_alike() -> None:
    assert str(ArchError(with_options("train.lr=-1"))).startswith("--set train.lr=-1: error[AC114]")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("train" + ".x" * 50_000 + "=1", "the path has 100,005 characters, the limit is 1,000: train.x.x"),
        ("C1" + "[0]" * 50_000 + "=1", "the path has 150,002 characters, the limit is 1,000: C1[0][0]"),
        ("train" + ".x" * 101 + "=1", "has 102 steps, the limit is 100"),
        (f"C1[{'9' * 5_000}].groups=1", "the path has 5,011 characters"),
        ("train.lr=" + "[1," * 1_000_000, "the value of train.lr has 3,000,000 characters, the limit is 10,000: "),
        ("x" * 100_000, "...' is not PATH=VALUE"),
        ("x" * 900 + "=1", "...: there is no 'xxx"),
    ],
)
def test_an_option_beyond_all_measure_is_refused_in_a_line(option: str, said: str) -> None:
    with pytest.raises(SettingError) as refused:
        with_options(option)

    assert said in str(refused.value)
    assert len(str(refused.value)) < 1_500


@pytest.mark.parametrize("text", ["- conv: 32", "null", "some text"])
@pytest.mark.parametrize("option", ["augment[0].p=0.5", "train.mixup=0.2", "C1[0].groups=2", "x=1"])
def test_an_option_for_a_file_that_is_no_mapping_leaves_it_to_the_check(text: str, option: str) -> None:
    (found,) = with_options(option, text=text).diagnostics

    assert (found.code, found.option) == ("AC114", "")


def test_more_options_than_anybody_writes_are_refused() -> None:
    with pytest.raises(SettingError, match="10,000 values are set, the limit is 100; write them into the file"):
        with_options(*["train.lr=0.1"] * 10_000)

    assert with_options(*["train.lr=0.1"] * 100).ok
