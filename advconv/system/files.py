"""Atomic writes of files, and directories whose files are read and written without following links."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self
from weakref import finalize


class FileError(Exception):
    """A file that cannot be read or written; the text has its path and the reason."""


def flags(*names: str) -> int:
    """The flags of `os.open` that the system has."""
    return sum(getattr(os, name, 0) for name in names)


OPEN = flags("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
"""Without following a link, and without waiting for the other end of a FIFO."""

CREATE = flags("O_WRONLY", "O_CREAT", "O_EXCL", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY")
ENTER = flags("O_RDONLY", "O_DIRECTORY", "O_CLOEXEC")

# Windows has none of these; there files are opened by path, after a check for links.
HAS_DIR_FD = {os.open, os.stat, os.mkdir, os.unlink, os.rename, os.link} <= os.supports_dir_fd

PREFIX, SUFFIX = ".advconv-", ".part"


def hidden_name() -> str:
    """A random name for a file that is not yet in place; nobody can predict it and put a link there."""
    return f"{PREFIX}{os.urandom(16).hex()}{SUFFIX}"


def reason(problem: Exception) -> str:
    return getattr(problem, "strerror", None) or str(problem) or "there is not enough memory"


class Directory:
    """A directory that is opened once: files are read and written by name in it, even if its path changes later.

    A file that is a link, a FIFO or a device is refused. Methods raise `error`.
    """

    error: type[Exception] = FileError

    def __init__(self, path: Path, within: "Directory | None" = None) -> None:
        """Within another directory a link is refused; a path of the user may be one."""
        self.path, self.file = path, None
        if within and within.is_link(path.name):
            raise self.error(f"{path} is a link, which is not followed")
        if not HAS_DIR_FD:
            return
        extra, name = (OPEN, within._at(path.name)) if within else (0, str(path))
        with self._converted_errors(path, "opened"):
            self.file = os.open(name, ENTER | extra, dir_fd=within.file if within else None)
        finalize(self, os.close, self.file)

    def child(self, name: str) -> Self | None:
        """The subdirectory of this name, or None."""
        return type(self)(self.path / name, self) if self.has(name) else None

    def make(self, name: str) -> Self:
        """The subdirectory of this name, created if necessary."""
        if not self.has(name):
            with self._converted_errors(self.path / name, "made"):
                os.mkdir(self._at(name), dir_fd=self.file)
        return type(self)(self.path / name, self)

    def has(self, name: str) -> bool:
        """Whether there is an entry of this name; a dangling link counts."""
        try:
            self._mode(name)
        except FileNotFoundError:
            return False
        return True

    def is_link(self, name: str) -> bool:
        return self.has(name) and stat.S_ISLNK(self._mode(name))

    def read(self, name: str, max_bytes: int | None = None) -> bytes:
        """The content of a file of at most `max_bytes` bytes."""
        with self._converted_errors(self.path / name, "read"), os.fdopen(self._open(name), "rb") as file:
            if max_bytes is not None and os.fstat(file.fileno()).st_size > max_bytes:
                raise OSError(0, f"it is larger than {max_bytes:,} bytes")
            return file.read()

    def sha256(self, name: str) -> str:
        import hashlib

        with self._converted_errors(self.path / name, "read"), os.fdopen(self._open(name), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @contextmanager
    def opened(self, name: str, access: int = os.O_RDWR) -> Iterator[int]:
        """A file descriptor, by default for reading and writing, as locks need it."""
        with self._converted_errors(self.path / name, "opened"):
            file = self._open(name, access)
        try:
            yield file
        finally:
            os.close(file)

    def is_open(self, file: int, name: str) -> bool:
        """Whether a file descriptor is that of the file which has the name now."""
        with self._converted_errors(self.path / name, "read"):
            now = os.stat(self._at(name), dir_fd=self.file, follow_symlinks=False)
        return os.path.samestat(os.fstat(file), now)

    def write(self, name: str, data: bytes | str, mode: int | None = None) -> None:
        """Replaces a file atomically; if that fails, the older one is unchanged.

        A link of this name is replaced, not followed. The new file's permissions are those of the umask, or `mode`.
        """
        with self._converted_errors(self.path / name, "written"), self.parts({name: data}, mode) as parts:
            self.put(parts[name], name)

    def write_new(self, name: str, data: bytes | str) -> None:
        """Like `write`, but raises an error if the file exists."""
        with self._converted_errors(self.path / name, "written"), self.parts({name: data}) as parts:
            self._link(parts[name], self, name)

    @contextmanager
    def parts(self, files: Mapping[str, bytes | str], mode: int | None = None) -> Iterator[dict[str, str]]:
        """Writes files under hidden names and yields these; those not put in place by the end are removed."""
        made: dict[str, str] = {}
        try:
            for name, data in files.items():
                with self._converted_errors(self.path / name, "written"):
                    made[name] = part = hidden_name()
                    self._create(part, data.encode() if isinstance(data, str) else data, mode)
            yield made
        finally:
            for part in made.values():
                self._remove(part)

    def put(self, part: str, name: str) -> None:
        with self._converted_errors(self.path / name, "written"):
            os.replace(self._at(part), self._at(name), src_dir_fd=self.file, dst_dir_fd=self.file)
        if self.file is not None:
            # Keeps the order of renames after a power failure; not every file system supports it.
            with suppress(OSError):
                os.fsync(self.file)

    def link_or_copy(self, name: str, other: Self) -> None:
        """Adds a file to another directory, as a hard link if the file system has them, else as a copy."""
        part = hidden_name()
        try:
            self._link(name, other, part)
        except OSError:
            other.write(name, self.read(name))
            return
        other.put(part, name)

    def remove_partial_files(self) -> None:
        """Removes files that a killed process left under hidden names."""
        with self._converted_errors(self.path, "read"):
            names = os.listdir(self.path if self.file is None else self.file)
        for name in names:
            if name.startswith(PREFIX) and name.endswith(SUFFIX):
                self._remove(name)

    def _at(self, name: str) -> str:
        return name if self.file is not None else str(self.path / name)

    def _mode(self, name: str) -> int:
        return os.stat(self._at(name), dir_fd=self.file, follow_symlinks=False).st_mode

    def _open(self, name: str, access: int = os.O_RDONLY) -> int:
        mode = self._mode(name)
        if stat.S_ISLNK(mode):
            raise OSError(0, "it is a link, which is not followed")
        if not stat.S_ISREG(mode):
            raise OSError(0, "it is not a regular file")
        return os.open(self._at(name), access | OPEN, dir_fd=self.file)

    def _create(self, name: str, data: bytes, mode: int | None) -> None:
        with os.fdopen(os.open(self._at(name), CREATE, 0o666, dir_fd=self.file), "wb") as file:
            if mode is not None:
                os.chmod(file.fileno() if os.chmod in os.supports_fd else self._at(name), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _link(self, name: str, other: "Directory", new: str) -> None:
        """A hard link to a file; without hard links, a rename within the directory. Raises OSError."""
        try:
            os.link(self._at(name), other._at(new), src_dir_fd=self.file, dst_dir_fd=other.file)
        except FileExistsError:
            raise
        except OSError:
            if other is not self or self.has(new):
                raise
            os.rename(self._at(name), self._at(new), src_dir_fd=self.file, dst_dir_fd=self.file)

    def _remove(self, name: str) -> None:
        with suppress(OSError):
            os.unlink(self._at(name), dir_fd=self.file)

    @contextmanager
    def _converted_errors(self, path: Path, verb: str) -> Iterator[None]:
        try:
            yield
        except (OSError, MemoryError, ValueError) as problem:
            raise self.error(f"{path} cannot be {verb}: {reason(problem)}") from problem


def write(path: Path, data: bytes | str) -> None:
    """Writes a file that a user has named, atomically. Raises FileError.

    As with `cp`, a link is followed and kept, the permissions of an older file are kept, and a read-only file is
    refused. What is not a regular file (/dev/stdout, a pipe) is written directly.
    """
    data = data.encode() if isinstance(data, str) else data
    try:
        mode = os.stat(path).st_mode if path.exists() else None
        if mode is not None and (not stat.S_ISREG(mode) or path.is_relative_to("/dev")):
            path.write_bytes(data)
            return
        if mode is not None and not os.access(path, os.W_OK):
            raise PermissionError(13, os.strerror(13))
    except (OSError, ValueError) as problem:
        raise FileError(f"{path} cannot be written: {reason(problem)}") from problem
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    Directory(target.parent).write(target.name, data, mode and stat.S_IMODE(mode))


def write_new(path: Path, data: bytes | str) -> None:
    """Writes a new file atomically; an existing one is refused. Raises FileError."""
    Directory(path.parent).write_new(path.name, data)
