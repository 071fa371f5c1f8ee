"""Pooling."""

from collections.abc import Sequence
from dataclasses import dataclass

from advconv.geometry import Shape, Window
from advconv.layers.base import (
    FIRST_INPUT,
    INDEX_BYTES,
    NOTHING,
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


def check_pool_padding(sides: tuple[int, int, int, int], kernel_size: tuple[int, int]) -> None:
    """Raises ShapeError if a side (top, bottom, left, right) has padding that a window could lie in entirely."""
    height, width = kernel_size
    for padding, size in zip(sides, (height, height, width, width), strict=True):
        if padding > size // 2:
            message = f"padding of a pooling window of size {size} is at most {size // 2}, not {padding}"
            raise ShapeError("AC207", message, "pad less, or use a larger window", "padding")


@dataclass(frozen=True, slots=True)
class Pool2d(Layer):
    """The common part of torch.nn.MaxPool2d and torch.nn.AvgPool2d. Pairs are (height, width)."""

    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] = (0, 0)
    ceil_mode: bool = False

    def output(self, inputs: Shapes) -> Shape:
        ph, pw = self.padding
        check_pool_padding((ph, ph, pw, pw), self.kernel_size)
        return Layer.output(self, inputs)

    def windows(self, x: Shape) -> Windows:
        (kh, kw), (sh, sw), (ph, pw) = self.kernel_size, self.stride, self.padding
        return Window(kh, sh, 1, ph, ph, self.ceil_mode), Window(kw, sw, 1, pw, pw, self.ceil_mode)

    def cost(self, inputs: Shapes, y: Shape) -> Cost:
        return Cost()

    def torch(self, inputs: Shapes) -> Call:
        given = {
            "kernel_size": compact(self.kernel_size),
            "stride": compact(self.stride),
            "padding": compact(self.padding),
            "ceil_mode": self.ceil_mode,
        } | self.own_options()
        defaults = {"stride": given["kernel_size"], "padding": 0, "ceil_mode": False, "count_include_pad": True}
        return Call(f"nn.{self.kind}", (), options(given, defaults))

    def own_options(self) -> dict[str, bool]:
        return {}


class MaxPool2d(Pool2d):
    """torch.nn.MaxPool2d."""

    __slots__ = ()

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        return SavedTensors(inputs=(True,), own_bytes=self.temporary_bytes(y))

    def temporary_bytes(self, y: Shape) -> int:
        # The indices, which the operator computes even without return_indices.
        return y.elements * INDEX_BYTES


@dataclass(frozen=True, slots=True)
class AvgPool2d(Pool2d):
    """torch.nn.AvgPool2d."""

    count_include_pad: bool = True

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        return FIRST_INPUT

    def own_options(self) -> dict[str, bool]:
        return {"count_include_pad": self.count_include_pad}

    def covers(self, x: Shape) -> bool:
        """Whether one window covers the whole map."""
        axes = zip(self.windows(x), x.size, strict=True)
        return all(window.output_size(n) == 1 and window.extent >= n + window.before for window, n in axes)


class AdaptiveAvgPool2d(Layer):
    """torch.nn.AdaptiveAvgPool2d(1): the mean of the whole map."""

    __slots__ = ()

    def windows(self, x: Shape) -> Windows:
        return Window(x.height, x.height), Window(x.width, x.width)

    def cost(self, inputs: Shapes, y: Shape) -> Cost:
        return Cost()

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        return NOTHING

    def torch(self, inputs: Shapes) -> Call:
        return Call("nn.AdaptiveAvgPool2d", (1,))


@dataclass(frozen=True, slots=True)
class Subsample(Layer):
    """Every `stride`-th row and column, as an average over 1x1 windows."""

    stride: tuple[int, int]

    @property
    def is_function(self) -> bool:
        return True

    def windows(self, x: Shape) -> Windows:
        return Window(1, self.stride[0]), Window(1, self.stride[1])

    def cost(self, inputs: Shapes, y: Shape) -> Cost:
        return Cost()

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        return FIRST_INPUT

    def torch(self, inputs: Shapes) -> Call:
        return Call("F.avg_pool2d", (1,), (("stride", compact(self.stride)),))
