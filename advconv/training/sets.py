"""Which data set comes from where, and how many images it has."""

import os
from pathlib import Path

import torch

from advconv.geometry import Shape
from advconv.language.data_sets import SETS
from advconv.training.data import DataError, Loaded, Pictures, first, resized
from advconv.training.image_folder import count_images, read_folder
from advconv.training.shapes import KINDS, draw_shapes
from advconv.training.torchvision_sets import read_set


def data_directory(given: str | None, before: str = "") -> Path:
    """Where data sets lie: as given, else `$ADVCONV_DATA`, else where a run had them `before`, else `data`.

    Raises DataError.
    """
    path = given or os.environ.get("ADVCONV_DATA") or before or "data"
    if "\0" in path:
        raise DataError(f"{path!r} cannot name a directory: it has a NUL in it")
    return Path(path)


def load(name: str, directory: Path, size: Shape, limit: int | None = None) -> Loaded:
    """A data set, or the first `limit` images of its parts, in the size of the network's input. Raises DataError."""
    if name == "folder":
        return read_folder(directory, size, limit)
    loaded = _shapes(size) if name == "shapes" else read_set(name, directory)
    train, test = (resized(first(part, limit), size) for part in (loaded.train, loaded.test))
    return Loaded(train, test, loaded.classes)


def image_counts(name: str, directory: Path, limit: int | None = None) -> tuple[int, int]:
    """How many images `load` holds for training and for the test, without reading one. Raises DataError."""
    train, test = SETS[name].counts or count_images(directory)
    # Shapes are drawn one after the other from one source of chance, so all of them are drawn.
    return (train, test) if limit is None or name == "shapes" else (min(train, limit), min(test, limit))


def _shapes(size: Shape) -> Loaded:
    counts = SETS["shapes"].counts or (0, 0)
    parts = [draw_shapes(count, (size.height, size.width, size.channels), seed) for seed, count in enumerate(counts, 1)]
    train, test = (Pictures(torch.from_numpy(images), torch.from_numpy(labels)) for images, labels in parts)
    return Loaded(train, test, tuple(KINDS))
