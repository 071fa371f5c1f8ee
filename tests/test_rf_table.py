"""The receptive-field table: each row follows from its own cells."""

from typing import Any

from hypothesis import assume, given

from advconv.analysis.rf_table import steps
from advconv.report.rf_table import rf_table
from tests.build import checked, measured
from tests.strategies import LAW, archs


def notes(*rows: Any, **sections: Any) -> list[str]:
    return [str(row[-1]) for row in rf_table(measured(*rows, **sections), "t").rows]


@LAW
@given(archs())
def test_each_row_follows_from_its_own_cells(data: dict[str, Any]) -> None:
    """By the textbook's formulas, which know nothing of intervals."""
    found = checked(data).measures
    assume(found is not None)
    assert found is not None

    for step in steps(found):
        for axis, window in enumerate(step.windows):
            before, after = step.before[axis], step.after[axis]
            room = step.input_size[axis] + window.before + window.after - window.dilation * (window.kernel_size - 1) - 1
            assert window.ceil_mode or step.output_size[axis] == room // window.stride + 1
            if not after.unknown:
                assert after.jump == before.jump * window.stride
                assert after.size == before.size + window.dilation * (window.kernel_size - 1) * before.jump


def test_notes_name_the_convolution() -> None:
    rows = [
        {"conv": 8}, {"dilated": 8}, {"strided": 8}, {"dilated": {"out_channels": 8, "stride": 2}}, {"dwsep": 8},
        {"dwsep": {"out_channels": 8, "stride": 2}}, {"pointwise": 8}, "depthwise",
        {"conv": {"out_channels": 8, "groups": 2}}, "maxpool", {"avgpool": 2},
    ]  # fmt: skip

    assert notes(*rows, input=[4, 64, 64]) == [
        "Normal Conv", "Dilated Conv", "Strided Conv", "Dilated + Strided Conv", "Depthwise Separable Conv",
        "Strided Depthwise Separable Conv", "Pointwise Conv", "Depthwise Conv", "Grouped Conv", "Max Pool", "Avg Pool",
    ]  # fmt: skip


def test_only_the_last_convolution_before_a_global_pooling_is_marked() -> None:
    last = " (Last conv before GAP)"

    assert notes({"conv": 8}, {"conv": 8}, "gap") == ["Normal Conv", f"Normal Conv{last}"]
    assert notes({"conv": 8}, {"dwsep": 8}, "gap")[1] == f"Depthwise Separable Conv{last}"
    assert notes({"conv": 8}, "squeeze_excite", "gap") == [f"Normal Conv{last}"]
    assert notes({"residual": {"layers": [{"conv": 8}]}}, "gap") == [f"Normal Conv{last}", "Pointwise Conv"]
    assert not any(last in note for note in notes({"conv": 8}, "maxpool", "flatten", {"linear": 8}))


def test_a_convolution_that_leaves_one_position_keeps_its_row() -> None:
    row = {"conv": {"out_channels": 8, "kernel_size": 16, "padding": "valid"}}
    table = rf_table(measured({"conv": 8}, row), "t")

    assert (len(table.rows), table.closing) == (2, ())
    assert notes({"conv": 8}, "gap", {"residual": [{"pointwise": 8}]})[1:] == ["Pointwise Conv"]


def test_a_pair_whose_second_convolution_strides_takes_two_rows() -> None:
    assert notes("depthwise", {"pointwise": {"out_channels": 8, "stride": 2}}) == [
        "Depthwise Conv",
        "Strided Pointwise Conv",
    ]


def test_a_path_is_named_and_a_pooling_to_one_position_closes_the_table() -> None:
    paths = {"near": [{"conv": {"out_channels": 8, "kernel_size": [1, 3]}}], "far": [{"dilated": 8}]}
    table = rf_table(measured({"branches": {"paths": paths}}, "gap"), "t")

    assert [row[-2] for row in table.rows] == ["C1/near", "C1/far"]
    assert table.rows[0][2:4] == ((1, 3), (0, 1))
    assert table.closing == ("C1[1] AdaptiveAvgPool2d: 16 -> 1, receptive field through it 20",)


def test_padding_that_differs_between_two_ends_is_told() -> None:
    table = rf_table(measured({"conv": {"out_channels": 8, "kernel_size": [4, 1]}}, {"conv": 4}), "t")

    assert [row["Padding"] for row in table] == [(1, 2, 0, 0), 1]
    assert " 1+2x0 " in table.text()
    assert ",1+2x0," in table.csv()


def test_a_ceil_mode_window_that_would_start_behind_the_map_is_explained() -> None:
    table = rf_table(
        measured({"maxpool": {"kernel_size": 1, "stride": 5, "ceil_mode": True}}, input=[4, 32, 32]), "t", True
    )

    assert "ceil((32 + 0 + 0 - 1) / 5) + 1 = 8, less the last = 7" in str(table.rows[0][-1])
