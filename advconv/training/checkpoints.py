"""Checkpoints of a run: written atomically, read back, and listed with the SHA-256 of each file.

The files of the newest checkpoint are in the run's directory, those of the one before it in `previous/`. In each of
the two, `checkpoints.json` lists the checkpoints that the files may belong to. A checkpoint is written in five steps:

1. its files under hidden names, read back and compared with what was written;
2. the files of the checkpoint before it, if they are intact, into `previous/`;
3. the list, with both of them;
4. the files under their names, `state.pt` last: its rename decides which checkpoint a run resumes from;
5. the list, with the new one only, so that a file of an older checkpoint is not taken for one of the newest.

So whenever a process ends, each file in either directory is intact and listed.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress

from pydantic import BaseModel, ConfigDict

from advconv.training.files import RunDirectory, RunError
from advconv.training.names import WEIGHT_FILES
from advconv.training.saved import Natural, Sha256, dump_with_checksum, parse_with_checksum, validated_as

LAST, BEST, STATE = WEIGHT_FILES["last"], WEIGHT_FILES["best"], "state.pt"
LIST, PREVIOUS = "checkpoints.json", "previous"

MAX_LIST_BYTES = 2**20


class Checkpoint(BaseModel):
    """A checkpoint after `step` steps and `epoch` finished epochs, with the SHA-256 of its files by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epoch: Natural
    step: Natural
    sha256: dict[str, Sha256]

    def __str__(self) -> str:
        return f"step {self.step}, {f'after epoch {self.epoch}' if self.epoch else 'in epoch 1'}"


def read_list(directory: RunDirectory) -> list[Checkpoint]:
    """The checkpoints that the files of a directory may belong to; empty without a list. Raises RunError."""
    if not directory.has(LIST):
        return []
    try:
        data = parse_with_checksum(directory.read(LIST, MAX_LIST_BYTES))
        return validated_as(list[Checkpoint], data.get("checkpoints"))
    except ValueError as problem:
        raise RunError(f"{directory.path / LIST} is damaged: {problem}") from problem


def read_file(directory: RunDirectory, name: str) -> bytes:
    """A file of a checkpoint, compared with its checksum. Raises RunError."""
    data = directory.read(name)
    checkpoints = read_list(directory)
    if not checkpoints:
        raise RunError(f"{directory.path / LIST} is missing, so {name} cannot be verified")
    checksums = {checkpoint.sha256.get(name) for checkpoint in checkpoints}
    if hashlib.sha256(data).hexdigest() not in checksums:
        raise RunError(
            f"{directory.path / name} is damaged: its SHA-256 is not the one that was recorded when it was written"
        )
    return data


def verify(directory: RunDirectory) -> Checkpoint | None:
    """Verifies all files of the checkpoint in a directory; None without a list.

    Raises RunError for the first file that is damaged.
    """
    if not read_list(directory):
        return None
    read_file(directory, STATE)
    checkpoint = _current(directory)
    for name in checkpoint.sha256 if checkpoint else ():
        read_file(directory, name)
    return checkpoint


def intact(directory: RunDirectory | None) -> Checkpoint | None:
    """The checkpoint in a directory; None if there is none or one of its files is damaged."""
    with suppress(RunError):
        return verify(directory) if directory else None
    return None


def _current(directory: RunDirectory) -> Checkpoint | None:
    """The checkpoint that `state.pt` belongs to. Raises RunError."""
    if not directory.has(STATE):
        return None
    sha256 = directory.sha256(STATE)
    return next((checkpoint for checkpoint in read_list(directory) if checkpoint.sha256.get(STATE) == sha256), None)


def restore_previous(directory: RunDirectory) -> None:
    """Replaces the newest checkpoint by the one in `previous/`. Raises RunError."""
    previous = directory.child(PREVIOUS)
    checkpoint = intact(previous)
    if previous is None or checkpoint is None:
        raise RunError(f"{directory.path / PREVIOUS} has no checkpoint")
    with directory.parts({name: previous.read(name) for name in checkpoint.sha256}) as parts:
        _write_list(directory, checkpoint)
        _rename(directory, parts)


def write(directory: RunDirectory, epoch: int, step: int, files: Mapping[str, bytes]) -> None:
    """Writes a checkpoint; a file that is not in `files` is the one of the checkpoint before. Raises RunError."""
    before = None
    # A damaged checkpoint is not preserved.
    with suppress(RunError):
        before = _current(directory)
    files = {**files, **_overwritten(directory, before, files)}
    sha256 = before.sha256 if before else {}
    sha256 = sha256 | {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    with directory.parts(files) as parts:
        for name, part in parts.items():
            if directory.sha256(part) != sha256[name]:
                raise RunError(f"{directory.path / name} was not stored as it was written; the disk may be failing")
        if before:
            _preserve(directory, before, files)
        checkpoint = Checkpoint(epoch=epoch, step=step, sha256=sha256)
        # Both are listed only while files are renamed: later, a file of the one before is not accepted.
        _write_list(directory, checkpoint, before)
        _rename(directory, parts)
        _write_list(directory, checkpoint)


def _rename(directory: RunDirectory, parts: Mapping[str, str]) -> None:
    """Gives files their names in alphabetical order, so `state.pt` comes last."""
    for name in sorted(parts):
        directory.put(parts[name], name)


def _overwritten(directory: RunDirectory, before: Checkpoint | None, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files of a checkpoint that were replaced by those of one that was never completed, from `previous/`."""
    previous = directory.child(PREVIOUS)
    if before is None or previous is None:
        return {}
    changed = {
        name: sha256
        for name, sha256 in before.sha256.items()
        if name not in files and not _matches(directory, name, sha256)
    }
    return {name: previous.read(name) for name, sha256 in changed.items() if _matches(previous, name, sha256)}


def _preserve(directory: RunDirectory, before: Checkpoint, files: Mapping[str, bytes]) -> None:
    """Copies a checkpoint that is about to be replaced into `previous/`, unless one of its files is damaged."""
    previous = directory.make(PREVIOUS)
    missing = {name: sha256 for name, sha256 in before.sha256.items() if not _matches(previous, name, sha256)}
    if not all(_matches(directory, name, sha256) for name, sha256 in missing.items()):
        return
    _write_list(previous, before, intact(previous))
    for name in sorted(missing):
        if name in files:
            directory.link_or_copy(name, previous)
        else:
            # A hard link would let one damaged block affect both checkpoints.
            previous.write(name, directory.read(name))


def _matches(directory: RunDirectory, name: str, sha256: str) -> bool:
    with suppress(RunError):
        return directory.has(name) and directory.sha256(name) == sha256
    return False


def _write_list(directory: RunDirectory, *checkpoints: Checkpoint | None) -> None:
    data = [checkpoint.model_dump() for checkpoint in checkpoints if checkpoint]
    directory.write(LIST, dump_with_checksum({"checkpoints": data}))
