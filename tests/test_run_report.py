"""The report of a run: its numbers are those of the run's files, whatever the run holds and wherever it stopped."""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import Image

from advconv.report.page.curves import Curve, CurveChart, drawing, ticks
from advconv.report.run import words
from advconv.report.run.markdown import MARK, run_markdown
from advconv.report.run.predicting import complete
from advconv.report.run.reading import RunReport, read_run
from advconv.report.run.sections import run_page
from advconv.report.run.words import write_up
from advconv.training.confusion import Confusion
from advconv.training.files import RunError
from advconv.training.run import locked, open_run
from advconv.training.shapes import SHAPES, draw_shapes
from tests.damage import MUTATIONS
from tests.page import Element, parsed
from tests.reported import HOSTILE_CLASSES
from tests.training import command, linked, metrics

pytestmark = pytest.mark.slow


def page_of(run: Path) -> Element:
    return parsed(run_page(read_run(run)))


def lines(section: Element, number: int = 0) -> list[list[str]]:
    """The lines of a table without its head."""
    table = section.all("table")[number]
    return [[cell.text for cell in line.children if isinstance(cell, Element)] for line in table.all("tr")[1:]]


def read(run: Path, name: str) -> Any:
    return json.loads((run / name).read_text(encoding="utf-8"))


def pixels(tile: str) -> np.ndarray[Any, Any]:
    with Image.open(io.BytesIO(base64.b64decode(tile))) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture
def copy(recorded: dict[str, Path], tmp_path: Path) -> Path:
    """A run whose files may be replaced."""
    return shutil.copytree(recorded["plain"], tmp_path / "copy")


@pytest.fixture
def report(recorded: dict[str, Path]) -> RunReport:
    return read_run(recorded["plain"])


def unfinished(run: Path, epochs: int) -> Path:
    """What a run has after some of its epochs."""
    for name in ("result.json", "predictions.json"):
        (run / name).unlink()
    rows = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(rows[:epochs]), encoding="utf-8")
    return run


# Numbers.


@pytest.mark.parametrize("name", ["plain", "validated"])
def test_the_head_has_the_result_and_the_best_epoch_with_the_set_that_it_is_picked_on(
    name: str, recorded: dict[str, Path]
) -> None:
    head, result = page_of(recorded[name]).one("header"), read(recorded[name], "result.json")
    shown = {each.one("dt").text: (each.one("b").text, each.one("small").text) for each in head.all("div")}

    assert f"finished: test accuracy {result['test_accuracy']:.2f}%" in head.text
    assert shown["Test accuracy"][0] == f"{result['test_accuracy']:.2f}%"
    assert shown["Test loss"][0] == f"{result['test_loss']:.4f}"
    picked = f"epoch {result['best_epoch']}, picked on the {result['best_picked_on']} set"
    assert shown["Best epoch"] == (f"{result['best_accuracy']:.2f}%", picked)
    assert shown["Epochs"][0] == "2 of 2"
    assert result["best_picked_on"] == ("validation" if name == "validated" else "test")


@pytest.mark.parametrize("name", ["plain", "validated"])
def test_the_log_has_the_metrics_of_each_epoch(name: str, recorded: dict[str, Path]) -> None:
    log = page_of(recorded[name]).one(id="log")
    heads = [cell.text for cell in log.all("tr")[0].all("th")]
    for line, row in zip(lines(log), metrics(recorded[name]), strict=True):
        cells = dict(zip(heads, line, strict=True))
        assert cells["epoch"] == str(row["epoch"])
        assert cells["training loss"] == f"{row['train_loss']:.4f}"
        assert cells["training accuracy"] == f"{row['train_accuracy']:.2f}%"
        assert cells["test accuracy"] == ("-" if row["test_accuracy"] is None else f"{row['test_accuracy']:.2f}%")
        assert float(cells["learning rate"]) == pytest.approx(row["lr"], rel=1e-5)

    assert ("validation loss" in heads) == (name == "validated")


def test_classes_and_confusions_are_those_that_evaluate_counts(
    recorded: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("evaluate", recorded["plain"], "--device", "cpu", "--format", "json") == 0
    counted = json.loads(capsys.readouterr().out)["rows"]
    root = page_of(recorded["plain"])
    classes, matrix = lines(root.one(id="classes")), lines(root.one(id="confusion"))

    assert [line[:3] for line in classes] == [
        [row["class"], str(row["images"]), str(row["correct"])] for row in counted
    ]
    assert [line[0] for line in matrix] == list(SHAPES)
    for place, (line, row) in enumerate(zip(matrix, counted, strict=True)):
        numbers = [0 if cell == "\u00b7" else int(cell) for cell in line[1:]]
        assert (sum(numbers), numbers[place]) == (row["images"], row["correct"])


def test_the_curves_say_where_they_start_and_end(recorded: dict[str, Path]) -> None:
    rows = metrics(recorded["plain"])
    drawn = page_of(recorded["plain"]).one(id="curves").all("svg")
    accuracy = drawn[1].attributes["aria-label"] or ""

    assert len(drawn) == 3
    for part in ("train", "test"):
        first, last = (f"{row[f'{part}_accuracy']:.2f}%" for row in (rows[0], rows[-1]))
        assert f"from {first} in epoch 1 to {last} in epoch 2" in accuracy


def test_the_height_of_a_curve_is_its_value() -> None:
    values = [(1, 12.0), (2, 55.5), (3, 90.0)]
    chart = CurveChart("t", "", [Curve("a", values, 0)], str, (0, 100))
    drawn = parsed(drawing(chart))
    places = [tuple(map(float, pair.split())) for pair in line_of(drawn)[1:].split("L")]
    heights = {float(each.attributes["y"] or 0) - 3.5: float(each.text) for each in drawn.all("text", class_="tick")}
    (low_y, low), (high_y, high) = max(heights.items()), min(heights.items())

    for (_, value), (_, y) in zip(values, places, strict=True):
        assert low + (low_y - y) / (low_y - high_y) * (high - low) == pytest.approx(value, abs=0.05)


def line_of(drawn: Element) -> str:
    return drawn.all("path", class_="line")[0].attributes["d"] or ""


@pytest.mark.parametrize("low", [0, 1e-9, 0.3, 17, 99.9, 1e6])
@pytest.mark.parametrize("span", [0, 1e-12, 1e-4, 0.5, 3, 1e7])
def test_ticks_enclose_the_values_and_are_few(low: float, span: float) -> None:
    found = ticks(low, low + span)

    assert found[0] <= low * (1 + 1e-9)
    assert found[-1] >= (low + span) * (1 - 1e-9)
    assert 2 <= len(found) <= 7
    assert found == sorted(set(found))


def test_a_page_and_a_document_hold_what_the_assignment_asks_for(report: RunReport) -> None:
    texts = [parsed(run_page(report)).text, run_markdown(report, "images").text]
    for text in texts:
        for asked in (
            "class Net(nn.Module)",
            "A.HorizontalFlip(",
            "epoch 2/2  loss",
            "floor((16 + 1 + 1 - 3) / 1) + 1",
        ):
            assert asked in text


def test_the_promised_accuracy_is_judged_by_the_result_or_it_says_why_not(recorded: dict[str, Path]) -> None:
    line = lines(page_of(recorded["plain"]).one(id="constraints"))[-1]

    assert line[1] == "accuracy"
    assert line[0].endswith("not judged")
    assert line[4] == "not judged: the run used the first 640 images"


def test_the_words_have_the_numbers_of_the_run(report: RunReport) -> None:
    text, measures = " ".join(write_up(report)), report.run.measures
    assert report.result

    assert f"{measures.total.params:,} parameters" in text
    assert f"reach {report.result.test_accuracy:.2f}% on 640 test images" in text
    assert "for 2 of 2 epochs with batches of 32 images" in text
    assert "is not judged: the run used the first 640 images" in text


# Images.


def test_augmented_images_are_what_the_network_sees_by_seed_epoch_and_index(report: RunReport) -> None:
    from advconv.training.augment import Augment, pipeline

    assert report.augmented
    augment = Augment(pipeline(report.spec.augment, tuple(report.metadata.mean)), report.metadata.seed)
    train, _ = draw_shapes(5_000, (16, 16, 3), 1)
    for shown in report.augmented.images:
        assert (pixels(shown.image)[::4, ::4] == train[shown.index]).all()
        for epoch, draw in enumerate(shown.draws):
            assert (pixels(draw)[::4, ::4] == augment(train[shown.index], epoch, shown.index)).all()


def test_mistakes_are_test_images_with_their_class_and_another_prediction(report: RunReport) -> None:
    assert report.predictions
    test, labels = draw_shapes(1_000, (16, 16, 3), 2)
    mistakes = report.predictions.mistakes
    for mistake in mistakes:
        assert (pixels(mistake.image)[::4, ::4] == test[mistake.index]).all()
        assert mistake.label == labels[mistake.index] != mistake.predicted

    chances = [mistake.probability for mistake in mistakes]
    assert chances == sorted(chances, reverse=True)
    shown = parsed(run_page(report)).one(id="mistakes").all("li")
    assert [each.all("span")[-1].text for each in shown] == [f"with {100 * chance:.1f}%" for chance in chances]


def test_a_network_without_mistakes_has_a_report(report: RunReport) -> None:
    assert report.predictions
    perfect = [(label, label, 64) for label in range(10)]
    made = report._replace(predictions=replace(report.predictions, confusion=perfect, mistakes=[], accuracy=100.0))
    root = parsed(run_page(made))

    assert root.one(id="mistakes").all("p")[0].text == "None."
    assert len(root.one(id="confusion").all("table")) == 1
    assert "Of each class 100.00% of the test images are recognised." in root.one(id="summary").text
    assert "## Misclassified images\n\nNone." in run_markdown(made, "images").text


def test_predictions_that_are_missing_are_made_once_and_recorded(copy: Path) -> None:
    for name in ("predictions.json", "augmented.json"):
        (copy / name).unlink()
    made, before = complete(read_run(copy)), read_run(copy.parent / "copy")

    assert made.missing == ""
    assert made.predictions == before.predictions
    assert made.augmented == before.augmented


def test_predictions_made_later_are_those_of_the_training(copy: Path, report: RunReport) -> None:
    for name in ("predictions.json", "augmented.json"):
        (copy / name).unlink()
    made = complete(read_run(copy))
    assert made.predictions
    assert report.predictions

    assert made.predictions.confusion == report.predictions.confusion
    assert made.augmented == report.augmented


def test_predictions_of_other_weights_are_not_shown(copy: Path) -> None:
    (copy / "last.safetensors").write_bytes(b"other")

    assert read_run(copy).predictions is None


def test_without_the_images_the_report_says_what_is_missing_and_how_to_get_it(
    recorded: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(recorded["hostile"], tmp_path / "copy")
    (run / "predictions.json").unlink()
    assert command("report", run, "--data-dir", tmp_path / "nowhere", "-o", tmp_path / "page.html") == 0
    text = parsed((tmp_path / "page.html").read_text(encoding="utf-8")).one(id="classes").text

    assert "nowhere does not have a folder of images" in capsys.readouterr().err
    assert "There are no predictions for the test images." in text
    assert f"advconv report {run} --data-dir DIR" in text


# States.


def test_a_run_that_is_not_finished_says_so_and_shows_what_is_there(copy: Path) -> None:
    root = page_of(unfinished(copy, 1))

    assert "not finished: 1 of 2 epochs done" in root.one("header").text
    assert f"advconv train --resume {copy}" in root.one("header").text
    assert len(lines(root.one(id="log"))) == 1
    assert "They are made when the training ends." in root.one(id="classes").text
    assert lines(root.one(id="constraints"))[-1][4] == "checked when the training ends"
    assert len(lines(root.one(id="augmented"))) == 6


def test_a_run_without_an_epoch_has_a_report_in_each_format(copy: Path, tmp_path: Path) -> None:
    unfinished(copy, 0)
    for format, output in (("html", "page.html"), ("markdown", "README.md"), ("notebook", "run.ipynb")):
        assert command("report", copy, "--format", format, "-o", tmp_path / output) == 0


def test_a_result_of_an_earlier_epoch_is_none(copy: Path) -> None:
    (copy / "result.json").write_text(json.dumps(read(copy, "result.json") | {"epoch": 1}), encoding="utf-8")

    assert read_run(copy).result is None


def test_a_run_that_is_being_trained_says_so(copy: Path) -> None:
    unfinished(copy, 1)
    program = (
        "from pathlib import Path\nfrom advconv.report.run.reading import read_run\n"
        f"print(read_run(Path({str(copy)!r})).state)"
    )
    with locked(open_run(copy)):
        found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert found.stdout == "training\n"
    assert read_run(copy).state == "interrupted"


def test_the_report_of_a_finished_run_needs_no_torch(recorded: dict[str, Path], tmp_path: Path) -> None:
    program = (
        "import sys\nfrom advconv.cli.main import main\n"
        f"try: main(['report', {str(recorded['plain'])!r}, {str(recorded['other'])!r}, '-o', '{tmp_path}/c.html'])\n"
        "except SystemExit as exit: assert exit.code == 0\n"
        f"try: main(['report', {str(recorded['plain'])!r}, '-o', '{tmp_path}/p.html'])\n"
        "except SystemExit as exit: assert exit.code == 0\n"
        "assert not {'torch', 'numpy', 'cv2', 'matplotlib'} & set(sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (found.returncode, found.stderr) == (0, "")


# What a run may hold.

FILES = ("run.json", "arch.yaml", "metrics.jsonl", "result.json", "predictions.json", "augmented.json")


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_one_line_that_names_it(
    name: str, copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / name).write_bytes((copy / name).read_bytes()[:-20])
    assert command("report", copy, "-o", tmp_path / "page.html") == 2
    out, err = capsys.readouterr()

    assert (out, err.count("\n")) == ("", 1)
    assert str(copy / name) in err
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("seed", range(60))
def test_no_damage_raises_anything_but_a_run_error(seed: int, recorded: dict[str, Path], tmp_path: Path) -> None:
    run = linked(recorded["plain"], tmp_path / "copy")
    name, random = FILES[seed % len(FILES)], Random(seed)
    data = MUTATIONS[seed // len(FILES) % len(MUTATIONS)]((run / name).read_bytes(), random)
    (run / name).unlink()
    (run / name).write_bytes(data)
    said = str(run / name)
    try:
        run_page(read_run(run))
    except RunError as problem:
        said = str(problem)

    assert str(run / name) in said


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("predictions.json", {"confusion": [[10, 0, 1]]}),
        ("predictions.json", {"confusion": []}),
        ("predictions.json", {"accuracy": 101.0}),
        (
            "predictions.json",
            {"mistakes": [{"index": 0, "label": 0, "predicted": 1, "probability": 0.5, "image": "<>"}]},
        ),
        ("augmented.json", {"images": [{"index": 0, "image": base64.b64encode(b"<svg>").decode(), "draws": []}]}),
        ("result.json", {"test_accuracy": "<b>"}),
        ("result.json", {"data": "\x1b[2J"}),
    ],
)
def test_values_that_no_training_writes_are_refused(name: str, change: dict[str, Any], copy: Path) -> None:
    from advconv.training.saved import CHECKSUM, dump_with_checksum

    data = {key: value for key, value in read(copy, name).items() if key != CHECKSUM} | change
    (copy / name).write_text(dump_with_checksum(data), encoding="utf-8")
    with pytest.raises(RunError, match=f"{name} is damaged"):
        read_run(copy)


def test_a_link_in_a_run_is_not_followed(copy: Path, tmp_path: Path) -> None:
    (copy / "predictions.json").rename(tmp_path / "elsewhere.json")
    os.symlink(tmp_path / "elsewhere.json", copy / "predictions.json")
    with pytest.raises(RunError, match="link"):
        read_run(copy)


def test_hostile_names_are_text_on_the_page(recorded: dict[str, Path]) -> None:
    root = page_of(recorded["hostile"])

    assert {each.attributes.get("type") for each in root.all("script")} == {None, "application/json"}
    assert len(root.all("script")) == 2
    assert {(each.attributes["src"] or "")[:22] for each in root.all("img")} == {"data:image/png;base64,"}
    assert [line[0] for line in lines(root.one(id="classes"))] == list(HOSTILE_CLASSES)
    assert HOSTILE_CLASSES[1] in root.one(id="setup").text


def test_many_epochs_and_classes_fit_into_two_megabytes(copy: Path) -> None:
    unfinished(copy, 1)
    (row,) = metrics(copy)
    row |= {"seconds": 1.0, "images_per_second": 1.0}
    settings = (copy / "arch.yaml").read_text(encoding="utf-8")
    about = read(copy, "run.json")
    from tests.training import write_metadata

    changed = settings.replace("epochs: 2", "epochs: 20000")
    (copy / "arch.yaml").write_text(changed, encoding="utf-8")
    from advconv.training.run import arch_hash

    write_metadata(copy, about | {"hash": arch_hash(changed.encode())})
    rows = [json.dumps(row | {"epoch": epoch}) + "\n" for epoch in range(1, 20_001)]
    (copy / "metrics.jsonl").write_text("".join(rows), encoding="utf-8")
    page = run_page(read_run(copy))

    assert len(re.sub(r"base64,[\w+/=]+", "", page)) < 2_000_000
    assert "of 20,000 lines" in page


# Markdown.


def rendered(text: str) -> Element:
    """As GitHub's flavour renders it, as far as tables go; raw HTML is left as it is."""
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark", {"html": True, "xhtmlOut": False}).enable("table").render(text)
    return parsed(html.removeprefix(MARK))


@pytest.mark.parametrize("name", ["plain", "hostile"])
@pytest.mark.parametrize("output", ["hand-in", "of run.md"])
def test_every_link_of_a_document_is_a_file_beside_it(
    name: str, output: str, recorded: dict[str, Path], tmp_path: Path
) -> None:
    from urllib.parse import unquote

    assert command("report", recorded[name], "--format", "markdown", "-o", tmp_path / output) == 0
    path = tmp_path / output if output.endswith(".md") else tmp_path / output / "README.md"
    images = rendered(path.read_text(encoding="utf-8")).all("img")
    targets = {path.parent / unquote(each.attributes["src"] or "") for each in images}

    assert len(targets) > 10
    assert targets == {each for each in targets if each.is_file()}
    assert all(each.attributes["alt"] for each in images)
    directory = path.with_name("of run-images" if output.endswith(".md") else "images")
    assert set(directory.iterdir()) == targets
    for target in targets:
        if target.suffix == ".png":
            Image.open(target).verify()
        else:
            parsed(target.read_text(encoding="utf-8"))


def test_hostile_names_are_text_in_a_document(recorded: dict[str, Path]) -> None:
    root = rendered(run_markdown(read_run(recorded["hostile"]), "images").text)
    tags = {each.name for each in root.all()}

    assert not tags & {"script", "a", "b"}
    assert {(each.attributes["src"] or "").partition("/")[0] for each in root.all("img")} == {"images"}
    table = next(each for each in root.all("table") if each.one("thead").text.split()[:2] == ["class", "images"])
    assert [line.all("td")[0].text for line in table.all("tr")[1:]] == list(HOSTILE_CLASSES)


def test_a_document_has_the_numbers_of_the_page(report: RunReport) -> None:
    root, document = parsed(run_page(report)), rendered(run_markdown(report, "images").text)
    tables = {tuple(cell.text for cell in each.all("th")): each for each in document.all("table")}
    classes = next(each for heads, each in tables.items() if heads[:3] == ("class", "images", "correct"))

    assert [[cell.text for cell in line.all("td")] for line in classes.all("tr")[1:]] == lines(root.one(id="classes"))


# Notebooks.


def test_a_notebook_is_valid_and_says_what_it_needs(recorded: dict[str, Path], tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    for name in ("plain", "hostile"):
        assert command("report", recorded[name], "--format", "notebook", "-o", tmp_path / f"{name}.ipynb") == 0
        notebook = nbformat.read(tmp_path / f"{name}.ipynb", as_version=4)
        nbformat.validate(notebook)
        assert "To run it: install advconv with its extra `train`" in notebook.cells[0].source
        for cell in notebook.cells:
            if cell.cell_type == "code":
                compile(cell.source, name, "exec")


def test_the_cells_of_a_notebook_run_and_find_the_accuracy_of_the_run(
    recorded: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    assert command("report", recorded["plain"], "--format", "notebook", "-o", tmp_path / "run.ipynb") == 0
    notebook = nbformat.read(tmp_path / "run.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    said = "".join(out.get("text", "") for cell in notebook.cells for out in cell.get("outputs", []))
    found = re.search(r"test accuracy ([\d.]+)% on 640 images, in float32", said)
    assert found

    # The run may have computed in bfloat16.
    assert float(found[1]) == pytest.approx(read(recorded["plain"], "result.json")["test_accuracy"], abs=1)
    images = [out for cell in notebook.cells for out in cell.get("outputs", []) if "image/png" in out.get("data", {})]
    assert len(images) == 4


# The command.


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one line of an error of usage."""
    assert command("report", *arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err


def test_paths_and_options_that_make_no_report_are_one_line(
    recorded: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, file, foreign, mine = (
        recorded["plain"],
        recorded["plain"] / "arch.yaml",
        tmp_path / "a.html",
        tmp_path / "a.ipynb",
    )
    for path in (foreign, mine):
        path.write_text("mine", encoding="utf-8")
    expected: list[tuple[tuple[str | Path, ...], str]] = [
        ((tmp_path,), "is not a run: it has no run.json"),
        ((run, file), "is a file and has a report of its own"),
        ((file, file), "report takes one FILE, or one or more RUNs"),
        ((run, tmp_path / "nothing"), "nothing: No such file or directory"),
        ((run, run), "a run is named twice"),
        ((run, "--input", "3,8,8"), "--input is for a file"),
        ((file, "--format", "markdown"), "--format markdown is for runs"),
        ((file, "--data-dir", "d"), "--data-dir is for runs"),
        ((run, recorded["other"], "--format", "notebook"), "a notebook is of one run"),
        ((run, "-o", run / "run.json"), "is not written to a .json file"),
        ((run, "-o", foreign), "is not a report of advconv and was not replaced"),
        ((run, "-o", tmp_path / "README.md"), "--format markdown writes .md files"),
        ((run, "--format", "notebook", "-o", mine), "is there and was not replaced"),
        ((run, "--format", "markdown", "-o", foreign), "--format html writes .html files"),
        ((run, "-o", tmp_path / "no" / "page.html"), "cannot be"),
    ]
    for arguments, reason in expected:
        assert reason in refused(capsys, *arguments)
    assert [path.read_text(encoding="utf-8") for path in (foreign, mine)] == ["mine", "mine"]


def test_a_readme_of_someone_else_is_not_replaced_and_ours_is(
    recorded: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "README.md").write_text("# Mine\n", encoding="utf-8")
    assert "was not replaced" in refused(capsys, recorded["plain"], "--format", "markdown", "-o", tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "# Mine\n"
    for _ in range(2):
        assert command("report", recorded["plain"], "--format", "markdown", "-o", tmp_path / "x") == 0


def test_names_by_default_are_those_of_the_run(
    recorded: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = recorded["plain"]
    for format in ("html", "markdown", "notebook"):
        assert command("report", run, "--format", format) == 0
    assert command("report", run, recorded["other"]) == 0

    names = {f"{run.name}.html", f"{run.name}-report", f"{run.name}.ipynb", "comparison.html"}
    assert {path.name for path in tmp_path.iterdir()} == names
    (tmp_path / "comparison.html").write_text("mine", encoding="utf-8")
    assert command("report", run, recorded["other"]) == 2


def test_the_exit_code_is_that_of_the_promises(copy: Path, tmp_path: Path) -> None:
    output: Callable[[], int] = lambda: command("report", copy, "-o", tmp_path / "page.html")  # noqa: E731
    assert output() == 0
    result = read(copy, "result.json") | {"promise_kept": False, "promise_not_judged": None}
    (copy / "result.json").write_text(json.dumps(result), encoding="utf-8")

    assert output() == 1


def test_ties_are_not_named_as_facts() -> None:
    none_right = Confusion.of("abcd", [(0, 1, 3), (1, 0, 3), (2, 2, 4), (3, 0, 1)])
    one_best = Confusion.of("abc", [(0, 0, 9), (1, 1, 8), (1, 0, 2), (2, 0, 10)])

    assert words.mistakes(none_right) == [
        "Recognised most often: c (100.00%); least often: 3 classes (0.00%).",
        "Among the most frequent mistakes is a taken for b, 3 times.",
    ]
    assert words.mistakes(one_best) == [
        "Recognised most often: a (100.00%); least often: c (0.00%).",
        "The most frequent mistake is c taken for a, 10 times.",
    ]
