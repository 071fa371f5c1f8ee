"""Plain layers, for whoever wants them."""

from typing import ClassVar

from pydantic import model_validator

from advconv.blocks.base import Block, Builder, sides_of
from advconv.geometry import Shape
from advconv.layers.base import ShapeError
from advconv.layers.dense import Flatten as FlattenLayer
from advconv.layers.dense import Linear as LinearLayer
from advconv.layers.pointwise import Dropout as DropoutLayer
from advconv.layers.pool import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d, Pool2d, hold_half_a_window
from advconv.values.forms import (
    ActivationField,
    DropoutField,
    Flag,
    MaybeCount,
    MaybeSize,
    NormField,
    Padding,
    Sides,
    Size,
    refuse,
)


class Pool(Block):
    """A pooling. It pads nothing, and its stride is its kernel_size, unless it says otherwise."""

    short: ClassVar[str] = "kernel_size"

    kernel_size: Size = (2, 2)
    stride: MaybeSize = None
    padding: Padding = (0, 0, 0, 0)
    ceil_mode: Flag = False

    def add_to(self, builder: Builder, x: int, layer: Pool2d, fill: float) -> int:
        sides = sides_of(self.padding, self.kernel_size)
        hold_half_a_window(sides, self.kernel_size)
        sides = _read(sides, layer, builder.shape(x)) if self.ceil_mode else sides
        # A pool has the row's name to itself, but beside a pad.
        return builder.add_padded(("", "pad"), layer, sides, x, fill)


def _read(sides: Sides, layer: Pool2d, x: Shape) -> Sides:
    """Unequal sides without what no window reads: torch would take that padding for map, and start a window on it."""
    top, bottom, left, right = sides
    if top == bottom and left == right:
        return sides
    high, wide = layer.windows(x)
    bottom = high._replace(before=top, after=bottom).read_after(x.height)
    return top, bottom, left, wide._replace(before=left, after=right).read_after(x.width)


class MaxPool(Pool):
    """The largest value of each window."""

    kind: ClassVar[str] = "maxpool"

    def expand(self, builder: Builder, x: int) -> int:
        layer = MaxPool2d(self.kernel_size, self.stride or self.kernel_size, ceil_mode=self.ceil_mode)
        return self.add_to(builder, x, layer, fill=float("-inf"))


class AvgPool(Pool):
    """The mean of each window."""

    kind: ClassVar[str] = "avgpool"

    count_include_pad: Flag = True

    @model_validator(mode="after")
    def counts_what_it_pads(self) -> "AvgPool":
        top, bottom, left, right = sides_of(self.padding, self.kernel_size)
        if not self.count_include_pad and (top, left) != (bottom, right):
            message = "padding that differs between two ends cannot be left out of the mean"
            refuse(message, "pad both ends alike", at=("padding",))
        return self

    def expand(self, builder: Builder, x: int) -> int:
        stride = self.stride or self.kernel_size
        layer = AvgPool2d(self.kernel_size, stride, ceil_mode=self.ceil_mode, count_include_pad=self.count_include_pad)
        return self.add_to(builder, x, layer, fill=0.0)


class GlobalAvgPool(Block):
    """The mean of the whole map; leaves Cx1x1."""

    kind: ClassVar[str] = "gap"

    def expand(self, builder: Builder, x: int) -> int:
        return builder.add("", AdaptiveAvgPool2d(), x)


class Flatten(Block):
    """A map as a vector of all its values."""

    kind: ClassVar[str] = "flatten"

    def expand(self, builder: Builder, x: int) -> int:
        return builder.add("", FlattenLayer(), x)


class Linear(Block):
    """A fully connected layer, to the number of classes unless it says otherwise."""

    kind: ClassVar[str] = "linear"
    short: ClassVar[str] = "out_features"

    out_features: MaybeCount = None
    bias: Flag = True

    def expand(self, builder: Builder, x: int) -> int:
        features = self.out_features or builder.classes
        if features is None:
            message = "linear has no out_features, and the file no classes to take them from"
            raise ShapeError("AC208", message, "write `linear: N`, or `classes: N` at the top")
        shape = builder.shape(x)
        is_single = not shape.flat and shape.size == (1, 1)
        vector = builder.add_beside("flatten", FlattenLayer(inline=True), x) if is_single else x
        return builder.add("", LinearLayer(features, self.bias), vector)


class Dropout(Block):
    """Dropout by itself."""

    kind: ClassVar[str] = "dropout"
    short: ClassVar[str] = "share"
    short_is_mapping: ClassVar[bool] = True

    share: DropoutField

    @model_validator(mode="after")
    def is_some(self) -> "Dropout":
        if self.share.p == 0:
            refuse("a dropout row of 0 does nothing", "leave the row out")
        return self

    def expand(self, builder: Builder, x: int) -> int:
        return builder.add("", DropoutLayer(*self.share), x)


class Norm(Block):
    """A norm by itself."""

    kind: ClassVar[str] = "norm"
    short: ClassVar[str] = "norm"
    short_is_mapping: ClassVar[bool] = True

    norm: NormField

    @model_validator(mode="after")
    def is_one(self) -> "Norm":
        if self.norm.layer is None:
            refuse("a norm row that is none does nothing", "leave the row out")
        return self

    def expand(self, builder: Builder, x: int) -> int:
        return builder.add_choice("", self.norm, x)


class Activation(Block):
    """An activation by itself."""

    kind: ClassVar[str] = "activation"
    short: ClassVar[str] = "activation"
    short_is_mapping: ClassVar[bool] = True

    activation: ActivationField

    @model_validator(mode="after")
    def is_one(self) -> "Activation":
        if self.activation.layer is None:
            refuse("an activation row that is none does nothing", "leave the row out")
        return self

    def expand(self, builder: Builder, x: int) -> int:
        return builder.add_choice("", self.activation, x)
