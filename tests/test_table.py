"""Tables: raw values for programs, texts for people."""

import io
import json
import re
from typing import Any

import pandas
import pytest

import advconv
from advconv.report.table import Cell, Table

ARCH = "archs/c1c2c3c4.yaml"
GROUPED = re.compile(r"\d,\d{3}|\d ?(%|[kMG]?B)$")


def tables() -> list[Table]:
    net = advconv.load(ARCH)
    return [net.check(), net.rf_table(), net.rf_table(explain=True), net.summary(), net.verify()]


def table(*rows: tuple[Cell, ...], columns: tuple[str, ...] = ("name", "count"), **more: Any) -> Table:
    return Table("t", columns, rows, **more)


@pytest.mark.parametrize("table", tables(), ids=lambda table: "-".join(table.columns[:2]))
def test_json_csv_and_pandas_have_the_values_of_the_rows(table: Table) -> None:
    frame, read = pandas.DataFrame(table), pandas.read_csv(io.StringIO(table.csv()), keep_default_na=False)
    said = json.loads(table.json())["rows"]

    assert tuple(frame.columns) == tuple(read.columns) == table.columns
    assert len(frame) == len(read) == len(said) == len(table) == len(list(table))
    for column in table.columns:
        cells = [row[column] for row in table]
        assert [row[column] for row in said] == [list(cell) if isinstance(cell, tuple) else cell for cell in cells]
        if all(isinstance(cell, int | float) for cell in cells):
            assert pandas.api.types.is_numeric_dtype(frame[column])
            pandas.testing.assert_series_equal(read[column], frame[column])


def test_what_is_unknown_is_no_number_in_pandas_and_leaves_the_others_numbers() -> None:
    frame = pandas.DataFrame(advconv.load(ARCH).check())

    assert pandas.api.types.is_numeric_dtype(frame["Value"])
    assert frame["Value"].isna().tolist() == [False] * 8 + [True]
    assert int(frame.set_index("Constraint")["Margin"]["params"]) == 6566


@pytest.mark.parametrize("table", tables(), ids=lambda table: "-".join(table.columns[:2]))
def test_no_cell_is_a_number_with_separators_or_a_unit(table: Table) -> None:
    texts = {cell for row in table for column, cell in row.items() if isinstance(cell, str) and column != "Limit"}

    assert [text for text in texts if GROUPED.search(text)] == []
    assert all(not isinstance(value, str) for value in table.totals.values())


def test_a_text_groups_digits_and_the_machine_formats_do_not() -> None:
    found = table(("a", 193434), ("b", (1, 3)), ("c", None))

    assert [line.split() for line in found.text().splitlines()[4:]] == [["a", "193,434"], ["b", "1x3"], ["c", "-"]]
    assert found.csv() == "name,count\na,193434\nb,1x3\nc,"
    assert [row["count"] for row in json.loads(found.json())["rows"]] == [193434, [1, 3], None]


def test_a_column_has_a_text_of_its_own_for_people_alone() -> None:
    found = table(("a", 50.0), texts={"count": "{:.2f}%".format})

    assert "50.00%" in found.text()
    assert "50.00%" in found.markdown()
    assert "50.00%" in found._repr_html_()
    assert found.csv() == "name,count\na,50.0"
    assert json.loads(found.json())["rows"] == [{"name": "a", "count": 50.0}]


def test_json_has_neither_infinity_nor_nan() -> None:
    found = table(("a", float("inf")), totals={"loss": float("nan")})

    assert json.loads(found.json(), parse_constant=pytest.fail)["totals"] == {"loss": None}


def test_in_notebooks_every_text_is_left_and_every_number_right() -> None:
    html = table(("a", 1), ("b", None), ("<c>", (1, 2)))._repr_html_()

    assert re.findall(r'<t[hd] style="text-align: (\w+);">\s*(.*?)\s*</t[hd]>', html) == [
        ("left", "name"), ("right", "count"), ("left", "a"), ("right", "1"), ("left", "b"), ("right", "-"),
        ("left", "&lt;c&gt;"), ("right", "1x2"),
    ]  # fmt: skip
    assert len(re.findall("<t[hd][ >]", html)) == 8


def test_a_table_without_rows_is_shown_in_every_format() -> None:
    for show in (table().text, table().markdown, table().csv, table().json, table()._repr_html_):
        assert show()
    assert list(pandas.DataFrame(table(), columns=table().columns).columns) == ["name", "count"]
