"""Expected output that lives in files a person can read; `pytest --update` writes it anew, to be reviewed."""

from pathlib import Path

import pytest

SHIPPED = sorted(path for path in Path("archs").rglob("*.yaml") if path.parent.name != "zoo")
"""The architectures with golden files; those of archs/zoo are large, and held to torchvision instead (test_zoo.py)."""

OWN = [path for path in SHIPPED if path.parent.name != "reference"]
"""Those of the project itself, which keep their promises."""


def expect(path: Path, text: str, update: bool) -> None:
    """Holds a text to its golden file."""
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    if not path.is_file():
        pytest.fail(f"{path} does not exist; `pytest --update` writes it")
    assert text + "\n" == path.read_text(encoding="utf-8")
