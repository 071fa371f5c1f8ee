"""The files of the site: the page and its scripts, the editor, Python, advconv, and the files to start from."""

import json
import re
from pathlib import Path

from advconv.language.starters import TEMPLATES, starter
from advconv.report.page.document import asset_hashes, palette
from advconv.report.playground.archives import licences, modules, python_files, unpacked
from advconv.report.playground.compiled import CORE, compiled
from advconv.report.playground.download import parts
from advconv.report.playground.parts import EDITOR, PYODIDE, WHEELS
from advconv.system.shipped import PACKAGE, shipped

MAX_BYTES = 20_000_000
"""Of the whole site, which a test holds."""

WEB = ("checker.js", "editor.js", "link.js", "pages.js", "playground.js", "worker.js")

MODELINE = re.compile(r"^# yaml-language-server: .*\n", re.MULTILINE)
"""Where an editor finds the schema beside the file."""

LEFT_OUT = ("archs", "cli", "docs", "manual", "net.py", "training", "__main__.py")
"""Entries of the package that no check needs."""


def site(cache: Path) -> dict[str, bytes]:
    """The content of each file by its path. Raises BuildError, FileError."""
    packages = {part: unpacked(part, data) for part, data in parts(cache).items()}
    pyodide = packages[PYODIDE]
    wheels = [packages[part] for part in WHEELS]
    python = {name: data for wheel in wheels for name, data in python_files(wheel).items()} | own_files()
    library, own = compiled(pyodide, python)
    files = {"index.html": _index(), "playground.css": _style(), "starts.json": _starts()}
    files |= {name: _web(name) for name in WEB}
    files |= {f"editor/{name}": data for name, data in modules({part: packages[part] for part in EDITOR}).items()}
    files |= {f"pyodide/{name}": pyodide[name] for name in CORE}
    files |= {"python.zip": library, "packages.zip": own, "licenses.txt": licences(packages).encode()}
    return files


def own_files() -> dict[str, bytes]:
    """Advconv as the worker imports it."""
    found = {}
    for path in sorted(PACKAGE.rglob("*")):
        name = path.relative_to(PACKAGE)
        is_needed = path.suffix in (".py", ".css", ".js") and "web" not in name.parts
        if is_needed and name.parts[0] not in LEFT_OUT:
            found[f"advconv/{name.as_posix()}"] = path.read_bytes()
    return found


def _index() -> bytes:
    """The page, whose policy is also that of the worker and, beside its own, of each report."""
    style, script = asset_hashes()
    sources = {
        "default-src": "'none'",
        "script-src": f"'self' 'wasm-unsafe-eval' '{script}'",
        "style-src": f"'self' '{style}'",
        "connect-src": "'self'",
        "worker-src": "'self' blob:",
        "frame-src": "blob:",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    policy = "; ".join(f"{name} {allowed}" for name, allowed in sources.items())
    return _web("index.html").replace(b"{policy}", policy.encode())


def _web(name: str) -> bytes:
    return shipped(f"report/playground/web/{name}").read_bytes()


def _style() -> bytes:
    return palette().encode() + _web("playground.css")


def _starts() -> bytes:
    """The files to start from, in groups; the first is the one that is opened."""
    groups = {
        "Starters": {name: MODELINE.sub("", starter(name, name)) for name in sorted(TEMPLATES)},
        "Architectures": _files("archs"),
        "Frontier": _files("archs/frontier"),
        "Zoo": _files("archs/zoo"),
    }
    listed = [{"title": title, "files": files} for title, files in groups.items()]
    return json.dumps(listed, ensure_ascii=False).encode()


def _files(folder: str) -> dict[str, str]:
    return {
        path.stem: MODELINE.sub("", path.read_text(encoding="utf-8")) for path in sorted(shipped(folder).glob("*.yaml"))
    }
