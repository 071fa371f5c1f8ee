"""The networks of archs/zoo against torchvision's: parameters, MACs, outputs; and published receptive fields."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

import advconv
from advconv.analysis.measure import Measures
from advconv.backends.evidence import verify
from advconv.constraints.record import Status
from tests.build import faults, measured

ZOO = Path("archs/zoo")
# The name and the options in torchvision; googlenet warns if it is not told how to be initialised.
THEIRS: dict[str, tuple[str, dict[str, bool]]] = {
    "densenet121": ("densenet121", {}),
    "efficientnet_b0": ("efficientnet_b0", {}),
    "googlenet": ("googlenet", {"aux_logits": False, "init_weights": False}),
    "mobilenetv2": ("mobilenet_v2", {}),
    "resnet18": ("resnet18", {}),
    "resnet50": ("resnet50", {}),
    "squeezenet1_1": ("squeezenet1_1", {}),
    "vgg16": ("vgg16", {}),
}
each_network = pytest.mark.parametrize("name", THEIRS)


def ours(name: str) -> advconv.Net:
    return advconv.load(ZOO / f"{name}.yaml")


def theirs(name: str) -> nn.Module:
    builder, options = THEIRS[name]
    return models.get_model(builder, weights=None, **options).eval()  # type: ignore[no-any-return]


def with_shapes_only(name: str) -> tuple[nn.Module, nn.Module]:
    """Our module and torchvision's on the meta device, which computes shapes and no values."""
    with torch.device("meta"):
        return ours(name).module().eval(), theirs(name)


def test_each_network_is_one_of_torchvisions() -> None:
    assert {path.stem for path in ZOO.iterdir()} == set(THEIRS)


@each_network
def test_a_network_has_no_findings_and_keeps_its_constraints(name: str) -> None:
    net = ours(name)

    assert faults(net.checked) == []
    assert {verdict.status for verdict in net.checked.verdicts} == {Status.KEPT}
    assert {"params", "macs"} <= {verdict.name for verdict in net.checked.verdicts}


@each_network
def test_the_parameters_are_those_of_torchvision(name: str) -> None:
    module, expected = with_shapes_only(name)

    assert Counter(p.shape for p in module.parameters()) == Counter(p.shape for p in expected.parameters())
    assert ours(name).params == sum(p.numel() for p in expected.parameters())


@each_network
def test_the_macs_are_half_of_the_flops_that_torch_counts_in_torchvisions_network(name: str) -> None:
    _, expected = with_shapes_only(name)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        expected(torch.empty(1, 3, 224, 224, device="meta"))

    assert 2 * ours(name).macs == counter.get_total_flops()


@each_network
def test_the_numbers_are_those_that_torchvision_publishes_with_its_weights(name: str) -> None:
    published = models.get_model_weights(THEIRS[name][0]).IMAGENET1K_V1.meta

    assert ours(name).params == published["num_params"]
    assert round(ours(name).macs / 1e9, 3) == published["_ops"]


@pytest.mark.slow
@each_network
def test_with_the_same_weights_a_network_computes_the_same_to_the_bit(name: str) -> None:
    (module, _), expected = with_shapes_only(name), calibrated(name)
    images = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        sources = modules_called(expected, images)
        targets = modules_called(module, images.to("meta"))
        state = {
            f"{target}.{key}": value
            for target, source in zip(targets, sources, strict=True)
            for key, value in expected.get_submodule(source).state_dict().items()
        }
        module.load_state_dict(state, strict=True, assign=True)
        found, wanted = module(images), expected(images)

    assert torch.equal(found, wanted)
    assert not torch.allclose(wanted[0], wanted[1], rtol=1e-3)


def calibrated(name: str) -> nn.Module:
    """torchvision's network, whose batch norms have the statistics of a random image, so that no signal fades."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = theirs(name)
        norms = [child for child in module.modules() if isinstance(child, nn.BatchNorm2d)]
        for norm in norms:
            norm.train().momentum = None
        with torch.no_grad():
            module(torch.rand(1, 3, 224, 224))
    return module.eval()


def modules_called(module: nn.Module, images: Tensor) -> list[str]:
    """The names of the submodules with weights, in the order in which a forward pass calls them."""
    names: list[str] = []
    hooks = [
        child.register_forward_pre_hook(lambda *_, name=name: names.append(name))
        for name, child in module.named_modules()
        if list(child.parameters(recurse=False))
    ]
    module(images)
    for hook in hooks:
        hook.remove()
    return names


@pytest.mark.slow
@each_network
def test_every_claim_about_a_network_holds(name: str) -> None:
    """Its memory and the gradients of its receptive field among them."""
    assert [claim for claim in verify(ours(name).measures) if not claim.holds or claim.found is None] == []


# vgg_16, the end points pool1 to pool5, and resnet_v1_50, block1 to block4: the table of Araujo, Norris and Sim,
# github.com/google-research/receptive_field, RECEPTIVE_FIELD_TABLE.md.
VGG16 = [6, 16, 44, 100, 212]
SLIM_RESNET50 = [35, 99, 291, 483]
# conv1 with its pooling, and layer1 to layer4: gist.github.com/samson-wang/a6073c18f2adf16e0ab5fb95b53db3e6.
RESNET18 = [11, 43, 99, 211, 435]
RESNET50 = [11, 35, 91, 267, 427]


def fields_of_blocks(measures: Measures, blocks: list[str]) -> list[int | None]:
    """The receptive field of the last map of each block."""
    ends = {node.name.split(".")[0]: index for index, node in enumerate(measures.graph.nodes)}
    return [measures.reaches[ends[block]][0].size for block in blocks]


@pytest.mark.parametrize(
    ("name", "published"), [("vgg16", VGG16), ("resnet18", RESNET18), ("resnet50", RESNET50)], ids=lambda value: value
)
def test_the_receptive_fields_of_the_blocks_are_the_published_ones(name: str, published: list[int]) -> None:
    net = ours(name)

    assert fields_of_blocks(net.measures, ["C1", "C2", "C3", "C4", "C5"]) == published
    assert net.receptive_field == published[-1]


def test_resnet50_has_a_larger_field_where_the_last_unit_of_a_stage_strides() -> None:
    """As in TF-Slim, whose numbers are the published ones; torchvision strides in the first unit."""
    stages = [(64, 3, "strided"), (128, 4, "strided"), (256, 6, "strided"), (512, 3, "conv")]
    stem = [
        {"strided": {"out_channels": 64, "kernel_size": 7}},
        {"maxpool": {"kernel_size": 3, "stride": 2, "padding": 1}},
    ]
    fields = []
    rows: list[Any] = stem
    for channels, units, last in stages:
        rows = rows + [bottleneck(channels, "conv")] * (units - 1) + [bottleneck(channels, last)]
        found = measured(*rows, input=[3, 224, 224])
        fields.append(found.reaches[-1][0].size)

    assert fields == SLIM_RESNET50


def bottleneck(channels: int, middle: str) -> dict[str, Any]:
    wide = {"out_channels": 4 * channels, "activation": "none"}
    return {"residual": [{"pointwise": channels}, {middle: channels}, {"pointwise": wide}]}
