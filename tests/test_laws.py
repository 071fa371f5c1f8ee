"""Laws that hold for any network, with torch as the judge."""

import os
from typing import Any

import torch
from hypothesis import HealthCheck, assume, given, settings
from torch import nn

from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import last_map
from advconv.geometry import Shape
from tests import build
from tests.strategies import archs

# CI runs a few hundred; ADVCONV_EXAMPLES asks for more.
EXAMPLES = int(os.environ.get("ADVCONV_EXAMPLES", "150"))
LAW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="ADVCONV_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def measured(data: dict[str, Any], picture: Shape | None = None) -> Measures:
    found = build.checked(data, picture).measures
    assume(found is not None)
    assert found is not None
    return found


@LAW
@given(archs())
def test_shapes_parameters_and_macs_are_those_of_torch(data: dict[str, Any]) -> None:
    measures = measured(data)
    built = build.modules(measures.graph)
    with torch.no_grad():
        outputs = build.run(measures.graph, [build.set_mode(module, False) for module in built], _picture(measures))

    assert [node.shape for node in measures.graph.nodes] == [build.shape_of(output) for output in outputs]
    assert [cost.params for cost in measures.costs] == [build.numel(module) for module in built]
    assert 2 * measures.total.macs == build.flops(measures.graph, built)


@LAW
@given(archs())
def test_memory_is_what_torch_holds(data: dict[str, Any]) -> None:
    measures = measured(data)
    built = build.modules(measures.graph)
    # A batch norm cannot train on one value per channel.
    assume(all(node.shape.size != (1, 1) or not isinstance(m, nn.BatchNorm2d) for node, m in _pairs(measures, built)))

    assert measures.memory.inference == build.live_bytes(measures.graph, built)
    assert measures.memory.training == build.saved_bytes(measures.graph, built)


@LAW
@given(archs())
def test_the_receptive_field_is_the_gradient_support(data: dict[str, Any]) -> None:
    reaches = measured(data).reaches[last_map(measured(data).graph)]
    assume(not any(reach.unknown for reach in reaches))
    positions = [build.first_inside(reach.jump, reach.first) for reach in reaches]
    ends = [reach.jump * place + reach.last for reach, place in zip(reaches, positions, strict=True)]
    assume(max(ends) < 400)
    # The picture must hold the whole field, and something beyond it.
    height, width = (end + 2 * reach.jump + 9 for end, reach in zip(ends, reaches, strict=True))
    large = measured(data, Shape(4, height, width))
    index = last_map(large.graph)
    assume(all(place < size for place, size in zip(positions, large.graph.nodes[index].shape.size, strict=True)))
    assume(len(large.graph.nodes) == len(measured(data).graph.nodes) and large.reaches[index] == reaches)

    place = (positions[0], positions[1])
    starts = [reach.jump * position + reach.first for reach, position in zip(reaches, positions, strict=True)]

    assert build.support(large.graph, index, place, gates=False) == tuple(zip(starts, ends, strict=True))
    for reach, start, end, seen in zip(reaches, starts, ends, build.support(large.graph, index, place), strict=True):
        assert seen == (start, end) if not reach.whole else seen[0] <= start and seen[1] >= end


def _picture(measures: Measures) -> torch.Tensor:
    return build.picture(measures.graph)


def _pairs(measures: Measures, built: list[build.Module]) -> Any:
    return zip(measures.graph.nodes, built, strict=True)
