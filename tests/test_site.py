"""The site that `docs/build_site.py` builds: every link holds, and nothing is loaded from elsewhere."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from docs.build_site import PLAYGROUND, for_site, pages, site_path

TARGETS = {"a": "href", "img": "src", "link": "href", "script": "src", "iframe": "src", "source": "src"}
"""Elements that lead somewhere; all but the first load it."""


def build(clone: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"NO_COLOR": "1"}
    program = [sys.executable, "docs/build_site.py", "--without-playground"]
    return subprocess.run(program, cwd=clone, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the site is made of."""
    if find_spec("zensical") is None:
        pytest.skip("zensical is not installed: it is in the group docs")
    copy = tmp_path_factory.mktemp("clone")
    for name in ("docs", "archs"):
        shutil.copytree(name, copy / name)
    for path in (*Path().glob("*.md"), Path("zensical.toml")):
        shutil.copy(path, copy)
    return copy


@pytest.fixture(scope="module")
def site(clone: Path) -> Path:
    done = build(clone)
    assert done.returncode == 0, done.stdout + done.stderr
    return clone / "build" / "site"


class Links(HTMLParser):
    """What the elements of a page lead to, and its identifiers."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.names |= {given["id"] or ""} if "id" in given else set()
        if tag in TARGETS and (target := given.get(TARGETS[tag])):
            self.found.append((tag, target))


def links(site: Path) -> Iterator[tuple[Path, str, str]]:
    for path in sorted(site.rglob("*.html")):
        for tag, target in Links(path.read_text(encoding="utf-8")).found:
            yield path, tag, target


@pytest.mark.slow
def test_every_link_of_the_site_leads_to_a_file_and_a_place_in_it(site: Path) -> None:
    broken = []
    for path, _, target in links(site):
        parts = urlsplit(target)
        if parts.scheme or path.name == "404.html":
            continue
        file = path.parent / unquote(parts.path) if parts.path else path
        file = file / "index.html" if file.is_dir() else file
        is_page = file.suffix == ".html" and file.is_file()
        if not file.is_file() or (is_page and parts.fragment and parts.fragment not in names(file)):
            broken.append((path.parent.name, target))

    assert broken == []


@cache
def names(path: Path) -> set[str]:
    return Links(path.read_text(encoding="utf-8")).names | {"__skip"}


@pytest.mark.slow
def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    outside = {target for _, tag, target in links(site) if tag != "a" and urlsplit(target).netloc}
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]

    assert outside == set()
    assert styles
    assert [found for style in styles for found in re.findall(r"url\(['\"]?https?://[^)]*\)|@import[^;]*", style)] == []


@pytest.mark.slow
def test_pipes_in_the_code_of_tables_have_no_backslash(site: Path) -> None:
    assert [path for path in site.rglob("*.html") if r"\|" in path.read_text(encoding="utf-8")] == []


@pytest.mark.slow
@pytest.mark.parametrize("link", ["[x](docs/none.md)", "[x](docs/language.md#none)"])
def test_a_link_that_leads_nowhere_fails_the_build(link: str, clone: Path, tmp_path: Path) -> None:
    copy = tmp_path / "clone"
    shutil.copytree(clone, copy, ignore=shutil.ignore_patterns("build", ".cache"))
    with (copy / "README.md").open("a", encoding="utf-8") as readme:
        readme.write(f"\n{link}\n")
    done = build(copy)

    assert done.returncode == 1
    assert "does not exist" in done.stdout + done.stderr


def test_every_page_has_one_place_in_the_navigation() -> None:
    def places(nav: Any) -> Iterator[str]:
        for entry in nav:
            for value in entry.values():
                yield from [value] if isinstance(value, str) else places(value)

    nav = tomllib.loads(Path("zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]

    assert sorted(places(nav)) == sorted([f"{PLAYGROUND}/index.html", *(place for place, _ in pages())])


def test_links_between_files_become_links_between_pages() -> None:
    assert [site_path(name) for name in ("README.md", "docs/language.md", "archs/c1c2c3c4.yaml", "archs/zoo")] == [
        "index.md", "language.md", "archs/c1c2c3c4.yaml", "architectures.md#archszoo",
    ]  # fmt: skip
    text = "[a](../README.md#use) [b](json.md) [c](#here) [d](https://x.org/y.md) | `a\\|b` |"
    assert for_site(text, "docs/x.md") == "[a](index.md#use) [b](json.md) [c](#here) [d](https://x.org/y.md) | `a|b` |"
