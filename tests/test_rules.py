"""The rules for architectures: planted faults are found where they are, and mended ones are not reported."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given

from advconv.analysis.measure import measure
from advconv.analysis.view import GraphView
from advconv.check import Checked, check, lint
from advconv.geometry import Shape
from advconv.graph import Draft, Graph, line_of_caller
from advconv.layers.conv import Conv2d
from advconv.rules import BY_CODE, RULES
from advconv.rules.diagnostics import placed
from advconv.rules.record import LintInput, Severity
from advconv.text.source import Source
from tests.build import advice, arch, checked, faults
from tests.faults import PLANTED, conv, pointwise, whole
from tests.golden import OWN
from tests.strategies import LAW, archs

COMMENTS = {"AC350", "AC351"}

FEW, MANY = range(20), range(20, 200)


def text_checked(data: dict[str, Any]) -> Checked:
    found = check(Source("t.yaml", json.dumps(data)))
    assert found.measures is not None, (data, found.diagnostics)
    return found


def is_planted(data: Any, path: Any) -> bool:
    """Whether a finding is about the planted row, or about another section."""
    if path[0] != "network":
        return True
    for step in path:
        if isinstance(data, dict) and step not in data:
            return False
        data = data[step]
    return isinstance(data, dict) and data.get("name") == "planted"


def test_every_rule_for_architectures_has_planted_faults() -> None:
    assert {rule.code for rule in RULES if rule.code.startswith("AC3")} == PLANTED.keys() | COMMENTS


@pytest.mark.parametrize("seeds", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"])
@pytest.mark.parametrize("code", PLANTED)
def test_planted_faults_are_found_in_their_rows_and_nothing_else_is(code: str, seeds: range) -> None:
    for seed in seeds:
        data, _ = whole(code, seed)
        found = text_checked(data)
        assert found.spec is not None
        assert found.measures is not None
        findings = lint(LintInput(found.spec.input, found.spec, GraphView(found.measures)))
        places = [is_planted(data, each.path) for each in findings if each.code == code]

        assert places, (seed, data)
        assert all(places), (seed, data)
        if code != "AC302":
            warned = {code} if BY_CODE[code].severity is Severity.WARNING else set()
            assert {each.code for each in faults(found)} == warned, (seed, data)


@pytest.mark.parametrize("seeds", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"])
@pytest.mark.parametrize("code", PLANTED)
def test_mended_networks_have_no_finding(code: str, seeds: range) -> None:
    for seed in seeds:
        _, mended = whole(code, seed)
        found = text_checked(mended)

        assert faults(found) == [], (seed, mended)
        assert code not in [each.code for each in found.diagnostics], (seed, mended)


DESIGNS = {
    "ResNeXt": """
        - conv: 64
        - residual:
          - pointwise: 64
          - conv: {out_channels: 64, groups: 16}
          - pointwise: {out_channels: 256, activation: none}
        - residual:
          - pointwise: 128
          - strided: {out_channels: 128, groups: 32}
          - pointwise: {out_channels: 512, activation: none}""",
    "ShuffleNet without its shuffle": """
        - conv: 48
        - residual:
          - pointwise: {out_channels: 24, groups: 3}
          - depthwise: {activation: none}
          - pointwise: {out_channels: 48, groups: 3, activation: none}
        - pointwise: 64""",
    "pyramid of dilations (ASPP)": """
        - conv: 32
        - repeat: {times: 2, layers: [residual: [conv: 32, conv: {out_channels: 32, activation: none}]]}
        - strided: 64
        - branches:
            paths:
              point: [pointwise: 32]
              near: [dilated: {out_channels: 32, dilation: 2}]
              far: [dilated: {out_channels: 32, dilation: 4}]
        - pointwise: 64""",
    "pooled branch of a pyramid": """
        - conv: 32
        - branches: {merge: add, paths: {map: [pointwise: 32], image: [gap, pointwise: 32]}}
        - conv: 64""",
    "squeeze and excitation": """
        - conv: 32
        - residual: [conv: 32, conv: {out_channels: 32, activation: none}, squeeze_excite: 4]
        - squeeze_excite: 8
        - conv: 64""",
    "separable first pointwise (BSConv)": """
        - conv: 32
        - pointwise: {out_channels: 64, activation: none, norm: none}
        - depthwise
        - pointwise: {out_channels: 64, activation: none, norm: none}
        - depthwise
        - pointwise: 64""",
    "large kernel in parts (VAN)": """
        - conv: 32
        - branches:
            merge: multiply
            paths:
              map: []
              attention:
                - depthwise: {kernel_size: 5, activation: none, norm: none}
                - depthwise: {kernel_size: 5, dilation: 3, activation: none, norm: none}
                - pointwise: {out_channels: 32, activation: none, norm: none}
        - conv: 64""",
    "head of ConvNeXt": """
        - conv: 32
        - residual:
          - depthwise: {kernel_size: 7, norm: layer, activation: none}
          - pointwise: {out_channels: 128, norm: none, activation: gelu}
          - pointwise: {out_channels: 32, norm: none, activation: none}
        - gap
        - norm: layer""",
    "inverted residuals without expansion": """
        - conv: 32
        - inverted_residual: {out_channels: 16, expansion: 1}
        - inverted_residual: {out_channels: 24, stride: 2, activation: relu6}
        - inverted_residual: {out_channels: 24, activation: relu6, kernel_size: 5, squeeze_excite: 4}
        - pointwise: 128""",
    "kernels of one axis": """
        - conv: {out_channels: 32, kernel_size: [1, 3], norm: none, activation: none}
        - conv: {out_channels: 32, kernel_size: [3, 1]}
        - conv: {out_channels: 32, kernel_size: [1, 5], stride: [1, 2]}
        - conv: 64""",
    "Inception": """
        - conv: 32
        - branches:
            paths:
              point: [pointwise: 16]
              three: [pointwise: 16, conv: 16]
              five: [pointwise: 16, conv: {out_channels: 16, kernel_size: 5}]
              pool: [maxpool: {kernel_size: 3, stride: 1, padding: 1}, pointwise: 16]
        - conv: 64""",
    "SqueezeNet": """
        - conv: 64
        - pointwise: 16
        - branches: {paths: {point: [pointwise: 64], three: [conv: 64]}}
        - dropout: 0.5
        - pointwise: {out_channels: 24, norm: none}""",
    "DenseNet": """
        - conv: 32
        - repeat:
            times: 3
            layers:
            - branches: {paths: {all: [], new: [pointwise: 32, conv: 16]}}
        - pointwise: 40
        - avgpool: {kernel_size: 2, ceil_mode: true}
        - conv: 64""",
    "patches": """
        - conv: {out_channels: 64, kernel_size: 2, stride: 2}
        - conv: 64""",
}

PRE_ACTIVATION = """
advconv: 1
name: preactivation
input: [3, 32, 32]
classes: 10
defaults: {order: norm-act-conv}
network:
  C1:
    - conv: {out_channels: 32, order: conv-norm-act, norm: none, activation: none}
    - residual: [conv: 32, conv: 32]
    - residual: [strided: 64, conv: 64]
    - inverted_residual: 64
    - norm: batch
    - activation: relu
    - gap
    - linear
"""

WITHOUT_CLASSES = {
    "segmentation": "[conv: 32, strided: 64, dilated: 64, pointwise: {out_channels: 21, norm: none, activation: none}]",
    "an encoder": "[conv: 32, strided: 8, strided: 4]",
    "scores of many labels": "[conv: 32, gap, linear: 7, activation: sigmoid]",
    "a code of few features": "[conv: 32, gap, linear: 4, activation: relu, linear: 100]",
    "a normalised embedding": "[conv: 32, pointwise: {out_channels: 64, activation: none}, gap]",
}

INPUTS = ([3, 32, 32], [3, 48, 32], [3, 45, 61], [1, 224, 224], [12, 31, 64])


def test_published_designs_have_no_warning_on_any_image() -> None:
    for name, rows in DESIGNS.items():
        for input in INPUTS:
            head = f"advconv: 1\nname: design\ninput: {input}\nclasses: 10\nnetwork:\n  C1:"
            found = check(Source(name, f"{head}{dedent(rows, 4)}\n  O: [gap, linear]\n"))

            assert [(each.code, each.message) for each in faults(found)] == [], (name, input)


def dedent(rows: str, margin: int) -> str:
    return "\n".join(" " * margin + line[8:] for line in rows.splitlines()).rstrip(" ").replace("\n    \n", "\n")


def test_pre_activation_has_no_warning() -> None:
    assert faults(check(Source("t.yaml", PRE_ACTIVATION))) == []


@pytest.mark.parametrize("name", WITHOUT_CLASSES)
def test_a_network_without_classes_has_no_logits(name: str) -> None:
    text = f"advconv: 1\nname: t\ninput: [3, 32, 32]\nnetwork: {{C1: {WITHOUT_CLASSES[name]}}}\n"

    assert faults(check(Source("t.yaml", text))) == []


def test_norms_and_activations_before_a_strided_shortcut_read_no_more_than_it_does() -> None:
    """The main path reads all positions of what they are computed from."""
    skipping = pointwise(16, stride=2)
    main = {"strided": 16}
    branches = {"branches": {"merge": "add", "paths": {"main": [main], "short": [{"norm": "batch"}, skipping]}}}

    assert "AC301" not in advice(conv(8), branches)
    assert "AC301" in advice(conv(8), {"norm": "batch"}, skipping)
    assert "AC301" not in advice(conv(8), {"branches": {"paths": {"a": [skipping, "gap"], "b": ["gap"]}}})


def test_one_mistake_is_reported_once() -> None:
    """An even kernel in a branch, a dilation with a stride, an average that skips, a kernel with too much padding."""
    assert codes_of({"residual": [conv(4, kernel_size=2, activation="none")]}) == ["AC211"]
    assert codes_of(conv(8), conv(8, dilation=2, stride=2)) == ["AC301"]
    assert codes_of(conv(8), {"avgpool": {"kernel_size": 9, "stride": 20}}) == ["AC305"]
    assert codes_of(conv(8), conv(8, kernel_size=15, padding=15)) == ["AC309"]
    assert codes_of(conv(8), pointwise(8, padding=9)) == ["AC306"]


def codes_of(*rows: Any) -> list[str]:
    return [found.code for found in faults(checked(arch(*rows)))]


@pytest.mark.parametrize(
    ("row", "input", "mended"),
    [
        (conv(8, kernel_size=4, stride=4), [3, 16, 16], "use `padding: valid`"),
        (conv(8, stride=2, padding="valid"), [3, 16, 16], "use `padding: same`"),
        (conv(8, kernel_size=4, stride=4), [3, 16, 17], "use `padding: [1, 3, 1, 2]` (top, bottom, left, right)"),
    ],
)
def test_the_padding_that_a_help_names_reads_the_edge(row: dict[str, Any], input: list[int], mended: str) -> None:
    (found,) = [each for each in checked(arch(conv(8), row, input=input)).diagnostics if each.code == "AC304"]
    padding = mended.split("`")[1].removeprefix("padding: ")
    other = {"conv": row["conv"] | {"padding": json.loads(padding) if padding.startswith("[") else padding}}

    assert found.help == mended
    assert "AC304" not in advice(conv(8), other, input=input)


def test_groups_that_a_help_names_fit() -> None:
    for groups, channels, out_channels in ((32, 64, 64), (16, 48, 16), (11, 22, 11)):
        row = conv(out_channels, groups=groups)
        (found,) = [each for each in checked(arch(conv(channels), row)).diagnostics if each.code == "AC316"]
        fewer = int(found.help.replace("groups: 1", "1").split()[-1 if "less" not in found.help else -3].strip(":"))

        assert advice(conv(channels), conv(out_channels, groups=fewer)) == advice(conv(channels), conv(out_channels))


def test_a_graph_made_in_python_is_reviewed_in_its_lines() -> None:
    draft = Draft()
    x = draft.start(Shape(32, 32, 3))
    x = draft.add("C1.0", Conv2d(out_channels=8, kernel_size=(3, 3), padding=(1, 1), dilation=(1, 1)), (x,))
    x = draft.add("C1.1", Conv2d(out_channels=8, kernel_size=(1, 1), dilation=(2, 2)), (x,))
    graph = Graph(tuple(draft.nodes))
    findings = lint(LintInput(graph.input, network=GraphView(measure(graph))))
    found = placed(findings, Source("", ""), None)

    assert [each.code for each in found] == ["AC302", "AC313", "AC322"]
    assert {each.source.text[each.span.start :].split("(")[0] for each in found} == {"x = draft.start", "x = draft.add"}


@LAW
@given(archs())
def test_any_graph_without_a_document_is_reviewed(data: dict[str, Any]) -> None:
    measures = checked(data).measures
    assume(measures is not None)
    assert measures is not None
    line = line_of_caller()
    nodes = [node._replace(origin=node.origin._replace(path=(), line=line)) for node in measures.graph.nodes]
    graph = Graph(tuple(nodes))

    placed(lint(LintInput(graph.input, network=GraphView(measure(graph)))), Source("", ""), None)


@pytest.mark.parametrize("seeds", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"])
def test_comments_that_silence_nothing_or_give_no_reason_are_found(seeds: range) -> None:
    for seed in seeds:
        comment_is_found(Random(seed))


def comment_is_found(random: Random) -> None:
    rows = [f"    - conv: {8 * random.randint(1, 8)}" for _ in range(random.randint(2, 9))]
    at, code = random.randrange(len(rows)), random.choice(sorted(PLANTED))
    reason = random.choice(["", " a reason"])
    rows[at] += f" # advconv: ignore[{code}]{reason}"
    found = check(Source("t.yaml", "\n".join([HEAD, *rows]) + "\n")).diagnostics
    expected = ["AC350"] if reason else ["AC351", "AC350"]

    here = (each.code for each in found if each.start.line == at + 7)
    assert sorted(code for code in here if code >= "AC350") == sorted(expected)
    assert not faults(check(Source("t.yaml", "\n".join([HEAD, *(row.split(" #")[0] for row in rows)]) + "\n")))


HEAD = "advconv: 1\nname: t\ninput: [3, 32, 32]\n# a comment\nnetwork:\n  C1:"


def test_comments_silence_the_rule_that_they_name_on_their_row() -> None:
    skipping = "    - pointwise: {out_channels: 16, stride: 2}"
    alone = f"    # advconv: ignore[AC301] a reason\n    # and another comment\n{skipping}"
    for row in (
        f"{skipping} # advconv: ignore[AC301, AC318] a reason",
        f"{skipping}  #advconv:ignore[AC301] why",
        alone,
    ):
        found = check(Source("t.yaml", f"{HEAD}\n    - conv: 8\n{row}\n")).diagnostics

        assert "AC301" not in [each.code for each in found]
        assert ["AC350"] * ("AC318" in row) == [each.code for each in found if each.code == "AC350"]


def test_a_comment_within_a_text_is_no_comment() -> None:
    text = f'{HEAD}\n    - conv: 8\ntags: ["a # advconv: ignore[AC301]", "b"] # advconv: ignore[AC302] a reason\n'
    found = check(Source("t.yaml", text)).diagnostics

    assert [each.code for each in found if each.code in COMMENTS] == []


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_a_shipped_architecture_has_no_warning(path: Path) -> None:
    assert faults(check(Source(path.name, path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    ("kind", "fields", "help"),
    [
        ("conv", {"kernel_size": 1, "stride": 2}, "use kernel_size 2 or more, or stride 1"),
        ("conv", {"kernel_size": 3, "stride": 5}, "use kernel_size 5 or more, or stride 3 or less"),
        ("conv", {"kernel_size": [1, 3], "stride": 2}, "use kernel_size [2, 3] or more, or stride [1, 2] or less"),
        ("conv", {"stride": 2, "dilation": 2}, "use dilation 1, or stride 1"),
        ("conv", {"dilation": 7, "padding": "valid"}, "use dilation 1"),
    ],
)
def test_windows_that_touch_skip_nothing(kind: str, fields: dict[str, Any], help: str) -> None:
    """As the help names them."""
    row = {kind: {"out_channels": 8} | fields}
    (found,) = [each for each in checked(arch(conv(8), row)).diagnostics if each.code == "AC301"]
    named = re.findall(r"(kernel_size|stride|dilation) (\d+|\[\d+, \d+\])", found.help)

    assert found.help == help
    for field, value in named:
        assert "AC301" not in advice(conv(8), {kind: row[kind] | {field: json.loads(value)}})


def test_the_loss_at_an_edge_is_in_words() -> None:
    pool, odd = {"maxpool": 2}, {"kernel_size": [2, 1], "padding": "valid"}
    found = [each.message for each in checked(arch(conv(8, **odd), pool)).diagnostics if each.code == "AC303"]

    assert found == ["C1[1]: the windows do not tile the 15x16 map: the last row (6.7% of the positions) is dropped"]
    both = [each.message for each in checked(arch(pool, input=[3, 9, 11])).diagnostics if each.code == "AC303"]
    assert both[0].endswith("the last row and the last column (19.2% of the positions) are dropped")


def test_gaps_of_a_stride_are_not_those_of_a_dilation() -> None:
    """The receptive field has gaps, which another dilation does not close."""
    rows = [conv(8), pointwise(8, stride=3), conv(8, dilation=2), conv(8)]
    found = checked(arch(*rows, input=[3, 48, 48]))

    assert [each.code for each in faults(found)] == ["AC301"]
    assert "AC312" in advice(*[conv(8, dilation=dilation) for dilation in (1, 6)], input=[3, 48, 48])


def test_rows_that_are_repeated_are_not_told_to_differ() -> None:
    rows = {"repeat": {"times": 3, "layers": [{"dilated": 8}]}}
    (found,) = [each for each in checked(arch(rows)).diagnostics if each.code == "AC312"]

    assert found.help.startswith("dilate each convolution at most by the receptive field before it")
