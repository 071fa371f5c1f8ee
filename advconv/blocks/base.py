"""The base of all blocks: fields that users write, and a method that adds layers to the graph."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from advconv.geometry import Shape
from advconv.graph import Draft, Origin
from advconv.layers.base import Layer, ShapeError
from advconv.layers.conv import Convolution
from advconv.layers.dense import Pad
from advconv.layers.pointwise import Activation, BatchNorm2d, Dropout
from advconv.layers.pool import Pool2d
from advconv.text.finding import Finding
from advconv.values.choices import ActivationChoice, ActivationField, DropoutChoice, DropoutField, NormChoice, NormField
from advconv.values.forms import Bias, MaybeName, Order, Padding, Sides
from advconv.values.schemas import DefaultText

Pair = tuple[int, int]
"""A size over the height and over the width."""


class Fields(BaseModel):
    """A mapping with known keys. Its validator is built on first use: most files use few of the blocks."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Block(Fields):
    """A row of the network. `kind` is its word in YAML, `short` the field that a bare value sets.

    `short_is_mapping`: that field takes mappings itself, so that `norm: {group: 8}` is short for `norm: {norm: ...}`.
    `example`: rows of YAML, the last of them of this block.
    """

    kind: ClassVar[str]
    short: ClassVar[str] = ""
    short_is_mapping: ClassVar[bool] = False
    example: ClassVar[str]

    name: Annotated[
        MaybeName, Field(description="Name of the module, unique among its siblings."), DefaultText("its index")
    ] = None

    @abstractmethod
    def expand(self, builder: "Builder", x: int) -> int:
        """Adds the block's layers after node `x` and returns the last. Raises ShapeError if they do not fit."""


if TYPE_CHECKING:
    Rows = tuple[Block, ...]


NORM = Field(description="Norm of the unit; layer is one group over all channels and positions.")
ACTIVATION = Field(description="Activation of the unit, placed by `order`.")
ORDER = Field(description="Order of the stages of the unit.")
DROPOUT = Field(description="Dropout once after the unit, of elements or of whole channels.")
BIAS = Field(description="Whether the convolutions have a bias; with auto they have one if the unit has no norm.")
PADDING = Field(
    description="Padding with zeros; same pads extent - 1 in total, the odd position at the bottom and on the right."
)


class Style(Fields):
    """The `defaults` of a file: fields of convolutional units that do not set their own."""

    norm: Annotated[NormField, NORM] = NormChoice(BatchNorm2d())
    activation: Annotated[ActivationField, ACTIVATION] = ActivationChoice(Activation("relu"))
    order: Annotated[Order, ORDER] = "conv-norm-act"
    dropout: Annotated[DropoutField, DROPOUT] = DropoutChoice(0.0)
    bias: Annotated[Bias, BIAS] = "auto"
    padding: Annotated[Padding, PADDING] = "same"

    @property
    def has_bias(self) -> bool:
        """Whether the convolutions have a bias; with `auto`, if the unit has no norm."""
        return self.norm.layer is None if self.bias == "auto" else self.bias

    @property
    def activation_after_add(self) -> ActivationChoice:
        """After a residual's add: none in pre-activation networks, whose next unit activates."""
        return ActivationChoice(None) if self.order == "norm-act-conv" else self.activation


class Unfit(Exception):
    """Rows do not fit: a finding for each, with the number of nodes before it. Rows that depend on them are skipped."""

    def __init__(self, *findings: tuple[Finding, int]) -> None:
        super().__init__()
        self.findings = findings


class Builder(NamedTuple):
    """Adds layers to a draft. `name` is the path of the current module, `origin` the row that it is built from."""

    draft: Draft
    style: Style
    classes: int | None
    name: str
    origin: Origin

    def add(self, role: str, layer: Layer, *inputs: int) -> int:
        """Appends a layer and returns its index. Raises ShapeError if it does not fit."""
        name = f"{self.name}.{role}" if role else self.name
        return self.draft.add(name, layer, inputs, self.origin)

    def add_padded(
        self, roles: tuple[str, str], layer: Convolution | Pool2d, sides: Sides, x: int, fill: float = 0.0
    ) -> int:
        """The layer with its own padding if both ends of an axis get the same, else after a Pad of `fill`."""
        if padding := even_padding(sides):
            own = layer if layer.padding == padding else replace(layer, padding=padding)
            return self.add(roles[0], own, x)
        padded = self.add(roles[1], Pad(*sides, fill), x)
        return self.add(roles[0] or "pool", layer, padded)

    def add_beside(self, role: str, layer: Layer, *inputs: int) -> int:
        """Like `add`, for a function of torch before the row's only module, which has the row's name."""
        return self.draft.add(f"{self.name}_{role}", layer, inputs, self.origin)

    def add_choice(self, role: str, choice: ActivationChoice | NormChoice, x: int) -> int:
        return x if choice.layer is None else self.add(role, choice.layer, x)

    def add_dropout(self, choice: DropoutChoice, x: int) -> int:
        return self.add("dropout", Dropout(*choice), x) if choice.p else x

    def shape(self, x: int) -> Shape:
        return self.draft.nodes[x].shape

    def grow(self, rows: Sequence[Block], x: int) -> int:
        """Adds rows in sequence. Raises Unfit if one does not fit."""
        for index, block in enumerate(rows):
            place = self.at_row(index, block)
            try:
                x = block.expand(place, x)
            except ShapeError as error:
                raise Unfit((place.finding_of_row(error.finding), len(self.draft.nodes))) from error
        return x

    def finding_of_row(self, finding: Finding) -> Finding:
        """The finding of a layer, with the path and the label of this row."""
        row = self.origin
        message, last = f"{row.label}: {finding.message}", (row.label, row.kind, "does not fit")
        return finding._replace(path=row.path, message=message, at_key=True, trail=(last,))

    def at_row(self, index: int, block: Block) -> "Builder":
        above = self.origin
        origin = Origin(f"{above.label}[{index}]", above.block, block.kind, (*above.path, index, block.kind))
        return self._replace(name=f"{self.name}.{block.name or index}", origin=origin)

    def at_field(self, field: str, *path: str, block: str = "", kind: str = "") -> "Builder":
        """The builder for rows inside a block: in a field or a named path; `kind` for a block inside it."""
        row = self.origin
        tag = f"{row.block}/{block}" if block else row.block
        inner = Origin(f"{row.label}.{field}", tag, kind or row.kind, (*row.path, *(path or (field,))))
        return self._replace(name=f"{self.name}.{field}", origin=inner)

    def at_round(self, index: int) -> "Builder":
        """The builder for one round of a repetition."""
        row = self.origin
        inner = Origin(f"{row.label}[{index}]", row.block, row.kind, (*row.path, "layers"))
        return self._replace(name=f"{self.name}.{index}", origin=inner)


def even_padding(sides: Sides) -> tuple[int, int] | None:
    """The padding of both ends of each axis; None if the ends differ."""
    top, bottom, left, right = sides
    return (top, left) if top == bottom and left == right else None


def sides_of(padding: Literal["same"] | Sides, kernel_size: Pair, dilation: Pair = (1, 1)) -> Sides:
    """Top, bottom, left, right. `same` pads extent - 1 in total, the odd pixel at the bottom and on the right."""
    if padding != "same":
        return padding
    height, width = dilation[0] * (kernel_size[0] - 1), dilation[1] * (kernel_size[1] - 1)
    return height // 2, (height + 1) // 2, width // 2, (width + 1) // 2
