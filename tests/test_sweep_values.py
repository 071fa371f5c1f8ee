"""How the values of `advconv sweep --set PATH=VALUE,VALUE` are separated: as a YAML list in brackets."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advconv.language.overrides import SettingError
from advconv.report.run.tables import flow
from advconv.training.sweep.values import parse_axis
from tests.strategies import LAW

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(-1e6, 1e6), st.sampled_from(["a, b", "[", "x y"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)


@LAW
@given(st.lists(VALUES, min_size=1, max_size=4))
def test_values_that_are_joined_with_commas_are_separated_again(values: list[Any]) -> None:
    written = [flow(value) for value in values]
    axis = parse_axis(f"train.lr={','.join(written)}")

    assert axis.values == written
    assert [axis.setting(value).value.data for value in axis.values] == values


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("0.1,0.2", ["0.1", "0.2"]),
        (" 0.1 ,  0.2 ", ["0.1", "0.2"]),
        ("0.1", ["0.1"]),
        ("[],[HorizontalFlip]", ["[]", "[HorizontalFlip]"]),
        ("[[a, b], c],{p: 1, q: [2, 3]}", ["[[a, b], c]", "{p: 1, q: [2, 3]}"]),
        ("< 5,< 6", ["< 5", "< 6"]),
        ("> 5,>= 6,== 7", ["> 5", ">= 6", "== 7"]),
        ("\"< 5\",'a, b'", ['"< 5"', "'a, b'"]),
        ("conv: 32,gap", ["conv: 32", "gap"]),
        ("null,1e-3", ["null", "1e-3"]),
    ],
)
def test_values_are_separated_as_they_are_written(written: str, values: list[str]) -> None:
    assert parse_axis(f"train.lr={written}").values == values


def test_a_limit_is_text_and_a_number_is_a_number() -> None:
    limits, numbers = parse_axis("constraints.params=> 5,< 6k"), parse_axis("train.epochs=3,0o17")

    assert [limits.setting(value).value.data for value in limits.values] == ["> 5", "< 6k"]
    assert [numbers.setting(value).value.data for value in numbers.values] == [3, 15]


@pytest.mark.parametrize(
    "text",
    ["", "=", "=1", "a", "a=", "a=[", "a=]", "a=1] # b", "a={p: 1", "a='", "a=1,,2", "a=\x1b", "a=1\n2", "a..b=1"],
)
def test_what_is_no_list_of_values_is_one_line(text: str) -> None:
    with pytest.raises(SettingError) as refused:
        parse_axis(text)

    assert str(refused.value).isprintable()
