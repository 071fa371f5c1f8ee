"""The pictures of a data set, as bytes in memory that workers share."""

import math
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from advconv.data_sets import SETS
from advconv.geometry import Shape
from advconv.training.errors import TrainingError
from advconv.training.shapes import KINDS, draw_shapes


class DataError(TrainingError):
    """Pictures that are not there or cannot be read; the text says which and where."""


class Pictures(NamedTuple):
    """`images` are bytes (count, height, width, channels), `labels` their classes (count)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def some(self, indices: Tensor) -> "Pictures":
        return Pictures(self.images[indices], self.labels[indices])


class DataSets(NamedTuple):
    """What is trained on, what is held out of that, and what is tested on; `mean` and `std` are of 0 to 1."""

    train: Pictures
    validation: Pictures | None
    test: Pictures
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]


class Loaded(NamedTuple):
    """A data set as its files have it."""

    train: Pictures
    test: Pictures
    classes: tuple[str, ...]


def data_directory(given: str | None, before: str = "") -> Path:
    """Where data sets lie: as given, else `$ADVCONV_DATA`, else where a run had them `before`, else `data`.

    Raises DataError.
    """
    path = given or os.environ.get("ADVCONV_DATA") or before or "data"
    if "\0" in path:
        raise DataError(f"{path!r} cannot name a directory: it has a NUL in it")
    return Path(path)


def load(name: str, directory: Path, size: Shape) -> Loaded:
    """A data set in the size of the network's input. Raises DataError."""
    if name == "shapes":
        return _shapes(size)
    loaded = _folder(directory, size) if name == "folder" else _torchvision(name, directory)
    return Loaded(_resized(loaded.train, size), _resized(loaded.test, size), loaded.classes)


def split(loaded: Loaded, held_out: int, limit: int | None, seed: int) -> DataSets:
    """Holds pictures out of the training set at random, and measures what is left. Raises DataError."""
    train = _first(loaded.train, limit)
    if held_out >= len(train):
        raise DataError(f"val_split holds {held_out:,} of {len(train):,} training pictures out, which leaves none")
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    validation = train.some(order[:held_out]) if held_out else None
    kept = train.some(order[held_out:].sort().values) if held_out else train
    mean, std = _statistics(kept.images)
    # Where that cannot be, workers that are forked share pages all the same.
    shared(kept.images)
    return DataSets(kept, validation, _first(loaded.test, limit), loaded.classes, mean, std)


def shared(tensor: Tensor) -> bool:
    """Puts a tensor where other processes can read and write it; a container may have too little of such memory."""
    with suppress(RuntimeError):
        tensor.share_memory_()  # type: ignore[no-untyped-call]
        return True
    return False


def _first(pictures: Pictures, limit: int | None) -> Pictures:
    return Pictures(pictures.images[:limit], pictures.labels[:limit])


def _statistics(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, 0 to 1, from whole numbers, so the same on any machine."""
    means, deviations = [], []
    for channel in range(images.shape[-1]):
        counts = enumerate(torch.bincount(images[..., channel].flatten(), minlength=256).tolist())
        moments = [(count, count * level, count * level**2) for level, count in counts]
        count, total, squares = (sum(column) for column in zip(*moments, strict=True))
        means.append(total / (255 * count))
        # A channel without contrast stays as it is.
        deviations.append(math.sqrt(count * squares - total**2) / (255 * count) or 1.0)
    return tuple(means), tuple(deviations)


def _shapes(size: Shape) -> Loaded:
    parts = [
        draw_shapes(count, (size.height, size.width, size.channels), seed) for count, seed in ((5000, 1), (1000, 2))
    ]
    train, test = (Pictures(torch.from_numpy(images), torch.from_numpy(labels)) for images, labels in parts)
    return Loaded(train, test, tuple(KINDS))


def _torchvision(name: str, directory: Path) -> Loaded:
    """A set that torchvision knows, downloaded where it is missing."""
    if directory.exists() and not directory.is_dir():
        raise DataError(f"{directory}: the data directory is a file")
    parts = [_part(name, directory, is_train) for is_train in (True, False)]
    train, test = (_pictures(part) for part in parts)
    return Loaded(train, test, tuple(map(str, getattr(parts[0], "classes", range(10)))))


def _open(name: str, directory: Path, is_train: bool, download: bool) -> Any:
    from torchvision import datasets

    if name == "svhn":
        return datasets.SVHN(directory, "train" if is_train else "test", download=download)
    kinds: dict[str, Callable[..., Any]] = {
        "cifar10": datasets.CIFAR10,
        "cifar100": datasets.CIFAR100,
        "mnist": datasets.MNIST,
        "fashion-mnist": datasets.FashionMNIST,
    }
    return kinds[name](directory, train=is_train, download=download)


def _part(name: str, directory: Path, is_train: bool) -> Any:
    title = SETS[name].title
    try:
        return _open(name, directory, is_train, download=False)
    except RuntimeError:
        pass  # It is not there, or not as its check sums say.
    except Exception as problem:
        # What damaged files raise depends on where they are damaged.
        raise DataError(f"{directory}: the files of {title} are damaged ({problem}); delete them") from problem
    try:
        return _open(name, directory, is_train, download=True)
    except Exception as problem:
        reason = " ".join(str(getattr(problem, "reason", None) or problem).split())
        raise DataError(
            f"{directory}: {title} is {_state(name, directory)} and cannot be downloaded ({reason}); "
            "name the directory that has it with --data-dir or $ADVCONV_DATA, or train on --data shapes"
        ) from problem


def _state(name: str, directory: Path) -> str:
    """`missing`, or which files differ from their check sums."""
    from torchvision import datasets
    from torchvision.datasets.utils import check_integrity

    kind = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}.get(name)
    if kind is None:
        return "missing or damaged there"
    if not (directory / kind.base_folder).is_dir():
        has_archive = (directory / kind.filename).exists()
        return "missing there" + (f" ({kind.filename} is not as its check sum says)" if has_archive else "")
    files = [*kind.train_list, *kind.test_list]
    damaged = [file for file, md5 in files if not check_integrity(str(directory / kind.base_folder / file), md5)]
    return f"damaged there (not as its check sum says: {', '.join(damaged)})" if damaged else "damaged there"


def _pictures(part: Any) -> Pictures:
    """The pictures of a set of torchvision, whose attributes differ."""
    labels = part.labels if hasattr(part, "labels") else part.targets
    images = torch.as_tensor(part.data)
    if images.ndim == 3:
        images = images.unsqueeze(-1)
    if images.shape[1] == 3:
        images = images.permute(0, 2, 3, 1)
    return Pictures(images.contiguous(), torch.as_tensor(labels, dtype=torch.int64))


def _resized(pictures: Pictures, size: Shape) -> Pictures:
    if pictures.images.shape[1:3] == size.size:
        return pictures
    images = torch.stack([torch.from_numpy(_resize(image.numpy(), size)) for image in pictures.images])
    return Pictures(images, pictures.labels)


def _resize(image: NDArray[np.uint8], size: Shape) -> NDArray[np.uint8]:
    """A picture in another size; averaged where it shrinks, so that nothing is skipped."""
    shrinks = image.shape[0] * image.shape[1] > size.height * size.width
    resized = cv2.resize(
        image, (size.width, size.height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return resized.reshape(size.height, size.width, -1).astype(np.uint8)


TESTS = ("test", "val")


def _folder(directory: Path, size: Shape) -> Loaded:
    """`train/CLASS/picture.png` and `test/CLASS/picture.png`, or `val` for `test`."""
    tests = [name for name in TESTS if (directory / name).is_dir()]
    if not (directory / "train").is_dir() or not tests:
        raise DataError(f"{directory}: a folder of pictures has train/CLASS/ and test/CLASS/ (or val/CLASS/) in it")
    train, classes = _tree(directory / "train", size)
    test, others = _tree(directory / tests[0], size)
    if others != classes:
        odd = sorted(set(classes) ^ set(others))
        raise DataError(f"{directory}: train/ and {tests[0]}/ differ in their classes ({', '.join(odd[:5])})")
    return Loaded(train, test, classes)


def _tree(top: Path, size: Shape) -> tuple[Pictures, tuple[str, ...]]:
    from torchvision.datasets import ImageFolder

    try:
        tree = ImageFolder(top)
    except FileNotFoundError as problem:
        raise DataError(f"{top}: {str(problem).splitlines()[0]}") from problem
    images = [torch.from_numpy(read_picture(Path(path), size)) for path, _ in tree.samples]
    # Shuffled, always alike, so that the first pictures are not those of the first class.
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    return Pictures(torch.stack(images), torch.tensor(tree.targets)).some(order), tuple(tree.classes)


def read_picture(path: Path, size: Shape) -> NDArray[np.uint8]:
    """A picture file as bytes (height, width, channels), for an input of 1 or 3 channels. Raises DataError."""
    from PIL import Image

    if size.channels not in (1, 3):
        raise DataError(f"pictures in files have 1 or 3 channels, the input has {size.channels}")
    try:
        with Image.open(path) as file:
            image = np.array(file.convert("L" if size.channels == 1 else "RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        reason = getattr(problem, "strerror", None) or "no picture that can be read"
        raise DataError(f"{path}: {reason}") from problem
    return _resize(image, size)
