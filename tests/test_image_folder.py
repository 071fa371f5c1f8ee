"""Folders of images as they are found: links, hidden files, class folders that cannot be told apart."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from advconv.geometry import Shape
from advconv.training.data import DataError, LoadedData
from advconv.training.sets import image_counts, load_dataset
from tests.training import command, write_arch

pytestmark = pytest.mark.usefixtures("short_trainings")

SIZE = Shape(3, 8, 8)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Two classes with two images each, in either part."""
    directory = tmp_path / "images"
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            add_class(directory / part / name)
    return directory


def add_class(folder: Path) -> None:
    folder.mkdir(parents=True)
    for index in range(2):
        Image.new("RGB", (8, 8), (index, 0, 0)).save(folder / f"{index}.png")


def loaded(top: Path) -> LoadedData:
    found = load_dataset("folder", top, SIZE)
    assert image_counts("folder", top) == (len(found.train), len(found.test))
    return found


def refused(top: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_dataset("folder", top, SIZE)
    return str(caught.value)


def test_links_that_leave_are_not_followed(top: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    add_class(outside)
    (top / "train/cat/folder").symlink_to(outside)
    (top / "train/cat/file.png").symlink_to(outside / "0.png")

    assert len(loaded(top).train) == 4
    assert loaded(top).notes == (
        f"links that lead outside the folder are not followed: 2 (the first: {top / 'train/cat/file.png'})",
    )


def test_links_that_lead_back_are_not_followed(top: Path) -> None:
    (top / "train/cat/deep").mkdir()
    for name, target in {"a": top, "b": top / "train", "c": top / "train/cat", "d": top / "train/cat/deep"}.items():
        (top / "train/cat/deep" / name).symlink_to(target)
    (top / "train/cat/self").symlink_to("self")

    assert len(loaded(top).train) == 4
    assert [line.partition(" (")[0] for line in loaded(top).notes] == [
        "broken links skipped: 1",
        "links that lead back are not followed: 4",
    ]


def test_links_inside_are_followed(top: Path) -> None:
    (top / "train/cat/again.png").symlink_to(top / "train/cat/0.png")
    (top / "train/fox").symlink_to("dog")
    add_class(top / "test/fox")

    assert len(loaded(top).train) == 7
    assert loaded(top).notes == ()


def test_pipes_are_skipped_with_a_line(top: Path) -> None:
    os.mkfifo(top / "train/cat/pipe.png")

    assert len(loaded(top).train) == 4
    assert loaded(top).notes[0].startswith("entries skipped that are not regular files: 1")


def test_hidden_files_and_those_of_systems_are_left_out(top: Path) -> None:
    for name in (".DS_Store", "._0.png", "Thumbs.db", "desktop.ini"):
        (top / "train/cat" / name).write_bytes(b"x")
    add_class(top / "train/.ipynb_checkpoints")
    (top / "train/cat/readme.txt").write_bytes(b"x")
    (top / "train/list.csv").write_bytes(b"x")

    assert loaded(top).classes == ("cat", "dog")
    assert len(loaded(top).train) == 4
    assert [line.rpartition(" (")[0] for line in loaded(top).notes] == [
        "hidden files and system files skipped: 5",
        "files beside the class folders skipped: 1",
        "files skipped whose names do not end in .bmp, .gif, .jpeg, .jpg, .pgm, .png, .ppm, .tif, .tiff, .webp: 1",
    ]


def test_all_images_that_cannot_be_used_are_told_at_once(top: Path) -> None:
    for name in ("cat/0.png", "dog/1.png"):
        (top / "train" / name).write_bytes(b"x")

    assert "2 of 4 images cannot be used: " in refused(top)
    assert all(f"{top / 'train' / name}: not a readable image" in refused(top) for name in ("cat/0.png", "dog/1.png"))


def test_a_long_list_is_cut(top: Path) -> None:
    for index in range(10):
        (top / f"train/cat/x{index}.png").write_bytes(b"x")

    assert refused(top).endswith("; and 5 more")


def test_class_folders_without_images_are_told_and_why(top: Path, tmp_path: Path) -> None:
    (top / "train/empty").mkdir()
    add_class(tmp_path / "outside")
    (top / "train/empty/link.png").symlink_to(tmp_path / "outside/0.png")

    assert (
        "train: no images in the class folders empty; links that lead outside the folder are not followed: 1"
        in refused(top)
    )


def test_a_directory_that_is_not_such_a_folder_is_told_why(top: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    (top / "test").rename(top / "val")
    assert loaded(top)
    (top / "val").rename(top / "tests")
    layout = "a folder of images has train/CLASS/ and test/CLASS/ (or val/CLASS/) in it"

    assert refused(tmp_path / "no") == f"{tmp_path / 'no'} does not exist; --data-dir names the folder of the images"
    assert (
        refused(tmp_path / "link") == f"{tmp_path / 'link'} does not exist; --data-dir names the folder of the images"
    )
    assert refused(tmp_path / "file") == f"{tmp_path / 'file'} is not a directory"
    assert refused(top) == f"{top} has no test/ or val/; {layout}"
    assert refused(tmp_path) == f"{tmp_path} has no train/; {layout}"


def test_a_part_without_class_folders_is_told(top: Path) -> None:
    (top / "train").rename(top / "elsewhere")
    (top / "train").mkdir()

    assert refused(top) == f"{top / 'train'}: there are no class folders in it"


@pytest.mark.parametrize("name", [b"caf\xe9", b"a\nb"])
def test_class_folders_that_are_not_utf8_are_told_before_training(
    top: Path, tmp_path: Path, name: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("train", "test"):
        add_class(top / part / os.fsdecode(name))
    monkeypatch.chdir(tmp_path)

    assert command("train", write_arch(tmp_path / "t.yaml", data="folder", classes=3), "--data-dir", top) == 2
    assert f"the class folder {ascii(name)[2:-1]} has a name that is not printable UTF-8" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_classes_are_the_same_in_either_normal_form(top: Path) -> None:
    """macOS and Linux write the same name in different forms."""
    for part, name in (("train", "caf\xe9"), ("test", "cafe\u0301")):
        add_class(top / part / name)

    assert loaded(top).classes == ("caf\xe9", "cat", "dog")


def test_class_folders_that_look_the_same_are_refused(top: Path) -> None:
    for name in ("caf\xe9", "cafe\u0301"):
        add_class(top / "train" / name)

    assert r"'cafe\u0301' and 'caf\xe9' differ only in their Unicode normal form" in refused(top)


def test_class_folders_that_differ_in_case_are_told(top: Path) -> None:
    for part in ("train", "test"):
        add_class(top / part / "Cat")

    assert loaded(top).classes == ("Cat", "cat", "dog")
    assert "class folders that differ only in upper and lower case (Cat, cat): 2" in loaded(top).notes[0]


def test_the_first_images_are_the_same_with_a_limit(top: Path) -> None:
    whole, some = load_dataset("folder", top, SIZE), load_dataset("folder", top, SIZE, limit=3)

    assert (some.train.images == whole.train.images[:3]).all()
    assert (some.train.labels == whole.train.labels[:3]).all()


def test_a_folder_that_may_not_be_listed_is_told(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for all users but root."""
    listed = Path.iterdir

    def forbid(self: Path) -> object:
        if self.name == "dog":
            raise PermissionError(13, "Permission denied", str(self))
        return listed(self)

    monkeypatch.setattr(Path, "iterdir", forbid)
    assert refused(top) == f"{top / 'train/dog'}: Permission denied"


def test_what_was_done_to_images_is_said_once_in_training_and_evaluation(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(top / part / name / "deep.png")
    monkeypatch.chdir(tmp_path)
    file = write_arch(tmp_path / "t.yaml", data="folder", classes=2, augment=[])

    assert command("train", file, "--data-dir", top, "--epochs", "1", "--workers", "0", "--device", "cpu") == 0
    assert capsys.readouterr().out.count("16-bit images scaled to 8 bits from 0 to 65535: 4 (the first: ") == 1
    (run,) = (tmp_path / "runs").iterdir()
    assert command("evaluate", run) == 0
    told = capsys.readouterr()
    assert told.err.count("16-bit images scaled to 8 bits from 0 to 65535: 4 (the first: ") == 1
    assert "16-bit" not in told.out
