"""Starting a run: its directory, with everything that is known before the first step."""

import errno
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path
from shutil import rmtree

from advconv.backends.torch_source import emit
from advconv.language.effective import effective_text
from advconv.report.torchinfo import torchinfo
from advconv.training import figures
from advconv.training.device_augment import image_augment
from advconv.training.environment import versions
from advconv.training.files import RunDirectory, RunError
from advconv.training.names import ARCH, INITIAL, METADATA
from advconv.training.predictions import SAMPLES, augmented
from advconv.training.records import AUGMENTED, record_text
from advconv.training.run import Run, RunMetadata, arch_hash
from advconv.training.saved import dump_with_checksum
from advconv.training.setup import TrainingSetup


def start_run(setup: TrainingSetup, name: str, runs: Path, directory: Path | None = None) -> Run:
    """Creates a run as `directory`, or below `runs` with a name of its own. Raises RunError."""
    text = effective_text(setup.spec)
    metadata = _metadata(setup, name, arch_hash(text.encode()))
    files: dict[str, bytes | str] = {
        METADATA: dump_with_checksum(asdict(metadata)),
        ARCH: text,
        "model.py": emit(setup.measures, setup.spec.name),
        "summary.txt": torchinfo(setup.measures) + "\n",
        **_augmented_files(setup),
        **({INITIAL: setup.start.data} if setup.start else {}),
    }
    path = create_directory(directory or runs / stamped(name), files)
    return Run(RunDirectory(path), metadata, setup.architecture)


def stamped(name: str) -> str:
    """A name with the time."""
    return f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def _metadata(setup: TrainingSetup, name: str, hash: str) -> RunMetadata:
    return RunMetadata(
        name=name,
        started=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        hash=hash,
        seed=setup.spec.train.seed,
        device=str(setup.accelerator),
        versions=versions(),
        options=setup.options,
        classes=list(setup.data.classes),
        mean=list(setup.data.mean),
        std=list(setup.data.std),
        world_size=setup.process.world_size,
    )


def create_directory(path: Path, files: Mapping[str, bytes | str]) -> Path:
    """A new directory that appears with all of its files or not at all. Raises RunError."""
    part = path.with_name(f".{path.name}-{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        directory = RunDirectory(part)
        for name, data in files.items():
            directory.write(name, data)
        return _rename(part, path)
    except OSError as problem:
        raise RunError(f"{path} cannot be made: {problem.strerror}") from problem
    finally:
        rmtree(part, ignore_errors=True)


def _rename(part: Path, path: Path) -> Path:
    """Gives the directory its name, or the next free one: several runs may start in the same second."""
    for number in range(1, 1000):
        free = path if number == 1 else path.with_name(f"{path.name}-{number}")
        # A rename would replace an empty directory; it fails for one with files.
        if free.exists():
            continue
        try:
            return part.rename(free)
        except OSError as problem:
            # Another process has just taken the name.
            if problem.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
    raise OSError(0, "a thousand runs have started in this second")


AUGMENTED_SECONDS = 5.0
"""The figure of a slow augmentation shows the epochs that are drawn in this time."""


def _augmented_files(setup: TrainingSetup) -> dict[str, bytes | str]:
    """Training images as they are, and augmented in the first epochs: a figure with a row for each, and as data."""
    augment = image_augment(setup.spec.augment, setup.spec.train, setup.data)
    images = list(setup.data.train.images[:SAMPLES].numpy())
    order = (augment(image, epoch, index) for epoch in range(9) for index, image in enumerate(images))
    end = time.perf_counter() + AUGMENTED_SECONDS
    drawn = list(takewhile(lambda _: time.perf_counter() < end, order))
    complete = len(drawn) - len(drawn) % len(images)
    draws = [drawn[index : complete : len(images)] for index in range(len(images))]
    rows = [[image, *epochs] for image, epochs in zip(images, draws, strict=True)]
    title = "Training images as they are (left) and as the network sees them, epoch by epoch"
    return {
        "augmented.png": figures.mosaic(rows, title),
        AUGMENTED: record_text(augmented(setup.spec.train.seed, images, draws)),
    }
