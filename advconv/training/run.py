"""The directory of a run: its metadata and architecture, how it is opened, validated and locked."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field

from advconv.analysis.measure import Measures
from advconv.language.spec import ArchSpec
from advconv.net import ArchError
from advconv.text.document import MAX_BYTES
from advconv.training import checkpoints
from advconv.training.architecture import Architecture, check_architecture, read_document
from advconv.training.environment import Environment
from advconv.training.files import RunDirectory, RunError
from advconv.training.names import ARCH, METADATA, NEXT_ARCH
from advconv.training.options import RunOptions
from advconv.training.saved import Natural, Positive, Sha256, Text, parse_with_checksum, validated_as
from advconv.values.names import TITLE

MAX_METADATA_BYTES = 2**24

Mean = Annotated[float, Field(strict=True, ge=0, le=1)]
# One value of 1/255 among 10^12 zeros has a deviation of 4e-9; a smaller one would overflow when images are scaled.
Deviation = Annotated[float, Field(strict=True, ge=1e-9, le=1)]


@dataclass(frozen=True)
class Extension:
    """The number of epochs and the hash of `arch.yaml` before a run was extended."""

    epochs: Positive
    hash: Sha256


@dataclass(frozen=True)
class RunMetadata:
    """The content of `run.json`. `mean` and `std` normalise the images, by channel, of values from 0 to 1.

    `hash` is the SHA-256 of `arch.yaml`; `device`, `versions` and `world_size` are those that the run started with.
    """

    name: Annotated[str, Field(strict=True, pattern=f"^{TITLE.pattern}$")]
    started: Text
    hash: Sha256
    seed: Natural
    device: Text
    versions: dict[Text, Text]
    options: RunOptions
    classes: list[Text]
    mean: list[Mean]
    std: list[Deviation]
    world_size: Positive
    extended: list[Extension] = field(default_factory=list)

    @property
    def environment(self) -> Environment:
        """The environment that the run was started in."""
        return Environment(self.device, self.world_size, self.versions.get("torch", ""))


class Run(NamedTuple):
    """A run on disk and the architecture that it trains.

    `previous`: whether the checkpoint before the newest one is requested.
    """

    directory: RunDirectory
    metadata: RunMetadata
    architecture: Architecture
    previous: bool = False

    @property
    def path(self) -> Path:
        return self.directory.path

    @property
    def spec(self) -> ArchSpec:
        return self.architecture.spec

    @property
    def measures(self) -> Measures:
        return self.architecture.measures

    def checkpoint_directory(self) -> RunDirectory:
        """The directory of the requested checkpoint. Raises RunError if there is none."""
        if not self.previous:
            return self.directory
        if (directory := self.directory.child(checkpoints.PREVIOUS)) is None:
            raise RunError(f"{self.path} has no checkpoint before the newest one; leave --previous out")
        return directory


def arch_hash(text: bytes) -> str:
    """The SHA-256 of a resolved file, which identifies an architecture."""
    return hashlib.sha256(text).hexdigest()


def open_run(path: Path, previous: bool = False) -> Run:
    """Opens and validates the run in a directory.

    Raises RunError if there is none, if its files are damaged or if `arch.yaml` is not the file that was trained.
    """
    if not (path / METADATA).is_file():
        raise RunError(f"{path} is not a run: it has no {METADATA}")
    directory = RunDirectory(path)
    metadata = _read_metadata(directory)
    architecture = _read_architecture(directory, metadata.hash)
    check_lengths(directory.path / METADATA, metadata.mean, metadata.std, metadata.classes, architecture)
    return Run(directory, metadata, architecture, previous)


def _read_metadata(directory: RunDirectory) -> RunMetadata:
    try:
        return validated_as(RunMetadata, parse_with_checksum(directory.read(METADATA, MAX_METADATA_BYTES)))
    except ValueError as problem:
        raise RunError(f"{directory.path / METADATA} is damaged: {problem}") from problem


def _read_architecture(directory: RunDirectory, hash: str) -> Architecture:
    text, path = directory.read(ARCH, MAX_BYTES), directory.path / ARCH
    if arch_hash(text) != hash and directory.has(NEXT_ARCH):
        # The process that extended the run was killed before the last rename.
        text = directory.read(NEXT_ARCH, MAX_BYTES)
    if arch_hash(text) != hash:
        raise RunError(f"{path} has changed since the run started; train the changed one as a new run")
    try:
        # A run that was started with --force fails its own constraints.
        return check_architecture(*read_document(str(path), text), force=True)
    except ArchError as problem:
        raise RunError(f"this version of advconv does not accept {path}") from problem


def finish_extension(run: Run) -> None:
    """Gives the `arch.yaml` of an extended run its name, if the process that wrote it was killed before it could."""
    directory = run.directory
    if directory.has(NEXT_ARCH) and directory.sha256(NEXT_ARCH) == run.metadata.hash:
        directory.put(NEXT_ARCH, ARCH)


def check_lengths(
    path: Path, mean: list[float], std: list[float], classes: list[str], architecture: Architecture
) -> None:
    """Raises RunError if a file has values for another number of channels or classes than its network."""
    channels, outputs = architecture.spec.input.channels, architecture.measures.graph.output.elements
    for name, count, expected in (
        ("mean", len(mean), channels),
        ("std", len(std), channels),
        ("classes", len(classes), outputs),
    ):
        if count != expected:
            raise RunError(f"{path} is damaged: {name} has {count} values, the network needs {expected}")


@contextmanager
def locked(run: Run) -> Iterator[None]:
    """Locks a run against other processes, on systems that have locks. Raises RunError if it is locked."""
    with run.directory.locked(METADATA):
        run.directory.remove_partial_files()
        yield


def is_locked(run: Run) -> bool:
    """Whether another process is writing the run, on systems that have locks."""
    try:
        import fcntl
    except ModuleNotFoundError:
        return False
    with run.directory.opened(METADATA, os.O_RDONLY) as file:
        try:
            # Shared, for which reading suffices; it is given back when the file is closed.
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return True
        except OSError:
            # A file system without locks.
            return False
    return False
