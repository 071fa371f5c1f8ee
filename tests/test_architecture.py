"""The order of imports, what stays out of the measuring side, and facts of torch that we repeat."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from torch import nn

from advconv.names import MODULE_ATTRIBUTES

ORDER = [
    "geometry", "diagnostics", "source", "repair", "lookalikes", "parse_failure", "indentation", "syntax", "reader",
    "synonyms", "names", "units", "visible", "python_source", "extras", "console", "interrupts", "process", "files",
    "shipped", "layers", "graph", "analysis", "blocks", "limits",
    "transforms", "augment", "data_sets", "recipe", "explain", "spec", "dump", "overrides", "resolve", "schema",
    "manual", "elaborate", "constraints", "check", "reference", "field_pages", "topics", "backends", "report", "net",
    "starter", "training", "completion", "commands", "check_command", "train_command", "run_commands", "cli",
    "__main__", "__init__",
]  # fmt: skip
MODULES = sorted(Path("advconv").rglob("*.py"))


def part(path: Path) -> str:
    """The part of the package that a module belongs to."""
    return path.parts[1].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The modules of the package that a file imports, anywhere in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    found |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return {name for name in found if name.split(".")[0] == "advconv"}


def test_every_part_has_a_place_in_the_order() -> None:
    assert {part(path) for path in MODULES} == set(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_imports_only_from_below(path: Path) -> None:
    for name in imported(path):
        assert name != "advconv", "import from the module that defines the name"
        assert ORDER.index(name.split(".")[1]) <= ORDER.index(part(path)), f"{path} imports {name}"


@pytest.mark.parametrize("command", ["check archs/c1c2c3c4.yaml", "rf-table", "summary archs/c1c2c3c4.yaml"])
def test_the_measuring_side_answers_without_torch(command: str) -> None:
    heavy = {"torch", "numpy", "albumentations", "torchvision", "torchinfo", "argcomplete", "rich"}
    program = (
        "import sys\nfrom advconv.cli import main\n"
        f"try: main({command.split()!r})\nexcept SystemExit as exit: assert exit.code == 0\n"
        f"assert not {heavy!r} & set(sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def test_names_of_torchs_modules_are_those_of_this_torch() -> None:
    assert {name for name in dir(nn.Sequential()) if not name.startswith("_")} <= MODULE_ATTRIBUTES
