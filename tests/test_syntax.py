"""Texts that are no YAML, or other YAML than is meant: one mistake is one diagnostic, at its place, with its mend."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from advconv.blocks import BLOCKS_BY_KIND
from advconv.language.overrides import parse_setting
from advconv.rules.diagnostics import Diagnostic, placed
from advconv.text.reader import PythonLoader, read
from advconv.text.repair import repaired
from advconv.text.source import Source
from advconv.text.syntax import FIRST_FIELDS

LOADERS = [getattr(yaml, "CSafeLoader", PythonLoader), PythonLoader]


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.__name__, autouse=True)
def _each_loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two readers of YAML word their problems otherwise; ours must not depend on it."""
    monkeypatch.setattr("advconv.text.reader.LOADER", request.param)


def only(text: str) -> Diagnostic:
    (found,) = diagnostics(text)
    return found


def diagnostics(text: str) -> list[Diagnostic]:
    source = Source("t", text)
    return placed(read(source)[1], source, None)


@pytest.mark.parametrize(
    ("text", "data", "column"),
    [
        ("a: > 44\nb: 1\n", "> 44", 4),
        ("a: > 44 # c\nb: 1\n", "> 44", 4),
        ("a: >1\nb: 1\n", ">1", 4),
        ("a: >= 85%\nb: 1\n", ">= 85%", 4),
        ("a: >=85%\nb: 1\n", ">=85%", 4),
        ("a: > .5\nb: 1\n", "> .5", 4),
        ("a: >-5\nb: 1\n", ">-5", 4),
        ("a: >\n  44\nb: 1\n", "> 44", 4),
        ("a: >-\n  200k\nb: 1\n", "> 200k", 4),
        ("{a: > 44, b: 1}", "> 44", 5),
        ("{a: >44, b: 1}", ">44", 5),
    ],
)
def test_a_limit_without_quotes_is_told_and_read(text: str, data: str, column: int) -> None:
    document, _ = read(Source("t", text))
    found = only(text)

    assert document is not None
    assert document.root.data == {"a": data, "b": 1}
    assert (found.code, found.start.line, found.start.column) == ("AC120", 1, column)
    assert found.help == f'put the limit in quotes: `a: "{data}"`'


def test_every_limit_without_quotes_is_told_in_one_run() -> None:
    found = diagnostics("a: > 1\nb: {c: >= 2, d: [> 3]}\ne: '> 4' # > 5\n")

    assert [(each.code, each.start.line) for each in found] == [("AC120", 1), ("AC120", 2), ("AC120", 2)]


@pytest.mark.parametrize(
    "text", ["a: (3, 3)\n", "{a: (3, 3)}", "a:\n- (3, 3)\n", "{a: (3,3), b: 1}", "[a, (-0.5, 1e-3)]"]
)
def test_a_list_in_parentheses_is_told_once(text: str) -> None:
    found = only(text)

    assert (found.code, found.help) == ("AC114", f"write [{text[text.index('(') + 1 : text.index(')')]}]")


def test_a_list_in_braces_is_told_once_and_read() -> None:
    document, (found,) = read(Source("t", "a: {b: {3, 3}, c: {d: 1, e: 2}}\n"))

    assert document is not None
    assert document.root.data == {"a": {"b": [3, 3], "c": {"d": 1, "e": 2}}}
    assert (found.message, found.help) == ("a list is written in brackets, not in braces", "write [3, 3]")


def test_parentheses_are_brackets_of_the_same_value() -> None:
    for text in ("{a: (3, 3), b: [(1, 2), 4]}", "a: (3, 3)\nb: [(1, 2), 4]\n"):
        document, found = read(Source("t", text))
        assert document is not None
        assert document.root.data == {"a": [3, 3], "b": [[1, 2], 4]}
        assert [each.help for each in found] == ["write [3, 3]", "write [1, 2]"]


@pytest.mark.parametrize(
    "text",
    ["a: '(3, 3)'", 'a: "> 44"  # > 44 or (3, 3)', "a: nn.ReLU(3, 4)", "a: x > 44", "a: < 44", "a: >\n  text (3, 3)\n",
     "a: f(3, 3)", "a: (3)", "a: ()", "a: it's (x)"],
)  # fmt: skip
def test_what_is_meant_as_it_stands_is_left_as_it_stands(text: str) -> None:
    assert read(Source("t", text))[1] == []


@given(st.text(alphabet="a:> =!(3,)[]{}'\"#\n\\-", max_size=40))
def test_a_repair_keeps_every_character_at_its_place(text: str) -> None:
    after = repaired(text)

    assert len(after) == len(text)
    changed = {old + new for old, new in zip(text, after, strict=True) if new != old}
    assert changed <= {">\ue000", "!\ue001", "([", ")]", "{[", "}]"}


def test_a_sign_within_a_text_is_a_part_of_it() -> None:
    document, found = read(Source("t", "a: b >= 1\nc: d, (1, 2)\n[x >= 2]: != 3\n".replace("[x >= 2]", "x >= 2")))

    assert document is not None
    assert document.root.data == {"a": "b >= 1", "c": "d, (1, 2)", "x >= 2": "!= 3"}
    assert found == []


def test_a_slip_behind_a_limit_without_quotes_is_found_too() -> None:
    assert only("a: > 44\nb: {c: 1\nd: 2\n").message == "this { is never closed"


def test_shipped_files_need_no_repair() -> None:
    for path in [*Path("archs").rglob("*.yaml"), Path("docs/language.md")]:
        text = path.read_text(encoding="utf-8")
        assert path.suffix == ".md" or repaired(text) == text


def test_an_option_takes_a_limit_without_quotes() -> None:
    assert parse_setting("constraints.params=> 3").value.data == "> 3"


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "help"),
    [
        ("a: {b: 1\n", 1, 4, "this { is never closed", "write } at the end of line 1"),
        ("a: [1, 2\nb:\n  - c\n", 1, 4, "this [ is never closed", "write ] at the end of line 1"),
        ("a:\n  - b: {c: 1\n  - d\ne: 2\n", 2, 8, "this { is never closed", "write } at the end of line 2"),
        ("a: {\n  b: [1],\n  c: 2\nd: 3\n", 1, 4, "this { is never closed", "write } at the end of line 3"),
        ("a: [b: {c: 1\nd: 2\n", 1, 8, "this { is never closed", "write }] at the end of line 1"),
        ("a: {b: [1, 2}\n", 1, 8, "this [ is closed by a }", "write ] before the } in line 1, column 13"),
        ("a: [1, 2}\n", 1, 4, "this [ is closed by a }", "write ] in place of the } in line 1, column 9"),
        ("a: {b: 1}}\n", 1, 10, "this } closes nothing", "remove it"),
        ("a: {b: 1 c: 2}\n", 1, 10, "a comma is missing before c", "write `, c`"),
        ("a: {b: 1\n  c: 2}\n", 2, 3, "a comma is missing before c", "write `, c`"),
        ("a: [{b: 1} {c: 2}]\n", 1, 12, "a comma is missing before {c", "write `, {c`"),
        ('a: "b\nc: 1\n', 1, 4, "this quote is never closed", 'write "b"'),
        ("a: ['b, c]\nd: 1\n", 1, 5, "this quote is never closed", "write ' at the end of its text in line 1"),
        ('a: "> 4\nb: "< 3"\n', 1, 4, "this quote is closed only in line 2", 'write "> 4"'),
        ('a: "b\nc: 1\nd: "> 44"\n', 1, 4, "this quote is closed only in line 3", 'write "b"'),
        ('a: "b\nc: 1\nd: "e f"\n', 1, 4, "this quote is closed only in line 3", 'write "b"'),
        (
            "a: '> 44\"\nb: 1\n",
            1,
            4,
            "this quote is never closed",
            "end it with the quote that it begins with: write '> 44'",
        ),
        ('a: {b: ">= 1, c: ">= 1"}\n', 1, 8, "text in quotes ends in column 18, and more follows it", "close each"),
        ("a: %3\n", 1, 4, "a value cannot start with %", 'put it in quotes: "%3"'),
        ("a: {b: @x, c: 1}\n", 1, 8, "a value cannot start with @", 'put it in quotes: "@x"'),
        ("a: b: c\n", 1, 5, "a line has one `key: value`, this has a second colon", "write `a: {b: c}`"),
        ("a: {b: 1,, c: 2}\n", 1, 10, "two commas in a row", "remove one"),
        ("a: [, 2]\n", 1, 5, "a comma with nothing before it", "remove it"),
        ("a:\n  - @b: 32\n", 2, 5, "a row cannot start with @", "write `- b: 32`"),
        ("a:\n  - `b`: 32\n", 2, 5, "a row cannot start with `", "write `- b: 32`"),
        ("a:\n  - b\n  // c: d\n", 3, 3, "a comment starts with #, not with //", "write `# c: d`"),
        ("a:  // c\n  b: 1\n", 1, 5, "a comment starts with #, not with //", "write `# c`"),
        ("a: [b, @c: 32]\n", 1, 8, "a row cannot start with @", "write `c: 32`"),
        ("// c\na: 1\n", 1, 1, "a comment starts with #, not with //", "write `# c`"),
        (
            "a:\n  - conv: 32, stride: 2\n",
            2,
            21,
            "a line has one `key: value`, this has a second colon",
            "write `conv: {out_channels: 32, stride: 2}`",
        ),
        ("a\nb: 1\n", 1, 1, "this line is not a `key: value`: it has no colon", "write `a: ...`"),
        ("b: 1\na\n", 2, 1, "this line is not a `key: value`: it has no colon", "write `a: ...`"),
        ("a:1\nb: 2\n", 1, 1, "a colon needs a space after it", "write `a: 1`"),
        ("a:\n  - b\n  -c\n", 3, 3, "a dash needs a space after it", "write `- c`"),
        ("a:\n\t- b\n", 2, 1, "a tab cannot indent YAML", "use spaces"),
    ],
)
def test_a_slip_of_syntax_has_its_own_message(text: str, line: int, column: int, message: str, help: str) -> None:
    found = only(text)

    assert (found.code, found.start.line, found.start.column, found.message) == ("AC102", line, column, message)
    assert found.help.startswith(help)


@pytest.mark.parametrize(
    ("text", "line", "column", "help"),
    [
        ("a:\n  b: 1\n   c: 2\n", 3, 4, "indent it by 2 spaces, like line 2, or by 0 spaces, like line 1"),
        ("a:\n    b: 1\n  c: 2\n", 3, 3, "indent it by 0 spaces, like line 1, or by 4 spaces, like line 2"),
        ("a:\n  - b\n - c\n", 3, 2, "indent it by 2 spaces, like line 2"),
        ("a:\n- b: 1\n- c: [2]\n   - d\n", 4, 4, "indent it by 0 spaces, like line 3"),
        ("a:\n  - b: 1\n      - c: 2\n", 3, 7, "indent it by 2 spaces, like line 2"),
        ("a: 1\n\n# x\n  b: 2\n", 4, 3, "indent it by 0 spaces, like line 1"),
        ("a:\n  - b: 1\n     c: 2\n", 3, 6, "start it in column 5, below `b` in line 2, or by 0 spaces, like line 1"),
        ("a: [1]\n  b: 2\n", 2, 3, "indent it by 0 spaces, like line 1"),
        (" a: 1\nb: 2\n", 2, 1, "indent it by 1 space, like line 1"),
    ],
)
def test_wrong_indentation_is_told_with_the_columns_that_fit(text: str, line: int, column: int, help: str) -> None:
    found = only(text)

    assert found.message == f"wrong indentation: no list or mapping that is open here starts in column {column}"
    assert (found.start.line, found.start.column, found.help) == (line, column, help)


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        ("a:\n  - b: 1\n  c: 1\n", "a key among the rows of a list", "write `- c: 1`, or indent it by 0 spaces"),
        ("a:\n  c: 1\n  - b\n", "a row among keys", "write `- c: 1` in line 2"),
        ("a: 1\n-\n", "an empty row among keys", "remove line 2"),
        ("a:\n  -c: 1\n  - b\n", "a dash needs a space after it", "write `- c: 1`"),
        ("a:\n- b: 1\n  - c: 1\n", "a row among the keys of the row above", "indent it by 0 spaces, like line 2"),
        ("network:\n  - b: 1\n    - c: 1\n", "these rows have no block: its name is", "write `  C1:` above line 2"),
        ("network:\n- b: 1\n  - c: 1\n", "these rows have no block: its name is", "write `C1:` above line 2"),
        ("constraints:\n  a: 1\n  -\n", "an empty row among keys", "remove line 3"),
        ("constraints:\n  a: 1\n  - b: 2\n", "constraints are keys, not rows of a list", "write `b: 2`, without"),
        ("constraints:\n  - a > 4\n  b: 2\n", "constraints are keys, not rows", 'write `a: "> 4"`, without'),
        ("a:\n- gap\n  name: x\n", "the row above, gap, has no colon and takes no keys", "write `- gap: {name: x}`"),
    ],
)
def test_rows_and_keys_do_not_mix(text: str, message: str, help: str) -> None:
    found = only(text)

    assert found.message.startswith(message)
    assert found.help.startswith(help)


def test_the_first_field_of_a_row_is_that_of_its_block() -> None:
    assert {kind: block.short for kind, block in BLOCKS_BY_KIND.items() if kind in FIRST_FIELDS} == FIRST_FIELDS


def test_what_nobody_knows_is_told_in_the_words_of_the_reader() -> None:
    assert only('a: "\\q"\n').message.startswith("this is not YAML: ")


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "help"),
    [
        ("a:\u00a01\n", 1, 3, "unexpected no-break space (U+00A0)", "type a plain space"),
        (
            "a:\n\u00a0\u00a0b: 1\n",
            2,
            1,
            "unexpected no-break space (U+00A0), and 1 more",
            "type a plain",
        ),
        (
            "a: \u201c> 44\u201d\n",
            1,
            4,
            "unexpected curly quote (U+201C), and 1 more",
            "type a plain quote",
        ),
        ("a: \u2018b\u2019\n", 1, 4, "unexpected curly quote (U+2018), and 1 more", "type a plain"),
        ("a\uff1a 1\n", 1, 2, "unexpected full-width colon (U+FF1A)", "type a plain colon"),
        ("a:\n  \u2013 conv\n", 2, 3, "unexpected en dash (U+2013)", "type a plain dash, `- `"),
        ("a:\n  \u2014 conv\n", 2, 3, "unexpected em dash (U+2014)", "type a plain dash, `- `"),
        ("a: [3\uff0c 32]\n", 1, 6, "unexpected full-width comma (U+FF0C)", "type a plain comma, `, `"),
        ("a: \uff13\uff12\n", 1, 4, "unexpected full-width digit (U+FF13)", "type 32"),
    ],
)
def test_a_character_that_looks_like_another_is_named(
    text: str, line: int, column: int, message: str, help: str
) -> None:
    found = only(text)

    assert (found.code, found.start.line, found.start.column, found.message) == ("AC102", line, column, message)
    assert found.help.startswith(help)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1 # \u201cb\u201d\u00a0\uff1a",
        'a: "\u00a0\u201cb\u201d \u2013 c\uff10"',
        "a: it\u2019s b \u2013 c",
        "a: \u7f51\uff1a\u7edc",
    ],
)
def test_such_a_character_may_stand_in_texts_and_comments(text: str) -> None:
    assert read(Source("t", text))[1] == []


def test_rows_at_the_top_of_a_file_with_a_key_behind_them_are_told() -> None:
    found = only("- constraints: {params: 200k}\nnetwork: {C1: [gap]}\n")

    assert (found.code, found.message) == ("AC102", "the top level of a file has keys, not the rows of a list")
    assert found.help == "write `constraints: {params: 200k}` in line 1, without the dash"
