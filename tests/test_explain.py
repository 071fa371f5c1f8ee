"""`advconv explain`: what it knows, and how it is shown."""

import io
import re
import sys
from pathlib import Path

import pytest

from advconv.blocks import BLOCKS
from advconv.blocks.convolutions import DepthwiseSeparable
from advconv.check import check
from advconv.cli.main import main
from advconv.constraints import CONSTRAINTS
from advconv.constraints.record import Status
from advconv.manual.blocks import short_form
from advconv.manual.fields import FIELD_OWNERS
from advconv.manual.rules import example
from advconv.manual.topics import ANALYSES, LANGUAGE_SECTIONS, index, pages, section, titles, topic_groups
from advconv.rules import BY_CODE
from advconv.text.source import Source
from tests.build import faults


def explain(*topic: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(["explain", *topic])
    assert isinstance(exit.value.code, int)
    return exit.value.code


def test_every_word_of_the_language_is_a_topic() -> None:
    """A new code, block, field or constraint is one by itself, or fails here until it is."""
    fields = {field for place in FIELD_OWNERS for field in place.model.model_fields}

    constraints = {constraint.name for constraint in CONSTRAINTS}
    assert {*BY_CODE, *(block.kind for block in BLOCKS), *constraints, *fields} <= set(titles())


def test_every_section_of_the_conventions_is_an_analysis() -> None:
    text = Path("docs/conventions.md").read_text(encoding="utf-8")
    headings = re.findall("^## (.*)$", text, flags=re.M)

    assert set(headings) <= {place.heading for place in ANALYSES.values()}


@pytest.mark.parametrize("name", [*ANALYSES, *LANGUAGE_SECTIONS])
def test_a_section_of_a_document_is_found(name: str) -> None:
    text = section((ANALYSES | LANGUAGE_SECTIONS)[name])

    assert len(text.splitlines()) > 4
    assert text.count("\n## ") == 0


@pytest.mark.parametrize("topic", titles())
def test_every_topic_has_a_page_under_its_title(topic: str) -> None:
    found = pages(topic)

    assert found
    assert all(re.match(r"## .+\n\n.", page) for page in found)
    assert pages(topic.upper()) == found == pages(topic.lower().replace("_", "-"))


@pytest.mark.parametrize("name", [constraint.name for constraint in CONSTRAINTS])
def test_the_example_of_a_constraint_can_be_kept(name: str) -> None:
    """By a small network, which also says that the limit's unit and form are those of the field."""
    (code,) = re.findall(r"```yaml\n(.*?)```", pages(name)[0], flags=re.S)
    rows = "network: {C1: [conv: 16, dilated: 16, strided: 16, repeat: {times: 6, layers: [dilated: 16]}, gap]}\n"
    (verdict, *_) = (checked := check(Source(name, example(rows + code)))).verdicts

    assert faults(checked) == []
    assert verdict.status is (Status.PROMISED if name in ("accuracy", "latency") else Status.KEPT)


def test_a_block_says_its_short_forms_fields_example_and_layers() -> None:
    (page,) = pages("dwsep")

    assert "Short form: `dwsep: out_channels`." in page
    assert "| `multiplier` | a whole number of at least 1 | 1 | Depthwise channels per input channel. |" in page
    assert DepthwiseSeparable.example in page
    assert "`Conv2d`, `BatchNorm2d`, `ReLU`, `Conv2d`, `BatchNorm2d`, `ReLU`" in page


def test_a_short_form_is_one_that_can_be_written() -> None:
    forms = {block.kind: short_form(block) for block in BLOCKS}

    assert forms["gap"] == "Short form: `gap` alone."
    assert forms["maxpool"] == "Short form: `maxpool: kernel_size` or `maxpool` alone."
    assert forms["repeat"] == forms["branches"] == "No short form."
    for kind, form in forms.items():
        alone = check(Source("t", example(f"- conv: 8\n- {kind}")))
        assert (f"`{kind}` alone" in form) == (not {"AC112", "AC114"} & {found.code for found in alone.diagnostics})


def test_a_field_says_where_it_stands_what_it_takes_and_its_default() -> None:
    (page,) = pages("kernel_size")

    size = "a whole number of at least 1 or [height, width]"
    assert f"| `maxpool`, `avgpool` | Size of the window. | {size} | 2 |" in page
    assert f"| `dwsep`, `inverted_residual` | Kernel size of the depthwise convolution. | {size} | 3 |" in page
    assert (
        "| `train` | Peak learning rate. | a number above 0 | 0.3 for `sgd`, 0.003 for `adamw`, 0.02 for `muon` |"
        in pages("lr")[0]
    )


def test_a_field_says_what_is_true_of_each_block_that_has_it() -> None:
    (groups,), (name,) = pages("groups"), pages("name")

    assert "depthwise" in next(line for line in groups.splitlines() if "`conv`" in line)
    assert "depthwise" not in next(line for line in groups.splitlines() if "`pointwise`" in line)
    assert "| the file | Name of the network" in name


def test_a_constraint_comes_with_the_definition_of_its_number_and_the_source() -> None:
    constraint, definition = pages("receptive field")

    assert constraint.startswith("## Constraint `receptive_field`")
    assert "pixels of the input" in constraint
    assert "Distill 2019" in definition
    assert "autograd saves" in pages("training_memory")[1]


def test_a_word_of_two_subjects_has_the_pages_of_both() -> None:
    assert [page.splitlines()[0] for page in pages("norm")] == ["## `norm`", "## Field `norm`"]


def test_without_a_topic_all_are_listed_by_subject(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain() == 0
    out = capsys.readouterr().out

    assert out == index() + "\n"
    assert re.findall("^## (.*)$", out, flags=re.M) == [part.heading for part in topic_groups()]
    assert set(re.findall("^- `(.*?)`:", out, flags=re.M)) == set(titles())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("dwsp", "dwsep"), ("recptive_field", "receptive_field"), ("se", "squeeze_excite"), ("rf", "receptive_field"),
        ("depthwise_separable", "dwsep"), ("convolution", "conv"), ("flops", "macs"), ("learning_rate", "lr"),
    ],
)  # fmt: skip
def test_a_near_miss_is_told_what_was_meant(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(typed) == 2
    assert f"there is no topic {typed}; did you mean {meant}" in capsys.readouterr().err


def test_what_is_like_nothing_is_sent_to_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("qqqqqqqq") == 2
    assert capsys.readouterr().err == "advconv: there is no topic qqqqqqqq; `advconv explain` lists them all\n"


def test_a_terminal_gets_it_rendered_and_a_pipe_the_markdown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert explain("ac201") == 0
    assert capsys.readouterr().out.startswith("## AC201: window larger than its feature map\n")

    for variable, value, rendered in (("TERM", "xterm", True), ("TERM", "dumb", False), ("NO_COLOR", "1", False)):
        with monkeypatch.context() as patch:
            patch.delenv("NO_COLOR", raising=False)
            patch.setenv("TERM", "xterm")
            patch.setenv(variable, value)
            patch.setattr(sys, "stdout", out := Terminal())
            explain("dwsep")
            text = out.getvalue()
        assert ("\x1b[" in text, "| field |" in text) == (rendered, not rendered)
