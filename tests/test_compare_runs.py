"""Runs side by side: their results, the settings that differ, their seeds, their curves."""

import json
import re
import shutil
import statistics
from pathlib import Path
from typing import Any

import pytest

from advconv.report.page.curves import STYLES
from advconv.report.run.compare import comparison_page, differences_table, names_of, seeds_table
from advconv.report.run.markdown import comparison_markdown
from advconv.report.run.reading import RunReport, read_run
from tests.page import Element, parsed
from tests.training import command

pytestmark = pytest.mark.slow


@pytest.fixture
def reports(recorded: dict[str, Path]) -> list[RunReport]:
    return [read_run(recorded[name]) for name in ("plain", "other", "validated")]


def lines(section: Element) -> list[list[str]]:
    return [[cell.text for cell in line.children if isinstance(cell, Element)] for line in section.all("tr")]


def results(report: RunReport) -> Any:
    return json.loads((report.run.path / "result.json").read_text(encoding="utf-8"))


def test_the_results_are_those_of_the_runs_and_the_best_epoch_is_named(reports: list[RunReport]) -> None:
    head, *body = lines(parsed(comparison_page(reports)).one(id="results").one("table"))
    for line, report in zip(body, reports, strict=True):
        cells, result = dict(zip(head, line, strict=True)), results(report)
        assert cells["run"] == report.name
        assert cells["test accuracy"] == f"{result['test_accuracy']:.2f}%"
        assert cells["test loss"] == f"{result['test_loss']:.4f}"
        best = cells["best epoch"], cells["its accuracy"], cells["picked on"]
        assert best == (str(result["best_epoch"]), f"{result['best_accuracy']:.2f}%", result["best_picked_on"])


def test_the_settings_that_differ_are_listed_and_no_others(reports: list[RunReport]) -> None:
    names = names_of(reports)
    found = {row[0]: row[1:] for row in differences_table(reports, names).rows}

    assert found == {
        "train.seed": ("0", "1", "0"),
        "train.lr": ("0.1", "0.1", "0.05"),
        "train.val_split": ("0", "0", "64"),
    }
    assert differences_table(reports[:1] * 2, names[:1] * 2).rows == ()


def test_networks_have_their_parameters_macs_and_field(reports: list[RunReport]) -> None:
    _, *body = lines(parsed(comparison_page(reports)).one(id="networks").one("table"))
    for line, report in zip(body, reports, strict=True):
        total = report.run.measures.total
        numbers = [f"{total.params:,}", f"{total.macs:,}", str(report.run.measures.receptive_field)]
        assert line[2:5] == numbers


def test_runs_that_differ_in_their_seed_alone_have_a_mean_and_a_spread(reports: list[RunReport]) -> None:
    table = seeds_table(reports, names_of(reports))
    accuracies = [results(report)["test_accuracy"] for report in reports[:2]]
    assert table
    (row,) = table.rows

    assert row[1:3] == ("0, 1", 2)
    assert row[3:7] == (statistics.mean(accuracies), min(accuracies), max(accuracies), statistics.stdev(accuracies))
    assert seeds_table(reports[1:], names_of(reports[1:])) is None


def test_the_curves_of_all_runs_are_on_one_chart_and_differ_without_colour(reports: list[RunReport]) -> None:
    root = parsed(comparison_page(reports))
    charts = root.one(id="curves").all("svg")
    accuracy = charts[0].attributes["aria-label"] or ""

    assert [len(chart.all("path", class_="line")) for chart in charts] == [6] * 4
    for report in reports:
        assert f"{report.name} from {report.history.epochs[0].test_accuracy or 0:.2f}%" in accuracy or (
            report.history.picked_on == "validation"
        )
    markers = {
        re.sub(r"M[\d. ]+", "", (each.attributes["d"] or ""))[:8] for each in charts[0].all("path", class_="marker")
    }
    assert len(markers) == 3


def test_more_runs_than_can_be_told_apart_are_in_the_tables_and_the_page_says_which_are_drawn(
    recorded: dict[str, Path], tmp_path: Path
) -> None:
    runs = [shutil.copytree(recorded["plain"], tmp_path / f"run{number}") for number in range(STYLES + 2)]
    root = parsed(comparison_page([read_run(run) for run in runs]))

    assert len(root.one(id="results").all("tr")) == STYLES + 3
    assert f"The first {STYLES} of {STYLES + 2} runs are drawn." in root.one(id="curves").text
    assert command("report", *[tmp_path / f"run{number % 10}" for number in range(10)], "-o", tmp_path / "c.html") == 0


def test_runs_of_the_same_name_are_named_by_their_paths(recorded: dict[str, Path], tmp_path: Path) -> None:
    twin = shutil.copytree(recorded["plain"], tmp_path / recorded["plain"].name)
    names = names_of([read_run(recorded["plain"]), read_run(twin)])

    assert names == [str(recorded["plain"]), str(twin)]


def test_a_run_that_is_not_finished_is_compared_by_what_it_has(recorded: dict[str, Path], tmp_path: Path) -> None:
    run = shutil.copytree(recorded["other"], tmp_path / "unfinished")
    (run / "result.json").unlink()
    _, _, line = lines(
        parsed(comparison_page([read_run(recorded["plain"]), read_run(run)])).one(id="results").one("table")
    )

    assert line[:2] == ["unfinished", "interrupted"]
    assert line[4] == "-"


def test_a_comparison_is_a_document_too(reports: list[RunReport]) -> None:
    made = comparison_markdown(reports, "images")

    assert set(made.images) == {"accuracy.svg", "loss.svg", "training-loss.svg", "learning-rate.svg"}
    for report in reports:
        assert made.text.count(report.name) >= 4
    assert "| train.lr" in made.text
