"""One contract for all kinds of layers, against torch."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from advconv.backends.evidence import shape_of
from advconv.geometry import Shape
from advconv.layers import KINDS
from advconv.layers.base import Call, Cost, Layer, SavedTensors, Shapes
from advconv.layers.conv import Conv2d, DepthwiseConv2d
from advconv.layers.dense import Flatten, Input, Linear, Pad, PadChannels
from advconv.layers.merge import Add, Concat, Multiply
from advconv.layers.pointwise import FUNCTIONS, Activation, BatchNorm2d, Dropout, GroupNorm
from advconv.layers.pool import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d, Subsample
from tests.build import from_call, numel

MAP, LARGE = Shape(8, 9, 11), Shape(8, 1, 1)

SAMPLES: tuple[tuple[Layer, tuple[Shape, ...]], ...] = (
    (Input(MAP), (MAP,)),
    (Conv2d(out_channels=6, kernel_size=(3, 5), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2), (MAP,)),
    (DepthwiseConv2d(multiplier=2, bias=False), (MAP,)),
    (BatchNorm2d(eps=0.1, momentum=0.2), (MAP,)),
    (GroupNorm(4), (MAP,)),
    *((Activation(name), (MAP,)) for name in FUNCTIONS),
    (Activation("leaky_relu", 0.3), (Shape(5, flat=True),)),
    (Dropout(0.5), (MAP,)),
    (Dropout(0.5, channels=True), (MAP,)),
    (MaxPool2d((3, 2), (2, 2), (1, 1), ceil_mode=True), (MAP,)),
    (AvgPool2d((3, 3), (3, 3), (1, 1), count_include_pad=False), (MAP,)),
    (AdaptiveAvgPool2d(), (MAP,)),
    (Subsample((2, 3)), (MAP,)),
    (Pad(1, 0, 2, 3, float("-inf")), (MAP,)),
    (PadChannels(12), (MAP,)),
    (Flatten(), (MAP,)),
    (Flatten(inline=True), (MAP,)),
    (Linear(7), (Shape(20, flat=True),)),
    (Add(), (MAP, MAP)),
    (Multiply(), (MAP, LARGE)),
    (Concat(), (MAP, Shape(3, 9, 11), MAP)),
)


def test_every_kind_has_a_sample() -> None:
    assert {type(layer) for layer, _ in SAMPLES} == set(KINDS)


@pytest.mark.parametrize(("layer", "inputs"), SAMPLES, ids=lambda value: str(value)[:60])
def test_shape_and_parameters_are_those_of_its_call(layer: Layer, inputs: tuple[Shape, ...]) -> None:
    module = from_call(layer.torch(inputs))
    xs = [torch.rand(1, x.channels) if x.flat else torch.rand(1, *x[:3]) for x in inputs]

    y = layer.output(inputs)

    assert y == shape_of(module(*xs))
    assert layer.cost(inputs, y).params == numel(module)


@pytest.mark.parametrize("layer", [layer for layer, _ in SAMPLES], ids=lambda layer: str(layer)[:60])
def test_layers_are_values(layer: Layer) -> None:
    again = replace(layer)

    assert again is not layer
    assert (again, hash(again)) == (layer, hash(layer))
    with pytest.raises((AttributeError, TypeError)):
        layer.anything = 1  # type: ignore[attr-defined]


def test_a_kind_that_leaves_a_fact_out_cannot_be_made() -> None:
    class Free(Layer):
        def cost(self, inputs: Shapes, y: Shape) -> Cost:
            return Cost()

        def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
            return SavedTensors()

        def torch(self, inputs: Shapes) -> Call:
            return Call("nn.Identity")

    with pytest.raises(TypeError, match="windows"):
        Free()  # type: ignore[abstract]


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("stride", [1, 2, 3, 5])
def test_pooling_sizes_are_torchs_for_every_small_map(stride: int, ceil_mode: bool) -> None:
    for kernel in range(1, 5):
        for padding in range(kernel // 2 + 1):
            for size in range(kernel, 12):
                layer = MaxPool2d((kernel, kernel), (stride, stride), (padding, padding), ceil_mode)
                expected = from_call(layer.torch(()))(torch.rand(1, 1, size, size))

                assert layer.output((Shape(1, size, size),)) == shape_of(expected)
