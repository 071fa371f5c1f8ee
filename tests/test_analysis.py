"""Receptive fields, memory and features on networks small enough to count by hand."""

import re
from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from advconv.analysis.coverage import _covers, read_positions
from advconv.analysis.features import features
from advconv.analysis.measure import Measures, measure
from advconv.blocks import BLOCKS
from advconv.geometry import Window
from advconv.graph import Graph
from advconv.layers import KINDS
from advconv.layers.conv import Conv2d
from tests.build import arch, checked, codes, graph, measured
from tests.strategies import LAW, archs

BARE = {"norm": "none", "activation": "none"}


def size(*rows: Any, **sections: Any) -> tuple[int, int] | None:
    return measured(*rows, **sections).receptive_field.size


def count(name: str, *rows: Any, **sections: Any) -> int:
    return len(features(graph(*rows, **sections), (name,)))


def test_dilation_widens_the_reach_and_keeps_the_cost() -> None:
    plain, dilated = measured({"conv": 8}), measured({"dilated": 8})

    assert plain.receptive_field.size == (3, 3)
    assert dilated.receptive_field.size == (5, 5)
    assert plain.total == dilated.total


@pytest.mark.parametrize("padding", ["valid", 3, [0, 1], [4, 0, 1, 2]])
def test_padding_moves_a_reach_and_never_lengthens_it(padding: Any) -> None:
    assert size({"conv": {"out_channels": 4, "kernel_size": [3, 5], "padding": padding}}) == (3, 5)


def test_stride_counts_from_the_next_window_on() -> None:
    assert size({"strided": 4}) == (3, 3)
    assert size({"strided": 4}, {"conv": 4}) == (7, 7)
    assert size({"strided": {"out_channels": 4, "stride": [1, 2]}}, {"conv": 4}) == (5, 7)


def through_pooling(*rows: Any, **sections: Any) -> tuple[int, int] | None:
    field = measured(*rows, **sections).receptive_field_through_pooling
    return field.size if field else None


def test_the_field_is_that_of_the_last_map_and_the_pooling_is_told_apart() -> None:
    assert size({"conv": 4}, "gap", {"linear": 10}) == (3, 3)
    assert through_pooling({"conv": 4}, "gap", {"linear": 10}) == (18, 18)
    assert through_pooling({"conv": 4}, "flatten", {"linear": 10}) is None


def test_convolutions_that_leave_one_position_count() -> None:
    """Five 3x3 of stride 2 see 63 pixels, a 32x32 convolution 32."""
    five, whole = [{"strided": 4}] * 5, {"conv": {"out_channels": 4, "kernel_size": 32, "padding": "valid"}}

    for head in ([], ["gap", {"linear": 10}], [{"linear": 10}]):
        assert size(*five, *head, input=[3, 32, 32]) == (63, 63)
        assert size(whole, *head, input=[3, 32, 32]) == (32, 32)
        assert through_pooling(*five, *head, input=[3, 32, 32]) is None


def test_nothing_behind_a_global_pooling_adds_to_the_field() -> None:
    behind = [{"conv": {"out_channels": 8, "padding": 2}}, "gap"]

    assert size({"conv": 8}, "gap", *behind, input=[3, 32, 32]) == (3, 3)
    assert through_pooling({"conv": 8}, "gap", *behind, input=[3, 32, 32]) == (34, 34)
    assert codes({"conv": 8}, "gap", *behind, constraints={"receptive_field": "> 44"}) == ["AC401"]


def test_a_path_that_is_pooled_beside_one_that_is_not_is_a_gate() -> None:
    paths = {
        "pooled": [{"conv": 4}, "gap"],
        "strided": [{"conv": {"out_channels": 4, "kernel_size": 16, "padding": "valid"}}],
    }
    row = {"branches": {"merge": "add", "paths": paths}}

    assert size(row) == (16, 16)
    assert measured(row).receptive_field.note == "gate: whole image"
    assert size(row, {"conv": {"out_channels": 4, "padding": 3}}) == (18, 18)
    assert through_pooling(row) is None
    assert through_pooling(row, {"conv": {"out_channels": 4, "padding": 3}}, "gap") == (22, 22)


def test_a_shortcut_that_pools_to_one_position_is_as_one_that_strides_to_it() -> None:
    """The pooled shortcut of ResNet-D, at the row where the map comes to one position."""

    def sees(shortcut: Any) -> tuple[int, int] | None:
        row = {"residual": {"layers": [{"strided": 4}], "shortcut": shortcut}}
        return size(
            {"repeat": {"times": 4, "layers": [{"strided": 4}]}}, row, {"conv": 4}, {"conv": 4}, input=[3, 32, 32]
        )

    assert sees(["avgpool", {"pointwise": 4}]) == sees("projection") == sees("pad") == (191, 191)


@pytest.mark.parametrize(("kernel", "seen"), [(2, 6), (3, 9), (4, 10)])
def test_a_pooling_of_one_position_pools_nothing_however_it_is_padded(kernel: int, seen: int) -> None:
    rows = [{"conv": 4}, {"maxpool": {"kernel_size": kernel, "padding": "same", "stride": 1 if kernel == 2 else 2}}]

    assert size(*rows, {"conv": 4}, input=[4, 1, 1]) == (seen, seen)
    assert through_pooling(*rows, {"conv": 4}, input=[4, 1, 1]) is None


def test_warnings_of_paths_that_miss_each_other_do_not_depend_on_their_order() -> None:
    paths = {
        "a": [{"conv": {"out_channels": 4, "kernel_size": 2}}],
        "b": [{"conv": 4}],
        "c": [{"conv": {"out_channels": 4, "kernel_size": 4}}],
    }

    def told(names: str) -> list[str]:
        row = {"branches": {"merge": "add", "paths": {name: paths[name] for name in names}}}
        return [found.message for found in checked(arch(row)).diagnostics if found.code == "AC211"]

    assert told("abc") == told("bca") == told("cab") == ["C1[0]: merged branches are misaligned by 0.5 px"]


def test_what_a_gate_sees_is_nothing_to_warn_of() -> None:
    unequal = {
        "a": [{"conv": {"out_channels": 4, "stride": 2}}],
        "b": [{"conv": {"out_channels": 4, "kernel_size": 9, "padding": "valid"}}],
    }
    gate = [{"branches": {"merge": "add", "paths": unequal}}, "gap"]
    row = {"branches": {"merge": "multiply", "paths": {"map": [{"conv": 4}], "gate": gate}}}

    assert (size(row, {"conv": 4}), codes(row, {"conv": 4})) == ((5, 5), [])


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
def test_positions_that_a_window_reads_are_those_of_a_count_by_hand(stride: int) -> None:
    for kernel, dilation, size, before in product(range(1, 5), range(1, 4), range(1, 12), range(5)):
        window = Window(kernel, stride, dilation, before, before)
        places = range(max(0, window.output_size(size)))
        taps = {place * stride - before + tap * dilation for place in places for tap in range(kernel)}
        counted = sum(1 << position for position in taps & set(range(size)))

        assert not places or read_positions(window, size) == counted
        assert not places or not _covers(window, size) or counted == (1 << size) - 1


def test_paths_that_miss_each_others_centre_are_measured_by_their_hull() -> None:
    paths = {"left": [{"conv": {"out_channels": 4, "kernel_size": [1, 3], "padding": [0, 0, 2, 0]}}], "same": []}
    row = {"branches": {"merge": "add", "paths": paths}}

    assert size(row) == (1, 3)
    assert codes(row) == ["AC211"]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_gate_among_misaligned_paths_hides_none(place: int) -> None:
    left = {"conv": {"out_channels": 4, "kernel_size": [1, 3], "padding": [0, 0, 2, 0]}}
    paths: list[tuple[str, list[Any]]] = [("left", [left]), ("centred", [{"conv": 4}])]
    paths.insert(place, ("gate", ["gap", {"pointwise": 4}]))

    assert codes({"branches": {"merge": "add", "paths": dict(paths)}}) == ["AC211"]


def test_where_unequal_jumps_meet_the_field_is_unknown_and_a_limit_on_it_fails() -> None:
    paths = {
        "a": [{"conv": {"out_channels": 4, "stride": 2}}],
        "b": [{"conv": {"out_channels": 4, "kernel_size": 9, "padding": "valid"}}],
    }
    row = {"branches": {"merge": "add", "paths": paths}}
    limit: dict[str, Any] = {"constraints": {"receptive_field": "> 1"}}

    assert measured(row).receptive_field.size is None
    assert codes(row) == ["AC210"]
    assert sorted(codes(row, **limit)) == ["AC210", "AC402"]
    assert codes(row, {"strided": 4}) == ["AC210"]


def test_a_gate_never_widens_the_field_and_a_note_says_what_it_sees() -> None:
    found = measured({"conv": 4}, "squeeze_excite", {"conv": 4}).receptive_field

    assert (found.size, found.narrowest, found.note) == ((5, 5), (5, 5), "gate: whole image")
    assert measured({"conv": 4}, {"conv": 4}).receptive_field.note == ""
    assert codes({"conv": 4}, "squeeze_excite", constraints={"receptive_field": "== 3", "rf_min": "== 3"}) == []
    assert codes({"conv": 4}, "squeeze_excite", constraints={"receptive_field": "> 3"}) == ["AC401"]


def test_a_gate_that_sees_a_part_of_the_image_never_widens_it_either() -> None:
    gate = {"conv": {"out_channels": 4, "stride": 16}}
    found = measured({"branches": {"merge": "multiply", "paths": {"map": [], "gate": [gate]}}}).receptive_field

    assert (found.size, found.note) == ((1, 1), "gates excluded")
    assert measured({"branches": {"merge": "multiply", "paths": {"gate": ["gap"], "map": []}}}).receptive_field.whole


STRIDED_HEIGHT = {"conv": {"out_channels": 4, "stride": [2, 1]}}


@pytest.mark.parametrize(
    "paths", [{"a": [STRIDED_HEIGHT], "b": [{"conv": 4}]}, {"b": [{"conv": 4}], "a": [STRIDED_HEIGHT]}]
)
def test_unequal_jumps_that_meet_in_one_position_are_unknown_where_a_window_reads_beside_it(
    paths: dict[str, Any],
) -> None:
    row, line = {"branches": {"merge": "add", "paths": paths}}, {"input": [3, 1, 32]}

    assert size(row, **line) == size(row, {"pointwise": 4}, **line) == (3, 3)
    assert size(row, {"conv": 4}, **line) is None
    assert codes(row, {"conv": 4}, **line) == ["AC210"]
    assert size(row, {"conv": {"out_channels": 4, "kernel_size": [1, 3]}}, **line) == (3, 5)
    assert size(row, {"pointwise": {"out_channels": 4, "padding": [1, 0]}}, **line) is None


def test_of_last_maps_side_by_side_the_widest_counts_in_any_order() -> None:
    wide, small = [{"conv": {"out_channels": 4, "kernel_size": 9}}, "gap"], [{"conv": 4}, "gap"]

    for paths in ({"a": wide, "b": small}, {"a": small, "b": wide}):
        found = measured({"branches": {"merge": "add", "paths": paths}}).receptive_field
        assert (found.size, found.narrowest) == ((9, 9), (3, 3))


def test_the_narrowest_path_goes_past_residual_layers() -> None:
    found = measured({"conv": 4}, {"residual": [{"conv": 4}, {"conv": 4}]}).receptive_field

    assert (found.size, found.narrowest) == ((7, 7), (3, 3))


def paths_to(graph: Graph, index: int) -> Iterator[list[int]]:
    """Every way from the image to a node, as the nodes it passes."""
    if index == 0:
        yield [0]
    for source in graph.nodes[index].inputs:
        yield from ([*path, index] for path in paths_to(graph, source))


def field_of(graph: Graph, path: list[int], axis: int) -> int:
    """The field along one path, by the textbook's recurrence."""
    field, jump = 1, 1
    for source, index in pairwise(path):
        window = graph.nodes[index].layer.windows(graph.nodes[source].shape)[axis]
        field, jump = field + (window.extent - 1) * jump, jump * window.stride
    return field


@LAW
@given(archs())
def test_the_narrowest_path_is_the_least_of_all_paths(data: dict[str, Any]) -> None:
    found = checked(data).measures
    assume(found is not None and found.receptive_field.size is not None and not found.receptive_field.gated)
    assert found is not None
    every = [path for index in found.last_maps.maps for path in paths_to(found.graph, index)]

    assert found.receptive_field.narrowest == tuple(
        min(field_of(found.graph, path, axis) for path in every) for axis in (0, 1)
    )


@pytest.mark.slow
def test_the_strategies_draw_every_kind_of_layer_and_every_block() -> None:
    seen: set[type] = set()
    words: set[str] = set()

    @settings(max_examples=200, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(archs())
    def draw(data: dict[str, Any]) -> None:
        found = checked(data).measures
        if found:
            seen.update(type(node.layer) for node in found.graph.nodes)
            words.update(re.findall(r"[a-z_]+", str(data["network"])))

    draw()

    assert set(KINDS) <= seen
    assert {block.kind for block in BLOCKS} <= words


def test_memory_frees_after_the_last_use() -> None:
    chain, residual = (
        measured({"repeat": {"times": 3, "layers": [{"conv": {"out_channels": 4} | BARE}]}}),
        measured({"residual": {"layers": [{"conv": {"out_channels": 4} | BARE}] * 2, "activation": "none"}}),
    )
    one_map = 4 * 16 * 16 * 4

    assert chain.memory.inference == 2 * one_map
    assert residual.memory.inference == 3 * one_map


def test_eager_mode_holds_what_a_module_was_called_with_until_it_returns() -> None:
    """A block of rows reads one map, and holds it beside the two that its second convolution reads and writes."""
    rows = [{"conv": {"out_channels": 4} | BARE}] * 2
    flat, nested = measured(*rows), measured({"residual": {"layers": rows, "shortcut": "pad", "activation": "none"}})
    one_map = 4 * 16 * 16 * 4

    assert (flat.memory.inference, flat.memory.eager) == (2 * one_map, 3 * one_map)
    assert (nested.memory.inference, nested.memory.eager) == (3 * one_map, 3 * one_map)
    assert codes(*rows, constraints={"memory": f"== {2 * one_map}B", "memory_eager": f"== {3 * one_map}B"}) == []
    assert codes(*rows, constraints={"memory_eager": f"< {3 * one_map}B"}) == ["AC401"]


def test_a_max_pooling_finds_its_indices_in_eager_mode_though_nobody_asks() -> None:
    found = measured("maxpool").memory

    assert found.eager - found.inference == 4 * 8 * 8 * 8


def test_each_storage_is_kept_once_for_training() -> None:
    branches = {
        "branches": {
            "paths": {"a": [{"conv": {"out_channels": 4} | BARE}], "b": [{"conv": {"out_channels": 4} | BARE}]}
        }
    }

    assert measured(branches).memory.training == 4 * 16 * 16 * 4


def test_a_pool_on_the_image_keeps_nothing() -> None:
    assert measured("maxpool", {"activation": "relu"}).memory.training == 0


def test_features_are_counted_whatever_words_wrote_them() -> None:
    assert count("dilated", {"conv": {"out_channels": 4, "dilation": [1, 2]}}) == 1
    assert count("dilated", {"pointwise": {"out_channels": 4, "dilation": 2}}) == 0
    assert count("strided", {"residual": [{"strided": 8}]}) == 2
    assert count("dwsep", {"dwsep": 8}) == 1
    assert count("dwsep", "depthwise", {"pointwise": 8}) == 1
    assert (
        count("dwsep", {"conv": {"out_channels": 4, "groups": 4}}, {"conv": {"out_channels": 8, "kernel_size": 1}}) == 1
    )
    assert count("dwsep", {"conv": {"out_channels": 4, "groups": 2}}, {"pointwise": 8}) == 0
    assert count("dwsep", "depthwise", {"maxpool": 2}, {"pointwise": 8}) == 0
    assert count("dwsep", {"inverted_residual": 4}) == 1
    assert count("dwsep", "depthwise", {"depthwise": {"kernel_size": 1}}) == 0
    assert count("depthwise", {"conv": {"out_channels": 4, "groups": 1}}, input=[1, 8, 8]) == 0
    assert count("grouped", {"conv": {"out_channels": 4, "groups": 2}}) == 1


def test_a_depthwise_convolution_that_two_read_is_no_pair() -> None:
    assert count("dwsep", "depthwise", {"residual": [{"pointwise": 4}]}) == 0


def test_gap_is_an_average_that_covers_its_map() -> None:
    assert count("gap", "gap") == count("gap", {"avgpool": 16}) == 1
    assert count("gap", {"avgpool": 15}) == count("gap", {"maxpool": 16}) == count("gap", "squeeze_excite") == 0
    assert count("gap", {"avgpool": {"kernel_size": 17, "padding": 1}}) == 1
    assert count("gap", {"avgpool": {"kernel_size": 16, "padding": 1}}) == 0
    assert count("gap", {"branches": {"paths": {"a": ["gap"], "b": ["gap"]}}}) == 2


def test_a_pooling_inside_a_gate_is_no_gap_even_on_one_position() -> None:
    gate = {"branches": {"merge": "multiply", "paths": {"gate": ["gap", {"pointwise": 4}], "map": []}}}

    assert count("gap", "gap", "squeeze_excite") == count("gap", "gap", gate) == 1
    assert count("gap", "squeeze_excite", gate, {"inverted_residual": {"out_channels": 8, "squeeze_excite": 4}}) == 0


def test_one_changed_field_is_measured_like_a_network_written_so() -> None:
    before = graph({"conv": 8}, {"dwsep": 12}, "gap", {"linear": 10})
    after = measure(before.replace(1, Conv2d(out_channels=16, kernel_size=(5, 5), padding=(2, 2), bias=False)))
    written = measured({"conv": {"out_channels": 16, "kernel_size": 5}}, {"dwsep": 12}, "gap", {"linear": 10})

    assert _tables(after) == _tables(written)


def _tables(found: Measures) -> tuple[Any, ...]:
    return found.reaches, found.costs, found.memory, [node.shape for node in found.graph.nodes]
