"""The parts of the site, from npm's registry and the package index that the user has configured, and a cache."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from advconv.report.playground.parts import PARTS, PLATFORMS, PYTHON, Part
from advconv.system.files import FileError, reason, write

MAX_SECONDS = 600
"""Of one download; a registry that does not answer is given up."""


class BuildError(Exception):
    """The site cannot be built; the text is one line."""


def default_cache() -> Path:
    """`~/.cache/advconv`, or in the directory that the system names for caches."""
    named = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return Path(named) / "advconv" if named else Path(os.path.expanduser("~"), ".cache", "advconv")


def parts(cache: Path) -> dict[Part, bytes]:
    """The content of each part; what the cache lacks is downloaded into it. Raises BuildError, FileError."""
    found = {part: data for part in PARTS if (data := _cached(cache / part.file, part))}
    missing = [part for part in PARTS if part not in found]
    for is_wheel, download in ((False, _with_npm), (True, _with_pip)):
        wanted = [part for part in missing if part.is_wheel is is_wheel]
        if wanted:
            found |= _downloaded(wanted, download, cache)
    return {part: found[part] for part in PARTS}


def _cached(path: Path, part: Part) -> bytes | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise FileError(f"{path} cannot be read: {reason(problem)}") from problem
    return verified(part, data, str(path))


def verified(part: Part, data: bytes, name: str) -> bytes:
    """The data, if it is what advconv was tested with."""
    found = hashlib.sha256(data).hexdigest()
    if found != part.sha256:
        raise BuildError(f"{name} has the SHA-256 {found[:16]}..., and advconv was tested with {part.sha256[:16]}...")
    return data


def _downloaded(
    wanted: Iterable[Part], download: Callable[[Iterable[Part], Path], None], cache: Path
) -> Mapping[Part, bytes]:
    found = {}
    with TemporaryDirectory(prefix="advconv-") as folder:
        download(wanted, Path(folder))
        for part in wanted:
            path = Path(folder, part.file)
            if not path.is_file():
                raise BuildError(f"{part.file} was not downloaded: the registry has no such file of {part.name}")
            found[part] = verified(part, path.read_bytes(), part.file)
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise FileError(f"{cache} cannot be created: {reason(problem)}") from problem
    for part, data in found.items():
        write(cache / part.file, data)
    return found


def _with_npm(wanted: Iterable[Part], folder: Path) -> None:
    names = [f"{part.name}@{part.version}" for part in wanted]
    run([program("npm"), "pack", "--loglevel", "error", "--ignore-scripts", *names], folder)


def _with_pip(wanted: Iterable[Part], folder: Path) -> None:
    names = [f"{part.name}=={part.version}" for part in wanted]
    abi = f"cp{PYTHON.replace('.', '')}"
    target = ["--python-version", PYTHON, "--implementation", "cp", "--abi", abi]
    target += [word for platform in PLATFORMS for word in ("--platform", platform)]
    only = ["--no-deps", "--only-binary", ":all:"]
    run([*_pip(), "download", "--quiet", *only, *target, "--dest", ".", *names], folder)


def _pip() -> list[str]:
    """The command of pip: of this environment, else of the path, else run by uv."""
    from importlib.util import find_spec

    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if pip := shutil.which("pip") or shutil.which("pip3"):
        return [pip]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    raise BuildError("the playground needs pip, which downloads its wheels; install pip, or name a --cache with them")


def program(name: str) -> str:
    """The path of npm or node."""
    found = shutil.which(name)
    if not found:
        raise BuildError(f"the playground needs {name}; install Node.js, which brings node and npm")
    return found


def run(command: list[str], folder: Path) -> None:
    """Runs a command in a directory. Its failure is one line of what it printed."""
    name = "pip" if "pip" in command else Path(command[0]).stem
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=MAX_SECONDS, check=False)
    except OSError as problem:
        raise BuildError(f"{name} cannot be run: {reason(problem)}") from problem
    except subprocess.TimeoutExpired as problem:
        raise BuildError(f"{name} did not end within {MAX_SECONDS} s") from problem
    if done.returncode:
        raise BuildError(f"{name} failed: {_error(name, done.stderr.decode(errors='replace'))}")


def _error(name: str, text: str) -> str:
    """The line that says most: npm begins with a code and the reason, the others end with it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(npm )?\w*error", line, re.IGNORECASE)] or lines or ["no message"]
    return "; ".join(errors[:2] if name == "npm" else errors[-1:])[:300]
