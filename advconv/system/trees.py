"""A directory of files that is written whole or not at all, and replaced only if nobody else wrote into it."""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from advconv.system.files import FileError, hidden_name, reason


def tree_problem(path: Path, marker: str) -> str:
    """Why a tree cannot be written there; empty if it can.

    `marker`: the name of the file in which `write_tree` lists what it has written.
    """
    target = Path(os.path.realpath(path))
    try:
        if not os.path.lexists(target):
            return "" if target.parent.is_dir() else f"{path} cannot be created: {target.parent} is not a directory"
        if not target.is_dir():
            return f"{path} is not a directory"
        if target.samefile(os.getcwd()):
            return f"{path} is the working directory, which cannot be replaced; name another one"
        listed = _listed(target, marker)
        other = sorted(name for name in _names(target) if name not in listed)
    except (OSError, ValueError) as problem:
        return f"{path} cannot be read: {reason(problem)}"
    return f"{path} has {other[0]}, which advconv did not write; name an empty or a new directory" if other else ""


def _listed(target: Path, marker: str) -> set[str]:
    """The files that were written by `write_tree`."""
    path = target / marker
    if not path.is_file():
        return set()
    with suppress(ValueError, TypeError, KeyError):
        return {marker, *json.loads(path.read_bytes())["files"]}
    return set()


def _names(target: Path) -> list[str]:
    """The files in a directory and below; of a directory without files its own name."""
    found = []
    for folder, folders, files in os.walk(target, onerror=_raise):
        place = Path(folder).relative_to(target)
        found += [(place / name).as_posix() for name in files]
        found += [(place / name).as_posix() for name in folders if Path(folder, name).is_symlink()]
        if not (files or folders) and place != Path():
            found.append(place.as_posix())
    return found


def _raise(problem: OSError) -> None:
    raise problem


def write_tree(path: Path, files: Mapping[str, bytes], marker: str) -> None:
    """Writes files by their paths into a directory that has none but those of an older tree. Raises FileError."""
    if problem := tree_problem(path, marker):
        raise FileError(problem)
    target = Path(os.path.realpath(path))
    new, old = (target.parent / hidden_name() for _ in range(2))
    listing = json.dumps({"files": sorted(files)}, indent=1).encode()
    try:
        for name, data in {**files, marker: listing}.items():
            file = new / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        _put(new, target, old)
    except (OSError, ValueError) as error:
        raise FileError(f"{path} cannot be written: {reason(error)}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _put(new: Path, target: Path, old: Path) -> None:
    """Renames; the older tree is put back if the newer one cannot take its place."""
    if not target.exists():
        os.rename(new, target)
        return
    os.rename(target, old)
    try:
        os.rename(new, target)
    except BaseException:
        os.rename(old, target)
        raise
