"""What a network promises: how limits are written, and when they are kept."""

from math import floor, prod
from typing import Any

import pytest
import yaml
from pydantic_core import PydanticCustomError

from advconv.analysis.connectivity import Connected
from advconv.analysis.features import FEATURES
from advconv.blocks import read_row
from advconv.check import check
from advconv.constraints import CONSTRAINTS, Constraints
from advconv.constraints.record import Constraint, Status, Verdict
from advconv.constraints.use import HOW_TO_USE
from advconv.text.source import Source
from advconv.values.limits import BYTE_UNITS, COUNT_UNITS, limit, number
from tests.build import arch, checked, codes


def verdicts(*rows: Any, **constraints: Any) -> list[Verdict]:
    return list(checked(arch(*rows, constraints=constraints)).verdicts)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("44", 44), ("200k", 200_000), ("1.5M", 1_500_000), ("200_000", 200_000), ("2G", 2 * 10**9), ("0.25", 0.25),
        ("1 k", 1000), ("9007199254740993", 2**53 + 1), ("1.000000000001M", 1000000.000001),
    ],
)  # fmt: skip
def test_numbers_have_units(text: str, value: float) -> None:
    assert number(text, COUNT_UNITS) == value


def test_bytes_are_decimal_unless_they_say_i() -> None:
    assert [number(f"2{unit}", BYTE_UNITS) for unit in ("B", "kB", "MB", "KiB", "MiB")] == [
        2,
        2000,
        2_000_000,
        2048,
        2 * 2**20,
    ]


@pytest.mark.parametrize(
    "text", ["", ">", "> ", "44", "> -1", "> 1e3", "> 4x", "=> 4", "> 2MB", "> 4 > 5", "!= 4", "> 1.k"]
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        limit(text, COUNT_UNITS)


@pytest.mark.parametrize(
    ("text", "below", "at", "above"),
    [
        ("< 5", True, False, False),
        ("<= 5", True, True, False),
        ("> 5", False, False, True),
        (">= 5", False, True, True),
        ("== 5", False, True, False),
    ],
)
def test_limits_compare(text: str, below: bool, at: bool, above: bool) -> None:
    assert [limit(text, COUNT_UNITS).holds(value) for value in (4, 5, 6)] == [below, at, above]


def test_a_range_has_both_ends() -> None:
    found = limit({"min": 1, "max": "5k"}, COUNT_UNITS)

    assert [found.holds(value) for value in (0, 1, 5000, 5001)] == [False, True, True, False]
    with pytest.raises(PydanticCustomError):
        limit({"min": 2, "max": 1}, COUNT_UNITS)


@pytest.mark.parametrize(("kernel", "kept"), [([5, 5], True), ([5, 4], False), ([4, 5], False)])
def test_the_field_must_hold_on_each_axis(kernel: list[int], kept: bool) -> None:
    (verdict,) = verdicts({"conv": {"out_channels": 4, "kernel_size": kernel}}, receptive_field="> 4")

    assert (verdict.status is Status.KEPT) == kept


def test_each_is_told_with_value_limit_and_margin() -> None:
    (found,) = verdicts({"conv": {"out_channels": 8, "norm": "none"}}, params="< 1k")

    assert (found.name, found.value, found.unit, found.margin) == ("params", 296, "parameters", 704)
    assert (found.value_text, found.limit.text, found.margin_text) == ("296", "< 1k", "704 below 1,000")


def test_a_margin_is_below_0_outside_and_that_of_the_worse_axis() -> None:
    kernel = {"conv": {"out_channels": 4, "kernel_size": [3, 9]}}
    (inside,), (outside,) = verdicts(kernel, receptive_field="> 2"), verdicts(kernel, receptive_field="< 5")
    (ranged,) = verdicts(kernel, receptive_field={"min": 7, "max": 8})

    assert inside.value == outside.value == (3, 9)
    assert (inside.margin, outside.margin, ranged.margin) == (1, -4, -4)
    assert (inside.value_text, outside.margin_text, ranged.margin_text) == ("3x9", "4 above 5", "4 below 7")


def test_bytes_are_numbers_whose_texts_have_units() -> None:
    (found,) = verdicts("gap", memory="< 0.0000041GB")

    assert (found.value, found.unit, found.margin) == (4112, "bytes", -12)
    assert (found.value_text, found.margin_text) == ("4.112 kB", "12 B above 4.100 kB")


def test_what_is_no_number_has_words_in_its_place() -> None:
    paths = {"a": [{"strided": 8}, {"conv": {"out_channels": 4, "padding": 5}}], "b": [{"conv": 4}]}
    (unknown,) = verdicts({"branches": {"paths": paths}}, receptive_field="> 4")
    (promised,) = verdicts("gap", accuracy=">= 85%")

    assert (unknown.value, unknown.margin, promised.value, promised.margin) == (None, None, None, None)
    assert (unknown.value_text, unknown.margin_text) == ("unknown", "no margin")
    assert (promised.value_text, promised.unit) == ("not measured here", "%")


def test_accuracy_is_a_promise_for_training() -> None:
    (found,) = verdicts("gap", accuracy=">= 85%")

    assert found.status is Status.PROMISED
    assert codes("gap", constraints={"accuracy": ">= 0.85"}) == ["AC120"]
    assert codes("gap", constraints={"accuracy": ">= 101%"}) == ["AC120"]


def test_a_feature_is_narrowed_by_its_fields() -> None:
    rows = [
        {"strided": 8},
        {"strided": {"out_channels": 16, "kernel_size": 2}},
        {"strided": {"out_channels": 16, "stride": 3}},
    ]
    narrowed = {"kernel_size": 3, "stride": 2, "in_channels": 4, "out_channels": 8}
    constraints = {"uses": {"strided": narrowed | {"count": "== 1"}}}

    assert codes(*rows, constraints=constraints) == []
    assert codes(*rows, constraints={"uses": {"strided": {"kernel_size": 3, "count": "== 2"}}}) == []
    assert codes(*rows, constraints={"uses": {"strided": {"kernel_size": [3, 1]}}}) == ["AC403"]


@pytest.mark.parametrize(
    ("name", "field", "has_it"),
    [
        ("maxpool", "dilation", False), ("maxpool", "kernel_size", True), ("gap", "kernel_size", False),
        ("linear", "stride", False), ("linear", "out_channels", True), ("dwsep", "dilation", True),
        ("norm", "kernel_size", False), ("add", "dilation", False), ("avgpool", "stride", True),
    ],
)  # fmt: skip
def test_a_feature_is_narrowed_by_fields_that_it_has(name: str, field: str, has_it: bool) -> None:
    found = checked(arch("gap", constraints={"uses": {name: {field: 1, "count": ">= 0"}}})).diagnostics

    assert [diagnostic.code for diagnostic in found] == ([] if has_it else ["AC111"])
    assert all(diagnostic.message == f"{name} has no {field}" for diagnostic in found)


@pytest.mark.parametrize(
    ("name", "text", "help"),
    [
        ("receptive_field", "< 3", "dilate less, stride later, or remove a convolution"),
        ("receptive_field", "> 3", "dilate a convolution, stride earlier, or add one before the last map"),
        ("rf_min", "< 3", "give the narrowest path smaller windows"),
        ("rf_min", "> 3", "widen the narrowest path"),
        ("params", "> 1G", "lower the limit, or give the rows more channels"),
        ("memory", "> 1GB", "lower the limit, or give the rows more channels"),
    ],
)
def test_help_points_the_way_out_at_a_bound_too(name: str, text: str, help: str) -> None:
    (found,) = verdicts({"conv": 4}, **{name: text})

    assert (found.status, found.help) == (Status.FAILED, help)


@pytest.mark.parametrize("name", ["receptive_field", "rf_min", "params", "macs", "weights", "memory"])
def test_a_constraint_that_is_kept_has_no_help(name: str) -> None:
    (found,) = verdicts({"conv": 4}, **{name: "> 0"})

    assert (found.status, found.help) == (Status.KEPT, "")


def test_help_is_for_the_axis_that_is_worse() -> None:
    (found,) = verdicts({"conv": {"out_channels": 4, "kernel_size": [3, 9]}}, rf_min={"min": 4, "max": 8})
    (larger,) = verdicts({"conv": {"out_channels": 4, "kernel_size": [5, 19]}}, rf_min={"min": 4, "max": 8})

    assert (found.help, larger.help) == ("widen the narrowest path", "give the narrowest path smaller windows")


@pytest.mark.parametrize(
    ("name", "row", "before_a_linear_layer"),
    [
        ("params", "C1[1]", "C1[5]"), ("weights", "C1[1]", "C1[5]"), ("macs", "C1[1]", "C1[1]"),
        ("memory", "C1[3]", "C1[3]"), ("memory_eager", "C1[3]", "C1[3]"), ("training_memory", "C1[1]", "C1[1]"),
    ],
)  # fmt: skip
def test_help_names_the_row_with_the_largest_part(name: str, row: str, before_a_linear_layer: str) -> None:
    """The pair has the largest sum of what adds up, though none of its six layers is the largest one."""
    plain = {"norm": "none", "activation": "none", "kernel_size": 1}
    thin, wide = ({"conv": {"out_channels": channels} | plain} for channels in (32, 64))
    rows = [thin, {"dwsep": {"out_channels": 32, "kernel_size": 7}}, wide, {"depthwise": plain | {"kernel_size": 3}}]

    for head, label in ((["gap"], row), (["gap", {"linear": 60}], before_a_linear_layer)):
        (verdict,) = verdicts(*rows, *head, **{name: "< 1"})
        assert verdict.help == f"look at {label} first, it has the largest part"


def test_a_field_without_a_size_breaks_its_constraint() -> None:
    paths = {"a": [{"strided": 8}, {"conv": {"out_channels": 4, "padding": 5}}], "b": [{"conv": 4}]}
    (found,) = verdicts({"branches": {"paths": paths}}, receptive_field="> 4")

    assert (found.status, found.code, found.help) == (Status.FAILED, "AC402", "give merged paths the same stride")


@pytest.mark.parametrize(
    ("constraints", "finding", "help"),
    [
        ({"uses": {"gap": ">= 1"}}, "gap occurs nowhere, the limit is >= 1",
         "write `- gap`; an average pooling smaller than its map is not global"),
        ({"uses": {"maxpool": ">= 1"}}, "maxpool occurs nowhere, the limit is >= 1", "write `- maxpool`"),
        ({"uses": {"conv": "== 1"}}, "conv occurs 2 times, the limit is == 1", "remove some from C1[0], C1[1]"),
        ({"uses": {"conv": {"out_channels": 4, "count": "== 2"}}},
         "conv (out_channels 4) occurs once, the limit is == 2", "change C1[1]: conv with other fields"),
        ({"forbids": ["conv"]}, "conv is forbidden and occurs 2 times", "remove it from C1[0], C1[1]"),
    ],
)  # fmt: skip
def test_features_are_counted_in_words_with_a_way_out(constraints: Any, finding: str, help: str) -> None:
    (found,) = verdicts({"conv": 4}, {"conv": 8}, **constraints)

    assert (found.finding.message, found.help) == (finding, help)


@pytest.mark.parametrize("name", sorted({*FEATURES} - {*HOW_TO_USE}))
def test_help_for_a_feature_with_a_block_of_its_name_is_a_row_of_that_block(name: str) -> None:
    (missing,) = verdicts("gap", uses={name: ">= 1"})
    (row,) = yaml.safe_load(missing.help.removeprefix("write `").removesuffix("`"))

    assert read_row(row).kind == name


def test_the_rows_that_show_a_feature_are_told_up_to_six() -> None:
    six, eight = (verdicts(*[{"conv": 4}] * count, forbids=["conv"])[0] for count in (6, 8))

    assert six.help == "remove it from " + ", ".join(f"C1[{index}]" for index in range(6))
    assert eight.help == f"{six.help} and 2 more"


def test_one_run_tells_of_constraints_beside_other_mistakes() -> None:
    promise = {"params": "< 1", "macs": "nonsense", "uses": {"gap": "== 1", "dwsepp": ">= 1"}}

    assert sorted(codes({"conv": 4}, {"conv": {"out_channels": 4, "x": 1}}, constraints=promise)) == [
        "AC111",
        "AC113",
        "AC120",
    ]
    assert sorted(codes({"conv": 4}, constraints=promise)) == ["AC113", "AC120", "AC401", "AC403"]
    assert sorted(codes({"conv": 4}, classes=10, constraints={"params": "< 1"})) == ["AC208", "AC401"]


def test_a_pair_is_narrowed_by_the_channels_that_it_puts_out() -> None:
    assert codes({"dwsep": 64}, constraints={"uses": {"dwsep": {"in_channels": 4, "out_channels": 64}}}) == []


def test_constraints_are_silent_where_the_network_is_broken() -> None:
    assert codes("linear", classes=10, constraints={"params": "< 1"}) == ["AC205"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("=< 200k", "<= 200k"), ("=> 44", ">= 44"), ("≥ 44", ">= 44"), ("≤44", "<= 44"), ("= 44", "== 44"),
        ("=== 4", "== 4"), (">> 4", "> 4"), ("!= 3", '< 3" or "> 3'), ("<> 3", '< 3" or "> 3'), ("≠ 3", '< 3" or "> 3'),
    ],
)  # fmt: skip
def test_an_operator_that_is_none_names_the_one_that_is_meant(written: str, meant: str) -> None:
    (found,) = checked(arch({"conv": 8}, constraints={"params": written})).diagnostics

    assert (found.code, found.help) == ("AC120", f'write "{meant}"')
    assert found.message.startswith("there is no operator ")


def test_a_limit_without_an_operator_is_shown_with_its_own_number() -> None:
    (found,) = checked(arch({"conv": 8}, constraints={"params": "under 200k"})).diagnostics

    assert found.help == 'write ">= 200k", "< 200k" or "== 200k"'


GAPS = [{"dilated": 8}, {"dilated": 8}, {"dilated": 8}]
UNKNOWN = {"a": [{"strided": 8}, {"conv": {"out_channels": 4, "padding": 5}}], "b": [{"conv": 4}]}


def seen(rows: list[tuple[int, int, int]]) -> int:
    """The pixels that one position of a chain of (kernel size, stride, dilation) is connected to, one by one."""
    pixels, jumps = {0}, [prod(stride for _, stride, _ in rows[:index]) for index in range(len(rows))]
    for (kernel, _, dilation), jump in zip(rows, jumps, strict=True):
        pixels = {pixel + tap * dilation * jump for pixel in pixels for tap in range(kernel)}
    return len(pixels)


@pytest.mark.parametrize(
    "rows",
    [
        [(3, 1, 2)] * 3, [(3, 1, 1), (3, 1, 2), (3, 1, 5)], [(3, 2, 1), (3, 1, 2), (3, 1, 2)], [(1, 2, 1), (3, 1, 1)],
        [(2, 1, 3), (3, 1, 4)], [(3, 1, 1), (5, 2, 1)],
    ],
)  # fmt: skip
def test_coverage_is_the_share_of_the_pixels_that_are_connected(rows: list[tuple[int, int, int]]) -> None:
    fields = ({"kernel_size": kernel, "stride": stride, "dilation": dilation} for kernel, stride, dilation in rows)
    found = checked(arch(*({"conv": {"out_channels": 4} | each} for each in fields), constraints={"coverage": "> 0%"}))
    assert found.measures
    size = found.measures.receptive_field.size
    assert size

    assert found.verdicts[0].value == floor(100 * 100 * seen(rows) ** 2 / (size[0] * size[1])) / 100


def test_coverage_has_a_value_a_margin_and_dilations_without_gaps() -> None:
    (found,) = verdicts(*GAPS, coverage=">= 90%")

    assert (found.status, found.value, found.unit, found.margin) == (Status.FAILED, 28.99, "%", -61.01)
    assert (found.value_text, found.margin_text) == ("28.99%", "61.01% below 90%")
    assert found.finding.message == "coverage is 28.99%, the limit is >= 90% (61.01% below 90%)"
    assert found.help == "dilations without gaps: C1[0] 1, C1[1] 3, C1[2] 2 (receptive field 13)"


@pytest.mark.parametrize(
    ("rows", "help"),
    [
        ([{"pointwise": {"out_channels": 8, "stride": 2}}, {"conv": 8}],
         "use windows that are at least as large as their stride"),
        ([{"branches": {"paths": {"a": GAPS, "b": [{"conv": 4}]}}}],
         "dilate each convolution at most by the receptive field before it, the first one not at all"),
    ],
)  # fmt: skip
def test_help_closes_gaps_of_strides_and_of_branches(rows: list[Any], help: str) -> None:
    assert [found.help for found in verdicts(*rows, coverage="== 100%")] == [help]


def test_coverage_is_rounded_down_so_that_only_a_field_without_gaps_has_100(monkeypatch: pytest.MonkeyPatch) -> None:
    for pixels, value in ((99_999, 99.99), (99_960, 99.96), (100_000, 100), (28_994, 28.99), (0, 0)):
        counted = Connected(pixels, 100_000)
        monkeypatch.setattr("advconv.constraints.receptive_field.connected", lambda _, counted=counted: counted)
        at, whole = (verdicts({"conv": 4}, coverage=limit)[0] for limit in (f">= {value}%", "== 100%"))

        assert (at.value, at.status, at.margin) == (value, Status.KEPT, 0)
        assert (whole.status is Status.KEPT) == (pixels == 100_000)


def test_too_much_coverage_breaks_an_upper_limit() -> None:
    (found,) = verdicts({"conv": 4}, coverage="< 50%")

    assert (found.status, found.value, found.help) == (Status.FAILED, 100, "raise the limit, or dilate more")


def test_an_input_that_is_the_last_map_is_covered() -> None:
    assert [found.value for found in verdicts("gap", coverage="== 100%")] == [100]


@pytest.mark.parametrize(
    ("row", "help"),
    [
        ({"branches": {"paths": UNKNOWN}}, "give merged paths the same stride"),
        ({"conv": {"out_channels": 4, "dilation": 10_000}},
         "gaps are examined in receptive fields of at most 16,384 pixels on a side; stride or dilate less"),
        ({"branches": {"paths": {
            f"a{n}": [{"conv": {"out_channels": 1, "kernel_size": [1 + 2 * n, 99 - 2 * n]}}] for n in range(40)}}},
         "gaps are examined if merged paths read at most 32 different areas; merge fewer dilated paths"),
    ],
    ids=["unknown", "large", "areas"],
)  # fmt: skip
def test_a_coverage_that_is_not_known_breaks_its_constraint(row: Any, help: str) -> None:
    (found,) = verdicts(row, coverage="> 1%")

    assert (found.status, found.code, found.value, found.help) == (Status.FAILED, "AC402", None, help)
    assert found.finding.message == "coverage is unknown, the limit is > 1% (no margin)"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("> 0.9", "this limit has the unit %"),
        ("> 2k", "k is not a unit of this limit, which has the unit %"),
        ("> 101%", "this limit is at most 100%"),
    ],
)
def test_coverage_is_in_percent(written: str, message: str) -> None:
    (found,) = checked(arch({"conv": 8}, constraints={"coverage": written})).diagnostics

    assert (found.code, found.message) == ("AC120", message)


def test_the_largest_misalignment_breaks_aligned_at_its_row() -> None:
    def residual(kernel: int) -> dict[str, Any]:
        conv = {"out_channels": 8, "kernel_size": kernel, "activation": "none"}
        return {"residual": [{"conv": conv}]}

    (found,) = verdicts({"conv": 8}, residual(2), {"strided": 8}, residual(2), residual(3), aligned=True)

    assert (found.status, found.value, found.unit, found.margin) == (Status.FAILED, 1, "pixels", -1)
    assert found.finding.message == "misalignment is 1, the limit is == 0 (1 above 0)"
    assert found.help == "look at C1[3] first: pad both ends alike, or use odd kernel sizes"


def test_aligned_merges_keep_aligned() -> None:
    (found,) = verdicts({"conv": 8}, {"residual": [{"conv": 8}]}, aligned=True)

    assert (found.name, found.status, found.value, found.margin, found.help) == (
        "misalignment", Status.KEPT, 0, 0, "",
    )  # fmt: skip


def test_merges_of_unequal_strides_break_aligned() -> None:
    (found,) = verdicts({"branches": {"paths": UNKNOWN}}, aligned=True)

    assert (found.status, found.code, found.help) == (Status.FAILED, "AC402", "give merged paths the same stride")
    assert found.finding.message == "misalignment is unknown, the limit is == 0 (no margin)"


def test_aligned_false_is_no_constraint() -> None:
    assert verdicts({"conv": 8}, {"residual": [{"conv": {"out_channels": 8, "kernel_size": 2}}]}, aligned=False) == []


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=lambda constraint: constraint.name)
def test_a_constraint_of_the_language_is_judged(constraint: Constraint) -> None:
    """The example of its record is written into a file, and there is a verdict on it."""
    head = "advconv: 1\nname: t\ninput: [3, 32, 32]\nnetwork: {C1: [conv: 8, dilated: 8, strided: 8]}\n"
    result = check(Source("t", f"{head}constraints: {{{constraint.name}: {constraint.example}}}\n"))

    assert {verdict.path[1] for verdict in result.verdicts} == {constraint.name}
    assert all(found.code.startswith("AC4") for found in result.diagnostics)


def test_the_section_has_a_field_for_each_constraint_and_no_other() -> None:
    assert list(Constraints.model_fields) == [constraint.name for constraint in CONSTRAINTS]
