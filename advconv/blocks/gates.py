"""Blocks that gate channels or work in a wider space: squeeze-and-excitation, inverted residual."""

from typing import ClassVar

from advconv.blocks.base import Block, Builder
from advconv.blocks.fields import ActivationChoice, ActivationField, Count, DropoutChoice, Size
from advconv.blocks.units import Depthwise, Pointwise, Unit
from advconv.layers.conv import Conv2d
from advconv.layers.merge import Add, Multiply
from advconv.layers.pointwise import Activation
from advconv.layers.pool import AdaptiveAvgPool2d


class SqueezeExcite(Block):
    """Channels weighed by what the whole map holds (Hu et al. 2018), with in_channels // reduction in between."""

    kind: ClassVar[str] = "squeeze_excite"
    short: ClassVar[str] = "reduction"

    reduction: Count = 16
    activation: ActivationField = ActivationChoice(Activation("relu"))
    gate: ActivationField = ActivationChoice(Activation("sigmoid"))

    def expand(self, builder: Builder, x: int) -> int | None:
        channels = builder.shape(x).channels
        squeezed = max(1, channels // self.reduction)
        y = builder.add("pool", AdaptiveAvgPool2d(), x)
        y = builder.add("reduce", Conv2d(squeezed, (1, 1)), y)
        y = builder.add_choice("act", self.activation, y)
        y = builder.add("expand", Conv2d(channels, (1, 1)), y)
        y = builder.add_choice("gate", self.gate, y)
        return builder.add("multiply", Multiply(), x, y)


NONE = ActivationChoice(None)
NO_DROPOUT = DropoutChoice(0.0)


class InvertedResidual(Unit):
    """A pointwise expansion, a depthwise convolution and a linear pointwise projection (Sandler et al. 2018).

    The input is added where the shapes agree. `squeeze_excite`, a reduction, puts a gate before the projection.
    """

    kind: ClassVar[str] = "inverted_residual"
    short: ClassVar[str] = "out_channels"

    out_channels: Count
    expansion: Count = 6
    kernel_size: Size = (3, 3)
    squeeze_excite: Count | None = None

    def expand(self, builder: Builder, x: int) -> int | None:
        y: int | None = x
        for part, block in self.parts(builder, builder.shape(x).channels * self.expansion):
            y = block.expand(builder.at_field(part), y) if y is not None else None
        if y is None or builder.shape(y) != builder.shape(x):
            return y
        return builder.add("add", Add(), x, y)

    def parts(self, builder: Builder, wide: int) -> "list[tuple[str, Unit | SqueezeExcite]]":
        style = self.style(builder)
        # The narrow ends stay linear, whether the activation stands behind a convolution or before it.
        before, behind = (NONE, style.activation) if style.order == "norm-act-conv" else (style.activation, NONE)
        common = {"norm": style.norm, "order": style.order, "bias": style.bias}
        parts: list[tuple[str, Unit | SqueezeExcite]] = []
        if self.expansion > 1:
            parts += [("expand", Pointwise(out_channels=wide, activation=before, dropout=NO_DROPOUT, **common))]
        sizes = {"kernel_size": self.kernel_size, "stride": self.stride, "dilation": self.dilation}
        padding = style.padding
        depthwise = Depthwise(activation=style.activation, padding=padding, dropout=NO_DROPOUT, **sizes, **common)
        parts += [("depthwise", depthwise)]
        if self.squeeze_excite:
            gate = SqueezeExcite(reduction=self.squeeze_excite, activation=style.activation)
            parts += [("gate", gate)]
        project = Pointwise(out_channels=self.out_channels, activation=behind, dropout=style.dropout, **common)
        return [*parts, ("project", project)]
