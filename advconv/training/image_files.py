"""Image files as uint8 arrays: how those that are not plain 8-bit images are converted, and which are refused."""

import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from advconv.geometry import Shape
from advconv.text.visible import first_line, visible
from advconv.training.data import DataError, resize

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 64_000_000
"""Larger images are refused before they are decoded. Pillow warns above 89,478,485 pixels and refuses twice that."""

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""Pillow's formats for images; others can start programs (EPS) or have no pixels."""

NOT_AN_IMAGE = "not a readable image"


class Notes:
    """Counts conversions and skipped files by description, with the first path of each."""

    def __init__(self) -> None:
        self.seen: dict[str, list[Any]] = {}

    def add(self, description: str, path: Path) -> None:
        self.seen.setdefault(description, [0, path])[0] += 1

    def lines(self) -> tuple[str, ...]:
        return tuple(visible(f"{what}: {count:,} (the first: {at})") for what, (count, at) in self.seen.items())


def image_path(text: str) -> Path:
    """The path of an image file, as a command line has it. Raises DataError."""
    if not text:
        raise DataError("the path of an image file is empty")
    if re.match("[A-Za-z]+://", text):
        raise DataError(f"{text}: URLs are not supported; download the image and give the path of its file")
    return Path(text)


def load_image(path: Path, size: Shape, notes: Notes) -> NDArray[np.uint8]:
    """An image file as uint8 (height, width, channels), resized; `size` has 1 or 3 channels. Raises DataError."""
    if size.channels not in (1, 3):
        raise DataError(f"image files have 1 or 3 channels, the input has {size.channels}")
    from PIL import Image, UnidentifiedImageError

    try:
        _check_regular(path)
        with warnings.catch_warnings():
            # About damaged metadata, and about sizes that are refused here with a message.
            warnings.simplefilter("ignore")
            conversions: list[str] = []
            with Image.open(path, formats=FORMATS) as file, _silent_libtiff(file.format):
                pixels = _pixels(file, "L" if size.channels == 1 else "RGB", conversions.append)
        for description in conversions:
            notes.add(description, path)
        return resize(pixels, size)
    except (UnidentifiedImageError, Image.DecompressionBombError) as problem:
        is_bomb = isinstance(problem, Image.DecompressionBombError)
        raise DataError(f"{path}: {TOO_LARGE if is_bomb else NOT_AN_IMAGE}") from problem
    except Exception as problem:
        # The type of error depends on the format and on the damaged part.
        raise DataError(f"{path}: {_reason(problem)}") from problem


@contextmanager
def _silent_libtiff(format: str | None) -> Iterator[None]:
    """While a TIFF is decoded nothing is written to standard error: libtiff reports damage there by itself."""
    if format != "TIFF":
        yield
        return
    try:
        stderr = os.dup(2)
    except OSError:
        # It is closed.
        yield
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(null)


TOO_LARGE = f"more than {MAX_PIXELS:,} pixels"


class Unreadable(Exception):
    """An image is refused; the text says why."""


def _check_regular(path: Path) -> None:
    """Reading a pipe would block, a device would never end."""
    mode = path.stat().st_mode
    if S_ISDIR(mode):
        raise Unreadable("a directory, not an image file")
    if not S_ISREG(mode):
        raise Unreadable("not a regular file")


def _reason(problem: Exception) -> str:
    if isinstance(problem, Unreadable):
        return str(problem)
    system_error = getattr(problem, "strerror", None)
    return str(system_error) if system_error else f"{NOT_AN_IMAGE} ({first_line(_as_text(problem))})"


def _as_text(problem: Exception) -> Exception:
    """The error with a text for a message; some decoders of Pillow raise errors with bytes."""
    message = problem.args[0] if problem.args else ""
    return ValueError(message.decode("ascii", "backslashreplace")) if isinstance(message, bytes) else problem


def _pixels(file: "Image", mode: str, note: Callable[[str], None]) -> NDArray[np.uint8]:
    """The pixels of an open file in mode `L` or `RGB`, upright and opaque."""
    width, height = file.size
    if width * height > MAX_PIXELS:
        raise Unreadable(f"{width}x{height} is {TOO_LARGE}")
    if getattr(file, "is_animated", False):
        note("images of several frames, of which the first is used")
    image = _opaque(_eight_bits(_upright(file, note), note), note)
    if image.mode == "CMYK":
        note("CMYK images converted to RGB without their colour profile")
    return np.array(image.convert(mode))


def _upright(image: "Image", note: Callable[[str], None]) -> "Image":
    """Rotated and mirrored by the EXIF orientation; unchanged if the EXIF data are damaged."""
    from PIL import ExifTags, ImageOps

    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        if orientation not in range(2, 9):
            return image
        turned = ImageOps.exif_transpose(image)
    except (ValueError, TypeError, SyntaxError, KeyError, IndexError):
        return image
    note("images rotated by their EXIF orientation")
    return turned


def _eight_bits(image: "Image", note: Callable[[str], None]) -> "Image":
    """Scales 16-bit integers by the range of their type, other numbers by the range of their values."""
    from PIL import Image

    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise Unreadable("values that are not finite")
    low, high = (0.0, 65535.0) if image.mode.startswith("I;16") else _range(values)
    of_range = f"{low:g} to {high:g}" if (low, high) in USUAL_RANGES else "their own minimum to maximum"
    depth = {"F": "float", "I": "32-bit"}.get(image.mode, "16-bit")
    note(f"{depth} images scaled to 8 bits from {of_range}")
    scaled = (values.astype(np.float64) - low) * (255 / ((high - low) or 1))
    return Image.fromarray(np.round(scaled).astype(np.uint8))


USUAL_RANGES = ((0.0, 1.0), (0.0, 255.0), (0.0, 65535.0))


def _range(values: NDArray[Any]) -> tuple[float, float]:
    """The first usual range that includes all values, which preserves the brightness of images; else their own."""
    low, high = float(values.min()), float(values.max())
    usual = USUAL_RANGES if values.dtype.kind == "f" else USUAL_RANGES[1:]
    return next(((first, last) for first, last in usual if first <= low and high <= last), (low, high))


def _opaque(image: "Image", note: Callable[[str], None]) -> "Image":
    """Composed over white: the colour of transparent pixels in the file is arbitrary."""
    from PIL import Image

    if not image.has_transparency_data:
        return image
    layered = image.convert("RGBA")
    if layered.getchannel("A").getextrema() == (255, 255):
        return layered.convert("RGB")
    note("transparent images composed over white")
    return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
