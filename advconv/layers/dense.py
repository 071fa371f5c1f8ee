"""Input, padding, flattening and linear layers."""

from collections.abc import Sequence
from dataclasses import dataclass

from advconv.geometry import POINTS, Shape, Window
from advconv.layers.base import (
    FIRST_INPUT,
    NOTHING,
    Call,
    Cost,
    Layer,
    SavedTensors,
    ShapeError,
    Shapes,
    Windows,
    options,
)


@dataclass(frozen=True, slots=True)
class Input(Layer):
    """The input image."""

    shape: Shape

    def windows(self, x: Shape) -> Windows:
        return POINTS

    def output(self, inputs: Shapes) -> Shape:
        return self.shape

    def cost(self, inputs: Shapes, y: Shape) -> Cost:
        return Cost()

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        return NOTHING

    def torch(self, inputs: Shapes) -> Call:
        return Call("nn.Identity")


@dataclass(frozen=True, slots=True)
class Pad(Layer):
    """torch.nn.ZeroPad2d or ConstantPad2d around the map, for padding that other layers cannot express."""

    top: int
    bottom: int
    left: int
    right: int
    value: float = 0.0

    def windows(self, x: Shape) -> Windows:
        return Window(before=self.top, after=self.bottom), Window(before=self.left, after=self.right)

    def cost(self, inputs: Shapes, y: Shape) -> Cost:
        return Cost()

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        return NOTHING

    def torch(self, inputs: Shapes) -> Call:
        sides = (self.left, self.right, self.top, self.bottom)
        return Call("nn.ConstantPad2d", (sides, self.value)) if self.value else Call("nn.ZeroPad2d", (sides,))


@dataclass(frozen=True, slots=True)
class PadChannels(Layer):
    """Appends channels of zeros, up to `out_channels`."""

    out_channels: int

    @property
    def is_function(self) -> bool:
        return True

    def windows(self, x: Shape) -> Windows:
        return POINTS

    def out_channels_for(self, x: Shape) -> int:
        return self.out_channels

    def output(self, inputs: Shapes) -> Shape:
        channels = inputs[0].channels
        if channels > self.out_channels:
            message = f"a pad shortcut cannot reduce {channels} channels to {self.out_channels}"
            raise ShapeError("AC204", message, "use `shortcut: projection`", "shortcut")
        return Layer.output(self, inputs)

    def cost(self, inputs: Shapes, y: Shape) -> Cost:
        return Cost()

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        return NOTHING

    def torch(self, inputs: Shapes) -> Call:
        return Call("F.pad", ((0, 0, 0, 0, 0, self.out_channels - inputs[0].channels),))


@dataclass(frozen=True, slots=True)
class Flatten(Layer):
    """A map as a vector: torch.nn.Flatten, or torch.flatten in `forward` if it is `inline`."""

    inline: bool = False

    is_view = True

    @property
    def is_function(self) -> bool:
        return self.inline

    def windows(self, x: Shape) -> Windows:
        return Window(x.height), Window(x.width)

    def output(self, inputs: Shapes) -> Shape:
        return Shape(inputs[0].elements, flat=True)

    def cost(self, inputs: Shapes, y: Shape) -> Cost:
        return Cost()

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        return NOTHING

    def torch(self, inputs: Shapes) -> Call:
        return Call("torch.flatten", (1,)) if self.inline else Call("nn.Flatten")


@dataclass(frozen=True, slots=True)
class Linear(Layer):
    """torch.nn.Linear on a vector."""

    out_features: int
    bias: bool = True

    def windows(self, x: Shape) -> Windows:
        return POINTS

    def output(self, inputs: Shapes) -> Shape:
        if not inputs[0].flat:
            message = f"linear takes a vector or a Cx1x1 map, its input is a {inputs[0]} map"
            raise ShapeError("AC205", message, "put `gap` or `flatten` before it")
        return Shape(self.out_features, flat=True)

    def cost(self, inputs: Shapes, y: Shape) -> Cost:
        weights = inputs[0].channels * self.out_features
        return Cost(weights + self.bias * self.out_features, weights)

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        return FIRST_INPUT

    def torch(self, inputs: Shapes) -> Call:
        return Call("nn.Linear", (inputs[0].channels, self.out_features), options({"bias": self.bias}, {"bias": True}))
