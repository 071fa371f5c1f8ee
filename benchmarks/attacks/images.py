"""Hostile images: a prediction or a line, and the same where a data set holds them."""

import io
import random
import struct
import tempfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.attacks.commands import command, hold_ended
from benchmarks.attacks.trainings import ROWS
from benchmarks.attacks.trials import Attack
from tests.training import only_run, write_arch

if TYPE_CHECKING:
    from PIL.Image import Image

TRAINED = ["--epochs", "1", "--device", "cpu", "--workers", "0", "--quiet"]
SUFFIXES = ("png", "jpg", "gif", "tiff", "bmp", "webp")


def prepare(shared: Path) -> None:
    """A run that predicts."""
    write_arch(shared / "t.yaml", rows=ROWS)
    hold_ended(command(shared, "train", "t.yaml", "--limit", "32", "--batch-size", "16", *TRAINED), 0)
    write_arch(shared / "folder.yaml", rows=ROWS, classes=2, data="folder", augment=[])


def picture(mode: str = "RGB", size: tuple[int, int] = (24, 20)) -> "Image":
    from PIL import Image

    return Image.linear_gradient("L").resize(size).convert(mode)


@cache
def valid() -> tuple[tuple[str, bytes], ...]:
    """Images as cameras, scanners and programs write them, with the suffix of their format."""
    from PIL import Image

    oriented = Image.Exif()
    oriented[0x0112] = 6
    frames = [picture("P"), picture("P")]
    made = [
        *(_written(picture(mode), "png") for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
        *(_written(picture(mode), "jpeg") for mode in ("L", "RGB", "CMYK")),
        *(_written(picture(), "jpeg", exif=oriented, progressive=is_progressive) for is_progressive in (False, True)),
        _written(frames[0], "gif", save_all=True, append_images=frames[1:], duration=9),
        *(_written(picture(mode), "tiff") for mode in ("1", "L", "RGB", "RGBA", "CMYK", "F", "I", "I;16", "LAB")),
        *(_written(picture(), "tiff", compression=name) for name in ("tiff_lzw", "tiff_deflate", "jpeg")),
        *(_written(picture(mode), "bmp") for mode in ("1", "L", "P", "RGB")),
        *(_written(picture(mode), "webp", lossless=True) for mode in ("RGB", "RGBA")),
        *(_written(picture(size=size), "png") for size in ((1, 1), (1, 3000), (3000, 1))),
        ("png", bomb(30_000)),
        ("png", bomb(12_000)),
        ("png", b""),
        ("jpg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ]
    return tuple(made)


def _written(image: "Image", format: str, **options: object) -> tuple[str, bytes]:
    out = io.BytesIO()
    image.save(out, format, **options)
    return {"jpeg": "jpg"}.get(format, format), out.getvalue()


def bomb(size: int) -> bytes:
    """A PNG of some kilobytes that unpacks to size x size pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(size * (size // 8 + 1)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def untouched(data: bytes, chance: random.Random) -> bytes:
    return data


def truncated(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def flipped(data: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 3, 30)) if damaged else 0):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged)


def of_the_head(data: bytes, chance: random.Random) -> bytes:
    """Where sizes, depths and offsets stand."""
    return flipped(data[:64], chance) + data[64:]


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (untouched, truncated, flipped, of_the_head)


def trial(chance: random.Random, shared: Path) -> str:
    suffix, data = chance.choice(valid())
    mutation = chance.choice(MUTATIONS)
    data = mutation(data, chance)
    suffix = suffix if chance.random() < 0.8 else chance.choice(SUFFIXES)
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, f"hostile.{suffix}")
        file.write_bytes(data)
        if chance.random() < 0.5:
            said = command(Path(name), "predict", str(only_run(shared)), str(file))
            what = "predicted"
        else:
            said = command(Path(name), "train", str(shared / "folder.yaml"), "--data-dir", str(folder(file)), *TRAINED)
            what = "trained on"
    hold_ended(said, 0, 2)
    return f"refused ({mutation.__name__})" if said.code else f"{what} ({mutation.__name__})"


def folder(file: Path) -> Path:
    """A data set of two classes with one such image among good ones."""
    top = file.parent / "data"
    for name in ("train/a", "train/b", "test/a", "test/b"):
        (top / name).mkdir(parents=True)
        for number in range(2):
            picture().save(top / name / f"{number}.png")
    file.rename(top / "train/a" / file.name)
    return top


ATTACK = Attack("hostile images", trial, prepare)
