"""Layers that merge paths."""

from collections.abc import Sequence

from advconv.geometry import POINTS, Shape
from advconv.layers.base import NOTHING, Call, Cost, Layer, SavedTensors, ShapeError, Shapes, Windows


class Merge(Layer):
    """A layer with several inputs that reads each position once."""

    __slots__ = ()

    @property
    def is_function(self) -> bool:
        return True

    def windows(self, x: Shape) -> Windows:
        return POINTS

    def cost(self, inputs: Shapes, y: Shape) -> Cost:
        return Cost()

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        return NOTHING


class Elementwise(Merge):
    """An operation on two inputs of equal shape; a Cx1x1 map is broadcast over the other."""

    __slots__ = ()

    def output(self, inputs: Shapes) -> Shape:
        x, other = inputs
        if x == other:
            return x
        one_position = (1, 1) in (x.size, other.size)
        if x.channels != other.channels or x.flat or other.flat or not one_position:
            message = f"{self.kind.lower()} needs paths of equal shape, these are {x} and {other}"
            raise ShapeError("AC203", message, _advice(x, other))
        return max(x, other, key=lambda shape: shape.elements)


class Add(Elementwise):
    """torch.add."""

    __slots__ = ()

    def torch(self, inputs: Shapes) -> Call:
        return Call("torch.add")


class Multiply(Elementwise):
    """torch.mul."""

    __slots__ = ()

    def saved_for_backward(self, inputs: Shapes, y: Shape, grads: Sequence[bool]) -> SavedTensors:
        # The gradient of each factor is computed from the other.
        return SavedTensors(inputs=(grads[1], grads[0]))

    def torch(self, inputs: Shapes) -> Call:
        return Call("torch.mul")


class Concat(Merge):
    """torch.cat along the channels."""

    __slots__ = ()

    def output(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        for other in inputs[1:]:
            if other.size != x.size or other.flat != x.flat:
                message = f"concat needs paths of equal height and width, these are {_list(inputs)}"
                raise ShapeError("AC203", message, _advice(x, other))
        return x._replace(channels=sum(shape.channels for shape in inputs))

    def torch(self, inputs: Shapes) -> Call:
        return Call("torch.cat", (), (("dim", 1),), packed=True)


def _list(shapes: Shapes) -> str:
    return " and ".join(map(str, shapes)) if len(shapes) < 3 else f"{', '.join(map(str, shapes[:-1]))} and {shapes[-1]}"


def _advice(x: Shape, other: Shape) -> str:
    if x.size != other.size:
        return "use the same stride on all paths, and `padding: same`"
    return "end all paths with the same number of channels"
