"""`predict` on whatever it is given: each file that is no image has its line, the others are predicted."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training import command, only_run, short_trainings_in, write_arch


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("predicting")
    with short_trainings_in(directory):
        words = ["--limit", "64", "--epochs", "1", "--workers", "0", "--device", "cpu"]
        assert command("train", write_arch(directory / "t.yaml"), *words) == 0
    return only_run(directory)


def test_each_file_that_cannot_be_used_has_a_line_and_the_others_are_predicted(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("first.png", "last.png"):
        Image.new("RGB", (16, 16), "red").save(name)
    Path("text.png").write_text("no image")
    Path("long.pgm").write_bytes(b"P5 99999999999 1 255\n")
    Path("folder").mkdir()
    os.mkfifo("pipe")
    wrong = {
        "none.png": "No such file or directory",
        "folder": "a directory, not an image file",
        "pipe": "not a regular file",
        "text.png": "not a readable image",
        "long.pgm": "not a readable image (Token too long in file header: 99999999999)",
        "/dev/zero": "not a regular file",
    }

    assert command("predict", run, "first.png", *wrong, "last.png", "--top", "1", "--format", "json") == 2
    told = capsys.readouterr()
    assert [row["image"] for row in json.loads(told.out)["rows"]] == ["first.png", "last.png"]
    assert told.err.splitlines() == [f"advconv: {name}: {reason}" for name, reason in wrong.items()]


def test_a_url_and_an_empty_path_are_told_as_such(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("predict", run, "", "http://x/y.png") == 2
    assert capsys.readouterr().err.splitlines() == [
        "advconv: the path of an image file is empty",
        "advconv: http://x/y.png: URLs are not supported; download the image and give the path of its file",
    ]


@pytest.mark.parametrize("format", ["text", "markdown", "csv", "json"])
def test_names_of_files_can_be_anything(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], format: str
) -> None:
    for name in (b"caf\xe9.png", b"a\x1b[2Jb\n.png"):
        Image.new("RGB", (16, 16), "red").save(os.fsencode(tmp_path) + b"/" + name, format="PNG")
    names = [str(path) for path in sorted(tmp_path.iterdir())]

    assert command("predict", run, *names, "--top", "1", "--format", format) == 0
    told = capsys.readouterr().out
    assert format in ("json", "csv") or "\x1b" not in told
    assert format not in ("text", "markdown") or len(told.splitlines()) == 6
    assert format != "json" or [row["image"] for row in json.loads(told)["rows"]] == names


def test_what_is_done_to_images_is_said_once_beside_the_table(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    for path in paths:
        Image.fromarray(np.full((16, 16), 1000, np.uint16)).save(path)

    assert command("predict", run, *paths) == 0
    told = capsys.readouterr()
    note = f"16-bit images scaled to 8 bits from 0 to 65535: 3 (the first: {paths[0]})"
    assert told.err.splitlines() == [f"advconv: {note}"]
    assert "16-bit" not in told.out
