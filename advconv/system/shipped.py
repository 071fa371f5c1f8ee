"""Files that come with the package: inside an installed package, beside it in a clone."""

from pathlib import Path

PACKAGE = Path(__file__).parent.parent


def shipped(path: str) -> Path:
    """The path of a shipped file such as `archs/c1c2c3c4.yaml` or `docs/language.md`."""
    inside = PACKAGE / path
    return inside if inside.exists() else PACKAGE.parent / path
