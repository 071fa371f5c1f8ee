"""Blocks that gate channels or work in a wider space: squeeze-and-excitation, inverted residual."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from advconv.blocks.base import Block, Builder, Style
from advconv.blocks.convolutions import FROM_FILE, Depthwise, OutChannels, Pointwise, Unit
from advconv.layers.conv import Conv2d
from advconv.layers.merge import Add, Multiply
from advconv.layers.pointwise import Activation
from advconv.layers.pool import AdaptiveAvgPool2d
from advconv.values.choices import ActivationChoice, ActivationField, DropoutChoice
from advconv.values.forms import Count, MaybeBias, MaybeCount, Sides, Size
from advconv.values.schemas import DefaultText


class SqueezeExcite(Block):
    """Channels weighted by a gate that sees the whole map (Hu et al. 2018).

    The map is pooled, reduced to in_channels // reduction channels (at least 1) by a 1x1 convolution and expanded by
    another, and multiplied with the input.
    """

    kind: ClassVar[str] = "squeeze_excite"
    short: ClassVar[str] = "reduction"
    example: ClassVar[str] = "- conv: 32\n- squeeze_excite: {reduction: 4, gate: hardsigmoid}"

    reduction: Annotated[Count, Field(description="Factor by which the gate reduces the channels.")] = 16
    activation: Annotated[ActivationField, Field(description="Activation between the two convolutions.")] = (
        ActivationChoice(Activation("relu"))
    )
    gate: Annotated[ActivationField, Field(description="Activation that gives the weights of the channels.")] = (
        ActivationChoice(Activation("sigmoid"))
    )
    bias: Annotated[
        MaybeBias,
        Field(description="Whether the two convolutions have a bias; no norm follows them, so auto is true."),
        FROM_FILE,
    ] = None

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

    The input is added if the stride is 1 and the shapes agree; no activation follows. With `norm-act-conv` it is the
    expansion that has no activation before it. Dropout comes once, after the projection.
    """

    kind: ClassVar[str] = "inverted_residual"
    short: ClassVar[str] = "out_channels"
    example: ClassVar[str] = """\
- inverted_residual: {out_channels: 24, expansion: 4, stride: 2, squeeze_excite: 4, activation: hardswish}"""

    out_channels: OutChannels
    expansion: Annotated[
        Count, Field(description="Factor by which the channels are expanded; 1 leaves the expansion out.")
    ] = 6
    kernel_size: Annotated[Size, Field(description="Kernel size of the depthwise convolution.")] = (3, 3)
    squeeze_excite: Annotated[
        MaybeCount,
        Field(
            description="Reduction of a gate before the projection, with the block's activation inside and a sigmoid "
            "at its end."
        ),
        DefaultText("no gate"),
    ] = None

    def expand(self, builder: Builder, x: int) -> int:
        y = self.convolve(builder, x, self.style(builder))
        is_residual = self.stride == (1, 1) and builder.shape(y) == builder.shape(x)
        return builder.add("add", Add(), x, y) if is_residual else y

    def convolve(self, builder: Builder, x: int, style: Style) -> int:
        # The narrow ends stay linear, whether the activation comes after a convolution or before it.
        before, after = (NONE, style.activation) if style.order == "norm-act-conv" else (style.activation, NONE)
        if self.expansion > 1:
            wide = builder.shape(x).channels * self.expansion
            x = sub_unit(Pointwise(out_channels=wide), style, before).expand(builder.at_field("expand"), x)
        x = sub_unit(self.depthwise, style, style.activation, style.padding).expand(builder.at_field("depthwise"), x)
        if self.squeeze_excite:
            gate = SqueezeExcite(reduction=self.squeeze_excite, activation=style.activation, bias=style.bias)
            x = gate.expand(builder.at_field("gate", kind=SqueezeExcite.kind), x)
        project = sub_unit(Pointwise(out_channels=self.out_channels), style, after)
        return builder.add_dropout(style.dropout, project.expand(builder.at_field("project"), x))

    @property
    def depthwise(self) -> Depthwise:
        return Depthwise(kernel_size=self.kernel_size, stride=self.stride, dilation=self.dilation)


def sub_unit(
    unit: Unit, style: Style, activation: ActivationChoice, padding: Literal["same"] | Sides = UNPADDED
) -> Unit:
    """One of the block's convolutions: in the block's style, with its own activation and no dropout."""
    own = {"activation": activation, "padding": padding, "dropout": NO_DROPOUT}
    return unit.model_copy(update={"norm": style.norm, "order": style.order, "bias": style.bias} | own)
