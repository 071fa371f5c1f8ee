"""Convolutional units: a convolution with its norm, activation and dropout."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from advconv.blocks.base import Block, Builder, Style, sides_of
from advconv.layers.base import ShapeError
from advconv.layers.conv import Conv2d, Convolution, DepthwiseConv2d
from advconv.values.forms import (
    Count,
    Form,
    MaybeActivation,
    MaybeBias,
    MaybeDropout,
    MaybeNorm,
    MaybeOrder,
    MaybePadding,
    Size,
    near,
    positive,
    refuse,
    shown,
    word,
)


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

    def add_padded(self, builder: Builder, role: str, x: int, style: Style, layer: Convolution) -> int:
        """The layer, strided, dilated and padded as the unit says."""
        layer = replace(layer, stride=self.stride, dilation=self.dilation, bias=style.bias_or_auto)
        over_height, over_width = layer.windows(builder.shape(x))
        sides = sides_of(style.padding, (over_height.extent, over_width.extent))
        return builder.add_padded((role, "pad"), layer, sides, x)


def add_stage(builder: Builder, stage: str, style: Style, x: int, prefix: str = "") -> int:
    return builder.add_choice(prefix + stage, style.norm if stage == "norm" else style.activation, x)


def groups(value: object) -> int | Literal["depthwise"]:
    if value == "depthwise":
        return "depthwise"
    if isinstance(value, str):
        message = f"groups is a whole number or depthwise, not {shown(value)}"
        refuse(message, lambda: near("groups", value, ("depthwise",)))
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
        layer = Conv2d(out_channels=self.out_channels, kernel_size=self.kernel_size, groups=self.groups)
        return self.add_padded(builder, "conv", x, style, layer)

    def convolve_depthwise(self, builder: Builder, x: int, style: Style) -> int:
        channels = builder.shape(x).channels
        if self.out_channels % channels:
            message = f"a depthwise convolution of {channels} channels has a multiple of them, not {self.out_channels}"
            raise ShapeError("AC202", message, f"use out_channels {channels}", "out_channels")
        layer = DepthwiseConv2d(multiplier=self.out_channels // channels, kernel_size=self.kernel_size)
        return self.add_padded(builder, "conv", x, style, layer)


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
        layer = Conv2d(out_channels=self.out_channels, kernel_size=(1, 1), groups=self.groups)
        return self.add_padded(builder, "conv", x, style, layer)


class Depthwise(Unit):
    """A convolution of each channel by itself, into `multiplier` channels each."""

    kind: ClassVar[str] = "depthwise"

    kernel_size: Size = (3, 3)
    multiplier: Count = 1

    def convolve(self, builder: Builder, x: int, style: Style) -> int:
        layer = DepthwiseConv2d(multiplier=self.multiplier, kernel_size=self.kernel_size)
        return self.add_padded(builder, "conv", x, style, layer)


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
        depthwise = DepthwiseConv2d(multiplier=self.multiplier, kernel_size=self.kernel_size)
        x = self.add_padded(builder, "depthwise", x, style, depthwise)
        for stage in self.stages_between:
            x = add_stage(builder, stage, style, x, prefix="depthwise_")
        pointwise = Conv2d(out_channels=self.out_channels, kernel_size=(1, 1), bias=style.bias_or_auto)
        return builder.add("pointwise", pointwise, x)

    @property
    def stages_between(self) -> Sequence[str]:
        return () if self.between == "none" else self.between.split("-")
