"""Files that the package writes are there whole or not at all, whatever they are named and however the disk ends."""

import errno
import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from advconv.system import files
from advconv.system.files import Directory, FileError
from tests.build import arch
from tests.training import command

ROOT = Path(__file__).parents[1]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a network in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(json.dumps(arch({"conv": 8})), encoding="utf-8")
    return tmp_path


@pytest.fixture(params=[True, False], ids=["relative to a directory", "by path"])
def directory(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Directory:
    """As on a system that opens files relative to a directory, and as on one that cannot."""
    monkeypatch.setattr(files, "HAS_DIR_FD", request.param)
    (tmp_path / "run").mkdir()
    return Directory(tmp_path / "run")


@contextmanager
def full_disk(most: int = 0) -> Iterator[None]:
    """The limit on the size of a file stands in for the disk: the system refuses the bytes beyond it alike."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_older_source(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "model.py").write_text("older", encoding="utf-8")
    with full_disk(100):
        code = command("emit", "net.yaml", "-o", "model.py")

    assert code == 2
    assert capsys.readouterr().err == "advconv: model.py cannot be written: File too large\n"
    assert (here / "model.py").read_text(encoding="utf-8") == "older"
    assert {path.name for path in here.iterdir()} == {"net.yaml", "model.py"}


def test_a_full_disk_leaves_no_half_starter_and_the_older_schema(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("new", "first") == 0
    schema = (here / "advconv.schema.json").read_text(encoding="utf-8")
    with full_disk(100):
        assert command("new", "second") == 2
    assert "second.yaml cannot be written: File too large" in capsys.readouterr().err
    assert not (here / "second.yaml").exists()

    # Room for the starter alone.
    with full_disk(8000):
        assert command("new", "third") == 2
    assert "advconv.schema.json cannot be written: File too large" in capsys.readouterr().err
    assert (here / "advconv.schema.json").read_text(encoding="utf-8") == schema


def test_new_overwrites_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "mine.yaml").symlink_to("nowhere")
    assert command("new", "mine") == 2
    assert "mine.yaml cannot be written: File exists" in capsys.readouterr().err
    assert not (here / "nowhere").exists()


def test_a_link_that_a_user_names_is_followed_and_stays(here: Path) -> None:
    (here / "there").mkdir()
    (here / "there" / "model.py").write_text("older", encoding="utf-8")
    (here / "model.py").symlink_to("there/model.py")
    assert command("emit", "net.yaml", "-o", "model.py") == 0

    assert (here / "model.py").is_symlink()
    assert "class Net" in (here / "there" / "model.py").read_text(encoding="utf-8")


def test_permissions_are_those_of_the_umask_or_of_the_older_file(here: Path) -> None:
    before = os.umask(0o027)
    try:
        assert command("emit", "net.yaml", "-o", "new.py") == 0
        (here / "old.py").touch(0o600)
        assert command("emit", "net.yaml", "-o", "old.py") == 0
    finally:
        os.umask(before)

    assert stat.S_IMODE((here / "new.py").stat().st_mode) == 0o640
    assert stat.S_IMODE((here / "old.py").stat().st_mode) == 0o600


def test_a_file_that_may_not_be_written_is_left_alone(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "model.py").write_text("older", encoding="utf-8")
    # Root may write anything.
    monkeypatch.setattr(os, "access", lambda *_: False)

    assert command("emit", "net.yaml", "-o", "model.py") == 2
    assert capsys.readouterr().err == "advconv: model.py cannot be written: Permission denied\n"
    assert (here / "model.py").read_text(encoding="utf-8") == "older"


@pytest.mark.parametrize("name", ["/dev/stdout", "pipe"])
def test_what_is_no_file_takes_the_bytes_as_they_come(here: Path, name: str) -> None:
    os.mkfifo(here / "pipe")
    program = [sys.executable, "-m", "advconv", "emit", "net.yaml", "-o", name]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        source = (here / "pipe").read_text(encoding="utf-8") if name == "pipe" else process.stdout.read()

    assert process.returncode == 0
    assert "class Net" in source
    assert stat.S_ISFIFO((here / "pipe").stat().st_mode)


@pytest.mark.parametrize(
    ("name", "said"),
    [("nowhere/model.py", "nowhere cannot be opened: No such file or directory"), ("folder", "Is a directory")],
)
def test_where_nothing_can_be_written_is_told(
    here: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    (here / "folder").mkdir()

    assert command("emit", "net.yaml", "-o", name) == 2
    assert said in capsys.readouterr().err


def test_a_file_is_replaced_in_one_step(directory: Directory) -> None:
    directory.write("a", b"older")
    with full_disk(3), pytest.raises(FileError, match=r"a cannot be written: File too large"):
        directory.write("a", b"newer")

    assert directory.read("a") == b"older"
    directory.write("a", "newer")
    assert directory.read("a", 5) == b"newer"
    assert [path.name for path in directory.path.iterdir()] == ["a"]
    with pytest.raises(FileError, match=r"a cannot be read: it is larger than 4 bytes"):
        directory.read("a", 4)


def test_a_link_in_a_directory_is_replaced_and_never_followed(directory: Directory, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    (directory.path / "a").symlink_to(outside)
    with pytest.raises(FileError, match=r"a cannot be read: it is a link, which is not followed"):
        directory.read("a")
    with pytest.raises(FileError, match=r"a cannot be opened: it is a link"), directory.opened("a"):
        pass
    directory.write("a", b"theirs")

    assert outside.read_bytes() == b"mine"
    assert directory.read("a") == b"theirs"
    (directory.path / "b").symlink_to(tmp_path)
    for enter in (directory.child, directory.make):
        with pytest.raises(FileError, match=r"b is a link, which is not followed"):
            enter("b")


def test_part_files_have_names_that_nobody_can_foresee(directory: Directory) -> None:
    with directory.parts({"a": b"1"}) as first, directory.parts({"a": b"1"}) as second:
        assert first["a"] != second["a"]
        assert {path.name for path in directory.path.iterdir()} == {first["a"], second["a"]}
    assert not list(directory.path.iterdir())

    for name in (".advconv-left.part", "kept.part"):
        (directory.path / name).touch()
    directory.remove_partial_files()
    assert [path.name for path in directory.path.iterdir()] == ["kept.part"]


def test_a_directory_that_is_moved_is_still_the_one_that_was_opened(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    directory = Directory(tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "after")
    (tmp_path / "before").mkdir()
    directory.write("a", b"1")

    assert (tmp_path / "after" / "a").exists()
    assert not (tmp_path / "before" / "a").exists()


def test_without_hard_links_files_are_copied(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **more: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    directory.write_new("a", b"1")
    directory.link_or_copy("a", directory.make("below"))

    assert (directory.path / "below" / "a").read_bytes() == b"1"
    with pytest.raises(FileError, match=r"a cannot be written"):
        directory.write_new("a", b"2")
    assert directory.read("a") == b"1"
    assert sorted(path.name for path in directory.path.iterdir()) == ["a", "below"]
