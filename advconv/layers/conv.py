"""Convolutions."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from advconv.geometry import Shape, Window
from advconv.layers.base import (
    FIRST_INPUT,
    Call,
    Cost,
    Layer,
    SavedTensors,
    ShapeError,
    Shapes,
    Windows,
    compact,
    options,
)
from advconv.text.words import join_words

DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution(Layer):
    """torch.nn.Conv2d without its channels and groups. Pairs are (height, width)."""

    kernel_size: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    bias: bool = True

    @property
    def kind(self) -> str:
        return "Conv2d"

    @abstractmethod
    def groups_for(self, x: Shape) -> int:
        """The groups on an input of this shape."""

    def output(self, inputs: Shapes) -> Shape:
        y = Layer.output(self, inputs)
        groups = self.groups_for(inputs[0])
        both = {"input": inputs[0].channels, "output": y.channels}
        for what, channels in both.items():
            if channels % groups:
                raise _undivided(what, channels, groups, gcd(*both.values()))
        return y

    def windows(self, x: Shape) -> Windows:
        (kh, kw), (sh, sw), (ph, pw), (dh, dw) = self.kernel_size, self.stride, self.padding, self.dilation
        return Window(kh, sh, dh, ph, ph), Window(kw, sw, dw, pw, pw)

    def cost(self, inputs: Shapes, y: Shape) -> Cost:
        x = inputs[0]
        weights = y.channels * (x.channels // self.groups_for(x)) * self.kernel_size[0] * self.kernel_size[1]
        return Cost(weights + self.bias * y.channels, weights * y.height * y.width)

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        return FIRST_INPUT

    def torch(self, inputs: Shapes) -> Call:
        x = inputs[0]
        given = {
            "kernel_size": compact(self.kernel_size),
            "stride": compact(self.stride),
            "padding": compact(self.padding),
            "dilation": compact(self.dilation),
            "groups": self.groups_for(x),
            "bias": self.bias,
        }
        return Call("nn.Conv2d", (x.channels, self.out_channels_for(x)), options(given, DEFAULTS))

    def is_depthwise(self, x: Shape) -> bool:
        """Whether each input channel is convolved by itself."""
        return self.groups_for(x) == x.channels > 1

    def is_pointwise(self, x: Shape) -> bool:
        """Whether it is 1x1 and each output reads all input channels."""
        return self.kernel_size == (1, 1) and self.groups_for(x) == 1

    @property
    def keeps_geometry(self) -> bool:
        """Whether it has stride 1 and no padding."""
        return self.stride == (1, 1) and self.padding == (0, 0)

    @property
    def is_dilated(self) -> bool:
        """Whether its taps are spaced apart; a single tap never is."""
        return any(taps > 1 and apart > 1 for taps, apart in zip(self.kernel_size, self.dilation, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Conv2d(Convolution):
    """A convolution with a given number of output channels and groups."""

    out_channels: int
    groups: int = 1

    def out_channels_for(self, x: Shape) -> int:
        return self.out_channels

    def groups_for(self, x: Shape) -> int:
        return self.groups


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthwiseConv2d(Convolution):
    """A convolution of each input channel by itself, to `multiplier` output channels each."""

    multiplier: int = 1

    def out_channels_for(self, x: Shape) -> int:
        return x.channels * self.multiplier

    def groups_for(self, x: Shape) -> int:
        return x.channels


def _undivided(what: str, channels: int, groups: int, divisor: int) -> ShapeError:
    """`divisor`: the greatest common one of the input and the output channels."""
    fitting = [str(number) for number in range(1, min(divisor, 64) + 1) if divisor % number == 0]
    counts = f"{groups - channels % groups + channels} {what} channels"
    help = f"use {counts}, or groups: {join_words(fitting)}"
    return ShapeError("AC202", f"{channels} {what} channels do not divide into {groups} groups", help, "groups")
