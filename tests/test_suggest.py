"""Suggestions: what is printed can be applied, nothing smaller mends the file, and nothing else of it changes."""

import copy
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from advconv.check import Checked, check, check_bytes
from advconv.cli.main import main
from advconv.suggest.processes import available_cores
from advconv.suggest.suggestion import Suggestions, suggest
from advconv.suggest.task import Task
from advconv.text.source import Source
from tests.broken import broken
from tests.processes import wait_until
from tests.strategies import LAW

TEXT = """\
advconv: 1
name: t
input: [3, 32, 32]
classes: 10
network:
  C1:                # first
    - conv: 16       # narrow
    - strided: 32
    - conv: {out_channels: 32, kernel_size: 3}
  O: [gap, linear]
constraints:
"""


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    with pytest.raises(SystemExit) as exit:
        main(list(arguments))
    out, err = capsys.readouterr()
    assert isinstance(exit.value.code, int)
    return exit.value.code, out, err


def written(tmp_path: Path, constraints: str, text: str = TEXT) -> Path:
    file = tmp_path / "t.yaml"
    file.write_text(text + "".join(f"  {line}\n" for line in constraints.splitlines()))
    return file


def found(text: str, edits: int = 3, most: int = 1000) -> Suggestions:
    return suggest(Task(Source("t", text)), most, edits)


def marks(checked: Checked) -> Counter[str]:
    """The codes of the warnings."""
    return Counter(diagnostic.code for diagnostic in checked.diagnostics if diagnostic.severity == "warning")


@pytest.mark.slow
@settings(LAW, max_examples=LAW.max_examples // 2 + 1)
@given(data=broken(), edits=st.sampled_from([1, 1, 1, 2]))
def test_every_printed_suggestion_applied_passes_the_check(
    data: bytes, edits: int, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    before = check_bytes("t", data)
    assume(data and before.measures and not before.ok)
    file = tmp_path_factory.mktemp("broken") / "t.yaml"
    file.write_bytes(data)
    words = ["--edits", str(edits), "--most", "4"]
    _, out, _ = run("suggest", str(file), "--format", "json", *words, capsys=capsys)
    suggestions = json.loads(out)["suggestions"]
    costs = []

    for number, suggestion in enumerate(suggestions, 1):
        file.write_bytes(data)
        code, _, _ = run("suggest", str(file), "--apply", str(number), *words, capsys=capsys)
        assert code == 0
        after = check_bytes("t", file.read_bytes())
        assert after.ok, file.read_text()
        assert after.measures is not None
        assert after.measures.total.params == suggestion["params"]["after"]
        assert [after.measures.receptive_field.size or ()] == [tuple(suggestion["receptive_field"]["after"] or ())]
        costs.append((after.measures.total.macs, after.measures.total.params))
        assert len(suggestion["edits"]) <= edits
        assert file.read_bytes() == _spliced(data, suggestion["replacements"])
    assert costs == sorted(costs)
    assert len({len(suggestion["edits"]) for suggestion in suggestions}) <= 1


def _spliced(data: bytes, replacements: list[dict[str, Any]]) -> bytes:
    """The bytes with only the replaced spans changed, which do not touch comments of other rows."""
    mark = data[:3] if data.startswith(b"\xef\xbb\xbf") else b""
    text = data[len(mark) :].decode()
    for each in sorted(replacements, key=lambda each: each["offset"], reverse=True):
        text = text[: each["offset"]] + each["text"] + text[each["end_offset"] :]
    return mark + text.encode()


@pytest.mark.slow
@settings(LAW, max_examples=LAW.max_examples // 2 + 1)
@given(data=broken())
def test_comments_survive_every_suggestion_that_keeps_their_row(data: bytes) -> None:
    before = check_bytes("t", data)
    assume(data and before.measures and not before.ok)
    text = before.source.text
    comments = re.findall(r"#.*", text)

    for suggestion in suggest(Task(before.source), 20, 1).found:
        if suggestion.moves[0].about != "leave it out":
            after = _spliced(text.encode(), [_data(edit) for edit in suggestion.edits]).decode()
            assert re.findall(r"#.*", after) == comments


def _data(edit: Any) -> dict[str, Any]:
    return {"offset": edit.span.start, "end_offset": edit.span.end, "text": edit.text}


# The edits of the language's documentation, written down a second time, on the data of the file.

FIELDS: dict[str, tuple[Any, ...]] = {"dilation": (1, 2, 3, 4, 6, 8), "kernel_size": (3, 5, 7), "stride": (1, 2)}
DEFAULTS = {"conv": {}, "strided": {"stride": 2}, "dilated": {"dilation": 2}, "dwsep": {}}


def lists_of_rows(data: Any) -> Iterator[list[Any]]:
    """All lists of rows, by a walk through the data."""
    for value in data.values() if isinstance(data, dict) else ():
        if isinstance(value, list):
            yield value
            for row in value:
                yield from lists_of_rows(row)
        else:
            yield from lists_of_rows(value)


def single_edits(network: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All networks that differ in one edit."""
    for number, rows in enumerate(lists_of_rows(network)):
        for index, row in enumerate(rows):
            for changed in edited_rows(row, len(rows)):
                new = copy.deepcopy(network)
                list(lists_of_rows(new))[number][index : index + 1] = changed
                yield new


def edited_rows(row: Any, siblings: int) -> Iterator[list[Any]]:
    if siblings > 1:
        yield []
    ((word, value),) = row.items() if isinstance(row, dict) else ((row, None),)
    if word not in DEFAULTS:
        return
    fields = dict(value) if isinstance(value, dict) else {"out_channels": value}
    width = int(fields["out_channels"] or 0)
    values: dict[str, Any] = FIELDS | {"groups": () if word == "dwsep" else (1, 2, 4, 8)}
    values["out_channels"] = {max(8, round(width * factor / 8) * 8) for factor in (0.5, 0.75, 1.25, 1.5, 2)}
    for field, numbers in values.items():
        for number in numbers:
            yield [{word: fields | {field: number}}]
    yield [row, {"conv": width}]
    other = {"conv": "dwsep", "dwsep": "conv"}.get(word)
    if other and "groups" not in fields:
        yield [{other: fields}]


def fewest_edits(data: dict[str, Any], most: int) -> int | None:
    """How many edits mend a file, by trying all of them as texts; None if so many do not."""
    base = marks(check(Source("t", yaml.safe_dump(data, sort_keys=False))))
    ahead = [data["network"]]
    for count in range(1, most + 1):
        following = (edited for network in ahead for edited in single_edits(network))
        ahead = list({json.dumps(network): network for network in following}.values())
        for network in ahead:
            checked = check(Source("t", yaml.safe_dump(data | {"network": network}, sort_keys=False)))
            if checked.ok and not marks(checked) - base:
                return count
    return None


SMALL = st.lists(
    st.sampled_from(
        [{"conv": 8}, {"conv": 16}, {"strided": 16}, {"dwsep": 16}, {"conv": {"out_channels": 16, "dilation": 2}}]
    ),
    min_size=1,
    max_size=2,
)
LIMITS = st.sampled_from(
    [
        {"receptive_field": "> 15"},
        {"receptive_field": "> 20", "params": "< 1000"},
        {"params": "< 600"},
        {"macs": "< 100k", "receptive_field": ">= 9"},
        {"params": "> 4000", "receptive_field": "< 9"},
        {"uses": {"dwsep": "== 1"}, "params": "< 900"},
    ]
)


@pytest.mark.slow
@settings(LAW, max_examples=LAW.max_examples // 10 + 1, suppress_health_check=list(HealthCheck))
@given(rows=SMALL, limits=LIMITS)
def test_no_smaller_set_of_edits_mends_a_small_architecture(rows: list[Any], limits: dict[str, Any]) -> None:
    data = {"advconv": 1, "name": "t", "input": [3, 16, 16], "classes": 10}
    data |= {"network": {"C1": rows, "O": ["gap", "linear"]}, "constraints": limits}
    text = yaml.safe_dump(data, sort_keys=False)
    assume(check(Source("t", text)).measures and not check(Source("t", text)).ok)
    # The search only knows rows that it can name; brute force tries all texts with one and two edits.
    search = found(text, edits=2)

    smallest = fewest_edits(data, 2)
    assert search.is_complete
    assert (len(search.found[0].moves) if search.found else None) == smallest


def test_the_fewest_edits_come_first_and_then_the_cheapest(tmp_path: Path) -> None:
    suggestions = found(TEXT + '  receptive_field: "> 11"\n').found

    assert {len(suggestion.moves) for suggestion in suggestions} == {1}
    costs = [(suggestion.macs, suggestion.params) for suggestion in suggestions]
    assert costs == sorted(costs)
    assert len(costs) > 5


def test_what_a_rule_would_flag_is_not_suggested() -> None:
    text = TEXT + '  receptive_field: "> 11"\n'
    before = marks(check(Source("t", text)))
    task = Task(Source("t", text))

    for suggestion in suggest(task, 1000, 1).found:
        checked = check(Source("t", _spliced(text.encode(), [_data(edit) for edit in suggestion.edits]).decode()))
        assert not marks(checked) - before


def test_a_warning_about_a_row_does_not_forbid_to_add_one_before_it() -> None:
    text = (
        TEXT.replace("- conv: {", "- pointwise: {out_channels: 32, dilation: 2}\n    - conv: {")
        + "  receptive_field: '> 10'\n"
    )
    assert marks(check(Source("t", text))) == Counter(["AC313"])

    assert "C1[0]: add `conv: 16` after it" in {str(suggestion.moves[0]) for suggestion in found(text).found}


def test_a_row_that_an_alias_repeats_is_edited_once_for_all_its_places() -> None:
    text = TEXT.replace("- conv: {", "- &wide\n      conv: {").replace("  O:", "    - *wide\n    - *wide\n  O:")
    suggestions = found(text + '  receptive_field: "> 25"\n').found

    labels = {suggestion.moves[0].row.label for suggestion in suggestions}
    assert "C1[2]" in labels
    assert not labels & {"C1[3]", "C1[4]"}


def test_an_architecture_whose_bound_no_edit_reaches_says_which(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run("suggest", str(written(tmp_path, 'params: "< 50"')), capsys=capsys)

    assert code == 1
    lines = out.splitlines()
    assert lines[1] == "no one, two or three edits keep all constraints"
    # 3 input channels, 8 wide: linear alone has 8 * 10 + 10 = 90 parameters, and no row is narrower than 8.
    assert re.fullmatch(
        r"  params is 14,746, the limit is < 50; the best edits one after another end at \d+ after \d+ edits, "
        r"and no further edit brings it nearer",
        lines[2],
    )


def test_an_architecture_whose_bounds_exclude_each_other_says_what_each_costs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, 'params: "> 400k"\nmacs: "< 100k"')

    code, out, _ = run("suggest", str(file), "--edits", "2", capsys=capsys)

    assert code == 1
    assert re.search(r"params is 14,746, the limit is > 400k; \d+ edits for it alone lead to .* but then macs", out)


def test_limits_that_contradict_each_other_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, 'receptive_field: "> 44"')

    code, _, err = run("suggest", str(file), "--goal", "receptive_field < 40", capsys=capsys)

    assert code == 1
    assert err == f"advconv: {file}: nothing keeps both receptive_field > 44 and receptive_field < 40\n"


def test_goals_hold_beside_the_constraints_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, 'params: "< 20k"')

    code, _, _ = run("suggest", str(file), "--goal", "params > 18k", "--apply", "1", capsys=capsys)

    assert code == 0
    checked = check_bytes("t", file.read_bytes())
    assert checked.ok
    assert checked.measures is not None
    assert 18_000 < checked.measures.total.params < 20_000


@pytest.mark.parametrize(
    ("goal", "code", "message"),
    [
        ("nonsense", 2, "--goal 'nonsense' is not a limit, write one as in --goal 'receptive_field > 60'"),
        ("", 2, "--goal '' is not a limit"),
        ("foo > 3", 2, "constraints has no key 'foo'"),
        ("params > x", 2, "a limit is a number of at least 0"),
        ("params.x > 3", 2, "--goal"),
        ("uses.nothing >= 1", 2, "there is no feature 'nothing'"),
        ("params == 0", 1, ""),
        ("accuracy > 99%", 0, ""),
    ],
)
def test_goals_that_are_wrong_are_one_message(
    goal: str, code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, "params: '> 10'")
    exit, _, err = run("suggest", str(file), "--goal", goal, "--edits", "1", capsys=capsys)

    assert exit == code
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "advconv: 1\n",
        "[]",
        "advconv: 1\nname: t\ninput: [3, 8, 8]\nnetwork: {}\n",
        "a: &a [*a]",
        "\x00",
        TEXT[:-30],
    ],
)
@pytest.mark.parametrize("command", [("suggest", "--goal", "params > 3"), ("fit", "--budget", "params < 3")])
def test_a_file_with_errors_is_reported_and_left_alone(
    text: str, command: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(text)
    flag = ["--apply", "1"] if command[0] == "suggest" else ["--apply"]
    code, _, err = run(command[0], str(file), *command[1:], *flag, capsys=capsys)

    assert code == 1
    assert "error[" in err
    assert file.read_text() == text


def test_standard_input_is_edited_on_standard_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = TEXT.replace("\n", "\r\n") + '  receptive_field: "> 11"\r\n'
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    code, out, err = run("suggest", "-", "--apply", "1", capsys=capsys)

    assert code == 0
    assert check(Source("t", out)).ok
    assert out.count("\r\n") == out.count("\n") >= text.count("\n") - 1
    assert "1. C1" in err


def test_a_suggestion_that_does_not_exist_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, 'receptive_field: "> 11"')
    before = file.read_bytes()

    code, _, err = run("suggest", str(file), "--edits", "1", "--apply", "9999", capsys=capsys)

    assert code == 1
    assert re.fullmatch(rf"advconv: there is no suggestion 9999, there are \d+; {file} is unchanged\n", err)
    assert file.read_bytes() == before


def test_a_file_that_changes_meanwhile_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from advconv.cli import suggest_command

    file = written(tmp_path, 'receptive_field: "> 11"')

    def changing(*arguments: Any) -> Suggestions:
        file.write_text("something else\n")
        return suggest(*arguments)

    monkeypatch.setattr(suggest_command, "suggest", changing)
    code, _, err = run("suggest", str(file), "--apply", "1", capsys=capsys)

    assert code == 1
    assert err == f"advconv: {file} has changed meanwhile and is left as it is\n"
    assert file.read_text() == "something else\n"


def test_json_stays_json_if_a_suggestion_is_applied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, 'receptive_field: "> 11"')

    code, out, err = run("suggest", str(file), "--apply", "2", "--format", "json", capsys=capsys)

    assert (code, err) == (0, f"advconv: {file} is written\n")
    data = json.loads(out)
    assert data["complete"]
    assert file.read_bytes() == _spliced(
        (TEXT + '  receptive_field: "> 11"\n').encode(), data["suggestions"][1]["replacements"]
    )


def test_a_directory_and_a_missing_file_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("suggest", str(tmp_path), capsys=capsys)[::2] == (2, f"advconv: {tmp_path}: Is a directory\n")
    missing = tmp_path / "no.yaml"
    assert run("fit", str(missing), capsys=capsys)[::2] == (2, f"advconv: {missing}: No such file or directory\n")


def test_names_with_quotes_are_edited(tmp_path: Path) -> None:
    text = TEXT.replace("  C1:  ", "  'C1':").replace(
        "- strided: 32", "- 'strided': {'out_channels': 32, \"name\": 'it''s'}"
    )
    text = text.replace("'it''s'", "'its'")
    suggestions = found(text + '  receptive_field: "> 11"\n').found

    assert {suggestion.moves[0].row.label for suggestion in suggestions} >= {"C1[0]", "C1[1]"}


LOST = "a worker process of the search has ended, probably because there is not enough memory"
LONG = "receptive_field: '> 4000'\nparams: '< 20k'"


def search_in_process(file: Path) -> subprocess.Popen[str]:
    """A search of a minute or more, with its workers, in a process group of its own."""
    command = [sys.executable, "-m", "advconv", "suggest", str(file)]
    # A background job of a script ignores Ctrl-C, and so would its children.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    signal.signal(signal.SIGINT, before)
    wait_until(lambda: len(children(process.pid)) > 0)
    return process


def children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task/{process}/children")
    return [int(number) for number in tasks.read_text().split()] if tasks.exists() else []


def is_running(process: int) -> bool:
    status = Path(f"/proc/{process}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or available_cores() < 2, reason="needs /proc and workers")
@pytest.mark.parametrize(
    ("end", "code", "message"),
    [
        ("interrupt", 130, "advconv: interrupted\n"),
        (
            "worker",
            2,
            "advconv: a worker process of the search has ended, probably because there is not enough memory\n",
        ),
        ("kill", -signal.SIGKILL, ""),
    ],
)
def test_a_search_ends_with_one_line_and_with_its_workers(end: str, code: int, message: str, tmp_path: Path) -> None:
    process = search_in_process(written(tmp_path, LONG))
    workers = children(process.pid)
    if end == "interrupt":
        os.killpg(process.pid, signal.SIGINT)
    else:
        os.kill(process.pid if end == "kill" else workers[0], signal.SIGKILL)

    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, message)
    wait_until(lambda: not any(map(is_running, workers)))


def test_a_check_that_fails_prints_single_edits_ready_to_paste(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, "receptive_field: '> 11'\nmacs: '< 2M'")
    code, out, _ = run("check", str(file), capsys=capsys)
    told = f"help: one edit keeps all constraints; advconv suggest {file} --apply 1 writes the first\n"
    _, _, suggested = out.partition(told)

    assert code == 1
    assert suggested.splitlines() == [
        "  1. C1[0]: stride 1 -> 2: RF 9 -> 15, parameters +0, MACs -2,985,984",
        "     - conv: {out_channels: 16, stride: 2}       # narrow",
    ]


def test_a_check_that_no_single_edit_mends_names_the_search(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "receptive_field: '> 60'")

    assert run("check", str(file), capsys=capsys)[1].endswith(
        f"\nhelp: advconv suggest {file} combines several edits\n"
    )


def test_a_diff_shows_what_the_file_would_become(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "receptive_field: '> 11'")
    _, out, _ = run("suggest", str(file), "--most", "1", "--diff", capsys=capsys)
    lines = out[out.index("--- ") :].splitlines()
    run("suggest", str(file), "--apply", "1", capsys=capsys)

    assert lines[:2] == [f"--- {file}", f"+++ {file}"]
    (changed,) = [line[1:] for line in lines[2:] if line.startswith("+")]
    assert changed in file.read_text().splitlines()


@pytest.mark.slow
def test_several_processes_find_what_one_finds() -> None:
    task = Task(Source("t", TEXT + '  receptive_field: "> 20"\n  params: "< 20k"\n'))
    alone, together = suggest(task, 1000, 2), suggest(task, 1000, 2, processes=2)

    assert alone.tried == together.tried > 1000
    assert alone.found
    assert [each.edits for each in alone.found] == [each.edits for each in together.found]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("patience", "is_shown"), [(1000.0, False), (-1.0, True)], ids=["short", "long"])
def test_a_bar_is_shown_for_a_long_search_on_a_terminal(
    patience: float, is_shown: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, "receptive_field: '> 11'")
    monkeypatch.setattr("advconv.cli.suggest_command.PATIENCE", patience)
    for terminal, is_there in ((Terminal(), is_shown), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", terminal)
        with pytest.raises(SystemExit):
            main(["suggest", str(file)])
        assert ("combinations of edits" in terminal.getvalue()) == is_there
