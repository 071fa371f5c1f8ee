"""Data sets by name: how they are loaded, and how many images they have."""

import os
from pathlib import Path

import torch

from advconv.geometry import Shape
from advconv.language.data_sets import SETS
from advconv.training.data import DataError, ImageSet, LoadedData, resize_all
from advconv.training.image_folder import count_images, load_folder
from advconv.training.shapes import SHAPES, draw_shapes
from advconv.training.torchvision_sets import is_downloaded, load_torchvision_set


def data_directory(given: str | None, before: str = "") -> Path:
    """The directory of data sets: as given, else `$ADVCONV_DATA`, else the one that a run had `before`, else `data`.

    Raises DataError.
    """
    path = given or os.environ.get("ADVCONV_DATA") or before or "data"
    if "\0" in path:
        raise DataError(f"{path!r} cannot name a directory: it has a NUL in it")
    return Path(path)


def load_dataset(name: str, directory: Path, size: Shape, limit: int | None = None) -> LoadedData:
    """A data set, or the first `limit` images of each split, resized to the network's input. Raises DataError."""
    if name == "folder":
        return load_folder(directory, size, limit)
    loaded = DRAWN[name](size) if name in DRAWN else load_torchvision_set(name, directory)
    train, test = (resize_all(part.first(limit), size) for part in (loaded.train, loaded.test))
    return LoadedData(train, test, loaded.classes)


def is_at_hand(name: str, directory: Path) -> bool:
    """Whether a data set can be loaded without downloading it."""
    return name in DRAWN or (directory.is_dir() if name == "folder" else is_downloaded(name, directory))


def image_counts(name: str, directory: Path, limit: int | None = None) -> tuple[int, int]:
    """The numbers of training and test images that `load_dataset` reads into memory. Raises DataError."""
    train, test = SETS[name].counts or count_images(directory)
    # Shapes are drawn from one sequence of random numbers, so all of them are drawn.
    return (train, test) if limit is None or name in DRAWN else (min(train, limit), min(test, limit))


def _draw_shapes(size: Shape) -> LoadedData:
    counts = SETS["shapes"].counts or (0, 0)
    parts = [draw_shapes(count, (size.height, size.width, size.channels), seed) for seed, count in enumerate(counts, 1)]
    train, test = (ImageSet(torch.from_numpy(images), torch.from_numpy(labels)) for images, labels in parts)
    return LoadedData(train, test, tuple(SHAPES))


DRAWN = {"shapes": _draw_shapes}
"""The sets that are drawn instead of read."""
