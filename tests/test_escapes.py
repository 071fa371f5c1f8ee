"""Text from a file, a file name or a run stays text: never markup, a formula or the control of a terminal."""

import ast
import csv
import io
import json
import os
import re
import shlex
import string
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import advconv
from advconv.check import Checked, check
from advconv.cli.completion import runs, yaml_files
from advconv.cli.parser import parser
from advconv.report.cells import FORMULA, csv_text
from advconv.report.data import github_report
from advconv.report.diagnostics import as_text
from advconv.report.sarif import sarif_report
from advconv.report.table import Table
from advconv.report.text import report
from advconv.rules.diagnostics import placed
from advconv.system.console import COLOURS, Paint, print_error, print_text
from advconv.text.finding import Finding
from advconv.text.source import Source, Span
from advconv.text.visible import visible
from advconv.training.errors import TrainingError
from advconv.training.progress import ProgressReporter
from tests.test_cli import shell
from tests.test_completion import asked

HOSTILE = "\x00\x07\x08\t\n\x0b\x1b\r\x7f\x85\x9b\u2028\u202e\u2066\ufeff\\'\"`=+-@%:,;|*_[]()<>&#!~$ ab1.é漢"
TEXTS = st.text(max_size=20) | st.text(HOSTILE, max_size=12) | st.sampled_from(["\x1b[2J", "a'+str(1)+'b", "</td><b>"])

# Tables


def table(text: str) -> Table:
    return Table(text if text.strip(" ") else "t", ("name", "count"), ((text, -0.5), ("b", 1)), (text, "closing"))


@given(TEXTS)
def test_a_text_is_one_cell_of_csv_and_no_formula(text: str) -> None:
    rows = list(csv.reader(io.StringIO(table(text).csv(), newline=""), strict=True))

    marked = f"'{visible(text)}" if text.startswith(FORMULA) else visible(text)
    assert rows == [["name", "count"], [marked, "-0.5"], ["b", "1"]]
    assert not marked.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert controls(table(text).csv()) == ""


def test_numbers_of_csv_stay_numbers() -> None:
    assert csv_text(["a"], [[-1], [-0.5], [None], [True], ["-1"], ["=1+1"], ["\tx"]]) == (
        "a\n-1\n-0.5\n\"\"\nTrue\n'-1\n'=1+1\n'\\tx\n"
    )


MARKDOWN = MarkdownIt("commonmark").enable("table")


def inline_texts(text: str) -> list[str]:
    """The texts of the blocks and cells of a Markdown document, in which nothing but the title's emphasis is markup."""
    found = []
    for token in MARKDOWN.parse(text):
        assert token.type != "html_block"
        if token.type == "inline":
            children = token.children or []
            assert {child.type for child in children} <= {"text", "text_special", "strong_open", "strong_close"}
            found.append("".join(child.content for child in children))
        if token.type == "fence":
            found.append(token.content)
    return found


@settings(max_examples=300)
@given(TEXTS)
def test_a_text_is_one_cell_of_markdown_without_markup(text: str) -> None:
    shown, closing = visible(text).strip(), "\n".join(map(visible, text.split("\n")))
    closing = f"{closing}\n" if "\n" in text else shown

    texts = inline_texts(table(text).markdown())

    assert texts[1:7] == ["name", "count", shown, "-0.5", "b", "1"]
    assert [found for found in texts[7:] if found.strip()] == [found for found in (closing, "closing") if found.strip()]
    assert [token.type for token in MARKDOWN.parse(table(text).markdown())].count("list_item_open") == 2
    assert texts[0] == (shown or "t")


class Cells(HTMLParser):
    """The elements of a page, and the texts in them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append(tag)
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts[-1] += data


@given(TEXTS)
def test_a_text_is_one_element_of_html(text: str) -> None:
    page, plain = Cells(table(text)._repr_html_()), Cells(table("a")._repr_html_())

    assert page.tags == plain.tags
    cells = [found.strip() for tag, found in zip(page.tags, page.texts, strict=True) if tag in ("td", "th")]
    assert cells == ["name", "count", visible(text).strip(), "-0.5", "b", "1"]


@given(TEXTS)
def test_json_has_the_very_text_in_printable_ascii(text: str) -> None:
    written = table(text).json()

    assert json.loads(written)["rows"][0]["name"] == text
    assert set(written) <= {*string.printable[:95], "\n"}


# Reports of a check


def checked(name: str, message: str = "m", line: str = "") -> Checked:
    source = Source(name, line)
    return Checked(source, placed([Finding("AC101", Span(0, 3), message, message)], source, None))


def told(message: str) -> str:
    return f"{message}\nhelp: {message}" if message else ""


@given(TEXTS, TEXTS)
def test_sarif_has_the_very_message_and_a_file_as_an_escaped_uri(name: str, message: str) -> None:
    written = sarif_report([checked(f"d/{name}x", message)])
    (result,) = json.loads(written)["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]

    assert result["message"]["text"] == told(message)
    assert re.fullmatch(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})*", uri)
    assert unquote_to_bytes(uri) == os.fsencode(Path(f"d/{name}x").as_posix())
    assert set(written) <= {*string.printable[:95], "\n"}


@pytest.mark.parametrize("name", ["a\udcff.yaml", "/a\udcff.yaml", "a:b.yaml", "a b%41.yaml"])
def test_sarif_names_files_that_are_not_utf_8_or_look_like_another_uri(name: str) -> None:
    (result,) = json.loads(sarif_report([checked(name)]))["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]

    assert unquote_to_bytes(uri.removeprefix("file://")) == os.fsencode(name)
    assert uri.startswith("file:///") == name.startswith("/")


def unescaped(text: str) -> str:
    """As GitHub's runner reads a property of a workflow command."""
    for sign in ("\r", "\n", ":", ",", "%"):
        text = text.replace(f"%{ord(sign):02X}", sign)
    return text


@given(TEXTS, TEXTS)
def test_a_workflow_command_is_one_line_with_its_properties(name: str, message: str) -> None:
    line = github_report(checked(name, message))
    command, properties, data = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line).groups()  # type: ignore[union-attr]
    fields = dict(part.split("=", 1) for part in properties.split(","))

    assert line.isprintable()
    assert (command, list(fields)) == ("error", ["file", "line", "endLine", "col", "endColumn", "title"])
    assert unescaped(fields["file"]) == kept_breaks(name)
    assert unescaped(data) == kept_breaks(told(message))


def kept_breaks(text: str) -> str:
    return "".join(part if part in "\r\n" else visible(part) for part in re.split(r"([\r\n])", text))


# Terminals

STYLE = re.compile(rf"\x1b\[(?:{'|'.join(COLOURS.values())}|0)m")


def controls(text: str) -> str:
    return "".join(character for character in text if not (character.isprintable() or character == "\n"))


@given(TEXTS, TEXTS, TEXTS)
def test_a_report_controls_a_terminal_by_its_own_colours_alone(name: str, message: str, line: str) -> None:
    found = checked(name, message, line)
    found.diagnostics[0] = found.diagnostics[0]._replace(trail=((name, message, line),))
    plain, painted = report(found), report(found, Paint(on=True))

    assert controls(plain) == ""
    assert STYLE.sub("", painted) == plain


@given(TEXTS)
def test_what_is_shown_is_escaped_whoever_shows_it(text: str) -> None:
    out = io.StringIO()
    for paint in (Paint(), Paint(on=True)):
        print_text(f"{text}\x1b]0;title\x07", out, paint)

    assert controls(STYLE.sub("", out.getvalue())) == ""
    assert controls(str(table(text))) == controls(str(TrainingError(text))) == ""


def test_every_way_to_a_terminal_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("a\x1b[2J\nb")
    ProgressReporter().message("a\x1b[2J\nb")
    with pytest.raises(SystemExit):
        parser().parse_args(["rf-table", "a", "--\x1b[2J"])
    out, err = capsys.readouterr()

    assert err.startswith("advconv: a\\x1b[2J\\nb\n")
    assert out == "a\\x1b[2J\nb\n"
    assert controls(err) == ""
    assert "--\\x1b[2J" in err


def test_nothing_but_the_console_prints() -> None:
    """So that no new command can forget what the console does."""
    for path in sorted(Path("advconv").rglob("*.py")):
        names = {
            node.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)
        }
        assert "print" not in names or path.name == "console.py", f"{path} prints past console.print_text"


ASCII = st.text(f"{string.ascii_letters}\t\x1b\x07\x7f\u202e", max_size=30)


@given(ASCII, ASCII.filter(bool), ASCII)
def test_carets_stand_under_what_is_shown_of_a_word(before: str, word: str, after: str) -> None:
    line = f"x{before}{word}{after}"
    span = Span(len(before) + 1, len(before) + 1 + len(word))
    (found,) = placed([Finding("AC101", span, "m")], Source("t", line), None)

    _, excerpt, carets = as_text(found).splitlines()

    start, end = carets.index("^"), carets.rindex("^") + 1
    shown = visible(word.replace("\t", " "))
    assert excerpt[start:end].rstrip() == shown[: end - start].rstrip()
    assert len(excerpt) <= 130
    assert end - start == len(shown) or end >= 120


HOSTILE_FILE = """\
advconv: 1
name: t
input: [3, 8, 8]
classes: 2
network: {C: [gap, linear]}
constraints: {params: "<\\x1c200k", uses: {gap: "==\\u2028 1"}}
"""


@pytest.mark.parametrize("format", ["text", "json", "github", "sarif"])
def test_a_file_and_its_name_send_no_control_characters(tmp_path: Path, format: str) -> None:
    file = tmp_path / "a\x1b]0;x\x07\x9b\u202e.yaml"
    file.write_text(HOSTILE_FILE, encoding="utf-8")
    found = shell("check", str(file), str(file), "nowhere\x1b[2J", "--format", format, PYTHONIOENCODING="utf-8")

    assert controls((found.stdout + found.stderr).decode()) == ""
    assert found.returncode == 2


def test_a_limit_is_shown_without_the_control_characters_that_separate_its_parts() -> None:
    assert " < 200k " in report(check(Source("t", HOSTILE_FILE)))
    assert " == 1 " in advconv.loads(HOSTILE_FILE).check().text()


# Completion


def test_names_with_control_characters_are_no_answers_to_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("good", "two\x0bwords", "li\nne", "e\x1b[2Jsc", "\u202eleft"):
        Path(f"{name}.yaml").touch()
        Path("runs", name).mkdir(parents=True)
        Path("runs", name, "run.json").touch()

    assert yaml_files("") == ["good.yaml", "runs/"]
    assert runs("runs/") == ["runs/good"]


def test_each_answer_is_one_quoted_word_to_bash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = sorted(["a$(touch x).yaml", "b `id` ;.yaml", "c'\"\\.yaml", "d*{e,f}.yaml", "g\x0b$(id).yaml"])
    for name in names:
        Path(name).touch()

    assert asked("advconv check ").returncode == 0
    assert [shlex.split(line) for line in Path("answer").read_text().splitlines()] == [[name] for name in names[:4]]
