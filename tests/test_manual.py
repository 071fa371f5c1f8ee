"""The pages of the codes, the schema, SARIF: what is printed for people's editors and services."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from advconv.blocks import BLOCKS
from advconv.check import Checked, check, check_bytes
from advconv.cli.parser import main
from advconv.language.dump import dump
from advconv.language.json_schema import schema
from advconv.language.spec import ArchSpec, parse
from advconv.manual.blocks import EXAMPLES, blocks_manual
from advconv.manual.rules import example, manual, table, warnings
from advconv.report.sarif import sarif_report
from advconv.rules import RULES
from advconv.rules.record import Rule
from advconv.text.reader import read
from advconv.text.source import Source
from tests.build import arch
from tests.golden import expect

SHIPPED = sorted([*Path("archs").rglob("*.yaml"), *Path("advconv/language/templates").glob("*.yaml")])


def test_codes_are_unique_and_in_order() -> None:
    codes = [rule.code for rule in RULES]

    assert codes == sorted(set(codes))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_examples_of_a_rule_fail_and_pass(rule: Rule) -> None:
    failing, passing = (check(Source("example.yaml", example(text))) for text in (rule.fails, rule.passes))

    assert rule.code in {found.code for found in failing.diagnostics}
    assert passing.diagnostics == []


def test_the_table_of_codes_in_the_language_is_current(update: bool) -> None:
    path = Path("docs/language.md")
    text = path.read_text(encoding="utf-8")
    start, end = text.index("| code |"), text.index("\n\n", text.index("| code |"))
    now = f"{text[:start]}{table()}{text[end:]}"
    if update:
        path.write_text(now, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == now
    assert warnings() in now


def test_the_manual_is_current(update: bool) -> None:
    expect(Path("docs/diagnostics.md"), manual(), update)


def test_the_page_of_the_blocks_is_current_and_its_examples_pass(update: bool) -> None:
    expect(Path("docs/blocks.md"), blocks_manual(), update)
    assert list(EXAMPLES) == [block.kind for block in BLOCKS]
    for text in EXAMPLES.values():
        assert check(Source("example.yaml", example(text))).diagnostics == [], text


def data_of(path: Path) -> Any:
    document, _ = read(Source(str(path), path.read_text(encoding="utf-8")))
    assert document is not None
    return document.root.data


VALIDATOR = jsonschema.Draft202012Validator(schema())


def test_the_schema_is_one_and_current(update: bool) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    expect(Path("docs/advconv.schema.json"), json.dumps(schema(), indent=2), update)


def test_every_field_has_a_description() -> None:
    found = list(properties_of(schema()))

    assert len(found) > 200
    assert [key for key, field in found if len(field.get("description", "")) < 8] == []


def properties_of(part: Any) -> Iterator[tuple[str, Any]]:
    """Each property that a schema has, at any depth."""
    for kind in ("properties", "patternProperties") if isinstance(part, dict) else ():
        yield from part.get(kind, {}).items() if isinstance(part.get(kind), dict) else ()
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from properties_of(inner)


def test_what_may_stand_bare_is_no_property_that_an_editor_would_complete_with_a_colon() -> None:
    """In each choice of forms: the words and the properties of the mappings beside them have nothing in common."""
    row = schema()["$defs"]["row"]["anyOf"]
    assert {"gap", "flatten", "maxpool", "squeeze_excite", "linear", "depthwise"} <= set(row[0]["enum"])
    assert len(row[0]["enum"]) == len(row[0]["enumDescriptions"])
    assert set(row[0]["enum"]) | set(row[1]["properties"]) == {block.kind for block in BLOCKS}

    for forms in choices_of(schema()):
        bare = {word for form in forms for word in form.get("enum", ())}
        assert not bare & {key for form in forms for key in form.get("properties", {})}


def choices_of(part: Any) -> Iterator[list[Any]]:
    """The forms of each choice of a schema, at any depth."""
    if isinstance(part, dict) and "anyOf" in part:
        yield part["anyOf"]
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from choices_of(inner)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_pass_the_schema_and_misspelt_keys_do_not(path: Path) -> None:
    data = data_of(path)
    assert list(VALIDATOR.iter_errors(data)) == []

    for place in places_of_keys(data):
        assert list(VALIDATOR.iter_errors(misspelt(data, place))), place


def places_of_keys(data: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where each key of the language stands; names of blocks and rows are the user's own."""
    if isinstance(data, list):
        return [found for index, part in enumerate(data) for found in places_of_keys(part, (*place, index))]
    if not isinstance(data, dict):
        return []
    own = [] if place == ("network",) or place[-1:] == ("paths",) else [(*place, key) for key in data]
    return own + [found for key, part in data.items() for found in places_of_keys(part, (*place, key))]


def misspelt(data: Any, place: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(data)
    parent = changed
    for step in place[:-1]:
        parent = parent[step]
    parent[f"{place[-1]}x"] = parent.pop(place[-1])
    return changed


def test_the_schema_agrees_with_the_parser_about_every_page() -> None:
    """What the schema refuses the parser refuses too; what only the parser sees needs shapes, names or measures."""
    for rule in RULES:
        for text in (rule.fails, rule.passes):
            document, unsound = read(Source("t", example(text)))
            if document is None or unsound:
                continue
            refused = bool(list(VALIDATOR.iter_errors(document.root.data)))
            assert not refused or parse(document)[1], rule.code
            assert (
                refused
                or rule.code not in ("AC111", "AC112", "AC113", "AC114", "AC117", "AC118", "AC120")
                or text == rule.passes
            )


@pytest.mark.parametrize(
    "row",
    [
        "gap",
        {"gap": None},
        {"gap": {"name": "x"}},
        {"conv": 32},
        {"norm": {"group": 4}},
        {"residual": ["depthwise"]},
        {"norm": {"group": 4, "name": "n"}},
    ],
)
def test_short_forms_pass_the_schema(row: Any) -> None:
    assert list(VALIDATOR.iter_errors(arch(row))) == []


@pytest.mark.parametrize(
    "row",
    [
        "conv",
        {"conv": None},
        {"conv": "32"},
        {"gap": 3},
        {"gapx": None},
        {"gap": {"nam": "x"}},
        {"residual": []},
        {"conv": 1, "gap": None},
        {"norm": "none"},
        {"conv": {"out_channels": 1, "name": "train"}},
    ],
)
def test_wrong_forms_do_not(row: Any) -> None:
    assert list(VALIDATOR.iter_errors(arch(row)))


def spec_of(path: str, text: str) -> ArchSpec:
    document, _ = read(Source(path, text))
    assert document is not None
    spec, diagnostics = parse(document)
    assert spec is not None, diagnostics
    return spec


@pytest.mark.parametrize("path", [*SHIPPED, Path("tests/cases/constraints.yaml")], ids=lambda path: path.stem)
def test_a_dumped_spec_reads_back_the_same(path: Path) -> None:
    import yaml

    spec = spec_of(path.name, path.read_text(encoding="utf-8"))

    assert spec_of("dumped", yaml.safe_dump(dump(spec), sort_keys=False)) == spec


def test_sarif_is_valid() -> None:
    checked: list[Checked] = [
        check_bytes(str(path), path.read_bytes()) for path in sorted(Path("tests/cases").glob("*.yaml"))
    ]
    checked.append(check(Source("/tmp/a b%.yaml", "advconv: 1\n")))
    log = json.loads(sarif_report(checked))

    # The standard's own schema: OASIS SARIF 2.1.0, revision rtm.5.
    jsonschema.validate(log, json.loads(Path("tests/data/sarif-2.1.0.json").read_text(encoding="utf-8")))
    results = log["runs"][0]["results"]
    assert len(results) == sum(len(item.diagnostics) for item in checked)
    assert {result["level"] for result in results} == {"error", "warning"}
    assert results[-1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "file:///tmp/a%20b%25.yaml"


def test_sarif_comes_from_check(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["check", "archs/reference/99968.yaml", "--format", "sarif"])

    assert [result["ruleId"] for result in json.loads(capsys.readouterr().out)["runs"][0]["results"]] == [
        "AC401",
        "AC403",
    ]
