"""The pipeline: which stage still speaks where an earlier one has found something wrong."""

import gc

import pytest

from advconv.check import check, check_bytes, gc_disabled
from advconv.text.finding import MAX_FINDINGS
from advconv.text.source import Source
from tests.build import arch, checked, codes

HEAD = "advconv: 1\nname: t\ninput: [3, 8, 8]\n"
UNFIT = "    - maxpool: 99\n"
"""A window that does not fit, which the network alone knows."""


def found(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in check(Source("t", text)).diagnostics]


def test_a_number_that_cannot_be_read_leaves_the_network_unjudged() -> None:
    network = f"network:\n  C1:\n{UNFIT}"
    assert found(f"{HEAD}{network}") == ["AC201"]

    assert found(f"advconv: 1\nname: t\ninput: [3, 8, {2**63}]\n{network}") == ["AC110"]


def test_what_else_is_wrong_with_a_text_does_not_hide_the_network() -> None:
    assert found(f"{HEAD}name: u\nnetwork:\n  C1:\n{UNFIT}") == ["AC103", "AC201"]


def test_a_section_that_is_wrong_does_not_hide_the_network() -> None:
    assert found(f"{HEAD}train: {{epochs: 0}}\nnetwork:\n  C1:\n{UNFIT}") == ["AC114", "AC201"]


@pytest.mark.parametrize(("wrong", "is_judged"), [(1, True), (MAX_FINDINGS, True), (MAX_FINDINGS + 1, False)])
def test_where_more_is_wrong_than_is_told_the_network_is_not_judged(wrong: int, is_judged: bool) -> None:
    unknown = "".join(f"  k{number}: 1\n" for number in range(wrong))
    codes = found(f"{HEAD}train:\n{unknown}network:\n  C1:\n{UNFIT}")

    assert codes.count("AC111") == min(wrong, MAX_FINDINGS)
    assert ("AC121" in codes) == (wrong >= MAX_FINDINGS)
    assert is_judged or "AC201" not in codes


def test_a_network_is_measured_only_where_nothing_is_wrong() -> None:
    whole = checked(arch({"conv": 8}, constraints={"params": "< 1k"}))
    unfit = checked(arch({"maxpool": 99}))
    misfit = checked(arch({"conv": 8}, "gap", input=(1, 8, 8), data="cifar10", classes=10))

    assert (whole.ok, whole.kept, whole.judged) == (True, 1, 1)
    assert whole.measures is not None
    assert [(each.ok, each.spec is not None, each.measures, each.verdicts) for each in (unfit, misfit)] == [
        (False, True, None, ())
    ] * 2


def test_a_promise_is_not_judged_and_a_broken_constraint_is() -> None:
    both = checked(arch({"conv": 8}, "gap", constraints={"params": "< 1", "macs": "> 1", "accuracy": ">= 85%"}))

    assert (both.ok, both.kept, both.judged, len(both.verdicts)) == (False, 1, 2, 3)
    assert (both.count(both.diagnostics[0].severity), [each.code for each in both.diagnostics]) == (1, ["AC401"])


def test_bytes_that_are_no_text_are_not_read() -> None:
    assert [each.code for each in check_bytes("t", b"a: \xff\nb: [").diagnostics] == ["AC101"]


@pytest.mark.parametrize("is_enabled", [True, False])
def test_the_collector_of_cycles_is_as_it_was_after_a_check(is_enabled: bool) -> None:
    before = gc.isenabled()
    (gc.enable if is_enabled else gc.disable)()
    try:
        with gc_disabled():
            within = gc.isenabled()
        with pytest.raises(ZeroDivisionError), gc_disabled():
            raise ZeroDivisionError
        assert (within, gc.isenabled()) == (False, is_enabled)
    finally:
        (gc.enable if before else gc.disable)()


LARGE = {"conv": {"out_channels": 8, "kernel_size": 99, "padding": 0}}


def test_a_misspelt_classes_is_one_mistake_and_hides_no_other() -> None:
    assert codes({"conv": 8}, "gap", "linear", classe=10) == ["AC111"]
    assert sorted(codes(LARGE, "gap", "linear", classe=10)) == ["AC111", "AC201"]


def test_classes_of_another_type_are_one_mistake_and_hide_no_other() -> None:
    assert codes({"conv": 8}, "gap", "linear", classes="ten") == ["AC114"]
    assert sorted(codes(LARGE, "gap", "linear", classes="ten")) == ["AC114", "AC201"]


def test_the_rows_before_a_wrong_one_are_built() -> None:
    assert sorted(codes(LARGE, {"conv": {"out_channels": "x"}})) == ["AC114", "AC201"]


def test_constraints_beside_a_wrong_one_are_judged() -> None:
    uses = {"dwsep": {"bias": True}, "conv": ">= 5"}
    assert sorted(codes({"conv": 8}, constraints={"uses": uses, "params": "< 5"})) == ["AC111", "AC401", "AC403"]
    assert sorted(codes({"conv": 8}, constraints={"uses": 5, "params": "< 5"})) == ["AC114", "AC401"]
