"""Checkpoints of a run: written whole, proven, and listed with the SHA-256 of each file.

The files of the newest checkpoint lie in the run's directory, those of the one before it in `previous/`. In each of the
two, `checkpoints.json` lists the checkpoints that the files may belong to. A checkpoint is written in four steps:

1. its files under hidden names, read back and compared with what was written;
2. the files of the checkpoint before it, where they are whole, into `previous/`;
3. the list, with both of them;
4. the files in their places, `state.pt` last: its rename decides which checkpoint a run goes on from.

So whenever a process ends, each file in either directory is whole and one that the list knows.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress

from pydantic import BaseModel, ConfigDict

from advconv.training.files import RunDirectory, RunError
from advconv.training.saved import Natural, Sha256, held_to, sealed, unsealed

BEST, LAST, STATE = "best.safetensors", "last.safetensors", "state.pt"
LIST, PREVIOUS = "checkpoints.json", "previous"

MOST = 2**20
"""Bytes of a list of checkpoints that is read."""


class Checkpoint(BaseModel):
    """So many steps of a training, the epochs that were finished by then, and the checksums of its files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epoch: Natural
    step: Natural
    sha256: dict[str, Sha256]

    def __str__(self) -> str:
        return f"step {self.step}, {f'after epoch {self.epoch}' if self.epoch else 'in epoch 1'}"


def listed(directory: RunDirectory) -> list[Checkpoint]:
    """The checkpoints that the files of a directory may belong to; none where there is no list. Raises RunError."""
    if not directory.has(LIST):
        return []
    try:
        data, is_sealed = unsealed(directory.read(LIST, MOST))
        if not is_sealed:
            raise ValueError("it has no SHA-256 of itself")
        return held_to(list[Checkpoint], data.get("checkpoints"))
    except ValueError as problem:
        raise RunError(f"{directory.path / LIST} is damaged: {problem}") from problem


def read(directory: RunDirectory, name: str) -> bytes:
    """A file of a checkpoint, held to its checksum where there is a list. Raises RunError."""
    checkpoints, data = listed(directory), directory.read(name)
    known = {checkpoint.sha256.get(name) for checkpoint in checkpoints}
    if checkpoints and hashlib.sha256(data).hexdigest() not in known:
        raise RunError(
            f"{directory.path / name} is damaged: its SHA-256 is not the one that was recorded when it was written"
        )
    return data


def verify(directory: RunDirectory) -> Checkpoint | None:
    """The checkpoint in a directory, whose files are those that the list knows; None where there is no list.

    Raises RunError for the first file that is damaged.
    """
    if not listed(directory):
        return None
    read(directory, STATE)
    checkpoint = _of_state(directory)
    for name in checkpoint.sha256 if checkpoint else ():
        read(directory, name)
    return checkpoint


def whole(directory: RunDirectory | None) -> Checkpoint | None:
    """The checkpoint in a directory; None where there is none, or where a file is damaged."""
    with suppress(RunError):
        return verify(directory) if directory else None
    return None


def _of_state(directory: RunDirectory) -> Checkpoint | None:
    """The checkpoint that `state.pt` belongs to. Raises RunError."""
    if not directory.has(STATE):
        return None
    found = directory.sha256(STATE)
    return next((checkpoint for checkpoint in listed(directory) if checkpoint.sha256.get(STATE) == found), None)


def adopt(directory: RunDirectory, epoch: int, step: int) -> None:
    """Lists the checkpoint of a run that has no list, which earlier versions did not write. Raises RunError."""
    if not directory.has(LIST) and directory.has(STATE):
        sums = {name: directory.sha256(name) for name in (BEST, LAST, STATE) if directory.has(name)}
        _list(directory, Checkpoint(epoch=epoch, step=step, sha256=sums))


def reinstate(directory: RunDirectory) -> None:
    """Puts the checkpoint in `previous/` in the place of the newest one. Raises RunError."""
    previous = directory.child(PREVIOUS)
    checkpoint = whole(previous)
    if previous is None or checkpoint is None:
        raise RunError(f"{directory.path / PREVIOUS} has no checkpoint")
    with directory.parts({name: previous.read(name) for name in checkpoint.sha256}) as parts:
        _list(directory, checkpoint)
        _put_in_place(directory, parts)


def put(directory: RunDirectory, epoch: int, step: int, files: Mapping[str, bytes]) -> None:
    """Writes a checkpoint; a file that it does not bring is that of the checkpoint before it. Raises RunError."""
    before = None
    # A damaged one is not kept.
    with suppress(RunError):
        before = _of_state(directory)
    files = {**files, **_strayed(directory, before, files)}
    sums = (before.sha256 if before else {}) | {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    with directory.parts(files) as parts:
        for name, part in parts.items():
            if directory.sha256(part) != sums[name]:
                raise RunError(f"{directory.path / name} was not stored as it was written; the disk may be failing")
        if before:
            _keep(directory, before, files)
        _list(directory, Checkpoint(epoch=epoch, step=step, sha256=sums), before)
        _put_in_place(directory, parts)


def _put_in_place(directory: RunDirectory, parts: Mapping[str, str]) -> None:
    """`state.pt` comes last."""
    for name in sorted(parts):
        directory.put(parts[name], name)


def _strayed(directory: RunDirectory, before: Checkpoint | None, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files that belong to a checkpoint and have been replaced by those of one that never was complete."""
    previous = directory.child(PREVIOUS)
    if before is None or previous is None:
        return {}
    strayed = {name: sum for name, sum in before.sha256.items() if name not in files and not _is(directory, name, sum)}
    return {name: previous.read(name) for name, sum in strayed.items() if _is(previous, name, sum)}


def _keep(directory: RunDirectory, before: Checkpoint, files: Mapping[str, bytes]) -> None:
    """Puts a checkpoint that is about to be replaced into `previous/`, unless one of its files is damaged."""
    previous = directory.make(PREVIOUS)
    missing = {name: sum for name, sum in before.sha256.items() if not _is(previous, name, sum)}
    if not all(_is(directory, name, sum) for name, sum in missing.items()):
        return
    _list(previous, before, whole(previous))
    for name in sorted(missing):
        if name in files:
            directory.share(name, previous)
        else:
            # One file under two names would be damaged in both places.
            previous.write(name, directory.read(name))


def _is(directory: RunDirectory, name: str, sum: str) -> bool:
    with suppress(RunError):
        return directory.has(name) and directory.sha256(name) == sum
    return False


def _list(directory: RunDirectory, *checkpoints: Checkpoint | None) -> None:
    data = [checkpoint.model_dump() for checkpoint in checkpoints if checkpoint]
    directory.write(LIST, sealed({"checkpoints": data}))
