"""Convolutional units: a convolution with its norm, activation and dropout."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from advconv.blocks.base import Block, Builder, Style, sides_of
from advconv.blocks.fields import (
    Count,
    Form,
    MaybeActivation,
    MaybeBias,
    MaybeDropout,
    MaybeNorm,
    MaybeOrder,
    MaybePadding,
    Pair,
    Size,
    positive,
    refuse,
    shown,
    word,
)
from advconv.layers.base import ShapeError
from advconv.layers.conv import Conv2d, DepthwiseConv2d
from advconv.layers.dense import Pad


class Unit(Block):
    """What the convolutional units share. What a unit leaves open, the file's defaults say."""

    stride: Size = (1, 1)
    padding: MaybePadding = None
    dilation: Size = (1, 1)
    bias: MaybeBias = None
    norm: MaybeNorm = None
    activation: MaybeActivation = None
    order: MaybeOrder = None
    dropout: MaybeDropout = None

    def style(self, builder: Builder) -> Style:
        own = {field: getattr(self, field) for field in Style.model_fields if getattr(self, field) is not None}
        return builder.style.model_copy(update=own) if own else builder.style

    def expand(self, builder: Builder, x: int) -> int:
        style = self.style(builder)
        for stage in style.order.split("-"):
            x = self.convolve(builder, x, style) if stage == "conv" else add_stage(builder, stage, style, x)
        return builder.add_dropout(style.dropout, x)

    @abstractmethod
    def convolve(self, builder: Builder, x: int, style: Style) -> int:
        """The unit's convolution, or its pair of them."""

    def padded(self, builder: Builder, role: str, x: int, style: Style, layer: Conv2d) -> int:
        """The layer with the unit's padding: its own where both ends of an axis get the same, else a Pad before it."""
        extents = tuple(window.extent for window in layer.windows(builder.shape(x)))
        top, bottom, left, right = sides_of(style.padding, (extents[0], extents[1]))
        if top == bottom and left == right:
            return builder.add(role, with_padding(layer, (top, left)), x)
        return builder.add(role, layer, builder.add("pad", Pad(top, bottom, left, right), x))


def with_padding(layer: Conv2d, padding: Pair) -> Conv2d:
    given = (layer.out_channels, layer.kernel_size, layer.stride, padding, layer.dilation, layer.groups, layer.bias)
    return type(layer)(*given)


def add_stage(builder: Builder, stage: str, style: Style, x: int, prefix: str = "") -> int:
    return builder.add_choice(prefix + stage, style.norm if stage == "norm" else style.activation, x)


def groups(value: object) -> int | Literal["depthwise"]:
    if value == "depthwise":
        return "depthwise"
    if isinstance(value, str):
        refuse(f"groups is a whole number or depthwise, not {shown(value)}")
    return positive(value)


Groups = Annotated[int | Literal["depthwise"], Form(groups)]


class Conv(Unit):
    """A convolution."""

    kind: ClassVar[str] = "conv"
    short: ClassVar[str] = "out_channels"

    out_channels: Count
    kernel_size: Size = (3, 3)
    groups: Groups = 1

    def convolve(self, builder: Builder, x: int, style: Style) -> int:
        if self.groups == "depthwise":
            return self.convolve_depthwise(builder, x, style)
        bias = style.bias_or_auto
        layer = Conv2d(self.out_channels, self.kernel_size, self.stride, (0, 0), self.dilation, self.groups, bias)
        return self.padded(builder, "conv", x, style, layer)

    def convolve_depthwise(self, builder: Builder, x: int, style: Style) -> int:
        channels = builder.shape(x).channels
        if self.out_channels % channels:
            message = (
                f"a depthwise convolution of {channels} channels gives a multiple of them, not {self.out_channels}"
            )
            raise ShapeError("AC202", message, f"use out_channels {channels}", "out_channels")
        multiplier = self.out_channels // channels
        layer = DepthwiseConv2d(
            multiplier, self.kernel_size, self.stride, dilation=self.dilation, bias=style.bias_or_auto
        )
        return self.padded(builder, "conv", x, style, layer)


class Strided(Conv):
    """A convolution that halves the map."""

    kind: ClassVar[str] = "strided"

    stride: Size = (2, 2)


class Dilated(Conv):
    """A convolution whose taps stand apart."""

    kind: ClassVar[str] = "dilated"

    dilation: Size = (2, 2)


class Pointwise(Unit):
    """A 1x1 convolution."""

    kind: ClassVar[str] = "pointwise"
    short: ClassVar[str] = "out_channels"

    out_channels: Count
    groups: Count = 1

    def convolve(self, builder: Builder, x: int, style: Style) -> int:
        layer = Conv2d(
            self.out_channels, (1, 1), self.stride, dilation=self.dilation, groups=self.groups, bias=style.bias_or_auto
        )
        return self.padded(builder, "conv", x, style, layer)


class Depthwise(Unit):
    """A convolution of each channel by itself, into `multiplier` channels each."""

    kind: ClassVar[str] = "depthwise"

    kernel_size: Size = (3, 3)
    multiplier: Count = 1

    def convolve(self, builder: Builder, x: int, style: Style) -> int:
        layer = DepthwiseConv2d(
            self.multiplier, self.kernel_size, self.stride, dilation=self.dilation, bias=style.bias_or_auto
        )
        return self.padded(builder, "conv", x, style, layer)


BETWEEN = ("none", "norm", "act", "norm-act", "act-norm")


class DepthwiseSeparable(Unit):
    """A depthwise convolution, then a pointwise one. `between` says what stands between the two."""

    kind: ClassVar[str] = "dwsep"
    short: ClassVar[str] = "out_channels"

    out_channels: Count
    kernel_size: Size = (3, 3)
    multiplier: Count = 1
    between: Annotated[str, word("between", *BETWEEN)] = "none"

    def convolve(self, builder: Builder, x: int, style: Style) -> int:
        bias = style.bias_or_auto
        depthwise = DepthwiseConv2d(self.multiplier, self.kernel_size, self.stride, dilation=self.dilation, bias=bias)
        y = self.padded(builder, "depthwise", x, style, depthwise)
        for stage in self.stages_between:
            y = add_stage(builder, stage, style, y, prefix="depthwise_")
        return builder.add("pointwise", Conv2d(self.out_channels, (1, 1), bias=bias), y)

    @property
    def stages_between(self) -> Sequence[str]:
        return () if self.between == "none" else self.between.split("-")
