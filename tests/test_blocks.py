"""What each word of the language builds."""

from typing import Any

import jsonschema
import pytest
import yaml

from advconv.blocks import BLOCKS
from advconv.blocks.base import Block
from advconv.blocks.row_help import written_row
from advconv.geometry import Shape
from advconv.language.json_schema import schema
from advconv.manual.blocks import default_text
from tests.build import advice, arch, checked, codes, graph, measured


def layers(*rows: Any, **sections: Any) -> list[str]:
    """The calls of torch that rows come to, as people would write them."""
    found = graph(*rows, **sections)
    return [
        _written(found.nodes[index].layer.torch(found.input_shapes(found.nodes[index])))
        for index in range(1, len(found.nodes))
    ]


def _written(call: Any) -> str:
    words = [repr(argument) for argument in call.arguments] + [f"{name}={value!r}" for name, value in call.options]
    return f"{call.target.split('.')[-1]}({', '.join(words)})"


def names(*rows: Any, **sections: Any) -> list[str]:
    return [node.name for node in graph(*rows, **sections).nodes[1:]]


def output(*rows: Any, input: Any = (4, 16, 16), **sections: Any) -> str:
    return str(graph(*rows, input=input, **sections).output)


PLAIN = {"norm": "none", "activation": "none"}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.kind)
def test_a_block_declares_what_the_manual_and_the_schema_say_of_it(block: type[Block]) -> None:
    """An example of each needed field too, of which the shortest row is made that a message shows."""
    fields = block.model_fields.items()

    assert [key for key, field in fields if not field.description] == []
    assert [key for key, field in fields if field.is_required() != bool(field.examples)] == []
    assert [key for key, field in fields if field.default is None and default_text(field) == "None"] == []
    (row,) = yaml.safe_load(written_row(block))
    assert row == block.kind or list(row) == [block.kind]
    # A bare `linear` has no classes to go to.
    assert codes({"conv": 8}, row) == (["AC208"] if row == "linear" else [])


@pytest.mark.parametrize(
    ("kind", "one", "two"),
    [("norm", {"batch": {}}, {"layer": {}}), ("activation", {"leaky_relu": 0.1}, {"elu": 1})],
)
def test_a_norm_or_an_activation_has_one_kind_beside_its_name(
    kind: str, one: dict[str, Any], two: dict[str, Any]
) -> None:
    validator = jsonschema.Draft202012Validator(schema())

    for given, is_right in [(one, True), (one | {"name": "q"}, True), ({"name": "q"}, False), (one | two, False)]:
        data = arch({"conv": 8}, {kind: given})
        assert validator.is_valid(data) is is_right
        assert checked(data).ok is is_right


def test_a_unit_is_a_convolution_a_norm_and_an_activation() -> None:
    assert layers({"conv": 8}) == ["Conv2d(4, 8, kernel_size=3, padding=1, bias=False)", "BatchNorm2d(8)", "ReLU()"]
    assert names({"conv": 8}) == ["C1.0.conv", "C1.0.norm", "C1.0.act"]


def test_the_short_form_is_the_long_one() -> None:
    assert layers({"conv": 8}) == layers({"conv": {"out_channels": 8}})
    assert layers("gap") == layers({"gap": None}) == layers({"gap": {}})


def test_order_puts_the_norm_where_it_says_and_dropout_last() -> None:
    row = {"conv": {"out_channels": 8, "dropout": 0.1}}

    assert names(row, defaults={"order": "conv-act-norm"}) == [
        f"C1.0.{role}" for role in ("conv", "act", "norm", "dropout")
    ]
    assert names(row, defaults={"order": "norm-act-conv"}) == [
        f"C1.0.{role}" for role in ("norm", "act", "conv", "dropout")
    ]


@pytest.mark.parametrize("order", ["conv-norm-act", "conv-act-norm", "norm-act-conv"])
def test_auto_leaves_the_bias_to_the_norm_whatever_the_order(order: str) -> None:
    def bias(norm: str) -> bool:
        return "bias=False" not in " ".join(layers({"conv": {"out_channels": 8, "norm": norm, "order": order}}))

    assert (bias("batch"), bias("none")) == (False, True)


def test_a_unit_says_otherwise_than_the_defaults() -> None:
    defaults = {
        "norm": "layer",
        "activation": {"leaky_relu": 0.1},
        "dropout": {"p": 0.2, "kind": "channel"},
        "bias": True,
    }
    own = {"norm": {"group": 2}, "activation": "silu", "dropout": 0, "bias": False}

    assert layers({"pointwise": 8}, defaults=defaults) == [
        "Conv2d(4, 8, kernel_size=1)", "GroupNorm(1, 8)", "LeakyReLU(negative_slope=0.1)", "Dropout2d(0.2)",
    ]  # fmt: skip
    assert layers({"pointwise": {"out_channels": 8} | own}, defaults=defaults) == [
        "Conv2d(4, 8, kernel_size=1, bias=False)", "GroupNorm(2, 8)", "SiLU()",
    ]  # fmt: skip


def test_the_defaults_are_for_units_alone() -> None:
    defaults = {"dropout": 0.5, "activation": "silu", "norm": "layer", "padding": 1}

    assert layers({"maxpool": 2}, {"squeeze_excite": 2}, "gap", {"linear": 5}, defaults=defaults) == [
        "MaxPool2d(kernel_size=2)", "AdaptiveAvgPool2d(1)", "Conv2d(4, 2, kernel_size=1)", "ReLU()",
        "Conv2d(2, 4, kernel_size=1)", "Sigmoid()", "mul()", "AdaptiveAvgPool2d(1)", "flatten(1)", "Linear(4, 5)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("padding", "size"),
    [("same", "16x16"), ("valid", "14x14"), (0, "14x14"), (2, "18x18"), ([0, 1], "14x16"), ([1, 0, 2, 3], "15x19")],
)
def test_padding_takes_every_form(padding: Any, size: str) -> None:
    assert output({"conv": {"out_channels": 4, "padding": padding}}) == f"4x{size}"


def test_same_pads_the_odd_pixel_right_and_below() -> None:
    assert layers({"conv": {"out_channels": 4, "kernel_size": [2, 3]} | PLAIN}) == [
        "ZeroPad2d((1, 1, 0, 1))", "Conv2d(4, 4, kernel_size=(2, 3))",
    ]  # fmt: skip


@pytest.mark.parametrize(("size", "halved"), [(32, 16), (33, 17), (1, 1)])
def test_same_at_stride_2_halves_the_map_rounded_up(size: int, halved: int) -> None:
    assert output({"strided": 4}, input=[3, size, size]) == f"4x{halved}x{halved}"


def test_same_counts_the_dilation() -> None:
    assert output({"dilated": {"out_channels": 4, "dilation": [1, 3], "kernel_size": [5, 3]}}) == "4x16x16"


def test_strided_and_dilated_say_otherwise() -> None:
    assert layers({"strided": {"out_channels": 4, "stride": 3} | PLAIN}) == [
        "Conv2d(4, 4, kernel_size=3, stride=3, padding=1)"
    ]
    assert layers({"dilated": {"out_channels": 4, "dilation": 3} | PLAIN}) == [
        "Conv2d(4, 4, kernel_size=3, padding=3, dilation=3)"
    ]


def test_a_depthwise_separable_unit_is_one_unit() -> None:
    row = {"out_channels": 6, "multiplier": 2, "kernel_size": 5}

    assert names({"dwsep": row}) == [f"C1.0.{role}" for role in ("depthwise", "pointwise", "norm", "act")]
    assert layers({"dwsep": row})[:2] == [
        "Conv2d(4, 8, kernel_size=5, padding=2, groups=4, bias=False)", "Conv2d(8, 6, kernel_size=1, bias=False)",
    ]  # fmt: skip
    assert names({"dwsep": row | {"between": "norm-act"}})[1:3] == ["C1.0.depthwise_norm", "C1.0.depthwise_act"]


def test_groups_may_be_depthwise() -> None:
    row = {"conv": {"out_channels": 8, "groups": "depthwise"} | PLAIN}

    assert layers(row) == ["Conv2d(4, 8, kernel_size=3, padding=1, groups=4)"]
    assert codes({"conv": {"out_channels": 6, "groups": "depthwise"}}) == ["AC202"]


@pytest.mark.parametrize(("channels", "groups", "help"), [(6, 4, "8 output channels, or groups: 1 or 2")])
def test_groups_must_divide(channels: int, groups: int, help: str) -> None:
    (found,) = checked(arch({"conv": {"out_channels": channels, "groups": groups}})).diagnostics

    assert (found.code, found.help) == ("AC202", f"use {help}")
    # What the help offers divides the channels of both sides.
    for offered in (1, 2):
        assert codes({"conv": {"out_channels": channels, "groups": offered}}) == []


def test_auto_is_the_identity_where_the_shapes_agree_and_a_projection_where_not() -> None:
    keeping, halving = [{"conv": 4}], [{"strided": 8}, {"conv": 8}]

    assert names({"residual": keeping})[-2:] == ["C1.0.add()", "C1.0.act"]
    assert [name for name in names({"residual": halving}) if "shortcut" in name] == [
        "C1.0.shortcut.conv", "C1.0.shortcut.norm",
    ]  # fmt: skip
    assert "Conv2d(4, 8, kernel_size=1, stride=2, bias=False)" in layers({"residual": halving})


def test_the_projection_has_the_stride_of_the_whole_main_path() -> None:
    path = [{"strided": {"out_channels": 8, "stride": [2, 1]}}, {"maxpool": 2}]

    assert "Conv2d(4, 8, kernel_size=1, stride=(4, 2), bias=False)" in layers({"residual": path})


def test_a_pad_shortcut_subsamples_and_adds_zero_channels() -> None:
    row = {"residual": {"layers": [{"strided": 8}], "shortcut": "pad"}}

    assert [call for call in layers(row) if "pad(" in call or "pool" in call] == [
        "avg_pool2d(1, stride=2)", "pad((0, 0, 0, 0, 0, 4))",
    ]  # fmt: skip


def test_a_pad_shortcut_that_has_nothing_to_add_is_the_identity() -> None:
    assert names({"residual": {"layers": [{"conv": 4}], "shortcut": "pad"}}) == names({"residual": [{"conv": 4}]})


def test_a_shortcut_may_be_rows_and_none_of_them_is_the_identity() -> None:
    assert "C1.0.shortcut.0.conv" in names({"residual": {"layers": [{"conv": 8}], "shortcut": [{"pointwise": 8}]}})
    assert names({"residual": {"layers": [{"conv": 4}], "shortcut": []}}) == names({"residual": [{"conv": 4}]})


def test_the_activation_after_the_add_is_the_files_default() -> None:
    row = {"residual": [{"conv": 4}]}

    assert layers(row, defaults={"activation": "silu"})[-1] == "SiLU()"
    assert layers(row, defaults={"order": "norm-act-conv"})[-1] == "add()"
    assert layers({"residual": {"layers": [{"conv": 4}], "activation": "none"}})[-1] == "add()"


def test_the_main_path_is_the_one_that_is_not_spread() -> None:
    gate, rest = ["gap", {"pointwise": 4}], [{"conv": 8}]
    merged = [
        {"residual": [{"branches": {"merge": "multiply", "paths": paths}}, *rest]}
        for paths in ({"gate": gate, "map": []}, {"map": [], "gate": gate})
    ]

    assert len({measured(row).total for row in merged}) == 1
    assert codes({"residual": {"layers": [{"conv": 4}], "shortcut": ["gap"]}}) == ["AC203"]


def test_an_identity_shortcut_must_fit() -> None:
    assert codes({"residual": {"layers": [{"conv": 8}], "shortcut": "identity"}}) == ["AC203"]
    assert codes({"residual": {"layers": [{"conv": 2}], "shortcut": "pad"}}) == ["AC204"]


@pytest.mark.parametrize(("merge", "shape"), [("concat", "12x16x16"), ("add", "4x16x16"), ("multiply", "4x16x16")])
def test_branches_merge_and_an_empty_path_is_the_identity(merge: str, shape: str) -> None:
    paths = {"near": [{"conv": 4}], "far": [{"dilated": 4}], "same": []}

    assert output({"branches": {"merge": merge, "paths": paths}}) == shape


def test_a_path_of_one_position_is_spread_over_the_others() -> None:
    gate = {"branches": {"merge": "multiply", "paths": {"map": [], "gate": ["gap", {"activation": "sigmoid"}]}}}

    assert output(gate) == "4x16x16"
    assert measured(gate).receptive_field.whole


def test_branches_of_unlike_shapes_do_not_merge() -> None:
    assert codes({"branches": {"paths": {"a": [{"strided": 4}], "b": []}}}) == ["AC203"]
    assert codes({"branches": {"merge": "add", "paths": {"a": [{"conv": 8}], "b": []}}}) == ["AC203"]


def test_repeat_has_weights_for_each_round() -> None:
    assert names({"repeat": {"times": 2, "layers": ["depthwise"]}}) == [
        f"C1.0.{round}.0.{role}" for round in (0, 1) for role in ("conv", "norm", "act")
    ]


def test_an_inverted_residual_is_linear_at_its_narrow_ends() -> None:
    row = {"inverted_residual": {"out_channels": 4, "expansion": 2}}

    assert names(row) == [
        *(f"C1.0.expand.{role}" for role in ("conv", "norm", "act")),
        *(f"C1.0.depthwise.{role}" for role in ("conv", "norm", "act")),
        "C1.0.project.conv", "C1.0.project.norm", "C1.0.add()",
    ]  # fmt: skip
    assert "C1.0.add()" not in names({"inverted_residual": {"out_channels": 4, "stride": 2}})
    assert "C1.0.expand.conv" not in names({"inverted_residual": {"out_channels": 4, "expansion": 1}})
    assert "C1.0.expand.act" not in names(row, defaults={"order": "norm-act-conv"})


def test_an_inverted_residual_adds_its_input_at_stride_1_alone() -> None:
    """On one position a stride leaves the shape as it is."""
    row = {"inverted_residual": {"out_channels": 4, "stride": 2}}

    assert "C1.0.add()" not in names(row, input=[4, 1, 1])
    assert "C1.0.add()" in names({"inverted_residual": 4}, input=[4, 1, 1])


def test_the_convolutions_of_a_gate_obey_bias() -> None:
    def biases(row: Any, **sections: Any) -> list[bool]:
        return ["bias=False" not in call for call in layers(row, **sections) if "Conv2d" in call]

    assert biases("squeeze_excite") == [True, True]
    assert biases("squeeze_excite", defaults={"bias": False}) == [False, False]
    assert biases({"squeeze_excite": {"bias": True}}, defaults={"bias": False}) == [True, True]
    assert biases({"inverted_residual": {"out_channels": 4, "squeeze_excite": 2, "bias": False}}) == [False] * 5
    assert biases({"inverted_residual": {"out_channels": 4, "squeeze_excite": 2}}) == [False, False, True, True, False]


def test_a_gate_squeezes_by_its_reduction_to_one_channel_at_least() -> None:
    assert "Conv2d(4, 1, kernel_size=1)" in layers("squeeze_excite")
    assert "Conv2d(4, 2, kernel_size=1)" in layers({"squeeze_excite": 2})


def test_pools_pad_nothing_and_stride_by_their_kernel() -> None:
    assert layers("maxpool") == ["MaxPool2d(kernel_size=2)"]
    assert layers(
        {"avgpool": {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}}
    ) == ["AvgPool2d(kernel_size=3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)"]


def test_asymmetric_padding_before_a_max_pool_never_wins() -> None:
    assert layers({"maxpool": {"kernel_size": 2, "padding": "same"}})[0] == "ConstantPad2d((0, 1, 0, 1), -inf)"
    assert layers({"avgpool": {"kernel_size": 2, "padding": "same"}})[0] == "ZeroPad2d((0, 1, 0, 1))"


@pytest.mark.parametrize("kind", ["maxpool", "avgpool"])
def test_a_pool_takes_padding_up_to_half_its_window_on_every_side(kind: str) -> None:
    assert codes({kind: {"kernel_size": 2, "padding": 2}}) == ["AC207"]
    assert codes({kind: {"kernel_size": [3, 1], "padding": [1, 0, 0, 0]}}) == []
    for side in range(4):
        padding = [0, 0, 0, 0]
        padding[side] = 2
        assert codes({kind: {"kernel_size": 3, "padding": padding}}) == ["AC207"]


@pytest.mark.parametrize("kind", ["maxpool", "avgpool"])
def test_no_window_starts_on_padding_that_differs_between_two_ends(kind: str) -> None:
    row = {"padding": "same", "ceil_mode": True}

    assert output({kind: row}, input=[4, 32, 32]) == "4x16x16"
    assert output({kind: row}, input=[4, 31, 32]) == "4x16x16"
    assert output({kind: row | {"stride": [2, 3]}}, input=[4, 32, 33]) == "4x16x11"


def test_a_norm_of_one_value_a_group_is_refused() -> None:
    assert codes("gap", {"norm": {"group": 4}}) == ["AC212"]
    assert codes({"conv": 1}, "gap", {"norm": "layer"}) == ["AC212"]
    assert (
        codes("gap", {"norm": {"group": 2}}) == codes({"norm": {"group": 4}}) == codes("gap", {"norm": "batch"}) == []
    )


def test_what_nothing_reads_is_told_unless_another_path_reads_it() -> None:
    skipping = {"pointwise": {"out_channels": 8, "stride": 2}}

    assert advice(skipping) == advice({"conv": 8}, {"maxpool": {"kernel_size": 2, "stride": 3}}) == ["AC301"]
    assert "AC301" in advice({"conv": {"out_channels": 8, "stride": 4, "padding": [1, 0, 0, 0]}})
    assert advice({"residual": [{"strided": {"out_channels": 8, "activation": "none"}}]}) == []
    assert advice({"branches": {"paths": {"a": [skipping], "b": [skipping]}}}) == ["AC301"]
    assert "AC301" not in advice(skipping, input=[3, 1, 1])
    assert advice({"strided": {"out_channels": 8, "kernel_size": 2}}) == []
    (found,) = checked(arch({"conv": {"out_channels": 8, "kernel_size": [1, 3], "stride": [2, 4]}})).diagnostics
    assert "a 1x3 window of stride 2x4 reads 88 of 256 positions" in found.message
    assert found.help == "use kernel_size [2, 4] or more, or stride [1, 3] or less"


def test_a_dilated_window_that_strides_skips_positions() -> None:
    assert advice({"conv": 8}, {"dilated": {"out_channels": 8, "stride": 2}}) == ["AC301"]
    assert advice({"conv": 8}, {"dilated": {"out_channels": 8, "stride": 2, "dilation": 3}}) == []


def test_paths_that_stride_along_different_axes_read_what_one_of_them_reads() -> None:
    row, column = ({"pointwise": {"out_channels": 8, "stride": stride}} for stride in ([2, 1], [1, 2]))
    back = {"avgpool": {"kernel_size": [1, 2]}}, {"avgpool": {"kernel_size": [2, 1]}}
    paths = {"a": [row, back[0]], "b": [column, back[1]]}

    found = checked(arch({"branches": {"paths": paths}})).diagnostics
    assert [each.message for each in found if each.code == "AC301"] == [
        "C1[0].a[0]: a 1x1 window of stride 2x1 reads 192 of 256 positions, and nothing reads the others"
    ]


@pytest.mark.parametrize(
    ("kind", "row", "size", "read"),
    [
        ("maxpool", {"kernel_size": 2, "stride": 3, "padding": "same"}, 4, 9),
        ("conv", {"kernel_size": 2, "stride": 3, "padding": [0, 1, 0, 1]}, 4, 9),
        ("conv", {"kernel_size": 1, "stride": 2}, 2, 1),
        ("conv", {"kernel_size": 1, "stride": 8}, 8, 1),
        ("conv", {"kernel_size": 3, "stride": 4, "padding": "valid"}, 5, 9),
        ("conv", {"kernel_size": 3, "stride": 4, "padding": 2}, 9, 49),
        ("conv", {"kernel_size": 1, "stride": 5, "padding": 12}, 9, 4),
    ],
)
def test_unread_positions_are_counted_to_the_last(kind: str, row: dict[str, Any], size: int, read: int) -> None:
    fields = row | ({"out_channels": 4} if kind == "conv" else {})
    found = checked(arch({kind: fields}, input=[4, size, size])).diagnostics

    assert [f"reads {read} of {size * size} positions" in each.message for each in found].count(True) == 1


def test_linear_takes_one_position_as_it_is_and_larger_maps_flattened() -> None:
    assert layers("gap", "linear", classes=10)[-2:] == ["flatten(1)", "Linear(4, 10)"]
    assert layers("flatten", {"linear": {"out_features": 5, "bias": False}})[-1] == "Linear(1024, 5, bias=False)"
    assert codes("linear", classes=10) == ["AC205"]
    assert codes("gap", "linear") == ["AC208"]


def test_a_network_that_ends_in_classes_by_one_by_one_is_flattened() -> None:
    found = graph({"pointwise": 10}, "gap", classes=10)

    assert (found.output, found.nodes[-1].name) == (Shape(10, flat=True), "flatten()")


@pytest.mark.parametrize("rows", [["gap"], [{"pointwise": 10}], ["gap", {"linear": 9}]])
def test_classes_are_held_to_what_the_network_puts_out(rows: list[Any]) -> None:
    assert codes(*rows, classes=10) == ["AC208"]


def test_a_window_must_fit_its_map_and_a_vector_is_no_map() -> None:
    assert codes({"conv": {"out_channels": 4, "kernel_size": 17, "padding": "valid"}}) == ["AC201"]
    assert codes("flatten", {"conv": 4}) == ["AC206"]
    assert codes("flatten", {"dropout": {"p": 0.5, "kind": "channel"}}) == ["AC206"]
    assert codes({"norm": {"group": 3}}) == ["AC202"]


def test_what_depends_on_a_broken_row_is_left_out() -> None:
    broken = {"conv": {"out_channels": 4, "kernel_size": 17, "padding": "valid"}}

    assert codes(broken, {"conv": {"out_channels": 6, "groups": 5}}, classes=3) == ["AC201"]
    assert codes({"branches": {"paths": {"a": [broken], "b": [broken]}}}, "linear") == ["AC201", "AC201"]


def test_10_000_layers_work_and_more_do_not() -> None:
    assert len(graph({"repeat": {"times": 10_000, "layers": [{"norm": "batch"}]}}, input=[1, 2, 2]).nodes) == 10_001
    assert codes({"repeat": {"times": 10_000, "layers": [{"norm": "batch"}]}}, "gap") == ["AC119"]
    assert codes({"repeat": {"times": 100_000, "layers": [{"repeat": {"times": 100_000, "layers": ["gap"]}}]}}) == [
        "AC119"
    ]


def test_a_merge_counts_as_many_layers_as_adding_its_paths_two_at_a_time_would_take() -> None:
    paths: dict[str, list[Any]] = {f"p{number}": [] for number in range(1001)}
    wide = {"branches": {"paths": paths}}

    assert codes({"repeat": {"times": 9, "layers": [wide, {"conv": 4}]}}) == []
    assert codes({"repeat": {"times": 10, "layers": [wide, {"conv": 4}]}}) == ["AC119"]


def test_the_names_of_all_layers_have_an_end() -> None:
    named = {"repeat": {"times": 4900, "name": "a" * 1000, "layers": ["gap"]}}

    assert codes(named) == []
    more = {"repeat": {"times": 200, "name": "b" * 1000, "layers": ["gap"]}}
    assert codes(named, more) == ["AC119"]


@pytest.mark.parametrize(
    "rows",
    [
        [{"conv": 2**40}, {"conv": 2**40}],
        [{"conv": 2**63 - 1}],
        [{"repeat": {"times": 200, "layers": [{"branches": {"paths": {"a": [], "b": []}}}]}}],
        [{"conv": {"out_channels": 1, "padding": 2**31 - 1, "kernel_size": 2**31 - 1}}, {"conv": 2**40}],
        [{"repeat": {"times": 100, "layers": [{"strided": {"out_channels": 1, "stride": 2**30}}]}}],
    ],
)
def test_counts_that_64_bits_cannot_hold_are_refused(rows: list[Any]) -> None:
    assert codes(*rows, input=[1, 1, 1]) == ["AC209"]


@pytest.mark.parametrize("field", ["kernel_size", "stride", "dilation", "padding"])
def test_windows_that_torch_counts_in_32_bits_are_held_to_them(field: str) -> None:
    assert codes({"conv": {"out_channels": 4, field: 2**31}}) == codes({"conv": {"out_channels": 4, field: [1, 2**40]}})
    assert codes({"conv": {"out_channels": 4, field: 2**31}}) == ["AC114"]
    assert codes({"activation": {"leaky_relu": -1e300}}) == ["AC114"]


def test_another_input_measures_the_same_network() -> None:
    data = arch({"strided": 8}, "gap", {"linear": 10}, input=[4, 32, 32])
    small, large = checked(data).measures, checked(data, Shape(4, 64, 48)).measures

    assert small is not None
    assert large is not None
    assert str(large.graph.nodes[1].shape) == "8x32x24"
    assert large.total.params == small.total.params
