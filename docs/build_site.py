"""The site: the documents as they are in the repository, with the README as its first page.

`python docs/build_site.py` puts the pages and the playground into build/docs/, and zensical the site into build/site/;
zensical.toml says how. A link to a page or an anchor that does not exist ends it with exit code 1. The playground needs
npm and pip; with `--without-playground` a page says that it was left out.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).parents[1]
PAGES, SITE = ROOT / "build" / "docs", ROOT / "build" / "site"

PLAYGROUND = "play"

TOP = {"README.md": "index.md"} | {
    name: name for name in ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
}
"""Pages that are not in docs/, by their place in the repository."""

ARCHITECTURES = "architectures.md"
"""A page with the files of archs/."""

FOLDERS = {f"archs/{name}": f"{ARCHITECTURES}#archs{name}" for name in ("frontier", "zoo")}
"""Where links to folders lead."""

FILES = (".png", ".csv", ".json", ".yaml", ".ipynb")
"""Files of docs/ and archs/ that pages show or link to."""


def main() -> int:
    """Writes the pages, then the site."""
    for path in (PAGES, SITE):
        shutil.rmtree(path, ignore_errors=True)
    for place, text in pages():
        (PAGES / place).parent.mkdir(parents=True, exist_ok=True)
        (PAGES / place).write_text(text, encoding="utf-8")
    for source in files():
        target = PAGES / site_path(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / source, target)
    if not put_playground(PAGES / PLAYGROUND, is_wanted="--without-playground" not in sys.argv[1:]):
        return 1
    zensical = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    return subprocess.run(zensical, cwd=ROOT, check=False).returncode


def put_playground(directory: Path, is_wanted: bool) -> bool:
    """Whether the playground, or a page in its place, is there."""
    if is_wanted:
        command = [sys.executable, "-m", "advconv", "playground", "-o", str(directory)]
        return subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    directory.mkdir()
    (directory / "index.html").write_text("<!DOCTYPE html>\n<title>Playground</title>\nLeft out.\n", encoding="utf-8")
    return True


def pages() -> Iterator[tuple[str, str]]:
    """The pages of the site: the place of each, and its Markdown."""
    for name in (*TOP, *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))):
        yield site_path(name), for_site((ROOT / name).read_text(encoding="utf-8"), name)
    for path in sorted((ROOT / "docs").glob("*.ipynb")):
        name = f"docs/{path.name}"
        yield site_path(name).replace(".ipynb", ".md"), for_site(markdown_of(path), name)
    yield ARCHITECTURES, architectures()


def files() -> Iterator[str]:
    for folder in ("docs", "archs"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in FILES:
                yield path.relative_to(ROOT).as_posix()


def site_path(name: str) -> str:
    """`docs/language.md -> language.md`, `README.md -> index.md`"""
    return FOLDERS.get(name) or TOP.get(name) or name.removeprefix("docs/")


LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")


CODE = re.compile(r"`[^`\n]*`")


def for_site(text: str, name: str) -> str:
    """A document whose links between files of the repository are those between pages of the site.

    In tables zensical shows the backslash before a pipe in code, which code hosts need.
    """
    here = PurePosixPath(name).parent

    def moved(link: re.Match[str]) -> str:
        return site_path(normal(here / link[1]))

    return LINK.sub(moved, CODE.sub(lambda code: code[0].replace(r"\|", "|"), text))


def normal(path: PurePosixPath) -> str:
    """`docs/../archs -> archs`"""
    parts: list[str] = []
    for part in path.parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def markdown_of(notebook: Path) -> str:
    """The cells of a notebook, with the texts that they print."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    note = f"This page is a notebook: [{notebook.name}]({notebook.name})."
    first, *others = ["\n\n".join(_cell(cell)) for cell in cells]
    return "\n\n".join([first, note, *others]) + "\n"


def _cell(cell: Any) -> Iterator[str]:
    source = "".join(cell["source"])
    yield source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```"
    for output in cell.get("outputs", ()):
        yield "```text\n" + "".join(output.get("text") or output["data"]["text/plain"]).rstrip() + "\n```"


def architectures() -> str:
    """All files of archs/, by folder."""
    parts = ["# Architectures", "The files of `archs/`; the comments of each say what it is."]
    for folder in ("archs", "archs/frontier", "archs/reference", "archs/zoo"):
        parts.append(f"## {folder}/")
        for path in sorted((ROOT / folder).glob("*.yaml")):
            parts.append(f"### {path.name}\n\n```yaml\n{path.read_text(encoding='utf-8').rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
