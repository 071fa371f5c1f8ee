"""Data sets of torchvision: nothing is read that is not as published, and a failed download leaves nothing behind."""

import gzip
import hashlib
import struct
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from torchvision import datasets

from advconv.geometry import Shape
from advconv.language.data_sets import SETS
from advconv.training.data import DataError
from advconv.training.sets import load_dataset
from advconv.training.torchvision_sets import UNPACKED
from tests.training import BATCHES, linked

SIZE = Shape(1, 28, 28)
FOLDERS = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


def idx(array: "np.ndarray[Any, np.dtype[np.uint8]]") -> bytes:
    """The format of MNIST's files: a magic number with the number of axes, their lengths, bytes."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


@pytest.fixture(params=FOLDERS)
def published(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[str, Path]:
    """A small set that is published as MNIST is: its check sums are what torchvision and we know. And its directory."""
    images = np.zeros((12, 28, 28), np.uint8)
    images[:, :, 14:] = 200
    labels = np.arange(12, dtype=np.uint8) % 10
    contents = dict(zip(FILES, [idx(images), idx(labels)] * 2, strict=True))
    raw = tmp_path / FOLDERS[request.param] / "raw"
    raw.mkdir(parents=True)
    resources = []
    for name, content in contents.items():
        packed = gzip.compress(content, mtime=0)
        (raw / name).write_bytes(content)
        (raw / f"{name}.gz").write_bytes(packed)
        resources.append((f"{name}.gz", md5(packed)))
        monkeypatch.setitem(UNPACKED, md5(packed), md5(content))
    monkeypatch.setattr(getattr(datasets, FOLDERS[request.param]), "resources", resources)
    return request.param, raw


def test_we_know_what_is_in_each_archive_that_torchvision_publishes() -> None:
    archives = [md5 for kind in (datasets.MNIST, datasets.FashionMNIST) for _, md5 in kind.resources]

    assert sorted(UNPACKED) == sorted(archives)
    assert len(set(UNPACKED.values())) == 8


def test_grey_images_are_resized_to_the_input(published: tuple[str, Path], tmp_path: Path) -> None:
    name, _ = published
    loaded = load_dataset(name, tmp_path, Shape(1, 32, 32))

    assert loaded.train.images.shape == (12, 32, 32, 1)
    assert loaded.train.images[3, :, :15].max() == 0
    assert loaded.train.images[3, :, 17:].min() == 200
    assert load_dataset(name, tmp_path, SIZE).test.labels.tolist() == [*range(10), 0, 1]
    assert len(load_dataset(name, tmp_path, SIZE, limit=5).train) == 5


@pytest.mark.parametrize("part", FILES)
@pytest.mark.parametrize("damage", ["a label out of range", "a label too few", "a bit", "empty"])
def test_a_file_that_is_not_as_published_is_not_read(
    published: tuple[str, Path], tmp_path: Path, part: str, damage: str
) -> None:
    name, raw = published
    file, content = raw / part, (raw / part).read_bytes()
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    short = content[:4] + struct.pack(">I", 11) + content[8:]
    file.write_bytes(
        {"a label out of range": content[:-1] + b"\xff", "a label too few": short, "a bit": flipped}.get(damage, b"")
    )
    (raw / f"{part}.gz").unlink()

    with pytest.raises(DataError, match=rf"damaged there \(checksum does not match: {part}\).*no network"):
        load_dataset(name, tmp_path, SIZE)


def test_a_damaged_file_is_unpacked_anew_where_its_archive_is_whole(
    published: tuple[str, Path], tmp_path: Path
) -> None:
    name, raw = published
    content = (raw / FILES[0]).read_bytes()
    (raw / FILES[0]).write_bytes(b"damaged")
    (raw / FILES[3]).unlink()

    assert len(load_dataset(name, tmp_path, SIZE).train) == 12
    assert (raw / FILES[0]).read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == [FOLDERS[name]]


def test_files_without_their_archives_are_enough(published: tuple[str, Path], tmp_path: Path) -> None:
    name, raw = published
    for part in FILES:
        (raw / f"{part}.gz").unlink()

    assert len(load_dataset(name, tmp_path, SIZE).test) == 12


def test_a_cache_of_older_versions_of_torchvision_is_not_read(published: tuple[str, Path], tmp_path: Path) -> None:
    name, raw = published
    (raw.parent / "processed").mkdir()
    for part in ("training.pt", "test.pt"):
        (raw.parent / "processed" / part).write_bytes(b"anything")

    assert len(load_dataset(name, tmp_path, SIZE).train) == 12


@pytest.mark.parametrize("name", [name for name, known in SETS.items() if name not in ("folder", "shapes")])
def test_a_failed_download_leaves_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="cannot be downloaded"):
        load_dataset(name, tmp_path / "new" / "data", Shape(3, 32, 32))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["cifar10", "mnist", "svhn"])
def test_half_a_download_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The connection ends after some bytes, which are not what was asked for."""

    def retrieve(url: str, file: Any, **_: Any) -> None:
        Path(file).write_bytes(b"half of it")

    monkeypatch.setattr(datasets.utils, "_get_redirect_url", lambda url, **_: url)
    monkeypatch.setattr(datasets.utils, "_urlretrieve", retrieve)
    (tmp_path / "mine.txt").write_text("kept")

    with pytest.raises(DataError, match="cannot be downloaded"):
        load_dataset(name, tmp_path, Shape(3, 32, 32))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_server_that_falls_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    found = []

    def refuse(*_: Any, **__: Any) -> NoReturn:
        found.append(socket.getdefaulttimeout())
        raise urllib.error.URLError("timed out")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(DataError, match="timed out"):
        load_dataset("cifar10", tmp_path, Shape(3, 32, 32))
    assert found[0] == 60
    assert socket.getdefaulttimeout() is None


@pytest.mark.slow
def test_a_missing_file_among_others_is_named(cifar10: Path, tmp_path: Path) -> None:
    directory = linked(cifar10, tmp_path / "copy")
    (directory / BATCHES / "test_batch").unlink()

    with pytest.raises(DataError, match=r"damaged there \(missing: test_batch\)"):
        load_dataset("cifar10", directory, Shape(3, 32, 32))
