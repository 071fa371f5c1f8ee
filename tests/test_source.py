"""YAML without surprises: what values mean, where they stand, and what is refused."""

from typing import Any

import pytest

from advconv.check import check
from advconv.rules.diagnostics import Diagnostic, placed
from advconv.text.document import MAX_BYTES, Document, decode
from advconv.text.reader import PythonLoader, read, resolve
from advconv.text.source import Source, Span


def data(text: str) -> Any:
    return document(text).root.data


def document(text: str) -> Document:
    found, diagnostics = read(Source("t", text))
    assert found is not None
    assert not diagnostics
    return found


def problems(text: str) -> list[Diagnostic]:
    """What is wrong with a text as YAML, at its places."""
    source = Source("t", text)
    return placed(read(source)[1], source, None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("on", "on"), ("yes", "yes"), ("True", True), ("FALSE", False), ("~", None), ("", None),
        ("012", 12), ("0o12", 10), ("0x1F", 31), ("-7", -7), ("+7", 7), ("1_000", "1_000"), ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"), ("1e-3", 0.001), ("1.", 1.0), (".5", 0.5), ("-.inf", float("-inf")),
        ("1.5e3", 1500.0), (".", "."), ("-", "-"), ("0b11", "0b11"), ("nullx", "nullx"), ("é", "é"),
    ],
)  # fmt: skip
def test_plain_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: Any) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


def test_a_number_in_quotes_is_text() -> None:
    assert data("a: '12'\nb: \"true\"\nc: |\n  12\n") == {"a": "12", "b": "true", "c": "12\n"}


def test_keys_are_their_text() -> None:
    assert data("on: 1\n2: 3\nnull: 4\n") == {"on": 1, "2": 3, "null": 4}


def test_anchors_aliases_and_merges_work() -> None:
    text = "base: &b {p: 1, q: 2}\nuse: {<<: *b, q: 3}\nsame: *b\nboth: {<<: [*b, {r: 4}]}\n"

    assert data(text) == {
        "base": {"p": 1, "q": 2}, "use": {"q": 3, "p": 1}, "same": {"p": 1, "q": 2}, "both": {"p": 1, "q": 2, "r": 4},
    }  # fmt: skip


def test_a_quoted_merge_sign_is_a_key() -> None:
    assert data("'<<': 1\n") == {"<<": 1}


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("", "AC102", 1, 1),
        ("a: [1\nb: 2\n", "AC102", 1, 4),
        ("a: b: c\n", "AC102", 1, 5),
        ("a: 1\nb: 2\na: 3\n", "AC103", 3, 1),
        ("a: !!str 1\n", "AC104", 1, 4),
        ("a: !!python/object:os.system {}\n", "AC104", 1, 4),
        ("a: 1\n---\nb: 2\n", "AC105", 2, 1),
        ("a: *b\n", "AC107", 1, 4),
        ("a: &a [*a]\n", "AC107", 1, 8),
        ("? [a, b]\n: 1\n", "AC108", 1, 3),
        ("a: {<<: 1}\n", "AC109", 1, 5),
        ("a: &a {p: 1}\nb: &b {p: 2}\nc: {<<: [*a, *b]}\n", "AC109", 3, 5),
        ("a: &a {p: 1}\nb: {<<: *a, <<: *a}\n", "AC103", 2, 13),
        ("a: 9223372036854775808\n", "AC110", 1, 4),
        (f"a: {'9' * 5000}\n", "AC110", 1, 4),
        (f"a: -0{'9' * 50}\n", "AC110", 1, 4),
        ("a: \x07\n", "AC101", 1, 4),
        ("a: \ud800\n", "AC101", 1, 4),
    ],
)
def test_what_is_refused_is_refused_at_its_place(text: str, code: str, line: int, column: int) -> None:
    (found,) = problems(text)

    assert (found.code, found.start.line, found.start.column) == (code, line, column)


def test_several_mistakes_are_found_in_one_run() -> None:
    assert [found.code for found in problems("a: 1\na: 2\nb: !x 1\nc: {d: 1, d: 2}\n")] == ["AC103", "AC104", "AC103"]


def test_ints_up_to_64_bits_are_read() -> None:
    assert data("a: 9223372036854775807") == {"a": 2**63 - 1}


@pytest.mark.parametrize("nested", ["[" * 101, "{a: " * 101, "- " * 101, "[" * 500_000])
def test_deep_nesting_is_refused(nested: str) -> None:
    assert [found.code for found in problems(nested)] == ["AC106"]


def test_nesting_of_100_is_read() -> None:
    assert data("[" * 100 + "]" * 100)


def test_depth_counts_through_aliases() -> None:
    text = "a: &a " + "[" * 60 + "]" * 60 + "\nb: " + "[" * 60 + "*a" + "]" * 60

    assert [found.code for found in problems(text)] == ["AC106"]


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]

    assert [found.code for found in problems("\n".join(lines))] == ["AC107"]


def test_a_merge_bomb_is_refused() -> None:
    base = "base: &b {" + ", ".join(f"k{i}: 1" for i in range(5000)) + "}\n"
    merges = "".join(f"m{i}: {{<<: *b}}\n" for i in range(200))

    assert [found.code for found in problems(base + merges)] == ["AC107"]


def test_a_tab_is_named() -> None:
    (found,) = problems("a:\n\t- b\n")

    assert (found.message, found.help) == ("a tab cannot indent YAML", "use spaces")


def test_a_file_over_a_megabyte_is_refused() -> None:
    assert problems("a: " + "x" * MAX_BYTES)[0].code == "AC101"
    assert decode("t", b"a" * (MAX_BYTES + 1))[1][0].code == "AC101"


def test_bytes_must_be_utf_8() -> None:
    source, wrong = decode("t", b"a: 1\nb: \xff\n")
    (found,) = placed(wrong, source, None)

    assert (found.code, found.start.line, found.start.column) == ("AC101", 2, 4)


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert decode("t", b"\xef\xbb\xbfa: 1")[0].text == "a: 1"


def test_places_are_those_of_the_words() -> None:
    found = document("é: 1\nrows:\n  - conv: {out: 32}\n  - gap\n")

    assert found.span(("é",)) == at(found, 1, 4, 1)
    assert found.span(("rows", 0, "conv", "out")) == at(found, 3, 17, 2)
    assert found.key_span(("rows", 0, "conv")) == at(found, 3, 5, 4)
    assert found.span(("rows", 1)) == at(found, 4, 5, 3)
    assert found.span(("rows", 1, "gap", "name")) == at(found, 4, 5, 3)
    assert found.span(("rows",)) == at(found, 2, 1, 4)


def at(document: Document, line: int, column: int, width: int) -> Span:
    return document.source.span(line, column, width)


def test_a_value_takes_all_of_its_lines() -> None:
    text = "# c\nrows:\n  - conv: {out: 32,\n      k: 3}\n  - gap # d\nnext: 'a\n  b'\n"
    found = document(text)

    def taken(*path: str | int) -> str:
        start, end, _ = found.extent(path)
        return text[start:end]

    assert taken("rows") == "- conv: {out: 32,\n      k: 3}\n  - gap"
    assert taken("rows", 0) == "conv: {out: 32,\n      k: 3}"
    assert taken("rows", 0, "conv") == "{out: 32,\n      k: 3}"
    assert taken("rows", 0, "conv", "k") == "3"
    assert taken("next") == "'a\n  b'"
    assert taken() == text[4:-1]


def test_a_flow_collection_is_pointed_at_as_a_whole() -> None:
    assert document("input: [3, 32]\n").span(("input",)) == Span(7, 14)


def test_lines_break_where_yaml_breaks_them() -> None:
    found = document("a: 1\r\nb: 2\rc: 3\u2028d: 4\x85e: 5")

    assert found.source.position(found.span(("e",)).start) == (5, 4, 24)
    assert len(Source("t", "a\x0bb\x0cc\x1cd").lines) == 1


def test_the_python_loader_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &x [1, 'b', no]\nb: {<<: {c: 1e-3}, d: *x}\n"
    fast = data(text)
    monkeypatch.setattr("advconv.text.reader.LOADER", PythonLoader)

    assert data(text) == fast
    assert problems("a: \x07\n")[0].code == "AC101"
    assert problems("a: [1\n")[0].code == "AC102"
    assert problems("[" * 5000)[0].code == "AC106"


RESIDUAL = ("network", "C1", 0, "residual")


@pytest.mark.parametrize(
    "text", ["network:\n  C1:\n    - residual:\n        - conv: 8\n", "network: {C1: [residual: [conv: 8]]}\n"]
)
def test_a_path_of_the_long_form_leads_through_the_short_one(text: str) -> None:
    """`residual: [rows]` leaves out the name of its one field."""
    found = document(text)
    short, long = (*RESIDUAL, 0, "conv"), (*RESIDUAL, "layers", 0, "conv")

    assert text[found.span(long).start] == "8"
    assert found.span(long) == found.span(short)
    assert found.key_span(long) == found.key_span(short)
    assert found.has(long)
    assert found.has((*RESIDUAL, "layers"))
    assert not found.has((*RESIDUAL, "layers", 1))
    assert not found.has((*RESIDUAL, "layers", 0, "linear"))


def test_a_step_is_left_out_only_before_one_that_is_there() -> None:
    """`branches: {a: rows}` leaves out `paths`."""
    text = "network:\n  C1:\n    - branches: {a: [gap], b: [conv: 8]}\n"
    found = document(text)
    branches = ("network", "C1", 0, "branches")

    assert found.span((*branches, "paths", "b", 0, "conv")) == Span(text.index("8"), text.index("8") + 1)
    assert found.has((*branches, "paths", "b", 0, "conv"))
    assert not found.has((*branches, "paths"))
    assert not found.has((*branches, "paths", "c", 0))
    assert found.span((*branches, "merge")) == found.span(branches)


def test_the_caret_of_a_row_in_a_short_form_stands_under_its_own_word() -> None:
    rows = "[residual: [conv: 3, conv: {out_channels: 3, grops: 3}]]"
    source = Source("t", f"advconv: 1\nname: n\ninput: [3, 8, 8]\nnetwork: {{C1: {rows}}}\n")
    (found,) = check(source).diagnostics

    assert (found.code, source.text[found.span.start : found.span.end]) == ("AC111", "grops")
