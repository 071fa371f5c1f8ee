"""Names of classes, of images and in run.json: whatever they hold, tables have cells and terminals get no control."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.test_data import folder
from tests.training import command, only_run, write_arch

CLASSES = ("=HYPERLINK(1)", "c\x1b[2J\x9b\na|t")
SHOWN = ["'=HYPERLINK(1)", "c\\x1b[2J\\x9b\\na|t"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on images in folders with names that no one should give."""
    top = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(top)
        file = write_arch(top / "t.yaml", data="folder", classes=2)
        images = folder(top / "images\x1b[2J", classes=CLASSES)
        assert command("train", file, "--data-dir", images, "--epochs", "1", "--workers", "0", "--device", "cpu") == 0
    return only_run(top)


def controls(text: str) -> str:
    return "".join(character for character in text if not (character.isprintable() or character == "\n"))


def test_a_csv_file_of_a_run_has_classes_as_cells_that_are_no_formulas(run: Path) -> None:
    rows = list(csv.reader(io.StringIO((run / "per_class.csv").read_text(encoding="utf-8"))))

    assert [row[0] for row in rows[1:]] == SHOWN
    assert {row[4] for row in rows[1:]} <= {*SHOWN, ""}


@pytest.mark.parametrize("format", ["text", "markdown", "csv", "json"])
def test_what_a_run_holds_controls_no_terminal(run: Path, format: str, capfd: pytest.CaptureFixture[str]) -> None:
    images = run.parents[1] / "images\x1b[2J"
    image = images / "val" / CLASSES[1] / "0.png"
    (images / "broken\x1b]0;x\x07.png").write_bytes(b"")
    assert command("evaluate", run, "--format", format) == 0
    assert command("predict", run, image, images / "broken\x1b]0;x\x07.png", "--format", format) == 2
    out, err = capfd.readouterr()

    assert controls(out + err) == ""
    assert re.search(r"\\(x|u00)1b\\?\[2J", out)
    assert "broken\\x1b]0;x\\x07.png: " in err


def test_run_json_is_shown_escaped_whoever_wrote_it(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    before = (run / "run.json").read_bytes()
    try:
        for changed in ({"name": "\x1b]0;x\x07\u202e"}, {"device": "\x1b[2J"}, {"options": {"\x1b[2J": 1}}):
            (run / "run.json").write_text(json.dumps(about | changed), encoding="utf-8")
            command("evaluate", run)
            command("train", "--resume", run)
    finally:
        (run / "run.json").write_bytes(before)
    out, err = capfd.readouterr()

    assert controls(out + err) == ""
    assert out.startswith("\\x1b]0;x\\x07\\u202e, last weights: ")


def test_a_training_in_python_prints_and_raises_no_controls(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import advconv
    from advconv.training.errors import TrainingError

    print(advconv.resume(run, quiet=True))
    with pytest.raises(TrainingError) as raised:
        advconv.resume(run.with_name("nowhere\x1b[2J"))

    assert controls(capfd.readouterr().out + str(raised.value)) == ""
