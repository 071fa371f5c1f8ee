"""Which rules `advconv check` reports, and when warnings fail: options, and the table of pyproject.toml."""

import io
import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from advconv.check import check
from advconv.cli import configuration
from advconv.cli.completion import codes as completed
from advconv.cli.main import main
from advconv.rules.selection import Selection, codes
from advconv.text.source import Source

HEAD = "advconv: 1\nname: t\ninput: [3, 16, 16]\nnetwork:\n  C1:\n    - conv: 8"
WARNED = f"""{HEAD}
    - pointwise: {{out_channels: 16, stride: 2}}
    - conv: 17
    - conv: 16
    - residual: [conv: 16]
"""
WRONG = f"{HEAD}\n    - convv: 8\n"
ALL_CODES = ["AC301", "AC318", "AC330"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a network that has two warnings and an information."""
    (tmp_path / "t.yaml").write_text(WARNED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(text: str, directory: str = ".") -> None:
    Path(directory).mkdir(exist_ok=True)
    Path(directory, "pyproject.toml").write_text(f"[tool.advconv]\n{text}\n")


class Answer:
    """What a check of the given arguments prints, and its exit code."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        with pytest.raises(SystemExit) as exit:
            main(["check", *(arguments or ("t.yaml",)), "--format", "json"])
        out, self.err = capsys.readouterr()
        self.code = exit.value.code
        self.files = json.loads(out)["files"] if out else []

    @property
    def codes(self) -> list[str]:
        return [found["code"] for file in self.files for found in file["diagnostics"]]

    @property
    def ok(self) -> list[bool]:
        return [file["ok"] for file in self.files]


def test_all_rules_are_selected_without_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer(capsys)

    assert answer.codes == ALL_CODES
    assert (answer.code, answer.ok) == (0, [True])


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--select", "AC301"], ["AC301"]),
        (["--select", "AC30,AC31"], ["AC301", "AC318"]),
        (["--select", "AC301,AC330"], ["AC301", "AC330"]),
        (["--select", "AC301", "--select", " AC330 "], ["AC301", "AC330"]),
        (["--ignore", "AC33"], ["AC301", "AC318"]),
        (["--select", "AC3", "--ignore", "AC31"], ["AC301", "AC330"]),
        (["--ignore", "AC"], []),
    ],
)
def test_codes_and_their_beginnings_select_and_ignore(
    options: list[str], found: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert Answer(capsys, "t.yaml", *options).codes == found


@pytest.mark.parametrize("option", ["--select", "--ignore"])
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("AC999", "there is no rule 'AC999'; write a code such as AC301, or its beginning"),
        ("AC301,", "there is no rule ''; write a code such as AC301, or its beginning"),
        ("AC201", "AC201 is an error, which cannot be selected or ignored"),
    ],
)
def test_a_code_that_selects_no_advice_is_a_usage_error(
    option: str, text: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = Answer(capsys, "t.yaml", option, text)

    assert answer.code == 2
    assert answer.err.splitlines()[-1] == f"advconv check: error: argument {option}: {sentence}"


def test_errors_are_reported_whatever_is_selected(capsys: pytest.CaptureFixture[str]) -> None:
    Path("t.yaml").write_text(WRONG)

    assert Answer(capsys, "t.yaml", "--select", "AC301", "--ignore", "AC").code == 1


def test_findings_about_comments_are_selected_like_others() -> None:
    source = Source("t.yaml", f"{WARNED}# advconv: ignore[AC301]\n")

    def found(*select: str) -> list[str]:
        return [found.code for found in check(source, selection=Selection(codes(select))).diagnostics]

    assert sorted(found("AC35")) == ["AC351"]
    assert found("AC301") == ["AC301"]


def test_warnings_fail_if_strict(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer(capsys, "t.yaml", "--strict")

    assert (answer.code, answer.ok) == (1, [False])


def test_information_never_fails(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer(capsys, "t.yaml", "--strict", "--select", "AC318")

    assert (answer.code, answer.ok, answer.codes) == (0, [True], ["AC318"])


@pytest.mark.parametrize(
    ("text", "options", "summary"),
    [
        (WARNED, [], "t: ok, 2 warnings; "),
        (WARNED, ["--strict"], "t: 2 warnings; "),
        (WARNED, ["--strict", "--select", "AC318"], "t: ok; "),
        (WRONG, ["--strict"], "t.yaml: 1 error"),
    ],
)
def test_the_summary_line_says_ok_if_the_exit_code_is_0(
    text: str, options: list[str], summary: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("t.yaml").write_text(text)
    with pytest.raises(SystemExit) as exit:
        main(["check", "t.yaml", *options])

    assert capsys.readouterr().out.splitlines()[-1].startswith(summary)
    assert exit.value.code == (0 if "ok" in summary else 1)


def test_only_rules_that_are_selected_are_fixed(capsys: pytest.CaptureFixture[str]) -> None:
    text = f"{HEAD}  # advconv: ignore[AC301] a stride of 2 is enough\n"
    Path("t.yaml").write_text(text)

    Answer(capsys, "t.yaml", "--fix", "--ignore", "AC350")
    assert Path("t.yaml").read_text() == text

    Answer(capsys, "t.yaml", "--fix")
    assert "ignore" not in Path("t.yaml").read_text()


def test_a_table_in_the_directory_of_the_file_or_above_it_selects(capsys: pytest.CaptureFixture[str]) -> None:
    table('select = ["AC30", "AC318"]\nignore = ["AC318"]\nstrict = true')
    Path("a/b").mkdir(parents=True)
    Path("a/b/t.yaml").write_text(WARNED)

    for path in ("t.yaml", "a/b/t.yaml", str(Path("a/b/t.yaml").absolute()), "a"):
        answer = Answer(capsys, path)
        assert (answer.codes, answer.code, answer.ok) == (["AC301"], 1, [False])


def test_the_nearest_table_alone_counts(capsys: pytest.CaptureFixture[str]) -> None:
    table('ignore = ["AC"]\nstrict = true')
    table("", directory="near")
    Path("other").mkdir()
    Path("other/pyproject.toml").write_text('[project]\nname = "advconv"\n')
    for directory in ("near", "other"):
        Path(directory, "t.yaml").write_text(WARNED)

    assert Answer(capsys, "near").codes == ALL_CODES
    assert Answer(capsys, "other").codes == []
    assert Answer(capsys, "near", "t.yaml", "--ignore", "AC330").codes == ["AC301", "AC318"] * 2


def test_an_option_overrides_its_key_of_the_table_alone(capsys: pytest.CaptureFixture[str]) -> None:
    table('select = ["AC301"]\nignore = ["AC330"]\nstrict = true')

    assert Answer(capsys, "t.yaml", "--select", "AC33,AC318").codes == ["AC318"]
    assert Answer(capsys, "t.yaml", "--ignore", "AC318").codes == ["AC301"]
    assert Answer(capsys, "t.yaml", "--no-strict").code == 0


def test_standard_input_has_the_table_of_the_working_directory(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table('select = ["AC301"]')
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(WARNED.encode())))

    assert Answer(capsys, "-").codes == ["AC301"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("selct = []", "[tool.advconv] unknown key 'selct'; did you mean select?"),
        ("x = 1", "[tool.advconv] unknown key 'x'; the keys are select, ignore and strict"),
        ("strict = 1", "[tool.advconv] strict: this is true or false, not 1"),
        ('select = "AC3"', '[tool.advconv] select: this is a list of codes, such as ["AC301", "AC31"], not AC3'),
        ("ignore = [3]", '[tool.advconv] ignore: this is a list of codes, such as ["AC301", "AC31"], not [3]'),
        ('ignore = ["AC201"]', "[tool.advconv] ignore: AC201 is an error, which cannot be selected or ignored"),
        ('ignore = ["AC9"]',
         "[tool.advconv] ignore: there is no rule 'AC9'; write a code such as AC301, or its beginning"),
        ("select = []",
         '[tool.advconv] select: this selects nothing; leave it out to select all rules, or write ignore = ["AC"]'),
        ("strict = tru", "Invalid value (at line 2, column 10)"),
        (f"strict = {'[' * 10_000}", "its values are nested too deeply"),
        ("strict = true # " + "x" * 1_000_000, "it is larger than 1,000,000 bytes"),
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_a_mistake_in_a_table_is_one_line_with_the_path(
    text: str, sentence: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table(text)
    answer = Answer(capsys, "t.yaml", "t.yaml", ".")

    assert answer.code == 2
    assert answer.err == f"advconv: {folder / 'pyproject.toml'}: {sentence}\n"
    assert answer.files == []


def test_all_mistakes_of_a_table_are_reported_and_other_files_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    table('strict = 1\nselect = ["AC9"]', directory="wrong")
    Path("wrong/t.yaml").write_text(WARNED)
    answer = Answer(capsys, ".")

    assert (answer.code, answer.err.count("\n"), answer.codes) == (2, 2, ALL_CODES)


def test_a_table_that_is_none_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("pyproject.toml").write_text("[tool]\nadvconv = true\n")

    assert Answer(capsys).err == f"advconv: {folder / 'pyproject.toml'}: [tool.advconv] is a table, not true\n"


@pytest.mark.parametrize("content", [b"\xff advconv", b"\xef\xbb\xbf[tool.advconv]", b"advconv = " + b"1" * 9999])
def test_broken_toml_is_one_line(content: bytes, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("pyproject.toml").write_bytes(content)
    answer = Answer(capsys)

    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert answer.err.startswith(f"advconv: {folder / 'pyproject.toml'}: ")


@pytest.mark.parametrize("content", ["[tool.other", "tool = 3 # advconv"])
def test_the_pyproject_of_another_project_is_none_of_our_business(
    content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("pyproject.toml").write_text(content)

    assert Answer(capsys).codes == ALL_CODES


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_what_is_no_file_is_not_opened(capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo("pyproject.toml")

    assert Answer(capsys).code == 0


def test_a_table_is_read_once_per_directory(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table('select = ["AC301"]')
    for name in ("a", "b"):
        Path(name).mkdir()
        for number in range(3):
            Path(name, f"{number}.yaml").write_text(WARNED)
    read, table_of = Counter[str](), configuration._table
    monkeypatch.setattr(configuration, "_table", lambda path: read.update([path]) or table_of(path))

    assert Answer(capsys, "a", "b", "t.yaml").codes == ["AC301"] * 7
    assert set(read.values()) == {1}


def test_codes_of_advice_are_completed_after_a_comma_too() -> None:
    assert "AC301" in completed("")
    assert "AC201" not in completed("")
    assert completed("AC330,AC3")["AC330,AC301"] == completed("AC3")["AC301"]
