"""What windows read, connect and mix, against the gradients of the built module and torch's unfold."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from advconv.analysis.connectivity import connected, connected_areas, full_dilations
from advconv.analysis.coverage import unread_positions
from advconv.analysis.measure import Measures
from advconv.analysis.mixing import separate_channels
from advconv.analysis.view import GraphView, Reader
from advconv.backends.node_runs import runs
from advconv.backends.torch_module import build
from advconv.layers.conv import Convolution
from advconv.rules.padding import positions_outside, real_share
from tests.build import arch, checked, measured
from tests.strategies import (
    DILATIONS,
    KERNELS,
    LAW,
    LINEAR,
    SIDES,
    STRIDES,
    Rows,
    grouped_rows,
    linear_rows,
    reading_rows,
)

SIDE = 80


def measured_or_skipped(*rows: Any, **sections: Any) -> Measures:
    found = checked(arch(*rows, **sections, defaults=LINEAR)).measures
    assume(found is not None)
    assert found is not None
    return found


def positive(measures: Measures) -> nn.Module:
    """The module with equal positive weights, so that no gradient cancels out."""
    module = build(measures.graph).double()
    for weights in module.parameters():
        nn.init.constant_(weights, 1 / weights[0].numel() if weights.dim() > 1 else 0.0)
    return module


def pixels_with_gradient(measures: Measures, row: int, column: int) -> Tensor:
    """The pixels of the image with an effect on a position of the last map."""
    x = torch.zeros(1, *measures.graph.input[:3], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(positive(measures)(x)[0, :, row, column].sum(), x)
    return gradient[0].sum(dim=0) != 0


def connected_pixels(measures: Measures) -> Tensor:
    """The pixels that a position of the last map, whose field lies inside the image, is said to depend on."""
    index = len(measures.graph.nodes) - 1
    (over_height, over_width), size = measures.reaches[index], measures.graph.output.size
    firsts = [position_inside(reach, places) for reach, places in zip((over_height, over_width), size, strict=True)]
    found = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    for area in connected_areas(measures)[index]:
        rows, columns = (
            [reach.jump * at + reach.first + pixel for pixel in range(reach.size) if bits >> pixel & 1]
            for reach, at, bits in zip((over_height, over_width), firsts, area, strict=True)
        )
        for row in rows:
            found[row, columns] = True
    return found


def position_inside(reach: Any, places: int) -> int:
    """The first position whose whole field is inside the image."""
    inside = (at for at in range(places) if reach.jump * at + reach.first >= 0)
    position = next(inside, None)
    assume(position is not None and reach.jump * position + reach.last < SIDE)
    assert position is not None
    return position


@LAW
@given(linear_rows())
def test_connected_pixels_are_those_with_a_gradient(rows: Rows) -> None:
    measures = measured_or_skipped(*rows, input=[1, SIDE, SIDE])
    assume(not any(reach.unknown for reach in measures.reaches[-1]))
    expected, size = connected_pixels(measures), measures.graph.output.size
    row, column = (position_inside(*pair) for pair in zip(measures.reaches[-1], size, strict=True))
    count = connected(measures)

    assert torch.equal(expected, pixels_with_gradient(measures, row, column))
    assert count is not None
    assert (count.pixels, count.total) == (
        int(expected.sum()),
        measures.reaches[-1][0].size * measures.reaches[-1][1].size,
    )


def dilated(*dilations: int) -> list[dict[str, Any]]:
    return [{"conv": {"out_channels": 4, "dilation": dilation}} for dilation in dilations]


@pytest.mark.parametrize(
    ("dilations", "share"), [((2, 2, 2), (49, 169)), ((1, 2, 3), (169, 169)), ((3, 3), (25, 169)), ((1, 5), (81, 169))]
)
def test_the_gaps_of_a_stack_of_dilations_are_known(dilations: tuple[int, ...], share: tuple[int, int]) -> None:
    found = connected(measured(*dilated(*dilations)))

    assert found is not None
    assert (found.pixels, found.total) == share


@LAW
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 3)), min_size=1, max_size=5))
def test_the_dilations_that_are_advised_leave_no_gaps(layers: list[tuple[int, int, int]]) -> None:
    """The tuples are kernel size, dilation and stride. The advice also has the size of the field."""

    def network(dilations: list[int]) -> Measures:
        rows = [
            {"conv": {"out_channels": 4, "kernel_size": kernel_size, "dilation": dilation, "stride": stride}}
            for (kernel_size, _, stride), dilation in zip(layers, dilations, strict=True)
        ]
        return measured(*rows, input=[1, 96, 96])

    advised, size = full_dilations(network([dilation for _, dilation, _ in layers]))
    of_rows = {node.origin.label: dilation for node, dilation in advised}
    assume(advised)
    mended = network([of_rows.get(f"C1[{index}]", dilation) for index, (_, dilation, _) in enumerate(layers)])
    found = connected(mended)

    assert found is not None
    assert found.pixels == found.total == size**2


def test_filled_windows_show_which_gaps_are_those_of_dilation() -> None:
    skipping = measured({"conv": {"out_channels": 4, "kernel_size": 1, "stride": 2}}, *dilated(1, 2))
    both = [index for index, node in enumerate(skipping.graph.nodes) if isinstance(node.layer, Convolution)]
    found, filled = connected(skipping), connected(skipping, both)

    assert found is not None
    assert found == filled
    assert found.share < 0.5


@LAW
@given(reading_rows(), st.integers(1, 20), st.integers(1, 20))
def test_positions_that_nothing_reads_have_no_gradient(rows: Rows, height: int, width: int) -> None:
    paths = {f"p{index}": [row, "gap"] for index, row in enumerate(rows)}
    network = [{"branches": {"paths": paths}}] if len(paths) > 1 else [*rows, "gap"]
    measures = measured_or_skipped(*network, input=[4, height, width])
    x = torch.zeros(1, 4, height, width, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(positive(measures)(x).sum(), x)
    unread = gradient[0].sum(dim=0) == 0
    found = [item for item in unread_positions(GraphView(measures)) if item.reader.source == 0]

    assert [(item.total - item.read, item.total) for item in found] == [
        (int(unread.sum()), height * width) for _ in range(bool(unread.any()))
    ]
    for item in found:
        edge = torch.zeros_like(unread)
        edge[height - item.rows :] = True
        edge[:, width - item.columns :] = True
        assert torch.equal(edge, unread) or not item.is_edge


@LAW
@given(grouped_rows())
def test_channels_that_stay_apart_have_no_gradient_between_them(rows: Rows) -> None:
    """In a chain: groups of channels are the components of the graph of gradients from one map to the last."""
    measures = measured_or_skipped(*rows, input=[24, 3, 3])
    view = GraphView(measures)
    expected = None
    grouped = [reader for reader, layer in view.convolutions if layer.groups_for(reader.x) > 1]
    for first, _ in combinations([*grouped], 2):
        parts = components(effects(measures, first))
        if parts > 1:
            expected = (first.node, parts, 24)
            break

    assert separate_channels(view) == expected


def effects(measures: Measures, reader: Reader) -> Tensor:
    """Whether each channel of the last map depends on each of the map that a layer reads."""
    x = torch.ones(1, *reader.x[:3], dtype=torch.float64, requires_grad=True)
    value = x
    for run in runs(measures.graph, positive(measures))[reader.node_index :]:
        value = run(value)
    sums = value[0].sum(dim=(1, 2))
    rows = [torch.autograd.grad(each, x, retain_graph=True)[0][0].sum(dim=(1, 2)) != 0 for each in sums]
    return torch.stack(rows)


def components(effects: Tensor) -> int:
    """Of the bipartite graph."""
    groups: list[set[int]] = []
    for row in effects:
        group = set(row.nonzero().flatten().tolist())
        touching = [other for other in groups if other & group]
        groups = [other for other in groups if not other & group] + [group.union(*touching)]
    return len(groups)


@LAW
@given(KERNELS, STRIDES, DILATIONS, st.tuples(*[SIDES | st.integers(0, 9)] * 4), st.integers(1, 12), st.integers(1, 12))
def test_reads_of_padding_are_the_zeros_of_an_unfolded_map_of_ones(
    kernel_size: Any, stride: Any, dilation: Any, sides: tuple[int, ...], height: int, width: int
) -> None:
    row = {"out_channels": 4, "kernel_size": kernel_size, "stride": stride, "dilation": dilation, "padding": [*sides]}
    measures = measured_or_skipped({"conv": row}, input=[4, height, width])
    ((reader, _),) = GraphView(measures).convolutions
    top, bottom, left, right = sides
    padded = F.pad(torch.ones(1, 1, height, width), (left, right, top, bottom))
    reads = F.unfold(padded, *(tuple(pair) if isinstance(pair, list) else pair for pair in order(row)))

    assert real_share(reader) == pytest.approx(float(reads.mean()))
    assert positions_outside(reader) == int((reads[0].sum(dim=0) == 0).sum())


def order(row: dict[str, Any]) -> Iterator[Any]:
    """As unfold takes them."""
    yield from (row["kernel_size"], row["dilation"], 0, row["stride"])
