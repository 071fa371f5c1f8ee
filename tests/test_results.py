"""The table of trained networks in docs/results.md, made from the logs of their runs and the shipped files."""

import csv
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from advconv.check import check_bytes, check_document
from advconv.language.effective import effective_text
from advconv.language.overrides import apply_settings, setting
from advconv.language.spec import ArchSpec
from advconv.text.reader import read
from advconv.text.source import Source
from advconv.training.figures import png
from benchmarks.results import RUNS, Trained, arch_of, chart, description, rows_of, runs, trained_networks
from tests.golden import OWN

DOCUMENT = Path("docs/results.md")
TRIALS = sorted((RUNS / "trials").glob("*.csv"))
FAST_TRIALS = sorted((RUNS / "fast-trials").glob("*.csv"))
HEAD = (
    "| architecture | parameters | MACs | RF | test accuracy: mean (lowest to highest) | of each run | epochs "
    "| time on two CPU cores |"
)


def spec_of(path: Path) -> ArchSpec:
    spec = check_bytes(path.name, path.read_bytes()).spec
    assert spec is not None
    return spec


def logged(log: Path) -> list[dict[str, str]]:
    """The rows of a log or of a table, such as sweep.csv."""
    return list(csv.DictReader(log.read_text(encoding="utf-8").splitlines()))


def line(trained: Trained) -> str:
    """What the runs of a network came to."""
    said = f"**{trained.mean:.2f}%** ({trained.lowest:.2f} to {trained.highest:.2f})"
    each = ", ".join(f"[{accuracy:.2f}](results/{run}/log.csv)" for run, accuracy in trained.accuracies.items())
    cells = [f"[{trained.path.stem}](../{trained.path})", f"{trained.params:,}", f"{trained.macs:,}"]
    cells += [trained.receptive_field, said, each, str(trained.epochs), f"{trained.minutes:.1f} min"]
    return "| " + " | ".join(cells) + " |"


def table() -> Iterator[str]:
    yield HEAD
    yield "|" + "---|" * HEAD.count(" | ") + "---|"
    yield from map(line, trained_networks())


def test_the_table_says_what_the_logs_say(update: bool) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text[: text.index(HEAD)], text[text.index(HEAD) :]
    now = before + "\n".join(table()) + rest[rest.index("\n\n") :]
    if update:
        DOCUMENT.write_text(now, encoding="utf-8")

    assert DOCUMENT.read_text(encoding="utf-8") == now


@pytest.mark.parametrize("run", runs(), ids=lambda path: path.name)
def test_what_was_trained_is_what_is_shipped(run: Path) -> None:
    shipped, seed = arch_of(run), run.name.rpartition("-seed")[2]
    document, unsound = read(Source(shipped.name, shipped.read_text(encoding="utf-8")))
    assert document is not None
    spec = check_document(apply_settings(document, [setting("train.seed", seed, f"--seed {seed}")]), unsound).spec

    assert spec is not None
    assert effective_text(spec_of(run / "arch.yaml")) == effective_text(spec)
    assert len(rows_of(run)) == spec.train.epochs


def test_the_means_keep_the_promises_of_the_shipped_networks() -> None:
    promised = {path: spec.constraints.accuracy for path in OWN if (spec := spec_of(path)).constraints.accuracy}
    networks = {trained.path: trained for trained in trained_networks()}

    assert networks.keys() == promised.keys()
    for path, promise in promised.items():
        assert promise is not None
        assert promise.holds(networks[path].mean)


def test_the_figure_in_the_documents_is_of_these_networks(update: bool) -> None:
    path, expected = RUNS / "frontier.png", description(trained_networks())
    if update:
        path.write_bytes(png(chart(trained_networks()), expected))

    with Image.open(path) as image:
        assert image.info["Description"] == expected


def test_what_is_reached_is_said_alike_in_the_readme_and_beside_the_goals() -> None:
    readme, text = (Path(name).read_text(encoding="utf-8") for name in ("README.md", "docs/results.md"))
    paragraph = readme[readme.index("On two CPU cores `c1c2c3c4` reaches") : readme.index("\n## The language")]
    goals = {cells[1].strip("` "): cells for line in text.splitlines() if len(cells := line.split("|")) == 6}

    for each in trained_networks():
        name, mean = each.path.stem, f"{each.mean:.2f}%"
        assert re.search(rf"`{name}`[^`]*? {each.mean:.1f}%", " ".join(paragraph.split()))
        if name in goals:
            assert goals[name][3].strip() == mean
            is_missed = each.mean < float(goals[name][2].strip(" %"))
            assert ("not reached" in goals[name][4]) == is_missed
    assert {"under-200k", "under-100k", "under-25k", "c1c2c3c4-dilated"} <= goals.keys()


@pytest.mark.parametrize("epochs", [24, 60])
def test_what_the_teacher_reached_is_said_with_its_log(epochs: int) -> None:
    log = RUNS / "teacher" / f"epochs{epochs}.csv"
    rows = logged(log)
    minutes = sum(float(row["seconds"]) for row in rows) / 60
    text = " ".join(DOCUMENT.read_text(encoding="utf-8").split())
    (said,) = re.findall(rf"(?:as it was after|After) {epochs} epochs,(.*?minutes)", text)

    assert len(rows) == epochs
    link = f"[log]({log.relative_to(DOCUMENT.parent)})"
    assert f"{float(rows[-1]['test_accuracy']):.2f}% of the test images ({link}" in said
    assert said.endswith(f" {minutes:.0f} minutes")


@pytest.mark.parametrize(
    ("folder", "epochs"),
    [
        ("under-200k-60-epochs", 60),
        ("whole-teacher", 60),
        ("under-100k-32-epochs", 32),
        ("c1c2c3c4-dilated-26-epochs", 26),
    ],
)
def test_what_earlier_trainings_reached_is_said_with_their_logs(folder: str, epochs: int) -> None:
    logs = [RUNS / folder / f"seed{seed}.csv" for seed in (0, 1)]
    first, second = (f"{float(logged(log)[-1]['test_accuracy']):.2f}%" for log in logs)
    text = " ".join(DOCUMENT.read_text(encoding="utf-8").split())

    assert [len(logged(log)) for log in logs] == [epochs, epochs]
    assert re.search(rf"{first} and {second}[^(]* \(\[logs\]\(results/{folder}/seed0\.csv\)", text)


@pytest.mark.parametrize("where", ["workers", "device"])
def test_the_comparison_of_augmentations_says_what_its_logs_and_its_table_say(where: str) -> None:
    logs = [RUNS / "augment-on" / f"{where}-seed{seed}.csv" for seed in (0, 1, 2)]
    accuracies = [float(logged(log)[-1]["val_accuracy"]) for log in logs]
    seconds = [sum(float(row["seconds"]) for row in logged(log)) for log in logs]
    links = (f"[{each:.2f}%](results/augment-on/{log.name})" for each, log in zip(accuracies, logs, strict=True))
    cells = [where, ", ".join(links), f"{statistics.mean(accuracies):.2f}%", f"{statistics.stdev(accuracies):.2f}"]
    cells += [", ".join(f"{each:.0f}" for each in seconds), f"{statistics.mean(seconds):.0f}"]
    text = DOCUMENT.read_text(encoding="utf-8")
    (row,) = [row for row in logged(RUNS / "augment-on" / "sweep.csv") if row["train.augment_on"] == where]

    assert "| " + " | ".join(cells) + " |" in text
    assert ", ".join(f"{float(logged(log)[-1]['test_accuracy']):.2f}%" for log in logs) in " ".join(text.split())
    assert float(row["mean"]) == pytest.approx(statistics.mean(accuracies), abs=1e-3)
    assert float(row["standard deviation"]) == pytest.approx(statistics.stdev(accuracies), abs=1e-3)
    assert float(row["mean time"]) == pytest.approx(statistics.mean(seconds), abs=1e-2)


def row_of(log: Path) -> str:
    """The row of docs/results.md that links to the log of a trial, with what its last epoch has."""
    last = logged(log)[-1]
    link = f"[{float(last['val_accuracy']):.2f}%]({log.relative_to(DOCUMENT.parent)})"
    (row,) = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if link in line]
    assert f"| {link} | {float(last['test_accuracy']):.2f}% |" in row
    return row


@pytest.mark.parametrize("log", [*TRIALS, *FAST_TRIALS], ids=lambda path: path.stem)
def test_the_figures_of_a_trial_are_those_of_its_log_and_its_file(log: Path) -> None:
    """`base` stands for the trials that only set options of training."""
    row = row_of(log)

    if (file := log.with_suffix(".yaml")).exists() and log.stem != "base":
        measures = check_bytes(file.name, file.read_bytes()).measures
        assert measures is not None
        assert f"{measures.total.params:,}" in row


def test_the_epochs_and_the_seconds_of_a_trial_are_those_of_its_log() -> None:
    assert {len(logged(log)) for log in TRIALS} == {10}
    for log in FAST_TRIALS:
        row, seconds = row_of(log), sum(float(each["seconds"]) for each in logged(log))

        assert f"| {len(logged(log))} | " in row
        assert row.endswith(f"% | {seconds:.0f} |")


def test_the_chart_has_every_network_at_its_parameters_and_macs() -> None:
    networks = trained_networks()
    left, right = chart(networks).axes

    for axes, places in (
        (left, [each.params / 1e3 for each in networks]),
        (right, [each.macs / 1e6 for each in networks]),
    ):
        assert [text.get_text() for text in axes.texts] == [each.path.stem for each in networks]
        assert np.asarray(axes.lines[0].get_xdata()).tolist() == places
        assert np.asarray(axes.lines[0].get_ydata()).tolist() == [each.mean for each in networks]
