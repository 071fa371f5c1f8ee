"""Types of options: each parses the text of one, or raises argparse.ArgumentTypeError."""

import argparse
from pathlib import Path

from advconv.geometry import Shape
from advconv.text.words import join_words
from advconv.training.names import FIGURE_SUFFIXES
from advconv.values.names import ONNX_SUFFIX, WEIGHTS_SUFFIX, title_problem

MAX_EDITS = 3
MAX_SECONDS = 3600


def title(text: str) -> str:
    if problem := title_problem(text, "directory"):
        raise argparse.ArgumentTypeError(problem)
    return text


def whole(text: str, least: int = 0) -> int:
    is_whole = text.isascii() and text.isdigit()
    if is_whole and len(text) > 18:
        raise argparse.ArgumentTypeError(f"{text[:18]}... has {len(text)} digits; use a number below 10^18")
    if not is_whole or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return int(text)


def natural(text: str) -> int:
    return whole(text, least=1)


def edits(text: str) -> int:
    if (count := natural(text)) > MAX_EDITS:
        raise argparse.ArgumentTypeError(f"{count} edits are too many to combine; use at most {MAX_EDITS}")
    return count


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0 and at most {MAX_SECONDS:,}")
    return value


MAX_IMAGES, MAX_SEEDS, MAX_SEED, MAX_PORT = 10_000, 1_000, 2**32 - 1, 2**16 - 1


def image_count(text: str) -> int:
    return _at_most(MAX_IMAGES, natural(text))


def seeds(text: str) -> int:
    return _at_most(MAX_SEEDS, natural(text))


def seed(text: str) -> int:
    return _at_most(MAX_SEED, whole(text))


def seed_list(text: str) -> list[int]:
    """`0,1,2`"""
    found = [seed(part.strip()) for part in text.split(",")]
    if twice := [value for value in found if found.count(value) > 1]:
        raise argparse.ArgumentTypeError(f"the seed {twice[0]} is given twice")
    return found


def port(text: str) -> int:
    return _at_most(MAX_PORT, whole(text))


def _at_most(most: int, value: int) -> int:
    if value > most:
        raise argparse.ArgumentTypeError(f"{value:,} is too large; use at most {most:,}")
    return value


def limit(text: str) -> int:
    return _validate_count("limit", text)


def workers(text: str) -> int:
    return _validate_count("workers", text)


def _validate_count(name: str, text: str) -> int:
    """A count within the bounds of the option."""
    from advconv.training.options import COUNT_RANGES, validate_count

    try:
        return validate_count(name, whole(text, COUNT_RANGES[name][0]))
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def exported_file(text: str) -> str:
    suffix, stem = Path(text).suffix, Path(text).stem
    if suffix.lower() not in (ONNX_SUFFIX, WEIGHTS_SUFFIX):
        ends = f"ends in {suffix}" if suffix else "has no suffix"
        raise argparse.ArgumentTypeError(f"{text!r} {ends}; use {stem}{ONNX_SUFFIX} or {stem}{WEIGHTS_SUFFIX}")
    return text


def figure_file(text: str) -> str:
    if Path(text).suffix.lower() not in FIGURE_SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text!r} does not end in {join_words(FIGURE_SUFFIXES)}")
    return text


def integer(text: str) -> str:
    """The text of a whole number; the language checks its range."""
    from advconv.text.reader import INTEGER

    if not INTEGER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return text


def real(text: str) -> str:
    """The text of a number."""
    from advconv.text.reader import FLOAT

    if not FLOAT.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return text


def percent(text: str) -> float:
    """`85`, or `85%`"""
    from advconv.values.limits import percentage

    try:
        return percentage(float(text.removesuffix("%")))
    except ValueError:
        message = f"{text!r} is not an accuracy in percent, above 1 and at most 100; write --until 85"
        raise argparse.ArgumentTypeError(message) from None


def codes(text: str) -> tuple[str, ...]:
    """`AC301,AC31`"""
    from advconv.rules.selection import codes

    try:
        return codes(text.split(","))
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def image_shape(text: str) -> Shape:
    """`3,64,64`"""
    parts = [part.strip() for part in text.strip("[]() ").split(",")]
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not CHANNELS,HEIGHT,WIDTH, as in 3,64,64")
    if not all(len(part) < 19 and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"the sizes of {text!r} are not between 1 and 10^18")
    channels, height, width = map(int, parts)
    return Shape(channels, height, width)
