"""The reference networks against their own documents, whose tables stand in golden/reference."""

import csv
from pathlib import Path

import pytest

from advconv.analysis.measure import Measures
from advconv.check import check_bytes
from advconv.constraints.record import Status
from advconv.report.rf_table import rf_table
from advconv.report.summary import modules, torchsummary

ARCHS = Path("archs/reference")
GOLDEN = Path("tests/golden/reference")
TOTALS = {"99850": 99_850, "159552": 159_552, "671690": 671_690, "99968": 99_968}


def measured(name: str) -> Measures:
    found = check_bytes(name, (ARCHS / f"{name}.yaml").read_bytes()).measures
    assert found is not None
    return found


def document(name: str) -> list[dict[str, str]]:
    with open(GOLDEN / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", TOTALS)
def test_leaf_modules_are_the_documents_rows_one_for_one(name: str) -> None:
    measures = measured(name)
    rows = [(node.layer.kind, str(node.shape), measures.costs[index].params) for index, node in modules(measures.graph)]
    expected = [(row["type"], row["output"], int(row["params"])) for row in document(name)]

    assert rows == expected
    assert measures.total.params == TOTALS[name]


def test_the_159552_networks_convolutions_have_the_documents_mult_adds() -> None:
    measures = measured("159552")
    expected = [int(row["macs"]) for row in document("159552") if row["macs"]]

    assert [measures.costs[i].macs for i, node in modules(measures.graph) if node.layer.kind == "Conv2d"] == expected


def test_the_159552_networks_receptive_field_table_has_one_wrong_cell() -> None:
    table = rf_table(measured("159552"), "159552")
    ours = [[str(cell) for cell in row] for row in table.rows]
    theirs = [list(row.values()) for row in document("159552-rf-table")]
    differences = [
        (number, table.columns[column], cell, own[column])
        for number, (row, own) in enumerate(zip(theirs, ours, strict=True), start=1)
        for column, cell in enumerate(row)
        if cell != own[column].removeprefix("C" if table.columns[column] == "Block" else "-")
    ]

    # A 5-wide window with padding 1 would bring 8 down to 6; the document's own output size says 8.
    assert differences == [(8, "Padding", "1", "2")]


@pytest.mark.parametrize(("name", "size"), [("99850", "4.23"), ("671690", "5.33"), ("99968", "8.11")])
def test_torchsummarys_sizes_are_the_documents(name: str, size: str) -> None:
    assert f"Forward/backward pass size (MB): {size}\n" in torchsummary(measured(name))


BROKEN = {
    "99850": ["uses strided (kernel_size 3)", "uses dwsep"],
    "159552": ["uses gap"],
    "671690": ["receptive_field", "uses maxpool"],
    "99968": ["receptive_field", "uses strided (kernel_size 3)"],
    "187418-or-191514": ["params"],
}


@pytest.mark.parametrize("name", BROKEN)
def test_none_of_the_five_keeps_all_of_its_own_rules(name: str) -> None:
    verdicts = check_bytes(name, (ARCHS / f"{name}.yaml").read_bytes()).verdicts

    assert [verdict.name for verdict in verdicts if verdict.status is Status.FAILED] == BROKEN[name]


@pytest.mark.parametrize(("name", "read", "instead", "field"), [
    ("99850", "- dilated: 64", "- conv: {out_channels: 64, padding: 0}", "61"),
    ("671690", "dilated: {out_channels: 256, padding: valid}", "strided: {out_channels: 256, padding: 1}", "28"),
])  # fmt: skip
def test_the_other_reading_fits_too_and_has_the_field_that_the_header_says(
    name: str, read: str, instead: str, field: str
) -> None:
    text = (ARCHS / f"{name}.yaml").read_text()
    assert text.count(read) == 1
    other = check_bytes(name, text.replace(read, instead).encode()).measures

    assert other is not None
    assert str(other.receptive_field) == field
    assert f"RF {field}" in text
    assert [str(node.shape) for node in other.graph.nodes] == [str(node.shape) for node in measured(name).graph.nodes]
