"""The files that commands name: read and checked, or reported as unreadable."""

import sys
from pathlib import Path

from advconv.check import Checked, check_bytes
from advconv.geometry import Shape
from advconv.system.console import FAILED, OK, USAGE, print_error
from advconv.system.files import FileError, write
from advconv.system.shipped import shipped_arch
from advconv.text.document import MAX_BYTES, decode
from advconv.text.source import Source


def checked_file(path: str, size: Shape | None) -> Checked | None:
    """The check of a file; if it cannot be read, None after an error message."""
    data = content(path)
    return None if data is None else check_bytes(shown_name(path), data, size)


def replace_text(path: str, source: Source, text: str) -> int:
    """Writes a text into a file, which must not have changed meanwhile; returns the exit code."""
    found = shipped_arch(path)
    if found != path:
        print_error(f"{path} is shipped with advconv, as {found}, and is left as it is; copy it to change it")
        return FAILED
    data = content(path)
    if data is None or decode(source.name, data)[0].text != source.text:
        print_error(f"{path} has changed meanwhile and is left as it is")
        return FAILED
    try:
        write(Path(path), (BOM if data.startswith(BOM) else b"") + text.encode())
    except FileError as problem:
        print_error(str(problem))
        return USAGE
    return OK


BOM = b"\xef\xbb\xbf"


def shown_name(path: str) -> str:
    return "<stdin>" if path == "-" else shipped_arch(path)


def content(path: str) -> bytes | None:
    """The content of a file; if it cannot be read, None after an error message."""
    try:
        return _read(path)
    except (OSError, ValueError) as problem:
        print_error(f"{path}: {getattr(problem, 'strerror', None) or problem}")
        return None


def _read(path: str) -> bytes:
    """At most one byte more than an architecture file may have; `archs/NAME` may be a shipped file."""
    if path != "-":
        with open(shipped_arch(path), "rb") as file:
            return file.read(MAX_BYTES + 1)
    if sys.stdin is None:
        raise OSError(0, "standard input is closed", path)
    return sys.stdin.buffer.read(MAX_BYTES + 1)
