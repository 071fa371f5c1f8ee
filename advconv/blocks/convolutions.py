"""Convolutional units: a convolution with its norm, activation and dropout."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from advconv.blocks.base import (
    ACTIVATION,
    BIAS,
    DROPOUT,
    NORM,
    ORDER,
    PADDING,
    Block,
    Builder,
    Pair,
    Style,
    even_padding,
    sides_of,
)
from advconv.layers.base import ShapeError
from advconv.layers.conv import Conv2d, Convolution, DepthwiseConv2d
from advconv.text.words import join_words
from advconv.values.choices import MaybeActivation, MaybeDropout, MaybeNorm
from advconv.values.forms import (
    COUNT,
    Count,
    Form,
    MaybeBias,
    MaybeOrder,
    MaybePadding,
    Size,
    in_yaml,
    positive,
    refuse,
    suggestion,
    word,
)
from advconv.values.schemas import DefaultText, either, enum

FROM_FILE = DefaultText("*file*")

STYLE_FIELDS = frozenset(Style.model_fields)

KernelSize = Annotated[Size, Field(description="Kernel size of the convolution.")]
Stride = Annotated[Size, Field(description="Stride of the convolution.")]
Dilation = Annotated[Size, Field(description="Dilation of the convolution: positions from tap to tap.")]
OutChannels = Annotated[Count, Field(description="Output channels.", examples=["32"])]
Multiplier = Annotated[Count, Field(description="Output channels per input channel (depth multiplier).")]


Make = Callable[..., Convolution]
"""Makes a convolution from its kernel_size, stride, padding, dilation and bias."""


class Unit(Block):
    """The common part of convolutional units. Fields that a unit does not set come from the file's defaults."""

    stride: Stride = (1, 1)
    padding: Annotated[MaybePadding, PADDING, FROM_FILE] = None
    dilation: Dilation = (1, 1)
    bias: Annotated[MaybeBias, BIAS, FROM_FILE] = None
    norm: Annotated[MaybeNorm, NORM, FROM_FILE] = None
    activation: Annotated[MaybeActivation, ACTIVATION, FROM_FILE] = None
    order: Annotated[MaybeOrder, ORDER, FROM_FILE] = None
    dropout: Annotated[MaybeDropout, DROPOUT, FROM_FILE] = None

    def style(self, builder: Builder) -> Style:
        values = {field: getattr(self, field) for field in STYLE_FIELDS & self.model_fields_set}
        own = {field: value for field, value in values.items() if value is not None}
        return builder.style.model_copy(update=own) if own else builder.style

    def expand(self, builder: Builder, x: int) -> int:
        style = self.style(builder)
        for stage in style.order.split("-"):
            x = self.convolve(builder, x, style) if stage == "conv" else add_stage(builder, stage, style, x)
        return builder.add_dropout(style.dropout, x)

    @abstractmethod
    def convolve(self, builder: Builder, x: int, style: Style) -> int:
        """The unit's convolution, or its pair of them."""

    def add_padded(self, builder: Builder, role: str, x: int, style: Style, make: Make, kernel_size: Pair) -> int:
        """Adds a convolution with the unit's stride, dilation and padding."""
        sides = sides_of(style.padding, kernel_size, self.dilation)
        layer = make(
            kernel_size=kernel_size,
            stride=self.stride,
            padding=even_padding(sides) or (0, 0),
            dilation=self.dilation,
            bias=style.has_bias,
        )
        return builder.add_padded((role, "pad"), layer, sides, x)


def add_stage(builder: Builder, stage: str, style: Style, x: int, prefix: str = "") -> int:
    return builder.add_choice(prefix + stage, style.norm if stage == "norm" else style.activation, x)


def groups(value: object) -> int | Literal["depthwise"]:
    if value == "depthwise":
        return "depthwise"
    if isinstance(value, str):
        refuse(f"groups is {GROUPS.text}, not {in_yaml(value)}", lambda: suggestion("groups", value, ("depthwise",)))
    return positive(value)


GROUPS = Form(groups, either(enum("depthwise"), COUNT), "a whole number or depthwise", "groups")


class Conv(Unit):
    """A convolution."""

    kind: ClassVar[str] = "conv"
    short: ClassVar[str] = "out_channels"
    example: ClassVar[str] = "- conv: 32\n- conv: {out_channels: 32, kernel_size: [1, 5], padding: [0, 2], groups: 4}"

    out_channels: OutChannels
    kernel_size: KernelSize = (3, 3)
    groups: Annotated[
        int | Literal["depthwise"],
        GROUPS,
        Field(description="Groups of channels that do not mix; depthwise is one for each input channel."),
    ] = 1

    def convolve(self, builder: Builder, x: int, style: Style) -> int:
        if self.groups == "depthwise":
            return self.convolve_depthwise(builder, x, style)
        make = partial(Conv2d, out_channels=self.out_channels, groups=self.groups)
        return self.add_padded(builder, "conv", x, style, make, self.kernel_size)

    def convolve_depthwise(self, builder: Builder, x: int, style: Style) -> int:
        channels = builder.shape(x).channels
        if self.out_channels % channels:
            multiple = f"a multiple of its {channels} input channels"
            message = f"out_channels of a depthwise convolution is {multiple}, not {self.out_channels}"
            below = self.out_channels // channels * channels
            fitting = [str(count) for count in (below, below + channels) if count]
            raise ShapeError("AC202", message, f"use {join_words(fitting)}", "out_channels")
        make = partial(DepthwiseConv2d, multiplier=self.out_channels // channels)
        return self.add_padded(builder, "conv", x, style, make, self.kernel_size)


class Strided(Conv):
    """A `conv` with a default stride of 2."""

    kind: ClassVar[str] = "strided"
    example: ClassVar[str] = "- strided: 64"

    stride: Stride = (2, 2)


class Dilated(Conv):
    """A `conv` with a default dilation of 2."""

    kind: ClassVar[str] = "dilated"
    example: ClassVar[str] = "- conv: 32\n- dilated: {out_channels: 32, dilation: 3}"

    dilation: Dilation = (2, 2)


class Pointwise(Unit):
    """A 1x1 convolution."""

    kind: ClassVar[str] = "pointwise"
    short: ClassVar[str] = "out_channels"
    example: ClassVar[str] = "- pointwise: 64"

    out_channels: OutChannels
    groups: Annotated[Count, Field(description="Groups of channels that do not mix.")] = 1

    def convolve(self, builder: Builder, x: int, style: Style) -> int:
        make = partial(Conv2d, out_channels=self.out_channels, groups=self.groups)
        return self.add_padded(builder, "conv", x, style, make, (1, 1))


class Depthwise(Unit):
    """A convolution of each channel by itself, into `multiplier` channels each."""

    kind: ClassVar[str] = "depthwise"
    example: ClassVar[str] = "- depthwise: {kernel_size: 5}"

    kernel_size: KernelSize = (3, 3)
    multiplier: Multiplier = 1

    def convolve(self, builder: Builder, x: int, style: Style) -> int:
        make = partial(DepthwiseConv2d, multiplier=self.multiplier)
        return self.add_padded(builder, "conv", x, style, make, self.kernel_size)


BETWEEN = ("none", "norm", "act", "norm-act", "act-norm")


class DepthwiseSeparable(Unit):
    """A depthwise separable convolution: depthwise, then pointwise.

    One unit with one norm, activation and dropout. `stride`, `padding` and `dilation` are those of the depthwise one.
    """

    kind: ClassVar[str] = "dwsep"
    short: ClassVar[str] = "out_channels"
    example: ClassVar[str] = "- dwsep: {out_channels: 64, multiplier: 2, between: norm-act}"

    out_channels: OutChannels
    kernel_size: Annotated[Size, Field(description="Kernel size of the depthwise convolution.")] = (3, 3)
    multiplier: Annotated[Count, Field(description="Depthwise channels per input channel.")] = 1
    between: Annotated[
        str,
        word("between", *BETWEEN),
        Field(description="Stages between the depthwise and the pointwise convolution."),
    ] = "none"

    def convolve(self, builder: Builder, x: int, style: Style) -> int:
        make = partial(DepthwiseConv2d, multiplier=self.multiplier)
        x = self.add_padded(builder, "depthwise", x, style, make, self.kernel_size)
        for stage in self.stages_between:
            x = add_stage(builder, stage, style, x, prefix="depthwise_")
        pointwise = Conv2d(out_channels=self.out_channels, kernel_size=(1, 1), bias=style.has_bias)
        return builder.add("pointwise", pointwise, x)

    @property
    def stages_between(self) -> Sequence[str]:
        return () if self.between == "none" else self.between.split("-")
