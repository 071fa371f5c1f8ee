"""The interface of a layer: output shape, cost, tensors saved for the backward pass, and its call of torch."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from advconv.geometry import Shape, Window
from advconv.text.finding import Finding, Refused

FLOAT_BYTES = 4
INDEX_BYTES = 8

Shapes = Sequence[Shape]
Windows = tuple[Window, Window]
"""The windows over height and width."""


class Cost(NamedTuple):
    """Parameters, and multiply-accumulates for one image; bias and norm are not counted as MACs."""

    params: int = 0
    macs: int = 0


class SavedTensors(NamedTuple):
    """What autograd saves for the backward pass: which inputs, the output, and further bytes of the layer."""

    inputs: tuple[bool, ...] = ()
    output: bool = False
    own_bytes: int = 0


NOTHING, FIRST_INPUT = SavedTensors(), SavedTensors(inputs=(True,))


class Call(NamedTuple):
    """One call of torch, by name: a module's constructor (`nn.`), or a function that takes the inputs first.

    `packed`: the function takes its inputs as one tuple, as torch.cat does.
    """

    target: str
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    packed: bool = False

    @property
    def is_module(self) -> bool:
        return self.target.startswith("nn.")


class ShapeError(Refused):
    """A layer does not fit its input. `field` names the key of the block that has to change.

    The finding has no path yet: a layer does not know its row.
    """

    def __init__(self, code: str, message: str, help: str = "", field: str = "") -> None:
        super().__init__(Finding(code, (), message, help, field=field))


class LayerType(ABCMeta):
    """ABCMeta without its slow checks for virtual subclasses."""

    __instancecheck__ = type.__instancecheck__
    __subclasscheck__ = type.__subclasscheck__


@dataclass(frozen=True, slots=True)
class Layer(metaclass=LayerType):
    """One constructor or function of torch. Input channels and features are not stored; they come from the input shape.

    Layers are compared by value; a kind without fields inherits that from this class.
    """

    is_view = False
    """Whether the output shares the storage of the input."""
    is_identity_at_inference = False
    """Whether the layer returns its input unchanged in eval mode."""

    @property
    def kind(self) -> str:
        """The name in tables: torch's name of the module, or of what the function does."""
        return type(self).__name__

    @property
    def is_function(self) -> bool:
        """Whether it is a function of torch, called in `forward`, and not a module with a name."""
        return False

    @abstractmethod
    def windows(self, x: Shape) -> Windows:
        """The windows that give both the output size and the receptive field."""

    @abstractmethod
    def cost(self, inputs: Shapes, y: Shape) -> Cost:
        """Parameters and MACs, counted as torch's numel and FlopCounterMode / 2 do."""

    @abstractmethod
    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        """What torch saves for the backward pass; `grads`: whether each input needs a gradient."""

    @abstractmethod
    def torch(self, inputs: Shapes) -> Call:
        """The call that runs this layer on inputs of these shapes."""

    def temporary_bytes(self, y: Shape) -> int:
        """Bytes that torch's operator allocates beside its output and frees on return, without gradients."""
        return 0

    def out_channels_for(self, x: Shape) -> int:
        return x.channels

    def output(self, inputs: Shapes) -> Shape:
        """The output's shape. Raises ShapeError if the layer does not fit."""
        (x,) = inputs
        if x.flat:
            raise self.needs_map(x)
        over_height, over_width = self.windows(x)
        height, width = over_height.output_size(x.height), over_width.output_size(x.width)
        if height < 1 or width < 1:
            raise self._too_large(x, over_height, over_width)
        return Shape(self.out_channels_for(x), height, width)

    def needs_map(self, x: Shape) -> ShapeError:
        message = f"{self.kind} needs a map, its input is a vector of {x} features"
        return ShapeError("AC206", message, "put it before the layer that flattens the map")

    def _too_large(self, x: Shape, over_height: Window, over_width: Window) -> ShapeError:
        padded = _by(*(size + w.before + w.after for size, w in zip(x.size, (over_height, over_width), strict=True)))
        window = _by(over_height.extent, over_width.extent)
        dilated = over_height.dilation > 1 or over_width.dilation > 1
        spans = f"a {window} window" + (" (dilation counted)" if dilated else "")
        message = f"{spans} does not fit on a map of {_by(*x.size)}" + (
            f" padded to {padded}" if padded != _by(*x.size) else ""
        )
        return ShapeError("AC201", message, "pad more, shrink the window, or use less stride before it", "kernel_size")


def _by(height: int, width: int) -> str:
    return f"{height}x{width}"


def compact(pair: tuple[int, int]) -> int | tuple[int, int]:
    """`(3, 3) -> 3`, `(1, 3) -> (1, 3)`: as sizes are usually written in torch."""
    return pair[0] if pair[0] == pair[1] else pair


def options(given: dict[str, Any], defaults: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """The keyword arguments that differ from torch's defaults."""
    return tuple((name, value) for name, value in given.items() if name not in defaults or value != defaults[name])
