"""The documents: their commands run, their examples pass, their tables hold."""

import contextlib
import doctest
import importlib
import io
import json
import pkgutil
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import advconv
from advconv.check import check, check_bytes
from advconv.cli.main import main
from advconv.constraints.record import Status
from advconv.net import load
from advconv.report.data import json_report
from advconv.rules.record import Severity
from advconv.text.source import Source
from tests.build import faults

DOCUMENTS = [Path("README.md"), *sorted(Path("docs").glob("*.md"))]
LANGUAGE = Path("docs/language.md")
WRITTEN = [Path("README.md"), LANGUAGE]


def blocks(path: Path, kind: str) -> list[str]:
    """The fenced blocks of one kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", path.read_text(encoding="utf-8"), flags=re.M | re.S)


def commands(path: Path) -> Iterator[tuple[str, str]]:
    """Each advconv command of a document with the output that stands under it."""
    for block in blocks(path, "console"):
        for command, output in re.findall(r"^\$ (.*?)\n((?:(?!\$ ).*\n)*)", block, flags=re.M):
            if command.startswith("advconv "):
                yield command, output


def output_of(command: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out, pytest.raises(SystemExit):
        main(shlex.split(command)[1:])
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of the clone. The test stands elsewhere, as a reader does who has saved the README's file."""
    root = Path.cwd()
    (tmp_path / "mynet.yaml").write_text(blocks(Path("README.md"), "yaml")[0], encoding="utf-8")
    for name in ("archs", "tests"):
        (tmp_path / name).symlink_to(root / name)
    monkeypatch.chdir(tmp_path)
    return root


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_commands_print_what_the_document_shows(document: Path, update: bool, reader: Path) -> None:
    path = reader / document
    text = path.read_text(encoding="utf-8")
    for command, output in commands(path):
        text = text.replace(f"$ {command}\n{output}", f"$ {command}\n{output_of(command)}")
    if update:
        path.write_text(text, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if blocks(path, "pycon")], ids=str)
def test_what_is_typed_into_python_prints_what_the_document_shows(path: Path) -> None:
    examples = doctest.DocTestParser().get_doctest("\n".join(blocks(path, "pycon")), {}, path.name, str(path), 0)

    assert examples.examples
    assert doctest.DocTestRunner(verbose=False).run(examples).failed == 0


def test_every_key_of_the_json_of_check_is_documented() -> None:
    text = Path("docs/json.md").read_text(encoding="utf-8")
    (file,) = json.loads(json_report([check_bytes("c", Path("tests/cases/constraints.yaml").read_bytes())]))["files"]
    network = json.loads(json_report([load("archs/c1c2c3c4.yaml").checked]))["files"][0]["network"]
    keys = {*file, *file["diagnostics"][0], *file["constraints"][0], *network, *network["receptive_field"]}
    units = {verdict["unit"] for verdict in file["constraints"]}

    assert sorted(name for name in keys | units if f"`{name}`" not in text) == []


def test_whole_examples_pass() -> None:
    examples = [text for path in WRITTEN for text in blocks(path, "yaml") if text.startswith("advconv: 1")]

    assert len(examples) > 1
    for text in examples:
        checked = check(Source("example.yaml", text))
        assert faults(checked) == []
        assert {verdict.status for verdict in checked.verdicts} <= {Status.KEPT, Status.PROMISED}
        assert checked.verdicts


def test_the_readme_opens_with_a_whole_file_that_keeps_its_constraints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = blocks(Path("README.md"), "yaml")[0]
    monkeypatch.chdir(tmp_path)
    Path("mynet.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as exit:
        main(["check", "mynet.yaml"])

    assert text.startswith("advconv: 1\nname: mynet\n")
    assert exit.value.code == 0
    assert "mynet: ok, 6 of 6 constraints kept" in capsys.readouterr().out


def test_snippets_of_rows_pass() -> None:
    snippets = [text for text in blocks(LANGUAGE, "yaml") if text.startswith("- ")]

    assert sum(text.count("\n- ") + 1 for text in snippets) > 10
    for text in snippets:
        rows = "\n".join(f"    {line}" for line in text.splitlines())
        head = "advconv: 1\nname: snippet\ninput: [16, 32, 32]\nclasses: 10\nnetwork:\n  C1:"
        assert faults(check(Source("snippet.yaml", f"{head}\n{rows}\n  O: [gap, linear]\n"))) == [], text


def test_the_readmes_table_of_the_five_networks_holds() -> None:
    rows = re.findall(
        r"^\| ([\w-]+) \| ([\d,]+) \| (\d+) \| (\d+) \| (.*?) \| (.+?) \|$", Path("README.md").read_text(), flags=re.M
    )
    found = []
    for path in sorted(Path("archs/reference").glob("*.yaml")):
        checked = check_bytes(path.name, path.read_bytes())
        measures = checked.measures
        assert measures is not None
        broken = [f"`{verdict.name}`" for verdict in checked.verdicts if verdict.status is Status.FAILED]
        fields = str(measures.receptive_field), str(measures.receptive_field_through_pooling)
        found.append((path.stem, f"{measures.total.params:,}", *fields, ", ".join(broken)))

    assert sorted(row[:5] for row in rows) == sorted(found)


def found_by_rules(path: Path) -> tuple[str, str]:
    """The rows with warnings and those with information, by code: `AC301 C1[0], C2[1]; AC306 C2[1]`."""
    found = check_bytes(path.name, path.read_bytes()).diagnostics
    rows: dict[Severity, dict[str, list[str]]] = {Severity.WARNING: {}, Severity.INFORMATION: {}}
    for each in sorted(found, key=lambda each: each.code):
        if each.severity in rows:
            rows[each.severity].setdefault(each.code, []).append(each.message.split(":")[0])
    warnings, information = (
        "; ".join(f"{code} {', '.join(labels)}" for code, labels in codes.items()) for codes in rows.values()
    )
    return warnings, information


def test_the_readmes_table_of_what_the_rules_find_holds() -> None:
    rows = re.findall(r"^\| ([\w-]+) \| ((?:AC.*?)?) \| ((?:AC.*?)?) \| \D", Path("README.md").read_text(), flags=re.M)
    paths = sorted(Path("archs/reference").glob("*.yaml"))

    assert sorted(rows) == sorted((path.stem, *found_by_rules(path)) for path in paths)


def test_links_lead_somewhere() -> None:
    for path in [*DOCUMENTS, *Path().glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path} links to {target}"


def test_examples_in_docstrings_run() -> None:
    for module in pkgutil.walk_packages(advconv.__path__, "advconv."):
        if not module.name.endswith("__main__"):
            assert doctest.testmod(importlib.import_module(module.name)).failed == 0
