"""The files that `advconv new` writes: a network to start from, and its schema for editors."""

import re
from pathlib import Path

from advconv.system.files import FileError, reason, write
from advconv.system.shipped import shipped

DEFAULT = "small"
TEMPLATES = (DEFAULT, "assignment", "dilated", "residual", "mobile")

SCHEMA_FILE = "advconv.schema.json"
MODELINE = f"# yaml-language-server: $schema={SCHEMA_FILE}\n"
"""The schema is next to the file: the path works offline, on every machine, and after the folder is moved."""


def starter(template: str, name: str) -> str:
    """A shipped starter as a file of this name; in quotes, since the name may be a number."""
    text = shipped(f"language/templates/{template}.yaml").read_text(encoding="utf-8")
    return MODELINE + re.sub(r"^name: .*$", f'name: "{name}"', text, count=1, flags=re.MULTILINE)


def update_schema(folder: Path) -> bool:
    """Writes the schema into a folder without one, or with an older one of ours. False if the file is not ours.

    Raises FileError.
    """
    from advconv.language.json_schema import TITLE_OF_SCHEMA, schema_text

    path = folder / SCHEMA_FILE
    try:
        if path.exists() and f'"title": "{TITLE_OF_SCHEMA}"' not in path.read_text(encoding="utf-8", errors="replace"):
            return False
    except OSError as problem:
        raise FileError(f"{path} cannot be read: {reason(problem)}") from problem
    write(path, schema_text())
    return True
