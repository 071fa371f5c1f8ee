"""Blocks of a single layer."""

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from advconv.blocks.base import Block, Builder, sides_of
from advconv.geometry import Shape
from advconv.layers.base import ShapeError
from advconv.layers.dense import Flatten as FlattenLayer
from advconv.layers.dense import Linear as LinearLayer
from advconv.layers.pointwise import Dropout as DropoutLayer
from advconv.layers.pool import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d, Pool2d, check_pool_padding
from advconv.values.choices import DROPOUT_ROW, ActivationField, DropoutChoice, NormField
from advconv.values.forms import Flag, MaybeCount, MaybeSize, Padding, Sides, Size, refuse
from advconv.values.schemas import DefaultText


class Pool(Block):
    """Pooling; `padding` defaults to 0, `stride` to `kernel_size`."""

    short: ClassVar[str] = "kernel_size"

    kernel_size: Annotated[Size, Field(description="Size of the window.")] = (2, 2)
    stride: Annotated[MaybeSize, Field(description="Stride of the window."), DefaultText("its kernel_size")] = None
    padding: Annotated[Padding, Field(description="Padding, at most half of the window.")] = (0, 0, 0, 0)
    ceil_mode: Annotated[Flag, Field(description="Whether a last window may reach beyond the end of the map.")] = False

    def add_to(self, builder: Builder, x: int, layer: Pool2d, fill: float) -> int:
        sides = sides_of(self.padding, self.kernel_size)
        check_pool_padding(sides, self.kernel_size)
        sides = _without_unread_padding(sides, layer, builder.shape(x)) if self.ceil_mode else sides
        # The pool has the name of the row, unless there is a pad too.
        return builder.add_padded(("", "pad"), layer, sides, x, fill)


def _without_unread_padding(sides: Sides, layer: Pool2d, x: Shape) -> Sides:
    """Trims padding that no window reads: in a separate Pad layer, ceil_mode would start an extra window on it."""
    top, bottom, left, right = sides
    if top == bottom and left == right:
        return sides
    vertical, horizontal = layer.windows(x)
    bottom = vertical._replace(before=top, after=bottom).read_after(x.height)
    return top, bottom, left, horizontal._replace(before=left, after=right).read_after(x.width)


class MaxPool(Pool):
    """The largest value of each window."""

    kind: ClassVar[str] = "maxpool"
    example: ClassVar[str] = "- maxpool: {kernel_size: 3, stride: 2, padding: 1}"

    def expand(self, builder: Builder, x: int) -> int:
        layer = MaxPool2d(self.kernel_size, self.stride or self.kernel_size, ceil_mode=self.ceil_mode)
        return self.add_to(builder, x, layer, fill=float("-inf"))


class AvgPool(Pool):
    """The mean of each window."""

    kind: ClassVar[str] = "avgpool"
    example: ClassVar[str] = "- avgpool: 2"

    count_include_pad: Annotated[
        Flag,
        Field(description="Whether padded zeros count in the mean; false needs equal padding at both ends of an axis."),
    ] = True

    @model_validator(mode="after")
    def check_padding(self) -> "AvgPool":
        top, bottom, left, right = sides_of(self.padding, self.kernel_size)
        if not self.count_include_pad and (top, left) != (bottom, right):
            message = "count_include_pad: false needs equal padding at both ends of an axis"
            refuse(message, "pad both ends alike", at=("padding",))
        return self

    def expand(self, builder: Builder, x: int) -> int:
        stride = self.stride or self.kernel_size
        layer = AvgPool2d(self.kernel_size, stride, ceil_mode=self.ceil_mode, count_include_pad=self.count_include_pad)
        return self.add_to(builder, x, layer, fill=0.0)


class GlobalAvgPool(Block):
    """Global average pooling; leaves Cx1x1."""

    kind: ClassVar[str] = "gap"
    example: ClassVar[str] = "- gap"

    def expand(self, builder: Builder, x: int) -> int:
        return builder.add("", AdaptiveAvgPool2d(), x)


class Flatten(Block):
    """A map as a vector of all its values."""

    kind: ClassVar[str] = "flatten"
    example: ClassVar[str] = "- flatten"

    def expand(self, builder: Builder, x: int) -> int:
        return builder.add("", FlattenLayer(), x)


class Linear(Block):
    """A fully connected layer; `out_features` defaults to the number of classes.

    It takes a vector or a Cx1x1 map; a larger map needs `flatten`.
    """

    kind: ClassVar[str] = "linear"
    short: ClassVar[str] = "out_features"
    example: ClassVar[str] = "- gap\n- linear: 100"

    out_features: Annotated[MaybeCount, Field(description="Output features."), DefaultText("the classes")] = None
    bias: Annotated[Flag, Field(description="Whether there is a bias.")] = True

    def expand(self, builder: Builder, x: int) -> int:
        features = self.out_features or builder.classes
        if features is None:
            message = "linear has no out_features, and the file has no classes"
            raise ShapeError("AC208", message, "write `linear: N`, or `classes: N` at the top")
        shape = builder.shape(x)
        is_single = not shape.flat and shape.size == (1, 1)
        vector = builder.add_beside("flatten", FlattenLayer(inline=True), x) if is_single else x
        return builder.add("", LinearLayer(features, self.bias), vector)


class Dropout(Block):
    """Dropout by itself."""

    kind: ClassVar[str] = "dropout"
    short: ClassVar[str] = "dropout"
    short_is_mapping: ClassVar[bool] = True
    example: ClassVar[str] = "- dropout: {p: 0.1, kind: channel}"

    dropout: Annotated[
        DropoutChoice,
        DROPOUT_ROW,
        Field(description="Dropout probability, of elements or of whole channels.", examples=["0.1"]),
    ]

    def expand(self, builder: Builder, x: int) -> int:
        return builder.add("", DropoutLayer(*self.dropout), x)


class Norm(Block):
    """A norm by itself."""

    kind: ClassVar[str] = "norm"
    short: ClassVar[str] = "norm"
    short_is_mapping: ClassVar[bool] = True
    example: ClassVar[str] = "- norm: {group: 3}"

    norm: Annotated[
        NormField, Field(description="Which norm; none would be a row that does nothing.", examples=["batch"])
    ]

    @model_validator(mode="after")
    def check_norm(self) -> "Norm":
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
    example: ClassVar[str] = "- activation: {leaky_relu: 0.1}"

    activation: Annotated[
        ActivationField,
        Field(description="Which activation; none would be a row that does nothing.", examples=["relu"]),
    ]

    @model_validator(mode="after")
    def check_activation(self) -> "Activation":
        if self.activation.layer is None:
            refuse("an activation row that is none does nothing", "leave the row out")
        return self

    def expand(self, builder: Builder, x: int) -> int:
        return builder.add_choice("", self.activation, x)
