"""Blocks made of rows: residual, branches, repeat."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from advconv.blocks.base import Block, Builder, Unfit
from advconv.blocks.convolutions import Pointwise
from advconv.layers.base import ShapeError
from advconv.layers.dense import PadChannels
from advconv.layers.merge import Add, Concat, Multiply
from advconv.layers.pool import Subsample
from advconv.text.finding import MAX_FINDINGS, Finding
from advconv.values.choices import ActivationChoice, DropoutChoice, MaybeActivation
from advconv.values.forms import Form, in_yaml, refuse, word
from advconv.values.schemas import DefaultText, whole

if TYPE_CHECKING:
    from advconv.blocks.base import Rows

    SomeRows = Rows
    ShortcutField = str | Rows
    Paths = dict[str, Rows]

SHORTCUTS = ("auto", "identity", "projection", "pad")
Shortcut = Annotated[str, word("a shortcut", *SHORTCUTS)]


class Residual(Block):
    """The sum of a main path and a shortcut (He et al. 2016)."""

    kind: ClassVar[str] = "residual"
    short: ClassVar[str] = "layers"
    example: ClassVar[str] = """\
- residual: [conv: 16, conv: {out_channels: 16, activation: none}]
- residual: {layers: [strided: 32, conv: {out_channels: 32, activation: none}], shortcut: projection}"""

    layers: Annotated["SomeRows", Field(description="Rows of the main path.", examples=["[conv: 32]"])]
    shortcut: Annotated[
        "ShortcutField",
        Field(
            description="The shortcut: identity; projection, a 1x1 convolution with the main path's "
            "stride and a norm; pad, subsampling and zero channels (option A of the paper); rows. auto is identity "
            "if the shapes agree, else projection."
        ),
    ] = "auto"
    activation: Annotated[
        MaybeActivation,
        Field(description="Activation after the sum."),
        DefaultText("*file*; none with `norm-act-conv`"),
    ] = None

    def expand(self, builder: Builder, x: int) -> int:
        y = builder.at_field("layers").grow(self.layers, x)
        s = self.expand_shortcut(builder, x, y)
        if builder.shape(s) != builder.shape(y):
            message = f"the shortcut has shape {builder.shape(s)}, the main path {builder.shape(y)}"
            raise ShapeError("AC203", message, "use `shortcut: auto`, or keep the shape on the main path", "shortcut")
        total = builder.add("add", Add(), y, s)
        return builder.add_choice("act", self.activation or builder.style.activation_after_add, total)

    def expand_shortcut(self, builder: Builder, x: int, y: int) -> int:
        beside = builder.at_field("shortcut", block="shortcut")
        if not isinstance(self.shortcut, str):
            return beside.grow(self.shortcut, x)
        if self.shortcut == "auto":
            return x if builder.shape(x) == builder.shape(y) else project(beside, x, y)
        return {"identity": identity, "projection": project, "pad": pad}[self.shortcut](beside, x, y)


def identity(builder: Builder, x: int, y: int) -> int:
    return x


def project(builder: Builder, x: int, y: int) -> int:
    """A 1x1 convolution with the main path's stride and a norm, no activation."""
    unit = Pointwise(
        out_channels=builder.shape(y).channels,
        stride=builder.draft.strides_between(x, y),
        padding=(0, 0, 0, 0),
        activation=ActivationChoice(None),
        dropout=DropoutChoice(0.0),
    )
    return unit.expand(builder, x)


def pad(builder: Builder, x: int, y: int) -> int:
    """Subsampling and zero channels: option A of the ResNet paper (He et al. 2016, section 3.3)."""
    strides = builder.draft.strides_between(x, y)
    small = builder.add("subsample", Subsample(strides), x) if strides != (1, 1) else x
    channels = builder.shape(y).channels
    return small if builder.shape(small).channels == channels else builder.add("pad", PadChannels(channels), small)


MERGES = {"add": Add(), "multiply": Multiply()}


def some_paths(value: Any) -> Any:
    if isinstance(value, dict) and len(value) < 2:
        refuse("branches have at least two paths", "write {near: [...], far: [...]}; an empty list is the identity")
    return value


class Branches(Block):
    """Parallel paths from one input, merged; an empty path is the identity."""

    kind: ClassVar[str] = "branches"
    example: ClassVar[str] = """\
- branches: {merge: multiply, paths: {map: [], gate: [gap, activation: sigmoid]}}
- conv: 16
- branches: {merge: concat, paths: {near: [conv: 16], far: [dilated: 16], same: []}}"""

    paths: Annotated[
        "Paths",
        Field(
            description="At least two paths by name, each a list of rows; an empty one is the identity.",
            examples=["{near: [conv: 32], far: [dilated: 32]}"],
        ),
    ]
    merge: Annotated[
        str,
        word("merge", "add", "concat", "multiply"),
        Field(description="How the paths are merged; with add and multiply a Cx1x1 path is broadcast over the others."),
    ] = "concat"

    def expand(self, builder: Builder, x: int) -> int:
        ends = self.expand_paths(builder, x)
        if self.merge == "concat":
            return builder.add("concat", Concat(), *ends)
        total = ends[0]
        for number, end in enumerate(ends[1:]):
            role = self.merge if number == 0 else f"{self.merge}_{number + 1}"
            total = builder.add(role, MERGES[self.merge], total, end)
        return total

    def expand_paths(self, builder: Builder, x: int) -> list[int]:
        """The last node of each path. All paths are expanded even if one fails, so that one run reports every error."""
        ends, findings = [], list[tuple[Finding, int]]()
        for name, rows in self.paths.items():
            if len(findings) > MAX_FINDINGS:
                break
            try:
                ends.append(builder.at_field(name, "paths", name, block=name).grow(rows, x))
            except Unfit as unfit:
                findings += unfit.findings
        if findings:
            raise Unfit(*findings)
        return ends


def times(value: Any) -> int:
    count = value if isinstance(value, int) else 0
    if isinstance(value, bool) or not 1 <= count <= MAX_REPEATS:
        refuse(f"times is {TIMES.text}, not {in_yaml(value)}")
    return count


MAX_REPEATS = 100_000
TIMES = Form(times, whole(1, MAX_REPEATS), f"a whole number from 1 to {MAX_REPEATS:,}")


class Repeat(Block):
    """Rows repeated several times, each time with their own weights."""

    kind: ClassVar[str] = "repeat"
    example: ClassVar[str] = "- repeat: {times: 3, layers: [dwsep: 32]}"

    times: Annotated[int, TIMES, Field(description="Number of repetitions.", examples=["2"])]
    layers: Annotated["SomeRows", Field(description="Rows of each round.", examples=["[conv: 32]"])]

    def expand(self, builder: Builder, x: int) -> int:
        for index in range(self.times):
            x = builder.at_round(index).grow(self.layers, x)
        return x
