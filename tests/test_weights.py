"""Weights beside an architecture file: they are those of that file and of no other, and damage to them is noticed."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from safetensors.torch import save

import advconv
from advconv.backends.torch_module import initialised
from advconv.backends.weights import (
    RECORD,
    WeightsError,
    digest,
    dump_trained,
    load_trained,
    parse,
    read_bytes,
    weights_file,
)
from advconv.language.effective import effective_text
from advconv.language.identity import change, resolved, sha256_of
from advconv.language.recipe import Train
from advconv.language.spec import ArchSpec
from advconv.language.spec import parse as parse_spec
from advconv.net import Net
from advconv.system.shipped import PACKAGE, shipped_arch
from advconv.text.reader import read
from advconv.text.source import Source
from advconv.training.errors import TrainingError
from advconv.training.trained import open_trained
from advconv.training.trained_file import WeightsMetadata
from tests.damage import MUTATIONS, mutated

ARCH = """\
# A network with something in every section.
advconv: 1
name: small
input: [3, 16, 16]
classes: 10
defaults: {norm: batch, activation: silu}
network:
  C1:
    - conv: 8   # a comment
    - strided: {out_channels: 8, groups: 2}
  C2:
    - branches: {merge: concat, paths: {near: [conv: 4], far: [dilated: {out_channels: 4, dilation: 3}]}}
  O: [gap, linear]
constraints: {params: "< 100k", uses: {gap: "== 1", conv: ">= 1"}, forbids: [maxpool]}
data: shapes
augment: [HorizontalFlip, ShiftScaleRotate: {rotate_limit: 10}]
train: {epochs: 3, lr: 0.1, schedule: cosine}
"""


def spec_of(text: str) -> ArchSpec:
    document, wrong = read(Source("t.yaml", text))
    assert document is not None
    assert wrong == []
    spec, findings = parse_spec(document)
    assert spec is not None, findings
    return spec


def identity(text: str) -> str:
    return sha256_of(resolved(spec_of(text)))


CHANGES = (
    ("name: small", "name: other", "name is other, was small"),
    ("[3, 16, 16]", "[3, 16, 32]", "input[2] is 32, was 16"),
    ("classes: 10", "classes: 11", "classes is 11, was 10"),
    ("norm: batch", "norm: layer", "defaults.norm is new"),
    ("activation: silu", "activation: relu", "defaults is gone"),
    ("conv: 8 ", "conv: 9 ", "network.C1[0].conv.out_channels is 9, was 8"),
    ("- conv: 8 ", "- pointwise: 8 ", "network.C1[0].pointwise is new"),
    ("groups: 2", "groups: 4", "network.C1[1].strided.groups is 4, was 2"),
    ("merge: concat", "merge: add", "network.C2[0].branches.merge is add, was the default"),
    ("dilation: 3", "dilation: 4", "branches.paths.far[0].dilated.dilation[0] is 4, was 3"),
    ("  C2:", "  D2:", "network.D2 is new"),
    ("near: [conv: 4]", "close: [conv: 4]", "network.C2[0].branches.paths.close is new"),
    ("[gap, linear]", "[gap, dropout: 0.1, linear]", "network.O has 3 rows, had 2"),
    ("< 100k", "< 90k", "constraints.params is < 90k, was < 100k"),
    ("== 1", "== 2", "constraints.uses.gap.count is == 2, was == 1"),
    ("[maxpool]", "[avgpool]", "constraints.forbids[0] is avgpool, was maxpool"),
    ("data: shapes", "data: cifar10", "data is the default, was shapes"),
    ("[HorizontalFlip, ", "[VerticalFlip, ", "augment[0].VerticalFlip is new"),
    ("rotate_limit: 10", "rotate_limit: 11", "augment[1].ShiftScaleRotate.rotate_limit is 11, was 10"),
)


@pytest.mark.parametrize(("old", "new", "words"), CHANGES, ids=lambda text: str(text)[:20])
def test_a_change_of_a_field_changes_the_identity_and_is_named(old: str, new: str, words: str) -> None:
    assert old in ARCH
    changed = ARCH.replace(old, new)

    assert identity(changed) != identity(ARCH)
    assert words in change(resolved(spec_of(changed)), resolved(spec_of(ARCH)))


def other_value(name: str) -> Any:
    """A value of a field of the recipe that is not its default."""
    field = Train.model_fields[name]
    words = next((mark.words for mark in field.metadata if getattr(mark, "words", ())), ())
    if words:
        return next(word for word in words if word != field.default)
    return 0.25 if field.default is None else field.default + (1 if isinstance(field.default, int) else 0.001)


@pytest.mark.parametrize("name", Train.model_fields)
def test_so_does_every_field_of_the_recipe(name: str) -> None:
    spec = spec_of(ARCH.replace("train: {epochs: 3, lr: 0.1, schedule: cosine}", ""))
    changed = spec.model_copy(update={"train": spec.train.model_copy(update={name: other_value(name)})})

    assert sha256_of(resolved(changed)) != sha256_of(resolved(spec))
    assert change(resolved(changed), resolved(spec)).startswith(f"train.{name} is ")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  C1:\n    - conv: 8   # a comment\n    - strided: {out_channels: 8, groups: 2}\n", ""),
        ("paths: {near: [conv: 4], far: [dilated: {out_channels: 4, dilation: 3}]}",
         "paths: {far: [dilated: {out_channels: 4, dilation: 3}], near: [conv: 4]}"),
    ],
    ids=["blocks", "paths"],
)  # fmt: skip
def test_the_order_of_blocks_and_of_paths_is_part_of_the_identity(old: str, new: str) -> None:
    """Rows in another order compute something else; so do paths that are concatenated."""
    assert old in ARCH
    moved = ARCH.replace(old, new) if new else ARCH.replace(old, "").replace("  O: [", f"{old}  O: [")

    assert identity(moved) != identity(ARCH)
    assert change(resolved(spec_of(moved)), resolved(spec_of(ARCH))) == "its blocks or paths are in another order"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("   # a comment", ""),
        ("# A network", "# Other words"),
        ("conv: 8 ", "conv: {out_channels: 8}"),
        ("{out_channels: 8, groups: 2}", "{groups: 2, out_channels: 8}"),
        ("{out_channels: 8, groups: 2}", "\n        out_channels: 8\n        groups: 2"),
        ("name: small\ninput: [3, 16, 16]", "input:\n  - 3\n  - 16\n  - 16\nname: 'small'"),
        ("{norm: batch, activation: silu}", "{activation: silu, padding: same, norm: {batch: {eps: 1.0e-5}}}"),
        ('{gap: "== 1", conv: ">= 1"}', '{conv: ">= 1", gap: "== 1"}'),
        ("lr: 0.1, schedule: cosine", "schedule: cosine, momentum: 0.9, lr: 1e-1"),
    ],
)
def test_comments_layout_and_written_defaults_are_not(old: str, new: str) -> None:
    assert old in ARCH
    assert identity(ARCH.replace(old, new)) == identity(ARCH)


@pytest.mark.parametrize("path", sorted(Path("archs").rglob("*.yaml")), ids=lambda path: path.stem)
def test_the_resolved_file_of_a_run_has_the_identity_of_its_file(path: Path) -> None:
    spec = spec_of(path.read_text(encoding="utf-8"))

    assert sha256_of(resolved(spec_of(effective_text(spec)))) == sha256_of(resolved(spec))
    assert sha256_of(json.loads(json.dumps(resolved(spec)))) == sha256_of(resolved(spec))


FACTS = WeightsMetadata(
    weights="last",
    classes=[f"class {index}" for index in range(10)],
    mean=[0.5, 0.5, 0.5],
    std=[0.2, 0.2, 0.2],
    epoch=3,
    test_accuracy=90.25,
    seed=7,
    started="2026-11-22T10:00:00+0000",
    device="CPU, 1 thread, float32",
    versions={"torch": "2.6"},
)


@pytest.fixture
def net(tmp_path: Path) -> Net:
    """A network whose file has weights beside it."""
    (tmp_path / "small.yaml").write_text(ARCH, encoding="utf-8")
    net = advconv.load(tmp_path / "small.yaml")
    write_weights(tmp_path / "small.safetensors", net)
    return net


def write_weights(path: Path, net: Net, seed: int = 7) -> None:
    assert net.checked.spec is not None
    path.write_bytes(dump_trained(net.checked.spec, initialised(net.measures.graph, seed), asdict(FACTS)))


def test_pretrained_weights_are_loaded_in_evaluation_mode(net: Net) -> None:
    module = net.module(pretrained=True)
    expected = initialised(net.measures.graph, 7).state_dict()

    assert not module.training
    assert module.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in module.state_dict().items())
    assert net.module().training


def test_they_are_loaded_for_another_input_too_if_they_fit(net: Net, tmp_path: Path) -> None:
    wide = advconv.load(tmp_path / "small.yaml", input=(3, 24, 40))

    assert wide.module(pretrained=True)(torch.zeros(2, 3, 24, 40)).shape == (2, 10)


def test_what_was_recorded_is_read(net: Net, tmp_path: Path) -> None:
    network = open_trained(tmp_path / "small.yaml")

    assert (network.name, network.weights, network.seed) == ("small", "last weights, of epoch 3", 7)
    assert (network.classes, network.mean, network.std) == (FACTS.classes, (0.5,) * 3, (0.2,) * 3)
    assert not network.module.training


def test_the_same_weights_give_the_same_file(net: Net, tmp_path: Path) -> None:
    before = (tmp_path / "small.safetensors").read_bytes()
    write_weights(tmp_path / "small.safetensors", net)

    assert (tmp_path / "small.safetensors").read_bytes() == before


def test_a_network_without_weights_says_how_to_get_them(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(ARCH, encoding="utf-8")
    net = advconv.load(tmp_path / "small.yaml")

    with pytest.raises(ValueError, match=r"small.yaml has no weights, there is no .*small.safetensors") as caught:
        net.module(pretrained=True)
    assert f"train it with: advconv train {tmp_path / 'small.yaml'}; then: advconv export RUN -o " in str(caught.value)


def test_a_text_has_no_weights() -> None:
    with pytest.raises(WeightsError, match="<text> is not a YAML file, so it has no weights beside it"):
        advconv.loads(ARCH).module(pretrained=True)


def test_a_file_that_has_changed_is_refused_with_the_field_and_both_hashes(net: Net, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(ARCH.replace("lr: 0.1", "lr: 0.2"), encoding="utf-8")
    changed = advconv.load(tmp_path / "small.yaml")

    with pytest.raises(WeightsError, match=r"small.yaml has changed since .* train.lr is 0.2, was 0.1 ") as caught:
        changed.module(pretrained=True)
    hashes = [identity(text)[:12] for text in (ARCH.replace("lr: 0.1", "lr: 0.2"), ARCH)]
    assert "resolved file {}..., in the weights {}...); train it again".format(*hashes) in str(caught.value)


def test_a_file_whose_comments_have_changed_is_not(net: Net, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(f"# More words.\n{ARCH}", encoding="utf-8")

    advconv.load(tmp_path / "small.yaml").module(pretrained=True)


def test_damage_anywhere_is_noticed_or_harmless(net: Net, tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    whole, expected, told = path.read_bytes(), net.module(pretrained=True).state_dict(), list[str]()
    for seed in range(300):
        path.write_bytes(mutated(MUTATIONS[seed % len(MUTATIONS)], Random(seed), whole))
        try:
            network = open_trained(tmp_path / "small.yaml")
        except TrainingError as problem:
            told.append(str(problem))
        else:
            assert network.mean == tuple(FACTS.mean)
            state = network.module.state_dict()
            assert all(torch.equal(value, expected[name]) for name, value in state.items()), seed

    assert len(told) > 260
    assert not [text for text in told if "\n" in text]


def resealed(change: Callable[[dict[str, Any], dict[str, torch.Tensor]], object], path: Path) -> None:
    """Changes the record or the tensors of a file and gives it the hash that it then has, as an attacker can."""
    weights = parse(path, path.read_bytes())
    record, tensors = json.loads(weights.metadata[RECORD]), weights.tensors
    change(record, tensors)
    record.pop("sha256", None)
    path.write_bytes(save(tensors, {RECORD: json.dumps(record | {"sha256": digest(record, tensors)})}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda record, _: record.update(format=2), "has format 2, this version of advconv reads format 1"),
        (lambda record, _: record.pop("format"), "has format None"),
        (lambda record, _: record.pop("classes"), "is damaged: classes: is missing"),
        (lambda record, _: record.update(classes=["a"] * 9), "is damaged: classes has 9 values, the network needs 10"),
        (lambda record, _: record.update(classes=["\x1b[2J"] * 10), "is damaged: classes.0: contains control"),
        (lambda record, _: record.update(mean=[0.5]), "is damaged: mean has 1 values, the network needs 3"),
        (lambda record, _: record.update(mean=[float("nan")] * 3), "is damaged: mean.0: must be"),
        (lambda record, _: record.update(std=[0.0] * 3), "is damaged: std.0: must be"),
        (lambda record, _: record.update(epoch="3"), "is damaged: epoch: must be"),
        (lambda record, _: record.update(seed=-1), "is damaged: seed: must be"),
        (lambda record, _: record.update(test_accuracy=101), "is damaged: test_accuracy: must be"),
        (lambda record, _: record.update(architecture_sha256=5), "has changed since"),
        (lambda record, _: record.update(architecture_sha256="x", architecture=[[[]]]), "has changed since"),
        (lambda _, tensors: tensors.pop("O.1.bias"), "does not have the weights of this network: Missing key(s)"),
        (lambda _, tensors: tensors.update(more=torch.zeros(1)), "Unexpected key(s)"),
        (lambda _, tensors: tensors.update({"O.1.bias": torch.zeros(11)}), "size mismatch"),
        (lambda _, tensors: tensors.update({"O.1.bias": torch.zeros(10).half()}), "O.1.bias is torch.float16"),
    ],
)  # fmt: skip
def test_a_hostile_file_is_refused_on_one_line(
    net: Net, tmp_path: Path, change: Callable[[dict[str, Any], dict[str, torch.Tensor]], object], words: str
) -> None:
    resealed(change, tmp_path / "small.safetensors")

    with pytest.raises(TrainingError) as caught:
        open_trained(tmp_path / "small.yaml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is damaged, or not a safetensors file: "),
        (b"PK\x03\x04" + bytes(100), "is not a safetensors file: it looks like one of torch.save, which may run code"),
        (save({"O.1.bias": torch.zeros(10)}), "was not written by advconv export"),
        (save({"O.1.bias": torch.zeros(10)}, {RECORD: "{"}), "is damaged: its record is not JSON"),
        (save({"O.1.bias": torch.zeros(10)}, {RECORD: "[" * 100_000}), "is damaged: its record is not JSON"),
        (save({"O.1.bias": torch.zeros(10)}, {RECORD: "[]"}), "has format None"),
        (save({"O.1.bias": torch.zeros(10)}, {RECORD: '{"format": 1}'}), "its SHA-256 is not the one"),
    ],
    ids=["empty", "pickle", "foreign", "no JSON", "deep", "a list", "no hash"],
)
def test_a_foreign_file_is_refused_on_one_line(net: Net, tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "small.safetensors").write_bytes(data)

    with pytest.raises(WeightsError) as caught:
        net.module(pretrained=True)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pipe_a_folder_and_a_file_that_is_too_large_are_refused_unread(net: Net, tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    with open(path, "ab") as file:
        file.truncate(2**26)
    with pytest.raises(WeightsError, match=r"cannot be read: it is larger than 16,\d+,\d+ bytes"):
        net.module(pretrained=True)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(WeightsError, match="cannot be read: it is not a regular file"):
        net.module(pretrained=True)
    with pytest.raises(WeightsError, match="cannot be read: it is not a regular file"):
        read_bytes(tmp_path)


def test_a_link_to_weights_is_followed(net: Net, tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")

    net.module(pretrained=True)


def test_weights_have_the_name_of_their_file() -> None:
    assert weights_file(Path("archs/c1c2c3c4.yaml")) == Path("archs/c1c2c3c4.safetensors")
    assert weights_file(Path("a.b.yml")) == Path("a.b.safetensors")
    with pytest.raises(WeightsError):
        weights_file(Path("a.safetensors"))


def test_a_shipped_file_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "archs/c1c2c3c4.yaml"
    for path in (name, "archs/frontier/under-25k.yaml"):
        assert Path(shipped_arch(path)) in (PACKAGE / path, PACKAGE.parent / path)
    for path in ("archs/nowhere.yaml", "c1c2c3c4.yaml", "archs/../archs/c1c2c3c4.yaml", "/archs/c1c2c3c4.yaml"):
        assert shipped_arch(path) == path
    (tmp_path / "archs").mkdir()
    (tmp_path / name).touch()

    assert shipped_arch(name) == name


def test_load_trained_returns_the_record(net: Net, tmp_path: Path) -> None:
    assert net.checked.spec is not None
    record = load_trained(tmp_path / "small.yaml", net.checked.spec, net.module())

    assert record["architecture_sha256"] == identity(ARCH)
    assert record["test_accuracy"] == 90.25
