"""A folder of images, `train/CLASS/image.png` and `test/CLASS/image.png` (or `val` for `test`)."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from advconv.geometry import Shape
from advconv.training.data import DataError, Loaded, Pictures
from advconv.training.image_files import Notes, read_image

TESTS = ("test", "val")

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")

SYSTEM_FILES = ("thumbs.db", "desktop.ini", "__macosx")
"""What systems leave in folders of images, beside hidden files."""

SHOWN = 5
"""How many names a message lists."""


class Part(NamedTuple):
    """The image files of train/ or test/, each with the index of its class."""

    classes: tuple[str, ...]
    files: list[tuple[Path, int]]


def read_folder(directory: Path, size: Shape, limit: int | None) -> Loaded:
    """All images, or the first `limit` of each part, in the size of the input. Raises DataError."""
    notes = Notes()
    train, test = _parts(directory, notes)
    return Loaded(_images(train, size, limit, notes), _images(test, size, limit, notes), train.classes, notes.lines())


def count_images(directory: Path) -> tuple[int, int]:
    """How many there are for training and for the test. Raises DataError."""
    train, test = _parts(directory, Notes())
    return len(train.files), len(test.files)


def _parts(directory: Path, notes: Notes) -> tuple[Part, Part]:
    tests = [name for name in TESTS if (directory / name).is_dir()]
    if not (directory / "train").is_dir() or not tests:
        raise DataError(f"{directory}: a folder of pictures has train/CLASS/ and test/CLASS/ (or val/CLASS/) in it")
    try:
        train, test = (_part(directory / name, directory, notes) for name in ("train", tests[0]))
    except OSError as problem:
        raise DataError(f"{problem.filename}: {problem.strerror}") from problem
    if test.classes != train.classes:
        odd = sorted(set(train.classes) ^ set(test.classes))
        reason = f"train/ and {tests[0]}/ differ in their classes ({', '.join(odd[:SHOWN])})"
        raise DataError(f"{directory}: {reason}{_left_out(notes)}")
    return train, test


def _part(top: Path, directory: Path, notes: Notes) -> Part:
    inside = tuple(f"{os.path.realpath(folder)}{os.sep}" for folder in (directory, top))
    folders = []
    for path in _entries(top, inside, notes):
        if path.is_dir():
            folders.append(path)
        else:
            notes.add("files beside the class folders left out", path)
    classes = _classes(top, folders, notes)
    found: dict[str, list[Path]] = {
        # In the order of torchvision's ImageFolder, so that the same folder gives the same order of images.
        name: sorted(_image_files(folder, inside, notes), key=lambda path: (str(path.parent), path.name))
        for name, folder in classes.items()
    }
    if empty := [name for name, paths in found.items() if not paths]:
        raise DataError(f"{top}: no images in the class folders {', '.join(empty[:SHOWN])}{_left_out(notes)}")
    if not found:
        raise DataError(f"{top}: there are no class folders in it{_left_out(notes)}")
    return Part(tuple(found), [(path, index) for index, paths in enumerate(found.values()) for path in paths])


def _left_out(notes: Notes) -> str:
    return "".join(f"; {line}" for line in notes.lines())


def _classes(top: Path, folders: list[Path], notes: Notes) -> dict[str, Path]:
    """The class folders by their names in Unicode's composed form (NFC), in which names that look alike are alike."""
    for folder in folders:
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in folder.name):
            name = ascii(os.fsencode(folder.name))[2:-1]
            raise DataError(f"{top}: the class folder {name} has a name that is not printable UTF-8; rename it")
    named: dict[str, Path] = {}
    for folder in folders:
        name = unicodedata.normalize("NFC", folder.name)
        if name in named:
            names = " and ".join(ascii(path.name) for path in (named[name], folder))
            raise DataError(f"{top}: the class folders {names} differ in their Unicode normal form alone; rename one")
        named[name] = folder
    alike = defaultdict(list)
    for name in named:
        alike[name.casefold()].append(name)
    for group in alike.values():
        if len(group) > 1:
            notes.add(f"class folders that differ in upper and lower case alone ({', '.join(sorted(group))})", top)
    return dict(sorted(named.items()))


def _image_files(folder: Path, inside: tuple[str, ...], notes: Notes) -> Iterator[Path]:
    """The image files of a class, in folders inside it too. No link is followed to where the walk has been."""
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
                notes.add("entries left out that are no regular files", path)
            elif path.suffix.lower() not in SUFFIXES:
                notes.add(f"files left out whose names do not end in {', '.join(SUFFIXES)}", path)
            else:
                yield path


def _entries(folder: Path, inside: tuple[str, ...], notes: Notes) -> Iterator[Path]:
    """What is in a folder by name, without hidden files and links that leave."""
    for path in sorted(folder.iterdir()):
        name = path.name
        if name.startswith(".") or name.lower() in SYSTEM_FILES:
            notes.add("hidden files and files of the system left out", path)
        elif path.is_symlink() and not f"{os.path.realpath(path)}{os.sep}".startswith(inside):
            notes.add("links that leave the folder are not followed", path)
        elif path.is_symlink() and not path.exists():
            notes.add("links that lead nowhere are left out", path)
        else:
            yield path


def _images(part: Part, size: Shape, limit: int | None, notes: Notes) -> Pictures:
    # Shuffled, always alike, so that the first images are not those of the first class.
    order = torch.randperm(len(part.files), generator=torch.Generator().manual_seed(0))[:limit].tolist()
    images = torch.empty((len(order), *size.size, size.channels), dtype=torch.uint8)
    wrong = []
    for place, index in enumerate(order):
        try:
            images[place] = torch.from_numpy(read_image(part.files[index][0], size, notes))
        except DataError as problem:
            wrong.append(str(problem))
    if wrong:
        more = f"; and {len(wrong) - SHOWN:,} more" if len(wrong) > SHOWN else ""
        raise DataError(f"{len(wrong):,} of {len(order):,} images cannot be used: {'; '.join(wrong[:SHOWN])}{more}")
    return Pictures(images, torch.tensor([part.files[index][1] for index in order]))
