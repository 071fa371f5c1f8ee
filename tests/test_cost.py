"""What a file can cost: work grows no faster than the file, whatever is in it, and what is told of it has an end."""

import json
import subprocess
import sys
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from advconv.backends.torch_source import emit
from advconv.check import Checked, check, check_bytes
from advconv.cli.check_command import FORMATS, Search
from advconv.cli.configuration import Configuration
from advconv.language.augment import source
from advconv.report.data import github_report, json_report
from advconv.report.diagnostics import as_text
from advconv.report.rf_table import rf_table
from advconv.report.sarif import sarif_report
from advconv.report.summary import summary, torchsummary
from advconv.report.text import report
from advconv.rules.diagnostics import MAX_MESSAGE_LENGTH
from advconv.text.source import Source
from benchmarks import hostile_files
from benchmarks.hostile_files import FILES, HEAD, NETWORK, many

pytestmark = pytest.mark.slow

GROUPS = ("ROWS", "RULES", "PATHS", "KEYS", "AUGMENT", "YAML", "NOT_YAML", "REPAIRED", "LINES")
SMALL = 1_250
GROWING = [name for name, write in FILES.items() if len(write(4 * SMALL)) > 2 * len(write(SMALL))]


def all_commands(text: str) -> Checked:
    """What each command that takes a file does with it."""
    checked = check_bytes("t.yaml", text.encode()[:1_000_000])
    for told in (report(checked), github_report(checked), sarif_report([checked]), json_report([checked])):
        assert told or not checked.diagnostics
    if checked.measures and checked.spec:
        for table in (rf_table(checked.measures, "t", explain=True), summary(checked.measures, "t")):
            assert table.text()
        assert torchsummary(checked.measures)
        assert emit(checked.measures, "t")
        assert source(checked.spec.augment, "t")
    return checked


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, of Python and of C."""
    count = 0

    def seen(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", GROWING)
def test_work_grows_no_faster_than_the_file(name: str) -> None:
    write = FILES[name]
    all_commands(write(SMALL // 4))  # What is made once and kept.
    once, four_times = (calls(partial(all_commands, write(size))) for size in (SMALL, 4 * SMALL))

    assert four_times <= 4.5 * once + 2500


@pytest.mark.parametrize("group", GROUPS)
def test_a_file_of_any_kind_is_checked_to_its_end(group: str) -> None:
    """Held by the limits of the operating system, which also see what patterns do inside one call."""
    program = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (60, 60))\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2 * 10**9, 2 * 10**9))\n"
        "from advconv.check import check_bytes\n"
        "from advconv.report.text import report\n"
        f"from benchmarks.hostile_files import {group}\n"
        f"for write in {group}.values(): assert report(check_bytes('t', write(40_000).encode()))\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (found.returncode, found.stderr) == (0, "")


def test_the_groups_of_hostile_files_are_all_of_them() -> None:
    assert [name for group in GROUPS for name in getattr(hostile_files, group)] == list(FILES)


@pytest.mark.parametrize("name", FILES)
def test_what_is_told_of_a_mistake_is_short(name: str) -> None:
    checked = check(Source("t.yaml", FILES[name](6_000)))

    for found in checked.diagnostics[:20]:
        assert max(len(found.message), len(found.help)) <= MAX_MESSAGE_LENGTH
        assert len(as_text(found)) <= 8 * MAX_MESSAGE_LENGTH


def test_a_mistake_in_a_line_of_a_megabyte_prints_no_megabyte() -> None:
    for line in (
        f"a: {'(1, 2)' * 100_000}",
        f"a: [1, 2] {'b' * 900_000}: c: d",
        f"{'k' * 900_000}: 1",
        f"a: !{'t' * 900_000} 1",
    ):
        checked = check(Source("t", line))

        assert checked.diagnostics
        assert len(report(checked)) < 10_000
        assert len(json_report([checked])) < 10_000


def test_a_search_for_near_words_is_made_for_what_is_told_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    def near(place: str, word: str, words: object) -> str:
        searched.append(word)
        return ""

    monkeypatch.setattr("advconv.language.augment.suggestion", near)
    checked = check(Source("t", many(f"{HEAD}network: {{C1: [gap]}}\naugment:\n", "- Flip#\n")(40_000)))

    assert checked.diagnostics[-1].code == "AC121"
    assert len(searched) == 1001


def test_paths_that_fail_are_tried_until_enough_is_wrong() -> None:
    write = many(f"{NETWORK}    - branches: {{paths: {{", "a#: [maxpool: 99], ", "z: []}}\n")
    found = check(Source("t", write(100_000))).diagnostics

    assert len(found) == 1001
    assert [item.start.column for item in found[:3]] == [31, 50, 69]


def test_the_rows_that_led_up_to_a_failure_are_the_first_and_the_last_of_them() -> None:
    rows = "".join(f"    - conv: {channels}\n" for channels in range(1, 41))
    paths = "    - branches: {paths: {a: [conv: 5, maxpool: 99], b: [conv: 6, maxpool: 99]}}\n"
    first, second = check(Source("t", f"{NETWORK}{rows}{paths}")).diagnostics

    assert [row[0] for row in first.trail[:3]] == ["input", "...", "C1[30]"]
    assert [row[0] for row in first.trail[-3:]] == ["C1[39]", "C1[40].a[0]", "C1[40].a[1]"]
    assert first.trail[1][1] == "30 rows"
    assert [row[0] for row in second.trail[-3:]] == ["C1[40].a[0]", "C1[40].b[0]", "C1[40].b[1]"]
    assert second.trail[1][1] == "31 rows"


def test_a_feature_that_is_forbidden_twice_is_told_of() -> None:
    (found,) = check(
        Source("t", f"{HEAD}network: {{C1: [gap]}}\nconstraints: {{forbids: [conv, norm, conv]}}\n")
    ).diagnostics

    assert (found.code, found.start.column, found.message) == ("AC116", 37, "duplicate feature 'conv'")


def test_directives_are_refused_before_they_are_read() -> None:
    (found,) = check(Source("t", "# a\n%TAG ! tag:a\n---\na: 1\n")).diagnostics

    assert (found.code, found.start.line, found.end.column) == ("AC104", 2, 5)


def test_a_file_of_too_many_values_is_refused_where_they_are_too_many() -> None:
    (found,) = check(Source("t", "a: [\n" + "0,\n" * 99_998 + "0]")).diagnostics
    assert (found.code, found.start.line) == ("AC101", 99_999)

    assert "AC101" not in {found.code for found in check(Source("t", "a: [\n" + "0,\n" * 99_996 + "0]")).diagnostics}


def test_keys_count_like_values_and_are_held_to_the_length_of_texts() -> None:
    (found,) = check(Source("t", "".join(f"k{number}: 0\n" for number in range(50_000)))).diagnostics
    assert (found.code, found.start.line) == ("AC101", 50_000)

    (found,) = check(Source("t", f"? '{'a b ' * 300}'\n: 1\n")).diagnostics
    assert (found.code, found.message) == ("AC114", "a text has 1,200 characters, the limit is 1,000")


def test_a_long_text_is_told_of_and_a_syntax_mistake_behind_it_first() -> None:
    (found,) = check(Source("t", f"name: '{'a b ' * 300}'\nadvconv: 2\n")).diagnostics
    assert (found.code, found.message) == ("AC114", "a text has 1,200 characters, the limit is 1,000")

    assert [found.code for found in check(Source("t", f"name: '{'a b ' * 300}'\nx\n")).diagnostics] == ["AC102"]


@pytest.mark.parametrize("zeros", [1, 100, 10_000])
def test_zeros_before_a_number_change_nothing(zeros: int) -> None:
    (found,) = check(
        Source("t", f"advconv: -{'0' * zeros}7\nname: n\ninput: [3, 8, 8]\nnetwork: {{C1: [gap]}}\n")
    ).diagnostics

    assert (found.code, found.message.partition(", ")[2]) == ("AC118", "not -7")


def test_full_width_digits_without_end_are_told_of() -> None:
    assert [found.code for found in check(Source("t", f"a: {chr(0xFF11) * 10_000}\n")).diagnostics] == ["AC102"]


def test_merges_count_what_they_compare() -> None:
    long = "[" + "1, " * 20_000 + "1]"
    text = f"a: &a {{k: {long}}}\nb: &b {{k: {long}}}\nc: {{<<: [" + "*a, *b, " * 50 + "*a]}\n"

    assert [found.code for found in check(Source("t", text)).diagnostics] == ["AC107"]


@pytest.mark.parametrize("format", FORMATS)
def test_files_are_checked_one_at_a_time_and_forgotten(
    format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources: list[weakref.ref[Source]] = []
    for number in range(30):
        (tmp_path / f"{number}.yaml").write_text(
            f"advconv: 1\nname: n\ninput: [3, 8, 8]\nnetwork: {{C1: [gap: {number}]}}\n"
        )

    def watched(name: str, data: bytes, *more: Any) -> Checked:
        checked = check_bytes(name, data, *more)
        sources.append(weakref.ref(checked.source))
        return checked

    monkeypatch.setattr("advconv.cli.check_command.check_bytes", watched)
    most = 0
    for number, _ in enumerate(FORMATS[format](Search([str(tmp_path)], None, Configuration()))):
        assert len(sources) <= number + 3
        most = max(most, sum(source() is not None for source in sources))

    assert len(sources) == 30
    assert most <= 4


@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_is_written_a_line_at_a_time_is_one_value(count: int) -> None:
    checked = [check(Source(f"{number}.yaml", "advconv: 1\nname: n\n")) for number in range(count)]

    assert len(json.loads(json_report(checked))["files"]) == count
    assert len(json.loads(sarif_report(checked))["runs"][0]["results"]) == 2 * count
