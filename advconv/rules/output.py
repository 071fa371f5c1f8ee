"""What comes after the last layer with weights, and rows that do nothing."""

from collections.abc import Iterator

from advconv.analysis.view import GraphView
from advconv.graph import Node
from advconv.layers.merge import Add, Concat
from advconv.layers.pointwise import Activation, Dropout, Norm
from advconv.layers.pool import Pool2d
from advconv.rules.record import WARNING, LintInput, Rule, in_row, vain_row
from advconv.text.finding import Finding

SMALL_IMAGE = 64
EARLY = 4


def activation_on_logits(subject: LintInput) -> Iterator[Finding]:
    for node in _after_logits(subject):
        if isinstance(node.layer, Activation) and node.shape.size == (1, 1):
            message = f"{node.layer.kind} on the output, which cross entropy takes as logits"
            yield in_row(node, "AC324", message, _help(node, "activation"), "activation")


def norm_on_logits(subject: LintInput) -> Iterator[Finding]:
    for node in _after_logits(subject):
        if isinstance(node.layer, Norm):
            message = f"{node.layer.kind} on the output, which cross entropy takes as logits"
            yield in_row(node, "AC325", message, _help(node, "norm"), "norm")


def dropout_on_logits(subject: LintInput) -> Iterator[Finding]:
    for node in _after_logits(subject):
        if isinstance(node.layer, Dropout):
            message = "dropout on the output sets logits to 0 at random"
            yield in_row(node, "AC326", message, "put it before the last layer with weights", "dropout")


def _help(node: Node, field: str) -> str:
    """A row that is this layer is left out; a unit takes `none`."""
    return "leave the row out" if node.origin.kind == field else f"write `{field}: none` in this row"


def _after_logits(subject: LintInput) -> Iterator[Node]:
    """The layers after the last one with weights, on a single path; none if the output is not that of `classes`."""
    view = subject.network
    if view is None or subject.spec is None or subject.spec.classes is None:
        return
    index = len(view.nodes) - 1
    found = list[Node]()
    while len(view.nodes[index].inputs) == 1:
        reader = view.readers.get(index)
        if reader and reader.is_weighted:
            yield from found if reader.node.shape.channels == view.graph.output.channels else ()
            return
        found.append(view.nodes[index])
        (index,) = view.nodes[index].inputs


def early_downsampling(view: GraphView) -> Iterator[Finding]:
    height, width = view.graph.input.size
    if max(height, width) > SMALL_IMAGE:
        return
    weighted = 0
    for reader in view.readers.values():
        weighted += reader.is_weighted
        jumps = [reach.jump for reach in view.measures.reaches[reader.node_index]]
        if weighted > 1 or reader.node.shape.size == (1, 1):
            return
        if min(jumps) >= EARLY:
            sizes = "x".join(map(str, reader.node.shape.size))
            convolutions = "one convolution" if weighted else "no convolution"
            message = f"the {height}x{width} image is down to {sizes} after {convolutions}"
            help = "stride less at the start: such stems are made for 224x224 images"
            yield in_row(reader.node, "AC315", message, help)
            return


def vain_pooling(view: GraphView) -> Iterator[Finding]:
    for reader in view.readers.values():
        layer = reader.layer
        if isinstance(layer, Pool2d) and layer.kernel_size == layer.stride == (1, 1):
            yield vain_row(reader.node, "AC332", "a 1x1 pooling of stride 1 changes nothing")


def merged_twice(view: GraphView) -> Iterator[Finding]:
    # A sum of several paths is a chain of sums, which share the origin of their row.
    merged: dict[int, set[int]] = {}
    for node in view.nodes_of(Add, Concat):
        maps = merged.setdefault(id(node.origin), set())
        paths = [index for index in node.inputs if view.nodes[index].origin is not node.origin]
        if len({*paths}) < len(paths) or not maps.isdisjoint(paths):
            what = "adds" if isinstance(node.layer, Add) else "concatenates"
            yield in_row(
                node, "AC333", f"{what} the same map more than once", "leave out all but one of the empty paths"
            )
        maps.update(paths)


RULES = (
    Rule(
        code="AC315",
        severity=WARNING,
        title="small image downsampled at once",
        what=(
            f"An image of at most {SMALL_IMAGE}x{SMALL_IMAGE} pixels is a quarter as high and as wide, or less, before "
            "the second convolution."
        ),
        why=(
            "The stem of a ResNet, a 7x7 of stride 2 and a pooling of stride 2, is made for 224x224 images; of a 32x32 "
            "image it leaves 8x8 positions. Networks for CIFAR-10 start with stride 1 (He et al., 2016, section 4.2)."
        ),
        fails="- strided: {out_channels: 64, kernel_size: 7}\n- maxpool: {kernel_size: 2}\n- conv: 64",
        passes="- conv: 64\n- strided: 64\n- conv: 64",
        check_network=early_downsampling,
    ),
    Rule(
        code="AC324",
        severity=WARNING,
        title="activation on the logits",
        what=(
            "An activation follows the last layer with weights, on the single position of the output, in a file with "
            "`classes`."
        ),
        why=(
            "Cross entropy contains the softmax, and takes any number: ReLU cuts every score below 0, sigmoid leaves "
            "scores from 0 to 1, of which the best probability of 10 classes is 23%. An activation before the global "
            "pooling is not reported (SqueezeNet has one)."
        ),
        fails="classes: 10\nnetwork: {C1: [conv: 16, gap, linear, activation: sigmoid]}",
        passes="classes: 10\nnetwork: {C1: [conv: 16, gap, linear]}",
        check=activation_on_logits,
    ),
    Rule(
        code="AC325",
        severity=WARNING,
        title="norm on the logits",
        what="A norm follows the last layer with weights, in a file with `classes`.",
        why=(
            "It gives each class the same mean and deviation over the batch, whatever the images are, so the score of "
            "an image depends on the others in training."
        ),
        fails="classes: 10\nnetwork: {C1: [conv: 16, conv: {out_channels: 10, activation: none}, gap]}",
        passes="classes: 10\nnetwork: {C1: [conv: 16, conv: {out_channels: 10, norm: none, activation: none}, gap]}",
        check=norm_on_logits,
    ),
    Rule(
        code="AC326",
        severity=WARNING,
        title="dropout on the logits",
        what="A dropout follows the last layer with weights, in a file with `classes`.",
        why="The score of the right class is set to 0 in some steps, which no training can avoid.",
        fails="classes: 10\nnetwork: {C1: [conv: 16, gap, linear, dropout: 0.1]}",
        passes="classes: 10\nnetwork: {C1: [conv: 16, gap, dropout: 0.1, linear]}",
        check=dropout_on_logits,
    ),
    Rule(
        code="AC332",
        severity=WARNING,
        title="pooling of one position",
        what="The window of a pooling has one position, and its stride is 1.",
        why="Its output is its input.",
        fails="- conv: 16\n- avgpool: 1",
        passes="- conv: 16\n- avgpool: 2",
        check_network=vain_pooling,
    ),
    Rule(
        code="AC333",
        severity=WARNING,
        title="map merged with itself",
        what="A sum or a concatenation has the same map more than once.",
        why="The copies carry nothing new; the layer behind them pays for each.",
        fails="- conv: 16\n- branches: {paths: {near: [], far: []}}",
        passes="- conv: 16\n- branches: {paths: {near: [], far: [conv: 16]}}",
        check_network=merged_twice,
    ),
)
