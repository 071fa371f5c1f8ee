"""How the playground is built: pinned parts, written whole or not at all, nothing of it from outside."""

import hashlib
import io
import json
import os
import re
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from advconv.check import check
from advconv.cli.main import run
from advconv.cli.playground_command import MARKER
from advconv.manual.rules import example
from advconv.report.data import json_report
from advconv.report.page.document import page
from advconv.report.playground import download
from advconv.report.playground.archives import licences, modules, python_files, unpacked, zipped
from advconv.report.playground.browser import NAME, answer, report, utf16
from advconv.report.playground.download import BuildError, parts, verified
from advconv.report.playground.parts import EDITOR, PARTS, PYODIDE, WHEELS, Part
from advconv.report.playground.site import MAX_BYTES, WEB, own_files
from advconv.rules import RULES
from advconv.rules.record import Rule
from advconv.system.files import FileError
from advconv.system.trees import tree_problem, write_tree
from advconv.text.source import Source

WEB_FILES = [*WEB, "index.html", "playground.css"]


def tgz(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


def part(name: str, data: bytes = b"") -> Part:
    return Part(name, "1.0", f"{name}.tgz", hashlib.sha256(data).hexdigest())


# What the worker answers.


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_an_answer_has_the_diagnostics_of_check(rule: Rule) -> None:
    text = example(rule.fails)
    (expected,) = json.loads(json_report([check(Source(NAME, text))]))["files"]
    found = json.loads(answer(text))
    keys = ("code", "severity", "line", "column", "message")

    assert [[each[key] for key in keys] for each in found["diagnostics"]] == [
        [each[key] for key in keys] for each in expected["diagnostics"]
    ]
    assert found["ok"] == expected["ok"]
    assert found["is_measured"] == (expected["network"] is not None)
    assert report(text) == page(check(Source(NAME, text)))


def test_offsets_count_the_code_units_of_javascript() -> None:
    text = "# 😀 ä 😀\nadvconv: 1\nnam: x\n"
    units = utf16(text)
    coded = text.encode("utf-16-le")

    for offset in range(len(text) + 1):
        assert coded[: 2 * units(offset)].decode("utf-16-le") == text[:offset]
    (found, *_) = [each for each in json.loads(answer(text))["diagnostics"] if each["code"] == "AC111"]
    assert coded[2 * found["from"] : 2 * found["to"]].decode("utf-16-le") == "nam"


# The parts.


def test_each_part_is_pinned_once() -> None:
    assert len({part.file for part in PARTS}) == len(PARTS) == 1 + len(EDITOR) + len(WHEELS)
    assert all(re.fullmatch("[0-9a-f]{64}", part.sha256) for part in PARTS)
    assert {part.file.endswith(".tgz") for part in (PYODIDE, *EDITOR)} == {True}


def test_another_file_than_the_tested_one_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / PYODIDE.file).write_bytes(b"another")

    assert run(["playground", "-o", str(tmp_path / "site"), "--cache", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"{PYODIDE.file} has the SHA-256 {hashlib.sha256(b'another').hexdigest()[:16]}..." in error
    assert not (tmp_path / "site").exists()


def test_parts_of_the_cache_are_not_downloaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [part("a", b"1"), part("b", b"2")]
    monkeypatch.setattr(download, "PARTS", known)
    monkeypatch.setattr(download, "program", lambda name: pytest.fail(f"{name} is not needed"))
    for each, data in zip(known, (b"1", b"2"), strict=True):
        (tmp_path / each.file).write_bytes(data)

    assert list(parts(tmp_path).values()) == [b"1", b"2"]


def fake(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.skipif(os.name == "nt", reason="the scripts are for a POSIX shell")
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (None, "the playground needs npm; install Node.js, which brings node and npm"),
        (
            "echo 'npm error code E404' >&2; echo 'npm error 404 Not Found' >&2; exit 1",
            "npm failed: npm error code E404",
        ),
        ("exit 3", "npm failed: no message"),
        ("exit 0", "crelt.tgz was not downloaded"),
        ("echo other > crelt.tgz", "crelt.tgz has the SHA-256"),
    ],
)
def test_a_failing_download_is_one_line(
    script: str | None,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(download, "PARTS", [part("crelt", b"right")])
    monkeypatch.setenv("PATH", str(tmp_path))
    if script:
        fake(tmp_path, "npm", script)

    assert run(["playground", "-o", str(tmp_path / "site"), "--cache", str(tmp_path / "cache")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"advconv: {reason}")
    assert error.count("\n") == 1
    assert not (tmp_path / "site").exists()
    assert not (tmp_path / "cache" / "crelt.tgz").exists()


@pytest.mark.skipif(os.name == "nt", reason="the scripts are for a POSIX shell")
def test_what_was_downloaded_is_kept_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = part("crelt", b"right")
    monkeypatch.setattr(download, "PARTS", [known])
    monkeypatch.setenv("PATH", str(tmp_path))
    fake(tmp_path, "npm", "printf right > crelt.tgz")

    assert parts(tmp_path / "cache") == {known: b"right"}
    assert (tmp_path / "cache" / "crelt.tgz").read_bytes() == b"right"
    assert verified(known, b"right", "a") == b"right"


def test_modules_of_the_editor_import_each_other_by_their_file_names() -> None:
    manifest = json.dumps({"exports": {"import": "./dist/index.js"}, "license": "MIT"})
    source = (
        "import { a } from '@x/other';\nimport b from \"plain\";\nexport { c } from 'plain';\nconst d = \"import\";\n"
    )
    packages = {
        part("@x/own"): unpacked(part("@x/own"), tgz({"package.json": manifest, "dist/index.js": source})),
        part("@x/other"): {"package.json": manifest.encode(), "dist/index.js": b""},
        part("plain"): {"package.json": manifest.encode(), "dist/index.js": b"", "LICENSE": b"may be used"},
    }

    assert modules(packages)["x-own.js"].decode() == (
        'import { a } from "./x-other.js";\nimport b from "./plain.js";\nexport { c } from "./plain.js";\n'
        'const d = "import";\n'
    )
    assert "plain 1.0\n\nmay be used" in licences(packages)
    assert "@x/own 1.0\n\nLicense: MIT" in licences(packages)
    with pytest.raises(BuildError, match="imports @x/other, which is not among"):
        modules({key: files for key, files in packages.items() if key.name == "@x/own"})


def test_of_a_wheel_only_what_is_imported_is_taken() -> None:
    names = ["yaml/__init__.py", "yaml/_yaml.so", "x-1.dist-info/METADATA", "pydantic/v1/main.py", "pydantic/main.py"]

    assert sorted(python_files(dict.fromkeys(names, b""))) == ["pydantic/main.py", "yaml/__init__.py"]
    assert zipped({"b": b"2", "a": b"1"}) == zipped({"a": b"1", "b": b"2"})
    assert zipfile.ZipFile(io.BytesIO(zipped({"a": b"1"}))).namelist() == ["a"]


def test_the_worker_gets_the_measuring_side_only() -> None:
    names = set(own_files())

    assert {"advconv/check.py", "advconv/report/page/page.css", "advconv/report/playground/browser.py"} <= names
    assert not [name for name in names if "/training/" in name or "/cli/" in name]


# Our own files.


@pytest.mark.parametrize("name", WEB_FILES)
def test_no_file_of_ours_names_an_address_outside_or_writes_markup(name: str) -> None:
    text = Path("advconv/report/playground/web", name).read_text(encoding="utf-8")

    assert not re.search(r"https?:|//[\w.-]+\.\w{2,}/", text)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|DOMParser", text)
    assert not re.search(r"\son\w+=|style=|<style|<script(?! type=\"module\" src=)", text)


# The directory.


def test_a_tree_is_replaced_only_if_all_of_its_files_were_written_by_us(tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_tree(site, {"a": b"1", "b/c": b"2"}, MARKER)
    write_tree(site, {"a": b"3"}, MARKER)
    assert sorted(path.name for path in site.iterdir()) == ["a", MARKER]

    (site / "mine").write_text("x", encoding="utf-8")
    with pytest.raises(FileError, match="has mine, which advconv did not write"):
        write_tree(site, {"a": b"4"}, MARKER)
    assert (site / "a").read_bytes() == b"3"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_directory_that_is_not_ours_is_refused_before_anything_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full" / "inside").mkdir(parents=True)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / MARKER).write_text("[]", encoding="utf-8")

    for name, reason in {
        "full": "full has inside, which advconv did not write",
        "file": "file is not a directory",
        ".": "is the working directory",
        "missing/site": "missing/site cannot be created",
        "odd": f"odd has {MARKER}, which advconv did not write",
    }.items():
        assert run(["playground", "-o", name]) == 2
        error = capsys.readouterr().err
        assert reason in error
        assert error.count("\n") == 1
    assert tree_problem(Path("empty"), MARKER) == ""
    assert tree_problem(Path("new"), MARKER) == ""


def test_a_tree_that_cannot_be_written_leaves_the_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    write_tree(site, {"a": b"1"}, MARKER)
    rename = os.rename

    def fails(old: str, new: str) -> None:
        if Path(new) == site and (Path(old) / "a").read_bytes() == b"2":
            raise OSError(28, "No space left on device")
        rename(old, new)

    monkeypatch.setattr(os, "rename", fails)
    with pytest.raises(FileError, match="cannot be written: No space left"):
        write_tree(site, {"a": b"2"}, MARKER)

    assert (site / "a").read_bytes() == b"1"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.mark.slow
def test_the_site_is_small_and_complete(playground: Path) -> None:
    files = [path for path in playground.rglob("*") if path.is_file()]
    listed = json.loads((playground / MARKER).read_text(encoding="utf-8"))["files"]
    starts = json.loads((playground / "starts.json").read_text(encoding="utf-8"))

    assert sum(path.stat().st_size for path in files) < MAX_BYTES
    assert sorted(path.relative_to(playground).as_posix() for path in files) == sorted([*listed, MARKER])
    assert [group["title"] for group in starts] == ["Starters", "Architectures", "Frontier", "Zoo"]
    for group in starts:
        assert all(check(Source(name, text)).ok for name, text in group["files"].items())
    for name in WEB_FILES:
        assert (playground / name).is_file()
