"""The page of `advconv report`: its structure, its numbers, its escaping and its bounds."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advconv.analysis.connectivity import connected
from advconv.analysis.measure import Measures
from advconv.check import Checked, check, check_bytes
from advconv.cli.main import main
from advconv.report.data import network
from advconv.report.page.document import page
from advconv.report.page.field import Field, fields, runs
from advconv.report.page.markup import element, json_script, lines, prose, text
from advconv.report.page.rows import MAX_ROWS, Row, rows
from advconv.report.page.structure import parts, paths
from advconv.text.source import Source
from advconv.values.quantities import bytes_text, count_text
from tests.build import arch, checked, measured
from tests.page import HOSTILE, Element, data_of, hostile_file, long_network, page_of, parsed, shown

ARCH = "archs/c1c2c3c4.yaml"
GOOGLENET = "archs/zoo/googlenet.yaml"
FILES = [ARCH, GOOGLENET, "archs/zoo/efficientnet_b0.yaml", "archs/reference/99850.yaml"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(["<", "&", '"', HOSTILE])


def of_file(path: str) -> Checked:
    return check_bytes(path, Path(path).read_bytes())


def measures_of(path: str) -> Measures:
    found = of_file(path).measures
    assert found is not None
    return found


def cells(table: Element) -> list[list[str]]:
    return [[cell.text for cell in line.children if isinstance(cell, Element)] for line in table.all("tr")]


# Structure.


@pytest.mark.parametrize("path", FILES)
def test_a_page_has_landmarks_headings_in_order_and_unique_identifiers(path: str) -> None:
    root = shown(of_file(path))
    names = [each.attributes["id"] for each in root.all() if "id" in each.attributes]
    levels = [each.name for each in root.all() if re.fullmatch("h[1-6]", each.name)]

    assert len(names) == len(set(names))
    assert levels[0] == "h1"
    assert set(levels[1:]) == {"h2"}
    assert [len(root.all(landmark)) for landmark in ("header", "nav", "main", "aside", "footer")] == [1] * 5
    assert root.one("html").attributes["lang"] == "en"
    assert root.one(role="status").attributes["aria-live"] == "polite"


@pytest.mark.parametrize("path", FILES)
def test_every_link_inside_of_a_page_leads_somewhere(path: str) -> None:
    root = shown(of_file(path))
    names = {each.attributes.get("id") for each in root.all()}

    targets = [each.attributes["href"] or "" for each in root.all("a")]
    assert targets
    assert {target.removeprefix("#") for target in targets} <= names


def test_every_cell_of_the_head_of_a_table_has_a_scope() -> None:
    root = shown(of_file(ARCH))

    assert {each.attributes.get("scope") for each in root.all("th")} == {"col", "row"}


@pytest.mark.parametrize("path", FILES)
def test_every_row_is_drawn_once_and_can_be_focused(path: str) -> None:
    root, measures = shown(of_file(path)), measures_of(path)
    drawn = root.all("g", role="option")

    assert [each.attributes["data-row"] for each in drawn] == [str(row.number) for row in sorted_as_drawn(measures)]
    assert [each.attributes["tabindex"] for each in drawn].count("0") == 1


def sorted_as_drawn(measures: Measures) -> list[Row]:
    return [row for part in parts(rows(measures)) for row in part.rows()]


def test_a_row_is_told_once_with_its_whole_name_and_its_shapes() -> None:
    told = [row.attributes["aria-label"] for row in shown(of_file(ARCH)).all("g", role="option")]

    assert told[:3] == [
        "input: 3x32x32",
        "conv 3x3 C1[0]: convolution, 3x32x32 to 16x32x32",
        "strided 3x3 /2 C1[1]: 16x32x32 to 64x16x16",
    ]


def test_the_scale_of_memory_has_its_unit_and_a_long_block_is_cut_visibly() -> None:
    text = "advconv: 1\nname: a\ninput: [3, 32, 32]\nnetwork:\n  Backbone_one: [conv: 8]\n"
    *_, memory = shown(check(Source("a.yaml", text))).all("svg", class_="chart")

    assert [each.text for each in memory.all("text", class_="tick")] == ["0", "20 kB", "40 kB", "60 kB"]
    assert [each.text for each in memory.all("text", class_="block-name")] == ["Backbon…"]


def test_a_shortcut_is_a_path_beside_the_main_one() -> None:
    identity, projection = structure({"residual": [{"conv": 4}]}), structure({"residual": [{"strided": 8}]})

    assert identity == [("layers", ["C1[0].layers[0]"]), ("identity", [])]
    assert projection == [("layers", ["C1[0].layers[0]"]), ("shortcut", ["C1[0].shortcut"])]


def test_branches_are_beside_each_other_and_an_empty_one_is_the_identity() -> None:
    found = structure({"branches": {"paths": {"a": [{"conv": 8}, {"conv": 8}], "b": [{"conv": 8}], "c": []}}})

    assert found == [("a", ["C1[0].a[0]", "C1[0].a[1]"]), ("b", ["C1[0].b[0]"]), ("identity", [])]


def test_rounds_follow_each_other() -> None:
    found = structure({"repeat": {"times": 2, "layers": [{"conv": 8}, {"conv": 8}]}})

    assert found == [("", ["C1[0][0][0]", "C1[0][0][1]", "C1[0][1][0]", "C1[0][1][1]"])]


def test_the_stages_of_an_inverted_residual_follow_each_other_beside_the_identity() -> None:
    found = structure({"inverted_residual": {"out_channels": 4, "squeeze_excite": 2}})
    stages = [f"C1[0].{stage}" for stage in ("expand", "depthwise", "gate", "project")]

    assert [labels for _, labels in found] == [stages, []]


def structure(row: object) -> list[tuple[str, list[str]]]:
    """The paths inside of a row: the name of each and the labels of its rows."""
    measures = measured(row)
    block = next(part for part in parts(rows(measures)) if part.label == "C1")
    found = paths(block.children[0], measures.graph)
    return [(name, [part.label for part in column]) for name, column in zip(found.names, found.columns, strict=True)]


def test_edges_have_the_shapes_of_the_maps() -> None:
    root = shown(of_file(ARCH))
    shapes = [each.text for each in root.all("text", class_="shape")]

    assert shapes[:3] == ["3x32x32", "16x32x32", "64x16x16"]
    assert shapes[-1] == "10"


# Numbers.


@pytest.mark.parametrize("path", FILES)
def test_the_table_of_rows_has_the_numbers_of_the_json_report(path: str) -> None:
    measures = measures_of(path)
    root, expected = shown(of_file(path)), network(measures)["rows"]
    table = root.one(id="growth").one("table")

    for line, row in zip(cells(table)[1:], expected, strict=True):
        counts = count_text(row["params"]), count_text(row["macs"]), bytes_text(row["memory"])
        assert (line[0], line[1], line[3], *line[5:]) == (row["row"], row["kind"], row["output"], *counts)


@pytest.mark.parametrize("path", FILES)
def test_the_drawn_field_is_the_interval_of_the_middle_position(path: str) -> None:
    measures, data = measures_of(path), data_of(shown(of_file(path)))

    for row, drawn in zip(rows(measures), data, strict=True):
        shape, (over_height, over_width) = measures.graph.nodes[row.last].shape, measures.reaches[row.last]
        top = over_height.jump * (shape.height // 2) + over_height.first
        left = over_width.jump * (shape.width // 2) + over_width.first
        assert drawn["box"] == [left, top, over_width.size, over_height.size]
        assert drawn["label"] == row.label


def field_of(*given: object, input: Sequence[int] = (4, 33, 33)) -> Field:
    measures = measured(*given, input=input)
    found = fields(measures, rows(measures))[-1]
    assert found is not None
    return found


def test_the_share_on_padding_is_that_of_the_pixels_outside_of_the_image() -> None:
    padded, inside = field_of({"conv": {"out_channels": 8, "kernel_size": 5}}, input=(4, 3, 9)), field_of({"conv": 8})

    # Rows -1 to 3 of an image with rows 0 to 2; all five columns are inside.
    assert (padded.first, padded.last) == ((-1, 2), (3, 6))
    assert padded.on_padding == pytest.approx(2 / 5)
    assert inside.on_padding == 0


def test_the_gaps_of_dilation_are_drawn_pixel_by_pixel() -> None:
    found = field_of({"dilated": {"out_channels": 8, "dilation": [3, 1]}})
    ((over_rows, over_columns),) = found.areas

    assert over_rows == ((13, 1), (16, 1), (19, 1))
    assert over_columns == ((15, 3),)
    assert found.connected == pytest.approx(9 / 21)


@pytest.mark.parametrize("path", FILES)
def test_the_connected_share_of_the_last_map_is_that_of_the_network(path: str) -> None:
    measures = measures_of(path)
    found, whole = dict(zip((row.last for row in rows(measures)), fields(measures, rows(measures)), strict=True)), None
    shares = [field.connected for index in measures.last_maps.maps if (field := found[index]) and field.connected]
    whole = connected(measures)

    assert whole is not None
    assert min(shares) == whole.share


def test_more_gaps_than_are_drawn_are_admitted() -> None:
    wide = {"dilated": {"out_channels": 8, "kernel_size": [1, 151], "dilation": 2}}

    assert field_of(wide, input=(4, 3, 400)).note == "its gaps are too many to be drawn"


UNEQUAL = {"near": [{"conv": 8}], "far": [{"strided": 8}, {"conv": {"out_channels": 8, "padding": 5}}]}


def test_an_unknown_field_is_said_to_be_unknown() -> None:
    root = shown(checked(arch({"branches": {"merge": "add", "paths": UNEQUAL}}, {"conv": 8})))
    last = data_of(root)[-1]

    assert last["box"] is None
    assert "is unknown" in last["text"]
    assert "unknown" in root.one(id="fields").text


def test_what_a_gate_sees_is_said() -> None:
    data = data_of(shown(checked(arch({"conv": 8}, {"squeeze_excite": 4}))))

    assert "through a gate it sees the whole image" in data[-1]["text"]


@given(st.integers(0, 2**40), st.integers(-50, 50))
def test_runs_are_the_set_bits(bits: int, first: int) -> None:
    found = [pixel for start, count in runs(bits, first) for pixel in range(start, start + count)]

    assert found == [first + place for place in range(bits.bit_length()) if bits >> place & 1]


def test_the_tables_are_those_of_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    root = shown(of_file(ARCH))
    for section, command in (("fields", ["rf-table", "--explain"]), ("layers", ["summary"])):
        with pytest.raises(SystemExit):
            main([command[0], ARCH, *command[1:], "--format", "json"])
        expected = json.loads(capsys.readouterr().out)["rows"]
        blocks = [row.pop("Block") for row in expected] if section == "fields" else [""] * len(expected)
        lines = cells(root.one(id=section).one("table"))[1:]
        assert all(line[0].startswith(block) for line, block in zip(lines, blocks, strict=True))
        found = [line[-len(expected[0]) :] for line in lines]
        assert found == [[f"{cell:,}" if isinstance(cell, int) else cell for cell in row.values()] for row in expected]


def test_the_yaml_and_the_source_can_be_copied_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    root = shown(of_file(ARCH))
    with pytest.raises(SystemExit):
        main(["emit", ARCH])

    assert root.one(id="yaml").one("code").text + "\n" == Path(ARCH).read_text(encoding="utf-8")
    assert root.one(id="source").one("code").text + "\n" == capsys.readouterr().out


# Verdicts and findings.


def test_a_constraint_has_its_status_in_words_its_margin_and_a_bar() -> None:
    limits = {"params": "< 100", "receptive_field": ">= 3", "accuracy": "> 80%"}
    root = shown(checked(arch({"conv": 8}, constraints=limits)))
    found = {line[1]: line for line in cells(root.one("table", class_="constraints"))[1:]}

    assert {name: line[0] for name, line in found.items()} == {
        "receptive_field": "\u2713 kept",
        "params": "\u2717 failed",
        "accuracy": "\u2026 not judged",
    }
    assert found["params"][4] == "204 above 100"
    assert len(root.all("svg", class_="margin")) == 3


@given(st.integers(0, 2_000), st.sampled_from(["<", "<=", ">", ">=", "=="]), st.integers(0, 400))
def test_the_mark_of_a_bar_lies_in_its_band_if_the_constraint_is_kept(bound: int, operator: str, spread: int) -> None:
    """A convolution of 4 to 8 channels with a norm has 304 parameters."""
    limit = {"min": bound, "max": bound + spread} if spread else f"{operator} {bound}"
    found = checked(arch({"conv": 8}, constraints={"params": limit}))
    drawn = shown(found).one("svg", class_="margin")
    band, mark = drawn.one("rect", class_="allowed").attributes, drawn.one("path", class_="value").attributes["d"]
    start, place = float(band["x"] or ""), float(re.findall(r"M([\d.]+) ", mark or "")[0])
    is_inside = start <= place <= start + float(band["width"] or "") + 0.01

    assert is_inside or not found.verdicts[0].limit.holds(304)
    assert not is_inside or found.ok or abs(304 - bound) < 3 or abs(304 - bound - spread) < 3


def test_a_finding_has_its_help_and_a_link_to_its_line() -> None:
    root = page_of("advconv: 1\nname: t\ninput: [3, 8, 8]\nnetwork:\n  C1:\n    - conv: 5\n    - conv: 8\n")
    finding = root.one("ul", class_="findings").one("li")

    assert "AC318" in finding.text
    assert "Help: use 8" in finding.text
    assert finding.one("a").attributes["href"] == "#line-6"
    assert root.one(id="line-6").text == "    - conv: 5"
    assert root.one(id="line-6").attributes["class"] == "marked"


@pytest.mark.parametrize("path", sorted(Path("tests/cases").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_file_with_errors_has_a_page_with_its_diagnostics_and_its_text(path: Path) -> None:
    found = check_bytes(path.name, path.read_bytes())
    root = shown(found)
    listed = root.all("ul", class_="findings")

    assert len(listed[0].all("li") if listed else []) == min(100, len(found.diagnostics))
    assert root.one(id="yaml").one("code").text.split() == " ".join(found.source.lines).split() or "\\" in root.text
    assert bool(root.all(id="network")) == (found.measures is not None)


# Escaping.


@given(TEXTS, TEXTS)
def test_any_text_is_one_element_and_one_attribute(content: str, value: str) -> None:
    root = parsed(element("p", content, title=value))
    (found,) = root.children

    assert isinstance(found, Element)
    assert list(found.attributes) == ["title"]
    assert all(isinstance(child, str) for child in found.children)
    assert found.text == parsed(text(content)).text


@given(TEXTS)
def test_any_text_between_backticks_is_code_and_nothing_else(content: str) -> None:
    assert {each.name for each in parsed(prose(content)).all()} <= {"code"}


@given(st.lists(TEXTS.filter(lambda line: "\n" not in line and "\r" not in line and "\0" not in line), min_size=1))
def test_lines_of_code_keep_every_character(given: list[str]) -> None:
    root = parsed(lines(given, "line-"))
    for hidden in root.all(class_="code"):
        hidden.children = [chr(int(hidden.attributes["data-code"] or ""))]

    assert root.text == "\n".join(given)


@given(st.recursive(TEXTS | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)))
def test_data_for_the_script_comes_back_and_cannot_end_it(data: object) -> None:
    markup = json_script("data", data)

    assert json.loads(parsed(markup).one("script").text) == data
    assert not re.search("[<>&\u2028\u2029]", parsed(markup).one("script").text)


@settings(deadline=None)
@given(TEXTS.filter(str.strip), TEXTS)
def test_a_page_of_any_text_runs_the_script_of_ours_alone(comment: str, name: str) -> None:
    head = f"advconv: 1\nname: {json.dumps(name)}\ninput: [3, 8, 8]\n"
    root = page_of(f"{head}network: {{C1: [conv: 8]}} # {comment}", name)

    assert_harmless(root)


def test_hostile_comments_names_and_findings_do_no_harm() -> None:
    for text_ in (hostile_file(), HOSTILE, f'"{HOSTILE}": 1\nadvconv: 1\nconstraints: {{params: "{HOSTILE}"}}'):
        assert_harmless(page_of(text_, HOSTILE))


def assert_harmless(root: Element) -> None:
    """Two scripts, data and ours, no image, no handler, and nothing that is loaded."""
    scripts = root.all("script")
    assert [each.attributes.get("type") for each in scripts] == ["application/json", None]
    assert {each.name for each in root.all()} & {"img", "iframe", "object", "embed", "base", "form"} == set()
    for each in root.all():
        assert not [name for name in each.attributes if name.startswith("on") or name in ("src", "style", "xlink:href")]


def test_the_policy_of_a_page_allows_its_own_script_and_style_alone() -> None:
    root = shown(of_file(ARCH))
    policy = root.one("meta", http_equiv="Content-Security-Policy").attributes["content"] or ""
    hashes = [
        base64.b64encode(hashlib.sha256(each.text.encode()).digest()).decode()
        for each in (root.one("style"), root.all("script")[-1])
    ]

    assert policy.startswith("default-src 'none';")
    assert re.findall("sha256-([^']*)", policy) == hashes


# Bounds.


@pytest.mark.parametrize("path", FILES)
def test_a_page_refers_to_nothing_outside_of_itself(path: str) -> None:
    root = shown(of_file(path))

    assert [each.attributes["href"] for each in root.all("link")] == ["data:,"]
    assert not re.search(r"url\((?!#)|@import|\bsrc=|fetch\(|XMLHttpRequest|import\(", page(of_file(path)))


def test_a_page_of_three_rows_and_one_of_300_are_whole() -> None:
    for count in (3, 300):
        root = page_of(long_network(count))
        assert len(root.all("g", role="option")) == count + 1
        assert len(data_of(root)) == count + 1


LONG_NAME = "n" * 5_000
DILATED = "{dilated: {out_channels: 8, kernel_size: [1, 15], dilation: 3}}"
HEAD = "advconv: 1\nname: t\ninput: [3, 9, 999]\nnetwork: "
HUGE = {
    "rows": long_network(900),
    "layers": HEAD + "{C1: [repeat: {times: 1400, layers: [dwsep: 8]}]}",
    "names": HEAD + f"{{{LONG_NAME}: [repeat: {{times: 99, layers: [conv: 8]}}]}}",
    "gaps": HEAD + f"{{C1: [repeat: {{times: 200, layers: [{DILATED}]}}]}}",
    "lines": "a: b\n" * 190_000,
    "line": "a" * 900_000,
    "errors": f"{HEAD}\n  C1:\n" + f"    - {'wrong' * 100}: 1\n" * 1_500,
}


@pytest.mark.slow
@pytest.mark.parametrize("text", HUGE.values(), ids=list(HUGE))
def test_no_page_is_larger_than_two_megabytes(text: str) -> None:
    assert len(page(check(Source("t.yaml", text))).encode()) < 2_000_000


def test_what_is_left_out_is_counted() -> None:
    root = page_of(HUGE["rows"])

    assert f"The first {MAX_ROWS:,} of 901 rows." in root.one(id="network").text
    assert len(root.all("g", role="option")) == MAX_ROWS


# The command.


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit:
        main(["report", *arguments])
    out, err = capsys.readouterr()
    assert isinstance(exit.value.code, int)
    return exit.value.code, out, err


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net.yaml").write_text(Path(ARCH).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "bad.yaml").write_text("advconv: 1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_writes_the_page_and_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("net.yaml", "-o", "out.html", capsys=capsys) == (0, "wrote out.html; c1c2c3c4: ok\n", "")
    assert parsed((folder / "out.html").read_text(encoding="utf-8")).one("h1").text == "c1c2c3c4"


def test_without_a_name_the_page_has_that_of_the_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("net.yaml", capsys=capsys)[0] == 0
    assert run("net.yaml", capsys=capsys)[0] == 0, "a page of ours is replaced"
    assert (folder / "net.html").exists()

    (folder / "net.html").write_text("mine")
    assert run("net.yaml", capsys=capsys)[0] == 2
    assert (folder / "net.html").read_text() == "mine"


def test_a_file_with_errors_exits_1_and_has_a_page(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("bad.yaml", "-o", "bad.html", capsys=capsys)

    assert (code, out) == (1, "wrote bad.html; bad.yaml: 3 errors\n")
    assert (folder / "bad.html").exists()


@pytest.mark.parametrize("output", ["net.yaml", "new.yml", "bad.yaml", "nowhere/x.html"])
def test_a_yaml_file_is_never_written(output: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    assert run("net.yaml", "-o", output, capsys=capsys)[0] == 2
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_file_itself_is_not_replaced_whatever_its_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "net.txt").write_bytes((folder / "net.yaml").read_bytes())

    assert run("net.txt", "-o", "./net.txt", capsys=capsys)[0] == 2
    assert (folder / "net.txt").read_bytes() == (folder / "net.yaml").read_bytes()


def test_standard_input_needs_a_name_for_its_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-", capsys=capsys)[0] == 2


def test_another_input_is_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("net.yaml", "-o", "out.html", "--input", "3,64,96", capsys=capsys)[0] == 0
    assert "image 64x96" in (folder / "out.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_configuration_of_the_project_holds(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[tool.advconv]\nignore = ["AC314"]\n')
    command = [sys.executable, "-m", "advconv", "report", "net.yaml", "-o", "out.html"]
    root = Path(__file__).parents[1]
    subprocess.run(command, check=True, capture_output=True, env={"PYTHONPATH": str(root)})

    assert "AC314" not in (folder / "out.html").read_text(encoding="utf-8")
