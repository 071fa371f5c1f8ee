"""Blocks that gate channels or work in a wider space: squeeze-and-excitation, inverted residual."""

from typing import ClassVar, Literal

from advconv.blocks.base import Block, Builder, Style
from advconv.blocks.units import Depthwise, Pointwise, Unit
from advconv.layers.conv import Conv2d
from advconv.layers.merge import Add, Multiply
from advconv.layers.pointwise import Activation
from advconv.layers.pool import AdaptiveAvgPool2d
from advconv.values.forms import (
    ActivationChoice,
    ActivationField,
    Count,
    DropoutChoice,
    MaybeBias,
    MaybeCount,
    Sides,
    Size,
)


class SqueezeExcite(Block):
    """Channels weighed by what the whole map holds (Hu et al. 2018), with in_channels // reduction in between."""

    kind: ClassVar[str] = "squeeze_excite"
    short: ClassVar[str] = "reduction"

    reduction: Count = 16
    activation: ActivationField = ActivationChoice(Activation("relu"))
    gate: ActivationField = ActivationChoice(Activation("sigmoid"))
    bias: MaybeBias = None

    def expand(self, builder: Builder, x: int) -> int:
        channels = builder.shape(x).channels
        squeezed = max(1, channels // self.reduction)
        # No norm follows, so with `auto` there is a bias.
        bias = (builder.style.bias if self.bias is None else self.bias) is not False
        y = builder.add("pool", AdaptiveAvgPool2d(), x)
        y = builder.add("reduce", Conv2d(out_channels=squeezed, kernel_size=(1, 1), bias=bias), y)
        y = builder.add_choice("act", self.activation, y)
        y = builder.add("expand", Conv2d(out_channels=channels, kernel_size=(1, 1), bias=bias), y)
        y = builder.add_choice("gate", self.gate, y)
        return builder.add("multiply", Multiply(), x, y)


NONE = ActivationChoice(None)
NO_DROPOUT = DropoutChoice(0.0)
UNPADDED = (0, 0, 0, 0)


class InvertedResidual(Unit):
    """A pointwise expansion, a depthwise convolution and a linear pointwise projection (Sandler et al. 2018).

    The input is added at stride 1 where the shapes agree. `squeeze_excite`, a reduction, puts a gate before the
    projection.
    """

    kind: ClassVar[str] = "inverted_residual"
    short: ClassVar[str] = "out_channels"

    out_channels: Count
    expansion: Count = 6
    kernel_size: Size = (3, 3)
    squeeze_excite: MaybeCount = None

    def expand(self, builder: Builder, x: int) -> int:
        y = self.convolve(builder, x, self.style(builder))
        is_residual = self.stride == (1, 1) and builder.shape(y) == builder.shape(x)
        return builder.add("add", Add(), x, y) if is_residual else y

    def convolve(self, builder: Builder, x: int, style: Style) -> int:
        # The narrow ends stay linear, whether the activation stands behind a convolution or before it.
        before, behind = (NONE, style.activation) if style.order == "norm-act-conv" else (style.activation, NONE)
        if self.expansion > 1:
            wide = builder.shape(x).channels * self.expansion
            x = part(Pointwise(out_channels=wide), style, before).expand(builder.at_field("expand"), x)
        x = part(self.depthwise, style, style.activation, style.padding).expand(builder.at_field("depthwise"), x)
        if self.squeeze_excite:
            gate = SqueezeExcite(reduction=self.squeeze_excite, activation=style.activation, bias=style.bias)
            x = gate.expand(builder.at_field("gate", kind=SqueezeExcite.kind), x)
        project = part(Pointwise(out_channels=self.out_channels), style, behind)
        return builder.add_dropout(style.dropout, project.expand(builder.at_field("project"), x))

    @property
    def depthwise(self) -> Depthwise:
        return Depthwise(kernel_size=self.kernel_size, stride=self.stride, dilation=self.dilation)


def part(unit: Unit, style: Style, activation: ActivationChoice, padding: Literal["same"] | Sides = UNPADDED) -> Unit:
    """One of the block's convolutions: in the block's style, with an activation of its own and no dropout."""
    own = {"activation": activation, "padding": padding, "dropout": NO_DROPOUT}
    return unit.model_copy(update={"norm": style.norm, "order": style.order, "bias": style.bias} | own)
