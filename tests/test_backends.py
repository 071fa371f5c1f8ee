"""The module and the emitted source: what torch can do with them, and that they are one another."""

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchinfo import summary as torchinfo_summary

import advconv
from advconv.analysis.measure import Measures
from advconv.backends.evidence import Claim, from_source, verify
from advconv.backends.support import strip_for, support
from advconv.backends.torch_source import emit
from advconv.constraints.record import Status
from tests.build import arch, checked, graph, measured
from tests.golden import OWN, SHIPPED, expect
from tests.test_reference import document

GATE = ["gap", {"pointwise": {"out_channels": 8, "norm": "none"}}]
GATED: dict[str, Any] = {"branches": {"merge": "multiply", "paths": {"map": [{"conv": 8}], "gate": GATE}}}
# A network with a class for every way to branch: named rows, pads, gates, shortcuts of all kinds.
WILD: tuple[Any, ...] = (
    {"conv": {"out_channels": 8, "kernel_size": 4, "name": "first"}},
    GATED,
    {"residual": {"layers": [{"strided": 12}], "shortcut": "pad"}},
    {"residual": [{"conv": 16}, "squeeze_excite"]},
    {"inverted_residual": {"out_channels": 16, "squeeze_excite": 4, "activation": "hardswish"}},
    {"maxpool": {"kernel_size": 2, "padding": "same"}},
    {"repeat": {"times": 2, "layers": [{"dwsep": {"out_channels": 16, "name": "inner"}}]}},
    "gap",
    {"linear": {"out_features": 10, "name": "fc"}},
)


def wild() -> nn.Module:
    from advconv.backends.torch_module import build

    torch.manual_seed(0)
    return build(graph(*WILD)).eval()


def x() -> Tensor:
    return torch.rand(2, 4, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_claim_about_a_shipped_architecture_holds(path: Path) -> None:
    assert [claim for claim in verify(advconv.load(path).measures) if not claim.holds or claim.found is None] == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_source_of_a_shipped_architecture_is_as_before(path: Path, update: bool) -> None:
    expect(Path("tests/golden/archs") / path.stem / "model.py", advconv.load(path).source().rstrip("\n"), update)


@pytest.mark.slow
def test_emitted_source_passes_ruff_and_mypy(tmp_path: Path) -> None:
    """With the settings that they have by themselves, and mypy's strict ones."""
    for path in SHIPPED:
        (tmp_path / f"m_{path.stem.replace('-', '_')}.py").write_text(advconv.load(path).source())
    (tmp_path / "wild.py").write_text(emit(measured(*WILD), "wild"))

    for command in ("ruff check --isolated", "ruff format --isolated --check", "mypy --strict"):
        run = [sys.executable, "-m", *command.split(), str(tmp_path)]
        found = subprocess.run(run, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stdout


@pytest.mark.slow
def test_emitted_source_runs_without_advconv(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(advconv.load("archs/c1c2c3c4.yaml").source())
    program = (
        "import sys, torch, model\n"
        "assert model.Net()(torch.rand(2, 3, 32, 32)).shape == (2, 10)\n"
        "assert 'advconv' not in sys.modules"
    )

    assert subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False).returncode == 0


def test_weights_move_both_ways_and_training_is_the_same_to_the_bit() -> None:
    module, written = wild().train(), from_source(emit(measured(*WILD), "wild")).train()
    written.load_state_dict(module.state_dict(), strict=True)
    outputs = []
    for net in (module, written):
        torch.manual_seed(3)
        outputs.append(net(x()))
        outputs[-1].square().sum().backward()

    assert torch.equal(outputs[0], outputs[1])
    assert [name for name, _ in module.named_parameters()] == [name for name, _ in written.named_parameters()]
    for ours, theirs in zip(module.parameters(), written.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)  # type: ignore[arg-type]


def test_parameters_are_named_by_block_row_and_role() -> None:
    keys = set(wild().state_dict())

    assert {"C1.first.conv.weight", "C1.1.map.0.norm.weight", "C1.3.layers.1.reduce.weight", "C1.fc.weight"} <= keys
    assert {"C1.4.expand.conv.weight", "C1.4.gate.expand.bias", "C1.6.1.inner.depthwise.weight"} <= keys
    net = advconv.load("archs/c1c2c3c4.yaml")
    assert {"C1.0.conv.weight", "C1.0.norm.weight", "C4.0.layers.0.depthwise.weight"} <= set(net.module().state_dict())


def test_the_module_is_copied_and_pickled() -> None:
    module = wild()

    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(other(x()), module(x()))


@pytest.mark.slow
def test_the_module_is_exported_and_compiled() -> None:
    module = wild()
    exported = torch.export.export(module, (x(),)).module()
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)

    assert torch.equal(exported(x()), module(x()))
    assert torch.allclose(compiled(x()), module(x()), atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace.*")
def test_the_module_is_traced() -> None:
    module = wild()

    assert torch.equal(torch.jit.trace(module, x())(x()), module(x()))  # type: ignore[no-untyped-call]


def test_the_module_runs_channels_last_and_under_autocast() -> None:
    module = wild()
    expected = module(x())

    assert torch.allclose(module.to(memory_format=torch.channels_last)(x()), expected, atol=1e-5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.allclose(module(x()).float(), expected, atol=0.1)


@pytest.mark.parametrize("name", ["99850", "159552", "671690", "99968"])
def test_torch_itself_walks_the_documents_rows(name: str) -> None:
    """By forward hooks on all leaves, as torchsummary walks, and by torchinfo."""
    module = advconv.load(f"archs/reference/{name}.yaml").module().eval()
    leaves = [child for child in module.modules() if not list(child.children())]
    walked: list[tuple[str, str, int]] = []
    for leaf in leaves:
        leaf.register_forward_hook(lambda leaf, _, output: walked.append(_row(leaf, output)))
    module(torch.rand(2, 3, 32, 32))
    infos = [info for info in torchinfo_summary(module, (2, 3, 32, 32), verbose=0).summary_list if info.is_leaf_layer]

    expected = [(row["type"], row["output"], int(row["params"])) for row in document(name)]
    assert walked[: len(leaves)] == expected
    assert [(info.class_name, "x".join(map(str, info.output_size[1:])), info.num_params) for info in infos] == [
        (kind, shape, params) for kind, shape, params in expected
    ]


def _row(leaf: nn.Module, output: Tensor) -> tuple[str, str, int]:
    shape = "x".join(map(str, output.shape[1:]))
    return type(leaf).__name__, shape, sum(p.numel() for p in leaf.parameters())


def test_a_claim_that_is_false_fails() -> None:
    measures = measured({"conv": 8}, {"strided": 8}, "gap")
    wrong = Measures(measures.graph)
    wrong.total = measures.total._replace(params=1, macs=2)
    wrong.memory = measures.memory._replace(live=[3], eager_live=[5], saved=[4])
    wrong.reaches = [(high._replace(last=high.last + 1), wide) for high, wide in measures.reaches]

    assert [claim.name.split(",")[0] for claim in verify(wrong) if not claim.holds] == [
        "parameters", "MACs", "inference memory", "eager memory", "training memory", "receptive field over the height",
    ]  # fmt: skip


OVERHANGING = {"avgpool": {"padding": "same", "ceil_mode": True}}


def test_a_network_that_torch_cannot_run_is_told_in_a_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(graph: Any, module: Any) -> int:
        raise RuntimeError("could not create a primitive\nframe #0")

    monkeypatch.setattr("advconv.backends.evidence.macs", refuse)
    (claim,) = verify(measured({"conv": 4}))

    assert (claim.name, claim.found, claim.holds) == ("torch builds and runs it", "could not create a primitive", False)


@pytest.mark.parametrize(
    "rows",
    [
        ["gap"],
        ["squeeze_excite"],
        [{"repeat": {"times": 30, "layers": [{"residual": ["squeeze_excite"]}]}}],
        [{"branches": {"merge": "multiply", "paths": {"a": [OVERHANGING], "b": []}}}],
        [{"branches": {"paths": {"a": [{"avgpool": {"padding": 1, "stride": 7}}], "b": []}}}, {"pointwise": 4}],
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1)])
def test_maps_of_one_position_are_verified_too(rows: list[Any], size: tuple[int, int]) -> None:
    found = checked(arch(*rows, input=[4, *size])).measures

    assert found is None or failing(found) == []


def failing(measures: Measures) -> list[Claim]:
    return [claim for claim in verify(measures) if not claim.holds]


def test_what_torch_refuses_is_not_asked() -> None:
    claims = {claim.name: claim for claim in verify(measured("gap", {"pointwise": 8}))}

    assert claims["training memory, bytes"].found is None
    assert "more than 1 value per channel" in claims["training memory, bytes"].note


def test_a_field_of_3000_pixels_fits_on_a_strip() -> None:
    rows = [{"strided": {"out_channels": 64, "stride": 2}}] * 3 + [
        {"dilated": {"out_channels": 64, "dilation": 47}}
    ] * 4
    found = measured(*rows, input=[3, 64, 64])
    index = len(found.graph.nodes) - 1
    reach = found.reaches[index][0]
    assert 3000 < reach.size < 3100
    place = -(reach.first // reach.jump)
    strip = strip_for(found.graph, index, 0, reach.jump * place + reach.last + 9)

    assert strip is not None
    assert max(node.shape.elements for node in strip.nodes) * 8 < 4e6
    assert support(strip, 0, place) == (reach.jump * place + reach.first, reach.jump * place + reach.last)


@pytest.mark.slow
def test_a_deep_network_is_verified_to_its_edges() -> None:
    found = measured(
        {"repeat": {"times": 900, "layers": [{"conv": {"out_channels": 1, "norm": "none"}}]}}, input=[1, 9, 9]
    )

    assert [claim for claim in verify(found) if not claim.holds] == []


def test_a_field_claim_without_the_gates_notes_that() -> None:
    notes = [claim.note for claim in verify(measured({"conv": 4}, "squeeze_excite")) if "field" in claim.name]

    assert all(note.endswith("gates excluded") for note in notes)


def test_the_shipped_promises_are_kept() -> None:
    for path in OWN:
        checked = advconv.load(path).checked
        spec = checked.spec
        assert checked.ok
        assert spec is not None
        promised = {Status.PROMISED} if spec.constraints.accuracy else set()
        assert {verdict.status for verdict in checked.verdicts} == {Status.KEPT} | promised
