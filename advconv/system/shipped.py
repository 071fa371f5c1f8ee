"""Files that come with the package: in an installed one they lie inside it, in a clone around it."""

from pathlib import Path

PACKAGE = Path(__file__).parent.parent


def shipped(path: str) -> Path:
    """Where `archs/c1c2c3c4.yaml` or `docs/language.md` lies."""
    inside = PACKAGE / path
    return inside if inside.exists() else PACKAGE.parent / path
