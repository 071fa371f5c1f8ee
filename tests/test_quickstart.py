"""docs/quickstart.ipynb, executed as a reader does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.test_docs import blocks

NOTEBOOK = Path("docs/quickstart.ipynb")

MAX_BYTES = 40_000

VARIES = "varies"
"""The tag of cells whose output differs from machine to machine, or is an image; it is not stored."""

EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=600, record_timing=False).execute()
nbformat.write(notebook, sys.argv[2])
"""


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def executed(directory: Path) -> Any:
    """The notebook with its outputs, after a run in an empty directory with this Python."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(Path.cwd()), "IPYTHONDIR": str(directory / "ipython")}
    program = [sys.executable, "-W", "ignore", "-c", EXECUTE, str(NOTEBOOK.resolve()), "out.ipynb"]
    done = subprocess.run(program, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return read(directory / "out.ipynb")


def stored(notebook: Any) -> Any:
    """What is kept of an executed notebook: the outputs that are the same everywhere."""
    for cell in notebook["cells"]:
        if VARIES in cell["metadata"].get("tags", ()):
            cell["outputs"] = []
    return notebook


@pytest.mark.slow
def test_the_notebook_runs_and_its_stored_outputs_are_current(tmp_path: Path, update: bool) -> None:
    pytest.importorskip("nbclient", reason="nbclient is not installed")
    found = executed(tmp_path)
    by_source = {"".join(cell["source"]): cell for cell in found["cells"]}
    (training,) = [cell for source, cell in by_source.items() if "advconv.train(" in source]
    (curves,) = [cell for source, cell in by_source.items() if "curves.png" in source]

    assert "TrainingResult(path=" in "".join(training["outputs"][-1]["data"]["text/plain"])
    assert "image/png" in curves["outputs"][-1]["data"]
    assert (tmp_path / "report.html").stat().st_size > 10_000
    if update:
        NOTEBOOK.write_text(json.dumps(stored(found), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert read(NOTEBOOK)["cells"] == stored(found)["cells"]


def test_the_notebook_is_small_and_stores_no_output_that_varies() -> None:
    notebook = read(NOTEBOOK)

    assert NOTEBOOK.stat().st_size < MAX_BYTES
    assert blocks(Path("README.md"), "yaml")[0] in "".join(notebook["cells"][2]["source"])
    assert stored(read(NOTEBOOK)) == notebook
    assert any(cell.get("outputs") for cell in notebook["cells"])
