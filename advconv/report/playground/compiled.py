"""Python's modules as bytecode of Pyodide's Python, which Pyodide itself compiles in Node.js."""

import re
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from advconv.report.playground.archives import zipped
from advconv.report.playground.download import program, run
from advconv.system.shipped import shipped

CORE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm")
LIBRARY = "python_stdlib.zip"

UNUSED = re.compile(
    r"(_pyrepl|bdb|cProfile|ctypes|doctest|ensurepip|ftplib|http/cookiejar|http/server|imaplib|mailbox|multiprocessing"
    r"|optparse|pdb|pickletools|plistlib|poplib|profile|pstats|pydoc|pydoc_data|smtplib|sqlite3|statistics|tarfile"
    r"|tomllib|trace|unittest|venv|wave|webbrowser|wsgiref|xml|xmlrpc|zipapp)(/|\.py$)"
)
"""Of the standard library: what neither advconv nor Pyodide nor pydantic imports, a third of its size."""


def compiled(pyodide: Mapping[str, bytes], packages: Mapping[str, bytes]) -> tuple[bytes, bytes]:
    """The standard library and the packages as zips of bytecode: a browser would need seconds to compile them.

    Raises BuildError.
    """
    with zipfile.ZipFile(BytesIO(pyodide[LIBRARY])) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and not UNUSED.match(name)]
        library = {name: archive.read(name) for name in names}
    with TemporaryDirectory(prefix="advconv-") as name:
        folder = Path(name)
        for file in (*CORE, LIBRARY, "pyodide-lock.json", "package.json"):
            folder.joinpath(file).write_bytes(pyodide[file])
        zips = {"library": library, "packages": packages}
        for file, content in zips.items():
            folder.joinpath(f"{file}.zip").write_bytes(zipped(content))
        script = shipped("report/playground/compile.mjs").read_bytes()
        folder.joinpath("compile.mjs").write_bytes(script)
        run([program("node"), "compile.mjs", *(f"{file}.zip" for file in zips)], folder)
        return folder.joinpath("library.zip").read_bytes(), folder.joinpath("packages.zip").read_bytes()
