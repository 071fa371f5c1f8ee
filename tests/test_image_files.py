"""Image files of every kind: what is done to them is told once, and what cannot be used is told with its name."""

import os
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from advconv.geometry import Shape
from advconv.training.data import DataError
from advconv.training.image_files import MAX_PIXELS, Notes, load_image

SIZE = Shape(3, 8, 8)
RAMP = np.arange(64).reshape(8, 8)


def read(path: Path, channels: int = 3) -> tuple[Any, tuple[str, ...]]:
    notes = Notes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_image(path, Shape(channels, 8, 8), notes), notes.lines()


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1"])
def test_plain_images_are_read_without_a_word(tmp_path: Path, mode: str) -> None:
    pixels = np.where(RAMP % 2, 255, 0).astype(np.uint8)
    Image.fromarray(pixels).convert(mode).save(tmp_path / "a.png")
    image, notes = read(tmp_path / "a.png")

    assert (image == pixels[..., None]).all()
    assert notes == ()


@pytest.mark.parametrize("name", ["a.png", "a.tiff"])
def test_16_bits_are_scaled_by_their_range(tmp_path: Path, name: str) -> None:
    Image.fromarray((RAMP * 1040).astype(np.uint16)).save(tmp_path / name)
    image, notes = read(tmp_path / name)

    assert (image[..., 0] == np.round(RAMP * 1040 / 257)).all()
    assert notes == (f"16-bit images scaled to 8 bits from 0 to 65535: 1 (the first: {tmp_path / name})",)


@pytest.mark.parametrize(
    ("values", "expected", "of_range"),
    [
        (RAMP / 63, RAMP / 63, "0 to 1"),
        (RAMP / 100, RAMP / 100, "0 to 1"),
        (RAMP, RAMP / 255, "0 to 255"),
        (RAMP * 1000, RAMP * 1000 / 65535, "0 to 65535"),
        (RAMP - 10.0, RAMP / 63, "their own minimum to maximum"),
        (RAMP * 0 - 3.0, RAMP * 0, "their own minimum to maximum"),
    ],
)
def test_floats_are_scaled_by_the_range_that_holds_them(
    tmp_path: Path, values: Any, expected: Any, of_range: str
) -> None:
    Image.fromarray(values.astype(np.float32)).save(tmp_path / "a.tiff")
    image, (note,) = read(tmp_path / "a.tiff", channels=1)

    assert np.abs(image[..., 0] - 255 * expected).max() <= 0.51
    assert note.startswith(f"float images scaled to 8 bits from {of_range}: 1")


def test_floats_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), np.nan, np.float32)).save(tmp_path / "a.tiff")

    assert refused(tmp_path / "a.tiff") == "values that are not finite"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    """By the table of the EXIF standard: where the first row and the first column of the file belong."""
    turned = {
        1: RAMP, 2: RAMP[:, ::-1], 3: RAMP[::-1, ::-1], 4: RAMP[::-1], 5: RAMP.T, 6: np.rot90(RAMP, -1),
        7: RAMP[::-1, ::-1].T, 8: np.rot90(RAMP),
    }  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(RAMP.astype(np.uint8)).save(tmp_path / "a.png", exif=exif)
    image, notes = read(tmp_path / "a.png")

    assert (image[..., 0] == turned[orientation]).all()
    assert len(notes) == (orientation > 1)


def test_damaged_exif_data_are_no_damage_to_the_image(tmp_path: Path) -> None:
    Image.fromarray(RAMP.astype(np.uint8)).save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\xff")

    assert read(tmp_path / "a.jpg")[1] == ()


def test_what_is_transparent_is_laid_over_white(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:4, :, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels[:4]).save(tmp_path / "opaque.png")
    palette = Image.fromarray(np.where(RAMP < 32, 1, 0).astype(np.uint8), "P")
    palette.putpalette([255, 0, 0, 0, 0, 0])
    palette.save(tmp_path / "p.png", transparency=0)

    for name in ("a.png", "p.png"):
        image, (note,) = read(tmp_path / name)
        assert (image[:4] == 0).all()
        assert (image[4:] == 255).all()
        assert note.startswith("transparent images composed over white: 1")
    assert read(tmp_path / "opaque.png")[1] == ()


def test_cmyk_and_images_of_several_frames_are_told(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 0, 0, 255)).save(tmp_path / "a.tiff")
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)

    assert (read(tmp_path / "a.tiff")[0] == 0).all()
    assert "CMYK images converted to RGB" in read(tmp_path / "a.tiff")[1][0]
    for name in ("a.gif", "a.webp"):
        image, (note,) = read(tmp_path / name)
        assert image[0, 0].tolist() == [255, 0, 0]
        assert note.startswith("images of several frames, of which the first is used: 1")


def test_a_run_has_one_line_for_all_images_of_a_kind(tmp_path: Path) -> None:
    notes = Notes()
    for index in range(3):
        Image.fromarray((RAMP * index).astype(np.uint16)).save(tmp_path / f"{index}.png")
        load_image(tmp_path / f"{index}.png", SIZE, notes)

    assert notes.lines() == (f"16-bit images scaled to 8 bits from 0 to 65535: 3 (the first: {tmp_path / '0.png'})",)


def png(width: int, height: int) -> bytes:
    """A PNG that says its size and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("width", [8001, 9500, 20_000, 60_000])
def test_bombs_are_refused_before_pillow_warns(tmp_path: Path, width: int) -> None:
    """The sizes lie above our limit, above Pillow's warning, and above its error."""
    (tmp_path / "bomb.png").write_bytes(png(width, width))

    assert (Image.MAX_IMAGE_PIXELS or 0) > MAX_PIXELS
    assert refused(tmp_path / "bomb.png").endswith("more than 64,000,000 pixels")


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tiff", "webp", "ppm"])
def test_truncated_images_are_refused(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    read(path)

    for length in (len(whole) // 2, 20, 1, 0):
        path.write_bytes(whole[:length])
        assert refused(path).startswith("not a readable image")


def test_programs_are_not_started_for_an_image(tmp_path: Path) -> None:
    """Pillow would have Ghostscript run what an EPS file says."""
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n")

    assert refused(tmp_path / "a.png") == "not a readable image"


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()

    assert refused(tmp_path / "pipe.png") == "not a regular file"
    assert refused(Path("/dev/zero")) == "not a regular file"
    assert refused(tmp_path / "folder.png") == "a directory, not an image file"
    assert refused(tmp_path / "none.png") == "No such file or directory"


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for all users but root."""

    def forbid(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", "a.png")

    (tmp_path / "a.png").write_bytes(b"")
    monkeypatch.setattr(Image, "open", forbid)

    assert refused(tmp_path / "a.png") == "Permission denied"


def test_libtiff_says_nothing_of_a_damaged_file_by_itself(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.tiff"
    pixels = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, compression="tiff_adobe_deflate")
    data = bytearray(path.read_bytes())
    data[200:400] = bytes(200)
    path.write_bytes(data)

    with pytest.raises(DataError, match="not a readable image"):
        load_image(path, Shape(3, 8, 8), Notes())
    assert capfd.readouterr().err == ""


def test_a_conversion_of_an_image_that_is_refused_in_the_end_is_not_reported(tmp_path: Path) -> None:
    path, notes = tmp_path / "a.jpg", Notes()
    Image.new("CMYK", (64, 64)).save(path)
    path.write_bytes(path.read_bytes()[:-200])

    with pytest.raises(DataError, match="not a readable image"):
        load_image(path, Shape(3, 8, 8), notes)
    assert notes.lines() == ()
