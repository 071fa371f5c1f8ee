"""Data sets of torchvision: verified before they are read, downloaded if they are missing."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from advconv.language.data_sets import SETS
from advconv.training.data import DataError, ImageSet, LoadedData

Checksums = dict[str, str]
"""The MD5 of files, by their path in a data directory."""

UNPACKED = {
    "f68b3c2dcbeaaa9fbdd348bbdeb94873": "6bbc9ace898e44ae57da46a324031adb",
    "d53e105ee54ea40749a09fcbcd1e9432": "a25bea736e30d166cdddb491f175f624",
    "9fb629c4189551a2d022fa330f9573f3": "2646ac647ad5339dbf082846283269ea",
    "ec29112dd5afa0611ce80d1b7f02629c": "27ae3e4e09519cfbb04c329615203637",
    "8d4fb7e6c68d591d4c3dfef9ec88bf0d": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "25c81989df183df01b3e8a0aad5dffbe": "9018921c3c673c538a1fc5bad174d6f9",
    "bef4ecab320f06d8554ea6380940ec79": "8181f5470baa50b63fa0f6fddb340f0a",
    "bb300cfdad3c16e7a12a480ee83cd310": "15d484375f8d13e6eb1aabb0c3f46965",
}
"""The MD5 of each unpacked file of MNIST and Fashion-MNIST, by the MD5 of its archive.

Torchvision publishes those of the archives only; several projects that verify the same files quote equal ones for
their contents (md5sum over the unpacked releases).
"""


def load_torchvision_set(name: str, directory: Path) -> LoadedData:
    """A data set whose files match their published checksums; others are downloaded. Raises DataError."""
    if directory.exists() and not directory.is_dir():
        raise DataError(f"{directory}: the data directory is a file")
    title = SETS[name].title
    if _unverified(directory, _files(name)):
        try:
            _download(name, directory)
        except Exception as problem:
            reason = " ".join(str(getattr(problem, "reason", None) or problem).split())
            raise DataError(
                f"{directory}: {title} is {_state(name, directory)} and cannot be downloaded ({reason}); "
                "name the directory that has it with --data-dir or $ADVCONV_DATA, or use --data shapes, which is drawn"
            ) from problem
    try:
        (train, classes), (test, _) = (_split(name, directory, is_train) for is_train in (True, False))
    except Exception as problem:
        # The type of error depends on the damaged part.
        raise DataError(f"{directory}: the files of {title} are damaged ({problem}); delete them") from problem
    return LoadedData(train, test, classes)


def is_downloaded(name: str, directory: Path) -> bool:
    """Whether the files of a set are in a directory and match their published checksums."""
    return not _unverified(directory, _files(name))


def _dataset_class(name: str) -> Any:
    from torchvision import datasets

    return getattr(datasets, SETS[name].torchvision)


def _files(name: str) -> Checksums:
    """The files that are read, after unpacking."""
    dataset = _dataset_class(name)
    if name == "svhn":
        return {file: md5 for _, file, md5 in (dataset.split_list["train"], dataset.split_list["test"])}
    if name.startswith("cifar"):
        meta = [dataset.meta["filename"], dataset.meta["md5"]]
        return {f"{dataset.base_folder}/{file}": md5 for file, md5 in [*dataset.train_list, *dataset.test_list, meta]}
    return {file.removesuffix(".gz"): UNPACKED[md5] for file, md5 in _archives(name).items()}


def _archives(name: str) -> Checksums:
    """The files that are downloaded."""
    dataset = _dataset_class(name)
    if name == "svhn":
        return _files(name)
    if name.startswith("cifar"):
        return {dataset.filename: dataset.tgz_md5}
    return {f"{dataset.__name__}/raw/{file}": md5 for file, md5 in dataset.resources}


def _unverified(directory: Path, sums: Checksums) -> list[Path]:
    """The files that are missing or do not match their checksums."""
    from torchvision.datasets.utils import check_integrity

    return [directory / file for file, md5 in sums.items() if not check_integrity(str(directory / file), md5)]


def _state(name: str, directory: Path) -> str:
    """Which files are missing and which do not match their checksums."""
    unverified, archives = (_unverified(directory, sums) for sums in (_files(name), _archives(name)))
    damaged, missing = _named(unverified, exist=True), _named(unverified, exist=False)
    if len(unverified) == len(_files(name)) and not damaged:
        archive = _named(archives, exist=True)
        return "missing there" + (f" ({archive} does not match its checksum)" if archive else "")
    parts = [f"checksum does not match: {damaged}"] if damaged else []
    parts += [f"missing: {missing}"] if missing else []
    return f"damaged there ({'; '.join(parts)})"


def _named(paths: list[Path], exist: bool) -> str:
    return ", ".join(path.name for path in paths if path.exists() == exist)


def _download(name: str, directory: Path) -> None:
    """Downloads the files of a set, except for intact archives, and moves them into place once all are verified."""
    unverified = _unverified(directory, archives := _archives(name))
    with _download_directory(directory, name) as part:
        for file in archives:
            if directory / file not in unverified:
                (part / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(directory / file, part / file)
        with _socket_timeout(DOWNLOAD_TIMEOUT):
            for is_train in (True, False):
                _open(name, part, is_train, download=True)
        if wrong := _named(_unverified(part, _files(name)), exist=True):
            raise DataError(f"the downloaded files do not match their checksums: {wrong}")
        for path in filter(Path.is_file, list(part.rglob("*"))):
            target = directory / path.relative_to(part)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)


@contextmanager
def _download_directory(directory: Path, name: str) -> Iterator[Path]:
    """A temporary directory that is always removed; so are its parents if they were created for it and are empty."""
    made = [path for path in (directory, *directory.parents) if not path.exists()]
    part = directory / f".{name}-{os.getpid()}.part"
    try:
        part.mkdir(parents=True)
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)
        with suppress(OSError):
            for path in made:
                path.rmdir()


DOWNLOAD_TIMEOUT = 60.0
"""Seconds without a byte after which a download fails; torchvision has no timeout."""


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _open(name: str, directory: Path, is_train: bool, download: bool) -> Any:
    if name == "svhn":
        return _dataset_class(name)(directory, "train" if is_train else "test", download=download)
    return _dataset_class(name)(directory, train=is_train, download=download)


def _split(name: str, directory: Path, is_train: bool) -> tuple[ImageSet, tuple[str, ...]]:
    """The training or the test images, and the classes."""
    if "mnist" in name:
        # Torchvision's own class would read an older cache, which is not verified.
        from torchvision.datasets.mnist import read_image_file, read_label_file

        paths = [str(directory / file) for file in _files(name)]
        images, labels = paths[:2] if is_train else paths[2:]
        return _image_set(read_image_file(images), read_label_file(labels)), tuple(_dataset_class(name).classes)
    part = _open(name, directory, is_train, download=False)
    labels = part.labels if hasattr(part, "labels") else part.targets
    return _image_set(part.data, labels), tuple(map(str, getattr(part, "classes", range(10))))


def _image_set(data: Any, labels: Any) -> ImageSet:
    """Images with channels first, last, or no axis for them."""
    images = torch.as_tensor(data)
    if images.ndim == 3:
        images = images.unsqueeze(-1)
    if images.shape[1] == 3:
        images = images.permute(0, 2, 3, 1)
    return ImageSet(images.contiguous(), torch.as_tensor(labels, dtype=torch.int64))
