"""Shapes of feature maps, the windows that slide over them, and what a position of a map can see of the input."""

from typing import NamedTuple

INT64_MAX = 2**63 - 1


class Shape(NamedTuple):
    """The shape of one image's feature map, or, when `flat`, of a vector of `channels` features.

    >>> print(Shape(64, 16, 16), Shape(10, flat=True))
    64x16x16 10
    """

    channels: int
    height: int = 1
    width: int = 1
    flat: bool = False

    @property
    def elements(self) -> int:
        return self.channels * self.height * self.width

    @property
    def size(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def middle(self) -> tuple[int, int]:
        """The row and the column of the middle position; of an even number, the one after the middle."""
        return self.height // 2, self.width // 2

    def __str__(self) -> str:
        return str(self.channels) if self.flat else f"{self.channels}x{self.height}x{self.width}"


class Window(NamedTuple):
    """What one layer does along one axis: `kernel_size` taps, `dilation` apart, moved by `stride` over a padded map."""

    kernel_size: int = 1
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    ceil_mode: bool = False

    @property
    def extent(self) -> int:
        """The positions that the window spans."""
        return self.dilation * (self.kernel_size - 1) + 1

    def output_size(self, size: int) -> int:
        """How many positions the window takes on a map of `size` positions; below 1 if it does not fit.

        The formula is that of torch.nn.Conv2d and torch.nn.MaxPool2d. With `ceil_mode` torch adds a last window that
        reaches beyond the end, but none that would start after the map and its left padding.
        """
        room = size + self.before + self.after - self.extent
        if not self.ceil_mode:
            return room // self.stride + 1
        places = -(-room // self.stride) + 1
        return places - 1 if (places - 1) * self.stride >= size + self.before else places

    def padded_by(self, margin: "Window") -> "Window":
        """This window on the map that a layer of `margin` pads before it."""
        return self._replace(before=self.before + margin.before, after=self.after + margin.after)

    def read_after(self, size: int) -> int:
        """How much of the padding after a map of `size` positions is read by windows that start before its end."""
        places = self.output_size(size)
        end = (places - 1) * self.stride + self.extent
        return max(0, min(self.after, end - size - self.before)) if places > 0 else self.after


POINT = Window()
POINTS = (POINT, POINT)


class Reach(NamedTuple):
    """What a map sees of the input along one axis: position p depends on `jump*p + first` to `jump*p + last`, exactly.

    `first` and `last` span the widest path from the input, `narrowest` is the size over the narrowest one.
    `jump` is 0 on a map of one position on which paths of unequal jumps were merged: the interval is right for that
    position alone. `gated`: a gate was multiplied with or added to the map, and the interval excludes what it sees;
    `whole`: the gate sees all of the image. `unknown`: no interval is right, since paths of unequal jumps were
    merged, or it does not fit in 64 bits.
    """

    jump: int = 1
    first: int = 0
    last: int = 0
    narrowest: int = 1
    gated: bool = False
    whole: bool = False
    unknown: bool = False

    @property
    def size(self) -> int:
        """The theoretical receptive field, in input positions, along the widest path."""
        return self.last - self.first + 1

    @property
    def centre(self) -> float:
        """The middle of what position 0 sees; 0.0 is the middle of the input's first pixel."""
        return (self.first + self.last) / 2

    def through(self, window: Window) -> "Reach":
        """The reach after a window (Araujo, Norris, Sim: Computing Receptive Fields of CNNs, Distill 2019)."""
        if window == POINT:
            return self
        jump, skipped = self.jump, window.dilation * (window.kernel_size - 1)
        if not jump and (skipped or window.before or window.after):
            # The window reads positions other than the one for which the interval is right.
            return UNKNOWN
        return Reach(
            jump * window.stride,
            self.first - jump * window.before,
            self.last + jump * (skipped - window.before),
            self.narrowest + jump * skipped,
            self.gated,
            self.whole,
            self.unknown,
        )


UNKNOWN = Reach(unknown=True)


def union(reaches: list[Reach], size: int) -> Reach:
    """The reach of parallel paths merged on a map of `size` positions: the hull of their intervals.

    Unknown if their jumps differ, except on a map of one position, which then has no jump.
    """
    first = reaches[0]
    if reaches.count(first) == len(reaches):
        return first
    jumps = {reach.jump for reach in reaches}
    if any(reach.unknown for reach in reaches) or (len(jumps) > 1 and size > 1):
        return UNKNOWN
    return Reach(
        first.jump if len(jumps) == 1 else 0,
        min(reach.first for reach in reaches),
        max(reach.last for reach in reaches),
        min(reach.narrowest for reach in reaches),
        any(reach.gated for reach in reaches),
        any(reach.whole for reach in reaches),
    )
