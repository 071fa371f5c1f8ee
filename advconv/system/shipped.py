"""Files that come with the package: inside an installed package, beside it in a clone."""

import os
from pathlib import Path

PACKAGE = Path(__file__).parent.parent

ARCHS = "archs"
"""The directory of architectures, in a clone and in an installed package."""


def shipped(path: str) -> Path:
    """The path of a shipped file such as `archs/c1c2c3c4.yaml` or `docs/language.md`."""
    inside = PACKAGE / path
    return inside if inside.exists() else PACKAGE.parent / path


def shipped_arch(path: str) -> str:
    """The path, or, if it begins with `archs/` and is not there, that of the shipped file, if there is one."""
    parts = Path(path).parts
    if parts[:1] != (ARCHS,) or ".." in parts or os.path.exists(path):
        return path
    found = shipped(path)
    return str(found) if found.is_file() else path
