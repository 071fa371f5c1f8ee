"""Messages word by word: broken snippets and options with their reports, in golden files that a person reads."""

from pathlib import Path

import pytest

from advconv.check import check, check_document
from advconv.language.effective import effective_text
from advconv.language.overrides import SettingError, apply_settings, parse_setting
from advconv.language.spec import parse
from advconv.language.starters import SCHEMA_FILE, TEMPLATES, starter, update_schema
from advconv.report.diagnostics import as_data
from advconv.report.text import report
from advconv.system.files import FileError
from advconv.text.reader import read
from advconv.text.source import Source
from advconv.text.visible import first_line, json_text
from tests.golden import expect

LONG = "a_word_that_is_rather_long_and_goes_on_beyond_any_limit_of_a_message_that_quotes_it_in_its_help"
HEAD = "advconv: 1\nname: t\ninput: [3, 16, 16]\n"

SNIPPETS = (
    # Comments of other languages.
    "network:\n  C1: [gap] // the mean of all positions, which takes the place of a large linear layer\n",
    "//a comment\nname: t\n",
    # Characters that YAML reserves.
    "name: @t # a handle\n",
    'name: %a"b\n',
    f"name: @{LONG}\n",
    f"network: {{C1: [@{LONG}, gap]}}\n",
    "network: {C1: [gap, @conv: 8]}\n",
    f"network:\n  C1:\n    - @  {LONG}\n",
    "network:\n  C1:\n    - `conv: 8\n",
    # Quotes.
    "name: 'a\"\n",
    "name: \"abc'\n",
    'name: "\n',
    "name: 'it\n",
    "name: ''a\n",
    "network: {C1: ['conv: 8]}\n",
    # Commas.
    f"network: {{C1: [gap] {LONG}: [gap]}}\n",
    "input: [3,, 16, 16]\n",
    "input: [, 3]\n",
    "train: {, lr: 1}\n",
    # Colons.
    f"name: t\n-{LONG}\n",
    f"name: t\ninput = {LONG}\n",
    f"name: t\n{LONG}  and\tmore\nclasses: 10\n",
    "name: t\nx\nclasses: 10\n",
    f"name: a: {LONG}\n",
    # Indentation.
    f"constraints:\n  - params: {LONG}\n",
    f"network:\n  C1:\n    - gap\n    {LONG}: 8\n",
    f"network:\n  C1:\n    - conv\n      {LONG}: 8\n",
    "network:\n  C1:\n    conv: 8\n    -\n",
    f"network:\n  C1:\n    {LONG}: 8\n    - gap\n",
    f"- {LONG}: 1\nname: t\n",
    "network:\n- conv: 8\n  C1: [gap]\n",
    "network:\n  C1:\n    - conv: 8\n   - gap\n",
    # Merges and aliases.
    "a: &a {x: 1}\nb: {<<: 5}\n",
    "a: &a {x: 1, y: 2}\nb: &b {x: 3}\nc: {x: 4, <<: [*a, *b]}\n",
    "a: {<<: [1]}\n",
    # Characters that look like others.
    "name: t\u00a0u\n",
    "input: [\uff13, 16, 16]\n",
    "name: \u201ct\u201d\n",
    "name: t\ninput: [3\uff0c 16]\n",
    "\u2003name: t\n",
    "name: t\u200b\n",
    "name: \ufffe\n",
    "\x01name: t\n",
    "name: t\x01\n",
    # Values of another kind.
    HEAD + "network: {C1: [norm]}\n",
    HEAD + "network: {C1: [conv: {}]}\n",
    HEAD + "network: {C1: [linear: {out_features: []}, dropout]}\n",
    HEAD + "network: {C1: [gap]}\nconstraints: {lr: 1, dwsep: 1}\n",
    HEAD + "network: {C1: [gap]}\nuses: {dwsep: 1}\ndropout: 0.1\n",
    HEAD + "network: {C1: [gap]}\ntrain:\nepochs: 2\nlr: 1\nseed: 1\nmixup: 1\n",
    HEAD + "network: {C1: [gap]}\ndefaults: batch\ntrain: fast\naugment: {}\n",
    HEAD + "network: {C1: [conv: 8]}\nconstraints: {uses: [{dwsep: 1}, conv, conv], forbids: dwsep, params: 5}\n",
    HEAD + "network: {C1: [conv: 8]}\nconstraints: {forbids: [conv: 1], uses: {cnov: 1, {a: 1}: 2}}\n",
    HEAD + f"network: {{C1: [conv: {LONG}]}}\nclasses: {LONG}\n",
    HEAD + f"network: {{C1: [gap]}}\naugment: {LONG}\n",
    HEAD + f"network: {{C1: [gap]}}\naugment: {{{LONG}: {{p: 1}}, VerticalFlip: {{}}}}\n",
    HEAD + "network: {C1: [gap]}\ntrain: [lr: 1, epochs: 2]\ndefaults: [1]\n",
    HEAD + f"network: {{C1: [gap]}}\nconstraints: params < 5k, macs > 3, weights < 1{LONG}, memory < 2, rf_min > 1\n",
    HEAD + 'network: {C1: [gap]}\nconstraints: ["params < 5k", "macs > 3", "a", "b", "macs > 4"]\n',
    HEAD
    + f"network: {{C1: [gap]}}\nconstraints: {{uses: [conv, gap, {LONG}, strided, dwsep], forbids: {{conv: 1}}}}\n",
    HEAD + "network: {C1: [gap]}\nconstraints: {forbids: 'conv, gap', uses: 5}\n",
    HEAD + f"network:\n  C1:\n    - conv: 8 // {LONG} // more\n",
    HEAD + f"network:\n  C1:\n    - conv: {LONG} // note\n",
    HEAD + "network:\n  C1:\n    - conv: {out_channels: '8', kernel_size: (3)}\n",
    HEAD + f"network:\n  C1:\n    - conv: 8\n      - {LONG}: 8\n",
    HEAD + "network:\n  C1:\n    - conv: '()'\n    - linear: []\n",
    f"name: {LONG}{LONG}\ninput: [3, 16, 16]\n",
)

OPTIONS = (
    "", "=", "x", f"{LONG}", "nothing=1", "C1=1", "C1[0]=1", "C1[9]=1", "C1[0].nothing=1", "C1[0].kernel_size=[3",
    "C1[0].kernel_size=[1, 2, 3]", "train.lr=-1", "train.nothing=1", "train.lr.x=1", "train={epochs: 0, lr: 0.1}",
    "train={", "constraints.params=< 5x", "constraints.params=> 5", "constraints.params== 5", "constraints.params===",
    "C2.paths.near[0]=gap", "C2[0].paths.near[0].out_channels=0", "C2[0].near[0].out_channels=0",
    "C2[0].paths.near[5]=1", "C2[0].paths.nothing[0]=1", "C2[0].paths=1", "C2[0].same[0].groups=3",
    "C1[1].layers[1].out_channels=0", "C1[1].shortcut=both", "C1[2][0][0].out_channels=0", "C1[2][7][0].groups=2",
    "C1[2].layers[0].stride=0", "network.C1[0].out_channels=0", "network.C9[0].out_channels=0", "network=1",
    "augment[0].p=2", "augment[1].transforms[0].p=2", "augment[7].p=1", "name.x=1", "name==a", "a..b=1", "a[x]=1",
    "classes=99999999999999999999", "name=!x 1", "name=a: b: c",
)  # fmt: skip

ARCH = """\
advconv: 1
name: t
input: [3, 16, 16]
classes: 10
network:
  C1:
    - conv: 16
    - residual: [conv: 16, conv: {out_channels: 16, activation: none}]
    - repeat: {times: 2, layers: [conv: 16]}
  C2:
    - branches: {paths: {near: [conv: 8], far: [conv: 8, dilated: 8], same: []}}
  O: [gap, linear]
augment: [HorizontalFlip, OneOf: {transforms: [VerticalFlip, Transpose]}]
train: {epochs: 3}
"""


def test_broken_snippets_are_explained_word_by_word(update: bool) -> None:
    parts = [f"{text.rstrip()!r}\n{report(check(Source('t', text)))}" for text in SNIPPETS]

    expect(Path("tests/golden/messages/snippets.txt"), "\n\n---\n\n".join(parts), update)


def test_options_are_explained_word_by_word(update: bool) -> None:
    expect(Path("tests/golden/messages/options.txt"), "\n\n---\n\n".join(map(_with_option, OPTIONS)), update)


def _with_option(option: str) -> str:
    document, _ = read(Source("t.yaml", ARCH))
    assert document is not None
    try:
        checked = check_document(apply_settings(document, [parse_setting(option)]), [])
    except SettingError as problem:
        return f"--set {option!r}\n{problem}"
    places = [json_text(as_data(found), None) for found in checked.diagnostics]
    return "\n".join([f"--set {option!r}", report(checked), *places])


def test_the_resolved_file_of_a_run_is_written_out(update: bool) -> None:
    text = (
        ARCH
        + "constraints: {params: {min: 1, max: 2M}, uses: {conv: '>= 1'}, macs: '< 9M'}\ndefaults: {norm: {group: 8}}\n"
    )
    text = text.replace(
        "VerticalFlip", "Affine: {border_mode: '0', fill: 'größer', interpolation: 'no', scale: [1, [2]]}"
    )
    spec, _ = parse(read(Source("t", text))[0] or pytest.fail("not read"))
    assert spec is not None

    expect(Path("tests/golden/messages/resolved.yaml"), effective_text(spec), update)


def test_a_schema_is_written_beside_a_starter_unless_another_file_is_there(tmp_path: Path) -> None:
    schema = tmp_path / SCHEMA_FILE
    assert update_schema(tmp_path)
    first = schema.read_bytes()
    assert update_schema(tmp_path)
    assert schema.read_bytes() == first

    schema.write_bytes(b'{"title": "mine \xff"}')
    assert not update_schema(tmp_path)
    assert schema.read_bytes() == b'{"title": "mine \xff"}'
    schema.unlink()
    schema.mkdir()
    with pytest.raises(FileError, match="cannot be read: Is a directory"):
        update_schema(tmp_path)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_starter_has_its_name_once(template: str) -> None:
    assert starter(template, "mine").count("mine") == 1


def test_json_is_indented_by_two_and_has_no_control_character() -> None:
    assert json_text({"a": ["\x7f\x1b"]}) == '{\n  "a": [\n    "\\u007f\\u001b"\n  ]\n}'
    assert json_text({"a": [1]}, None) == '{"a": [1]}'


def test_the_first_line_of_an_error_without_text_is_its_type() -> None:
    assert first_line(ValueError("\n  one \ntwo")) == "one"
    assert first_line(ValueError()) == "ValueError"
