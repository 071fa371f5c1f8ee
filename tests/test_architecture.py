"""The order of imports, what stays out of the measuring side, and facts of torch that we repeat."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from torch import nn

from advconv.values.names import MODULE_ATTRIBUTES


def listed() -> list[str]:
    """Every module in the order of ARCHITECTURE.md: room by room, modules of each, `__init__` last unless listed."""
    text = Path("ARCHITECTURE.md").read_text(encoding="utf-8")
    table = text[text.index("## Modules") : text.index("## Training")]
    modules = []
    for room, inside in re.findall(r"^\| `([\w.]+)` \| (.*?) \|", table, re.MULTILINE):
        names = [f"advconv.{room}.{name}".removesuffix(".__init__") for name in re.findall(r"`(\w+)`", inside)]
        modules += names if f"advconv.{room}" in names else [*names, f"advconv.{room}"]
    return [*modules, "advconv.__main__", "advconv"]


def name_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


ORDER = {name: place for place, name in enumerate(listed())}
MODULES = {name_of(path): path for path in sorted(Path("advconv").rglob("*.py"))}


def imported(path: Path) -> set[str]:
    """The modules of the package that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & set(MODULES) - {f"advconv.{room}" for room in EMPTY}


EMPTY = {
    ".".join(path.parent.parts[1:])
    for path in Path("advconv").rglob("*/__init__.py")
    if path.read_text(encoding="utf-8").count("\n") == 1
}
"""Rooms whose `__init__` says what they hold and nothing else."""


def test_every_module_has_one_place_in_the_order() -> None:
    assert len(ORDER) == len(listed())
    assert set(ORDER) == set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_is_listed_before_it(module: str) -> None:
    found = imported(MODULES[module])

    assert "advconv" not in found, "import from the module that defines the name"
    assert [name for name in found - {module} if ORDER[name] >= ORDER[module]] == []


def test_the_package_has_at_most_22_entries() -> None:
    entries = [path.name for path in Path("advconv").iterdir() if path.name != "__pycache__"]

    assert len(entries) <= 22, sorted(entries)


@pytest.mark.parametrize(
    "command",
    [
        "check archs/c1c2c3c4.yaml",
        "rf-table",
        "summary archs/c1c2c3c4.yaml",
        "report archs/c1c2c3c4.yaml -o /dev/null",
        "suggest archs/c1c2c3c4.yaml --goal params<190k --most 1",
        "fit archs/c1c2c3c4.yaml --budget params<100k",
    ],
)
def test_the_measuring_side_answers_without_torch(command: str) -> None:
    heavy = {"torch", "numpy", "albumentations", "torchvision", "torchinfo", "argcomplete", "rich"}
    program = (
        "import sys\nfrom advconv.cli.main import main\n"
        f"try: main({command.split()!r})\nexcept SystemExit as exit: assert exit.code == 0\n"
        f"assert not {heavy!r} & set(sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def test_names_of_torchs_modules_are_those_of_this_torch() -> None:
    assert {name for name in dir(nn.Sequential()) if not name.startswith("_")} <= MODULE_ATTRIBUTES
