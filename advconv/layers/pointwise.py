"""Layers that treat all positions alike: norms, activations, dropout."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from advconv.geometry import POINTS, Shape
from advconv.layers.base import FLOAT_BYTES, Call, Cost, Layer, SavedTensors, ShapeError, Shapes, Windows, options


class Pointwise(Layer):
    """A layer whose output has the shape of its input."""

    __slots__ = ()

    def windows(self, x: Shape) -> Windows:
        return POINTS

    def output(self, inputs: Shapes) -> Shape:
        return inputs[0]


class Norm(Pointwise):
    """A norm with a scale and a shift for every channel; it needs a map."""

    __slots__ = ()

    def output(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        if x.flat:
            raise self.needs_map(x)
        return x

    def cost(self, inputs: Shapes, y: Shape) -> Cost:
        return Cost(params=2 * y.channels)


@dataclass(frozen=True, slots=True)
class BatchNorm2d(Norm):
    """torch.nn.BatchNorm2d."""

    eps: float = 1e-5
    momentum: float = 0.1

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        # The mean and the inverse deviation of each channel in this batch.
        return SavedTensors(inputs=(True,), own_bytes=2 * y.channels * FLOAT_BYTES)

    def torch(self, inputs: Shapes) -> Call:
        given = {"eps": self.eps, "momentum": self.momentum}
        return Call("nn.BatchNorm2d", (inputs[0].channels,), options(given, {"eps": 1e-5, "momentum": 0.1}))


@dataclass(frozen=True, slots=True)
class GroupNorm(Norm):
    """torch.nn.GroupNorm; with one group it normalises over all of an image's channels and positions."""

    num_groups: int
    eps: float = 1e-5

    def output(self, inputs: Shapes) -> Shape:
        channels = inputs[0].channels
        if channels % self.num_groups:
            message = f"{channels} channels do not divide into {self.num_groups} norm groups"
            raise ShapeError("AC202", message, "use a number of groups that divides the channels", "norm")
        shape = Norm.output(self, inputs)
        if shape.elements == self.num_groups:
            groups = "its one group" if self.num_groups == 1 else f"each of its {self.num_groups} groups"
            message = f"{groups} has a single value on the {shape} map, so the normalised output is always 0"
            raise ShapeError("AC212", message, "use fewer groups, or a map of more positions", "norm")
        return shape

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        return SavedTensors(inputs=(True,), own_bytes=self.temporary_bytes(y))

    def temporary_bytes(self, y: Shape) -> int:
        # The mean and the inverse deviation of each group.
        return 2 * self.num_groups * FLOAT_BYTES

    def torch(self, inputs: Shapes) -> Call:
        return Call("nn.GroupNorm", (self.num_groups, inputs[0].channels), options({"eps": self.eps}, {"eps": 1e-5}))


class Function(NamedTuple):
    """An activation of torch: its module, its argument with torch's default, and what it saves for backward."""

    module: str
    argument: str = ""
    default: float = 0.0
    saves_output: bool = False
    params: int = 0


FUNCTIONS = {
    "relu": Function("ReLU", saves_output=True),
    "relu6": Function("ReLU6"),
    "leaky_relu": Function("LeakyReLU", "negative_slope", 0.01),
    "elu": Function("ELU", "alpha", 1.0),
    "silu": Function("SiLU"),
    "gelu": Function("GELU"),
    "mish": Function("Mish"),
    "hardswish": Function("Hardswish"),
    "hardsigmoid": Function("Hardsigmoid"),
    "sigmoid": Function("Sigmoid", saves_output=True),
    "tanh": Function("Tanh", saves_output=True),
    "prelu": Function("PReLU", "init", 0.25, params=1),
}


@dataclass(frozen=True, slots=True)
class Activation(Pointwise):
    """One of torch's activation modules, by its name in YAML."""

    name: str = "relu"
    argument: float | None = None

    @property
    def kind(self) -> str:
        return FUNCTIONS[self.name].module

    def cost(self, inputs: Shapes, y: Shape) -> Cost:
        return Cost(params=FUNCTIONS[self.name].params)

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        output = FUNCTIONS[self.name].saves_output
        return SavedTensors(inputs=(not output,), output=output)

    def torch(self, inputs: Shapes) -> Call:
        function = FUNCTIONS[self.name]
        given = {} if self.argument is None else {function.argument: self.argument}
        return Call(f"nn.{function.module}", (), options(given, {function.argument: function.default}))


@dataclass(frozen=True, slots=True)
class Dropout(Pointwise):
    """torch.nn.Dropout, or torch.nn.Dropout2d if whole channels are dropped."""

    p: float
    channels: bool = False

    is_identity_at_inference = True

    @property
    def kind(self) -> str:
        return "Dropout2d" if self.channels else "Dropout"

    def output(self, inputs: Shapes) -> Shape:
        return Layer.output(self, inputs) if self.channels else inputs[0]

    def cost(self, inputs: Shapes, y: Shape) -> Cost:
        return Cost()

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        # The mask in float32, as torch draws it on a CPU; its CUDA kernel keeps a byte for each element instead.
        return SavedTensors(own_bytes=FLOAT_BYTES * (y.channels if self.channels else y.elements))

    def torch(self, inputs: Shapes) -> Call:
        return Call(f"nn.{self.kind}", (self.p,))
