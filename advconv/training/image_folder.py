"""A folder of images, `train/CLASS/image.png` and `test/CLASS/image.png` (or `val` for `test`)."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from advconv.geometry import Shape
from advconv.training.data import DataError, ImageSet, LoadedData
from advconv.training.image_files import Notes, load_image

TEST_FOLDERS = ("test", "val")

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")

SYSTEM_FILES = ("thumbs.db", "desktop.ini", "__macosx")
"""Files that operating systems create in folders, in addition to hidden ones."""

MAX_LISTED = 5
"""How many names a message lists."""


class FolderSplit(NamedTuple):
    """The image files of train/ or test/, each with the index of its class."""

    classes: tuple[str, ...]
    files: list[tuple[Path, int]]


def load_folder(directory: Path, size: Shape, limit: int | None) -> LoadedData:
    """All images, or the first `limit` of each split, resized to the input. Raises DataError."""
    notes = Notes()
    train, test = _splits(directory, notes)
    return LoadedData(
        _images(train, size, limit, notes), _images(test, size, limit, notes), train.classes, notes.lines()
    )


def count_images(directory: Path) -> tuple[int, int]:
    """The numbers of training and of test images. Raises DataError."""
    train, test = _splits(directory, Notes())
    return len(train.files), len(test.files)


def _splits(directory: Path, notes: Notes) -> tuple[FolderSplit, FolderSplit]:
    tests = [name for name in TEST_FOLDERS if (directory / name).is_dir()]
    if not (directory / "train").is_dir() or not tests:
        raise DataError(f"{directory} {_lack(directory)}")
    try:
        train, test = (_split(directory / name, directory, notes) for name in ("train", tests[0]))
    except OSError as problem:
        raise DataError(f"{problem.filename}: {problem.strerror}") from problem
    if test.classes != train.classes:
        odd = sorted(set(train.classes) ^ set(test.classes))
        reason = f"train/ and {tests[0]}/ differ in their classes ({', '.join(odd[:MAX_LISTED])})"
        raise DataError(f"{directory}: {reason}{_skipped(notes)}")
    return train, test


def _lack(directory: Path) -> str:
    """Why a path is not a folder of images with train/ and test/ in it."""
    if not directory.exists():
        return "does not exist; --data-dir names the folder of the images"
    if not directory.is_dir():
        return "is not a directory"
    lacking = "test/ or val/" if (directory / "train").is_dir() else "train/"
    return f"has no {lacking}; a folder of images has train/CLASS/ and test/CLASS/ (or val/CLASS/) in it"


def _split(top: Path, directory: Path, notes: Notes) -> FolderSplit:
    inside = tuple(f"{os.path.realpath(folder)}{os.sep}" for folder in (directory, top))
    folders = []
    for path in _entries(top, inside, notes):
        if path.is_dir():
            folders.append(path)
        else:
            notes.add("files beside the class folders skipped", path)
    classes = _classes(top, folders, notes)
    files: dict[str, list[Path]] = {
        # In the order of torchvision's ImageFolder.
        name: sorted(_image_files(folder, inside, notes), key=lambda path: (str(path.parent), path.name))
        for name, folder in classes.items()
    }
    if empty := [name for name, paths in files.items() if not paths]:
        raise DataError(f"{top}: no images in the class folders {', '.join(empty[:MAX_LISTED])}{_skipped(notes)}")
    if not files:
        raise DataError(f"{top}: there are no class folders in it{_skipped(notes)}")
    return FolderSplit(tuple(files), [(path, index) for index, paths in enumerate(files.values()) for path in paths])


def _skipped(notes: Notes) -> str:
    return "".join(f"; {line}" for line in notes.lines())


def _classes(top: Path, folders: list[Path], notes: Notes) -> dict[str, Path]:
    """The class folders by name in Unicode's composed form (NFC), in which names that look alike are equal."""
    for folder in folders:
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in folder.name):
            name = ascii(os.fsencode(folder.name))[2:-1]
            raise DataError(f"{top}: the class folder {name} has a name that is not printable UTF-8; rename it")
    named: dict[str, Path] = {}
    for folder in folders:
        name = unicodedata.normalize("NFC", folder.name)
        if name in named:
            names = " and ".join(ascii(path.name) for path in (named[name], folder))
            raise DataError(f"{top}: the class folders {names} differ only in their Unicode normal form; rename one")
        named[name] = folder
    alike = defaultdict(list)
    for name in named:
        alike[name.casefold()].append(name)
    for group in alike.values():
        if len(group) > 1:
            notes.add(f"class folders that differ only in upper and lower case ({', '.join(sorted(group))})", top)
    return dict(sorted(named.items()))


def _image_files(folder: Path, inside: tuple[str, ...], notes: Notes) -> Iterator[Path]:
    """The image files of a class, recursively. Links to a folder that was visited before are not followed."""
    visited = set(map(str, Path(os.path.realpath(folder)).parents))
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        visited.add(os.path.realpath(here))
        for path in _entries(here, inside, notes):
            if path.is_dir():
                if path.is_symlink() and os.path.realpath(path) in visited:
                    notes.add("links that lead back are not followed", path)
                else:
                    waiting.append(path)
            elif not path.is_file():
                notes.add("entries skipped that are not regular files", path)
            elif path.suffix.lower() not in SUFFIXES:
                notes.add(f"files skipped whose names do not end in {', '.join(SUFFIXES)}", path)
            else:
                yield path


def _entries(folder: Path, inside: tuple[str, ...], notes: Notes) -> Iterator[Path]:
    """The entries of a folder by name, without hidden files and links that lead outside."""
    for path in sorted(folder.iterdir()):
        name = path.name
        if name.startswith(".") or name.lower() in SYSTEM_FILES:
            notes.add("hidden files and system files skipped", path)
        elif path.is_symlink() and not f"{os.path.realpath(path)}{os.sep}".startswith(inside):
            notes.add("links that lead outside the folder are not followed", path)
        elif path.is_symlink() and not path.exists():
            notes.add("broken links skipped", path)
        else:
            yield path


def _images(part: FolderSplit, size: Shape, limit: int | None, notes: Notes) -> ImageSet:
    # In a fixed random order, so that the first images are not all of the first class.
    order = torch.randperm(len(part.files), generator=torch.Generator().manual_seed(0))[:limit].tolist()
    images = torch.empty((len(order), *size.size, size.channels), dtype=torch.uint8)
    errors = []
    for position, index in enumerate(order):
        try:
            images[position] = torch.from_numpy(load_image(part.files[index][0], size, notes))
        except DataError as problem:
            errors.append(str(problem))
    if errors:
        more = f"; and {len(errors) - MAX_LISTED:,} more" if len(errors) > MAX_LISTED else ""
        raise DataError(
            f"{len(errors):,} of {len(order):,} images cannot be used: {'; '.join(errors[:MAX_LISTED])}{more}"
        )
    return ImageSet(images, torch.tensor([part.files[index][1] for index in order]))
