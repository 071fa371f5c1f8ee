"""The words that people bring from other tools: each leads to a diagnostic that names ours."""

from collections.abc import Iterator

import pytest

from advconv.analysis.features import FEATURES
from advconv.blocks import BLOCKS_BY_KIND
from advconv.check import check
from advconv.language.augment import KNOWN, keys
from advconv.rules.diagnostics import Diagnostic
from advconv.text.source import Source
from advconv.values.synonyms import write_instead
from advconv.values.vocabulary import TABLE, Alias

SECTIONS = {
    "advconv": "1", "name": "t", "input": "[4, 16, 16]", "classes": "4", "network": "{C1: [conv: 4, gap]}",
    "constraints": '{params: "< 1G"}', "data": "folder", "augment": "[]", "train": "{epochs: 1}",
    "defaults": "{norm: batch}",
}  # fmt: skip
VALUES = {
    "activation": "defaults: {{activation: {}}}",
    "norm": "defaults: {{norm: {}}}",
    "dropout": "defaults: {{dropout: {}}}",
    "order": "defaults: {{order: {}}}",
    "padding": "defaults: {{padding: {}}}",
    "dropout argument": "defaults: {{dropout: {{p: 0.1, {}: 0.1}}}}",
    "kind": "defaults: {{dropout: {{p: 0.1, kind: {}}}}}",
    "groups": "network: {{C1: [conv: {{out_channels: 4, groups: {}}}, gap]}}",
    "truth": "network: {{C1: [gap, linear: {{bias: {}}}]}}",
    "shortcut": "network: {{C1: [residual: {{layers: [conv: 4], shortcut: {}}}, gap]}}",
    "merge": "network: {{C1: [branches: {{merge: {}, paths: {{a: [], b: []}}}}]}}",
    "between": "network: {{C1: [dwsep: {{out_channels: 4, between: {}}}, gap]}}",
    "data": "data: {}",
    "optimizer": "train: {{optimizer: {}}}",
    "schedule": "train: {{schedule: {}}}",
    "precision": "train: {{precision: {}}}",
    "section": "{}: 1",
    "train": "train: {{{}: 1}}",
    "constraint": "constraints: {{{}: 1}}",
    "feature": "constraints: {{forbids: [{}]}}",
    "transform": "augment: [{}]",
}


def diagnostics(section: str, without: str = "") -> list[Diagnostic]:
    """What is said of a file of which one section is another."""
    own = section.split(":")[0]
    others = "".join(f"{key}: {value}\n" for key, value in SECTIONS.items() if key not in (own, without))
    return check(Source("t.yaml", others + section)).diagnostics


def sections(place: str, row: Alias, word: str) -> Iterator[str]:
    """The places where a word may stand for that of a row."""
    if place == "block":
        yield f"network: {{C1: [conv: 4, {word}: null]}}"
    elif place == "argument":
        yield from (f"augment: [{name}: {{{word}: 1}}]" for name in KNOWN if row.word in keys(name))
    elif place == "norm argument":
        norm = "group" if row.word in ("num_groups", "") else "batch"
        beside = "num_groups: 4, " if row.word == "" else ""
        yield f"defaults: {{norm: {{{norm}: {{{beside}{word}: 1}}}}}}"
    elif place == "field":
        yield from fields(row, word)
    else:
        yield VALUES[place].format(word)


def fields(row: Alias, word: str) -> Iterator[str]:
    for kind, block in BLOCKS_BY_KIND.items():
        needed = {key: field.examples[0] for key, field in block.model_fields.items() if field.examples}
        own = ", ".join(f"{key}: {value}" for key, value in (needed | {word: "1"}).items() if key != row.word)
        is_mapping = block.short_is_mapping
        if row.word in block.model_fields or (not row.ours and not is_mapping):
            yield f"network: {{C1: [{kind}: {{{own}}}, gap]}}"
    if row.word == "count":
        yield f"constraints: {{uses: {{strided: {{{word}: 1}}}}}}"


CASES = [
    pytest.param(place, row, word, id=f"{place}-{word}")
    for place, rows in TABLE.items()
    for row in rows
    for word in row.theirs.split()
    if place != "feature" or row.word in FEATURES
]


@pytest.mark.parametrize(("place", "row", "word"), CASES)
def test_each_word_of_another_tool_leads_to_ours(place: str, row: Alias, word: str) -> None:
    """In one diagnostic, since what a word is meant for is not missing as well."""
    wanted = row.advice("- " if place in ("block", "transform") else "")
    told = [diagnostics(section, row.word if place == "section" else "") for section in sections(place, row, word)]

    assert row.word in wanted
    assert any([found.help for found in each if found.code != "AC302"] == [wanted] for each in told), told


def test_no_row_of_the_table_is_without_a_place_in_the_language() -> None:
    known = {"block": list(BLOCKS_BY_KIND), "feature": [*FEATURES, *BLOCKS_BY_KIND], "transform": list(KNOWN)}

    for place, words in known.items():
        assert {row.word for row in TABLE[place]} <= {*words, ""}


@pytest.mark.parametrize(
    ("place", "spelt", "word"),
    [
        ("field", "outChannels", "out_channels"), ("field", "KernelSize", "kernel_size"),
        ("field", "kernel-size", "kernel_size"), ("block", "MaxPool2d", "maxpool"), ("block", "GlobalAvgPool2d", "gap"),
        ("block", "nn.AdaptiveAvgPool2d(1)", "gap"), ("block", "torch.nn.Conv2d", "conv"),
        ("block", "SqueezeExcite", "squeeze_excite"), ("block", "BatchNorm2d", "norm"),
        ("block", "Dropout2d", "dropout"),
        ("activation", "leakyReLU", "leaky_relu"), ("activation", "nn.Hardswish()", "hardswish"),
        ("activation", "ReLU", "relu"), ("norm", "BatchNorm2d", "batch"), ("padding", "SAME", "same"),
        ("schedule", "OneCycleLR", "onecycle"), ("data", "CIFAR-10", "cifar10"),
        ("data", "FashionMNIST", "fashion-mnist"),
        ("transform", "A.HorizontalFlip", "HorizontalFlip"), ("constraint", "receptiveField", "receptive_field"),
        ("train", "labelSmoothing", "label_smoothing"), ("train", "learningRate", "lr"),
    ],
)  # fmt: skip
def test_case_and_separators_do_not_matter(place: str, spelt: str, word: str) -> None:
    assert word in write_instead(place, spelt, (word,))


def test_another_spelling_of_our_word_is_told_and_not_taken() -> None:
    (found,) = diagnostics("defaults: {activation: ReLU}")

    assert (found.code, found.help) == ("AC114", "write relu")


def test_a_word_that_nobody_knows_has_no_hint() -> None:
    assert (
        write_instead("block", "frobnicate", tuple(BLOCKS_BY_KIND))
        == write_instead("block", "...", tuple(BLOCKS_BY_KIND))
        == ""
    )


@pytest.mark.parametrize(
    ("section", "help"),
    [
        ("lr: 0.1", "write it under train: `train: {lr: ...}`"),
        ("num_epochs: 3", "write it under train: `train: {epochs: ...}`"),
        ("batch_norm: true", "write it under defaults: `defaults: {norm: ...}`"),
        ("max_params: 3", "write it under constraints: `constraints: {params: ...}`"),
        ("constraints: {dwsep: 1}", 'write it under uses: `uses: {dwsep: ">= 1"}`'),
        ("train: {data: cifar10}", "indent data like train"),
    ],
)
def test_a_key_in_another_section_is_told_where_it_belongs(section: str, help: str) -> None:
    assert [found.help for found in diagnostics(section)] == [help]
