"""Names of classes, of images and in run.json: whatever they hold, tables have cells and terminals get no control."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.test_data import folder
from tests.training import command, only_run, short_trainings_in, write_arch, write_metadata

# A class folder with control characters in its name is refused (test_image_folder.py); formats and separators are not.
CLASSES = ("=HYPERLINK(1)", "c\u202e\u2028a|t")
SHOWN = ["'=HYPERLINK(1)", "c\\u202e\\u2028a|t"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on images in folders with names that no one should give."""
    top = tmp_path_factory.mktemp("hostile")
    with short_trainings_in(top):
        file = write_arch(top / "t.yaml", data="folder", classes=2)
        images = folder(top / "images\u202e", classes=CLASSES)
        assert command("train", file, "--data-dir", images, "--epochs", "1", "--workers", "0", "--device", "cpu") == 0
    return only_run(top)


def test_a_data_directory_with_control_characters_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write_arch(tmp_path / "t.yaml", data="folder", classes=2)
    assert command("train", file, "--data-dir", tmp_path / "images\x1b[2J", "--device", "cpu") == 2

    said = capsys.readouterr().err
    assert "images\\x1b[2J' cannot be recorded: it contains control characters; rename it" in said
    assert not (tmp_path / "runs").exists()


def controls(text: str) -> str:
    return "".join(character for character in text if not (character.isprintable() or character == "\n"))


def test_a_csv_file_of_a_run_has_classes_as_cells_that_are_no_formulas(run: Path) -> None:
    rows = list(csv.reader(io.StringIO((run / "per_class.csv").read_text(encoding="utf-8"))))

    assert [row[0] for row in rows[1:]] == SHOWN
    assert {row[4] for row in rows[1:]} <= {*SHOWN, ""}


@pytest.mark.parametrize("format", ["text", "markdown", "csv", "json"])
def test_what_a_run_holds_controls_no_terminal(run: Path, format: str, capfd: pytest.CaptureFixture[str]) -> None:
    images = run.parents[1] / "images\u202e"
    image = images / "val" / CLASSES[1] / "0.png"
    (images / "broken\x1b]0;x\x07.png").write_bytes(b"")
    assert command("evaluate", run, "--format", format) == 0
    assert command("predict", run, image, images / "broken\x1b]0;x\x07.png", "--format", format) == 2
    out, err = capfd.readouterr()

    assert controls(out + err) == ""
    assert out.count("\\u202e") >= 2
    assert "broken\\x1b]0;x\\x07.png: " in err


@pytest.fixture
def changed(run: Path, tmp_path: Path) -> Path:
    """A copy of the run, whose `run.json` may be written anew."""
    return shutil.copytree(run, tmp_path / "changed")


def test_run_json_is_shown_escaped_whoever_wrote_it(
    run: Path, changed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    about = json.loads((changed / "run.json").read_text(encoding="utf-8"))
    write_metadata(changed, about | {"device": "\u202e", "classes": ["\u2028", "\u2066"]})
    image = run.parents[1] / "images\u202e/val" / CLASSES[1] / "0.png"
    assert command("predict", changed, image) == 0
    assert command("train", "--resume", changed, "--device", "cpu") == 2
    out, err = capfd.readouterr()

    assert controls(out + err) == ""
    assert "\\u2028" in out or "\\u2066" in out


@pytest.mark.parametrize(
    "field",
    [{"name": "\x1b]0;x\x07"}, {"device": "\x1b[2J"}, {"classes": ["a", "\x9b"]}, {"options": {"device": "\x1b[2J"}}],
    ids=lambda field: next(iter(field)),
)
def test_run_json_with_control_characters_is_refused(
    changed: Path, field: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    about = json.loads((changed / "run.json").read_text(encoding="utf-8"))
    write_metadata(changed, about | field | {"options": about["options"] | field.get("options", {})})
    assert command("evaluate", changed) == 2
    assert command("train", "--resume", changed) == 2
    out, err = capfd.readouterr()

    assert (out, controls(err)) == ("", "")
    assert err.count("run.json is damaged: ") == 2


def test_a_training_in_python_prints_and_raises_no_controls(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import advconv
    from advconv.training.errors import TrainingError

    print(advconv.resume(run, quiet=True))
    with pytest.raises(TrainingError) as raised:
        advconv.resume(run.with_name("nowhere\x1b[2J"))

    assert controls(capfd.readouterr().out + str(raised.value)) == ""
