"""Hostile images: `predict`, and `train` on a folder that has one, give a result or an error on one line."""

import io
import random
import struct
import tempfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.attacks.commands import check_exit, run_command
from benchmarks.attacks.trainings import ROWS
from benchmarks.attacks.trials import Attack
from tests.training import only_run, write_arch

if TYPE_CHECKING:
    from PIL.Image import Image

TRAINED = ["--epochs", "1", "--device", "cpu", "--workers", "0", "--quiet"]
SUFFIXES = ("png", "jpg", "gif", "tiff", "bmp", "webp")


def prepare(shared: Path) -> None:
    """Trains a run for predictions."""
    write_arch(shared / "t.yaml", rows=ROWS)
    check_exit(run_command(shared, "train", "t.yaml", "--limit", "32", "--batch-size", "16", *TRAINED), 0)
    write_arch(shared / "folder.yaml", rows=ROWS, classes=2, data="folder", augment=[])


def gradient(mode: str = "RGB", size: tuple[int, int] = (24, 20)) -> "Image":
    from PIL import Image

    return Image.linear_gradient("L").resize(size).convert(mode)


@cache
def valid_images() -> tuple[tuple[str, bytes], ...]:
    """Suffixes and contents of image files as cameras, scanners and programs write them."""
    from PIL import Image

    oriented = Image.Exif()
    oriented[0x0112] = 6
    frames = [gradient("P"), gradient("P")]
    made = [
        *(_written(gradient(mode), "png") for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
        *(_written(gradient(mode), "jpeg") for mode in ("L", "RGB", "CMYK")),
        *(_written(gradient(), "jpeg", exif=oriented, progressive=is_progressive) for is_progressive in (False, True)),
        _written(frames[0], "gif", save_all=True, append_images=frames[1:], duration=9),
        *(_written(gradient(mode), "tiff") for mode in ("1", "L", "RGB", "RGBA", "CMYK", "F", "I", "I;16", "LAB")),
        *(_written(gradient(), "tiff", compression=name) for name in ("tiff_lzw", "tiff_deflate", "jpeg")),
        *(_written(gradient(mode), "bmp") for mode in ("1", "L", "P", "RGB")),
        *(_written(gradient(mode), "webp", lossless=True) for mode in ("RGB", "RGBA")),
        *(_written(gradient(size=size), "png") for size in ((1, 1), (1, 3000), (3000, 1))),
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


def untouched(data: bytes, rng: random.Random) -> bytes:
    return data


def truncated(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def flipped(data: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 3, 30)) if damaged else 0):
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged)


def of_the_head(data: bytes, rng: random.Random) -> bytes:
    """Damages the header, which has sizes, depths and offsets."""
    return flipped(data[:64], rng) + data[64:]


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (untouched, truncated, flipped, of_the_head)


def trial(rng: random.Random, shared: Path) -> str:
    suffix, data = rng.choice(valid_images())
    mutation = rng.choice(MUTATIONS)
    data = mutation(data, rng)
    suffix = suffix if rng.random() < 0.8 else rng.choice(SUFFIXES)
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, f"hostile.{suffix}")
        file.write_bytes(data)
        if rng.random() < 0.5:
            completed = run_command(Path(name), "predict", str(only_run(shared)), str(file))
            outcome = "predicted"
        else:
            completed = run_command(
                Path(name), "train", str(shared / "folder.yaml"), "--data-dir", str(folder(file)), *TRAINED
            )
            outcome = "trained on"
    check_exit(completed, 0, 2)
    return f"refused ({mutation.__name__})" if completed.code else f"{outcome} ({mutation.__name__})"


def folder(file: Path) -> Path:
    """A data set of two classes with the given image among valid ones."""
    top = file.parent / "data"
    for name in ("train/a", "train/b", "test/a", "test/b"):
        (top / name).mkdir(parents=True)
        for number in range(2):
            gradient().save(top / name / f"{number}.png")
    file.rename(top / "train/a" / file.name)
    return top


ATTACK = Attack("hostile images", trial, prepare)
