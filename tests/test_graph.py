"""Graphs without a file: built in Python, edited, measured, planned as modules."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from advconv.analysis.measure import measure
from advconv.analysis.view import GraphView
from advconv.backends.evidence import verify
from advconv.backends.torch_module import build
from advconv.backends.torch_source import emit
from advconv.check import lint
from advconv.geometry import Shape
from advconv.graph import Draft, Graph
from advconv.layers.base import ShapeError
from advconv.layers.conv import Conv2d
from advconv.layers.merge import Add
from advconv.layers.pointwise import Activation
from advconv.rules.diagnostics import placed
from advconv.rules.record import LintInput
from advconv.text.source import Source, Span

RELU = Activation("relu")


def conv(channels: int, stride: int = 1) -> Conv2d:
    return Conv2d(out_channels=channels, kernel_size=(3, 3), stride=(stride, stride), padding=(1, 1))


def two_blocks() -> Graph:
    """Two blocks of two convolutions, and a skip from the middle of the first to the middle of the second."""
    draft = Draft()
    x = draft.start(Shape(3, 16, 16))
    early = draft.add("C1.0", conv(8), (x,))
    x = draft.add("C1.1", conv(8), (early,))
    x = draft.add("C2.0", conv(8), (x,))
    x = draft.add("C2.add", Add(), (x, early))
    x = draft.add("C2.1", conv(4), (x,))
    return Graph(tuple(draft.nodes))


def run(source: str) -> type[nn.Module]:
    names: dict[str, type[nn.Module]] = {}
    exec(source, names)
    return names["Net"]


def same(graph: Graph) -> Tensor:
    """The output, which the module and the source give alike."""
    measures = measure(graph)
    module, image = build(graph), torch.randn(2, graph.input.channels, graph.input.height, graph.input.width)
    written = run(emit(measures, "net"))()
    written.load_state_dict(module.state_dict())
    assert list(written.state_dict()) == list(module.state_dict())

    output: Tensor = module(image)
    assert torch.equal(written(image), output)
    assert [claim for claim in verify(measures) if not claim.holds] == []
    return output


def test_a_skip_between_blocks_is_built_and_emitted_as_it_is_measured() -> None:
    graph = two_blocks()

    assert same(graph).shape == (2, 4, 16, 16)
    assert list(build(graph).state_dict())[:2] == ["C1.0.weight", "C1.0.bias"]
    assert measure(graph).receptive_field.size == (9, 9)
    assert measure(graph).receptive_field.narrowest == (5, 5)


def test_blocks_whose_rows_take_turns_are_built() -> None:
    draft = Draft()
    x = draft.start(Shape(3, 8, 8))
    for name in ("A.0", "B.0", "A.1", "B.x.y", "A.2"):
        x = draft.add(name, conv(4), (x,))

    assert same(Graph(tuple(draft.nodes))).shape == (2, 4, 8, 8)


def test_a_finding_about_a_line_of_python_points_at_it() -> None:
    draft = Draft()
    x = draft.start(Shape(3, 8, 8))
    skipping = Conv2d(out_channels=8, kernel_size=(1, 1), stride=(2, 2))
    draft.add("C1.0", skipping, (x,))
    measures = measure(Graph(tuple(draft.nodes)))
    (found,) = placed(lint(LintInput(measures.graph.input, network=GraphView(measures))), Source("", ""), None)

    assert found.code == "AC301"
    assert Path(found.source.name).name == "test_graph.py"
    assert found.source.text[found.span.start : found.span.end] == 'draft.add("C1.0", skipping, (x,))'


def test_a_layer_added_by_code_without_a_file_has_the_start_of_an_empty_text_for_its_line() -> None:
    names: dict[str, Any] = {"draft": Draft(), "shape": Shape(3, 8, 8), "layer": RELU}
    exec("draft.start(shape)\n\n\ndraft.add('C1', layer, (0,))", names)
    line = names["draft"].nodes[-1].origin.line

    assert line == Span(0, 1, Source("<string>", ""))


def test_a_layer_that_is_inserted_is_read_in_the_place_of_the_one_before_it() -> None:
    graph = two_blocks()
    changed = graph.insert(1, "C1.act", RELU)

    assert [node.inputs for node in changed.nodes] == [(), (0,), (1,), (2,), (3,), (4, 2), (5,)]
    assert changed.nodes[2].origin.kind == "ReLU"
    assert same(changed).shape == (2, 4, 16, 16)
    assert changed.delete(2) == graph
    with pytest.raises(ValueError, match=r"there is a node C1\.1 already"):
        graph.insert(1, "C1.1", RELU)


def test_what_a_deleted_layer_read_is_read_in_its_place() -> None:
    shorter = two_blocks().delete(2)

    assert [node.inputs for node in shorter.nodes] == [(), (0,), (1,), (2, 1), (3,)]
    assert measure(shorter).receptive_field.size == (7, 7)
    with pytest.raises(ValueError, match=r"C2\.add\(\) has 2 inputs, not one"):
        two_blocks().delete(4)


def test_shapes_are_inferred_from_an_edit_on() -> None:
    graph = two_blocks()

    strided = graph.replace(5, conv(4, stride=2))
    assert (graph.output, strided.output) == (Shape(4, 16, 16), Shape(4, 8, 8))
    with pytest.raises(ShapeError, match="9x16x16 and 8x16x16"):
        graph.replace(3, conv(9))
    with pytest.raises(ShapeError, match="8x16x16 and 3x16x16"):
        graph.rewire(4, (3, 0))


def test_other_inputs_are_read_after_a_rewire() -> None:
    rewired = two_blocks().rewire(4, (3, 2))

    assert measure(rewired).receptive_field.size == (9, 9)
    assert measure(rewired).receptive_field.narrowest == (7, 7)
    assert same(rewired).shape == (2, 4, 16, 16)
    with pytest.raises(ValueError, match=r"node 2 can read the nodes before it, not \(2,\)"):
        two_blocks().rewire(2, (2,))
