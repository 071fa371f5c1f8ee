"""Layers that do not fit; the graph finds them while it is built."""

from advconv.rules.record import ERROR, Rule

RULES = (
    Rule(
        code="AC201",
        severity=ERROR,
        title="window larger than its feature map",
        what="A window, its dilation counted, is larger than the padded map that it slides over.",
        why=("torch would refuse to run the layer. The rows that lead up to it show where the map became so small."),
        fails="- conv: {out_channels: 8, kernel_size: 33, padding: valid}",
        passes="- conv: {out_channels: 8, kernel_size: 33}",
    ),
    Rule(
        code="AC202",
        severity=ERROR,
        title="groups do not divide the channels",
        what="Channels do not divide into the groups of a convolution or of a norm.",
        why="Each group must have the same number of channels.",
        fails="- conv: 6\n- conv: {out_channels: 8, groups: 4}",
        passes="- conv: 8\n- conv: {out_channels: 8, groups: 4}",
    ),
    Rule(
        code="AC203",
        severity=ERROR,
        title="merged branches have different shapes",
        what="Paths that meet have shapes that do not merge.",
        why=(
            "Concatenations need equal heights and widths, sums and products equal shapes; in `branches` a "
            "path of Cx1x1 may be added to the others or multiplied with them, a shortcut may not."
        ),
        fails="- branches: {paths: {near: [conv: 8], far: [strided: 8]}}",
        passes="- branches: {paths: {near: [strided: 8], far: [strided: 8]}}",
    ),
    Rule(
        code="AC204",
        severity=ERROR,
        title="pad shortcut to fewer channels",
        what="A `pad` shortcut leads from more channels to fewer.",
        why="It can add channels of zeros, and has none to take away.",
        fails="- conv: 16\n- residual: {layers: [conv: 8], shortcut: pad}",
        passes="- conv: 16\n- residual: {layers: [conv: 32], shortcut: pad}",
    ),
    Rule(
        code="AC205",
        severity=ERROR,
        title="linear on a feature map",
        what="`linear` stands behind a map of more than one position.",
        why="It takes vectors. Whether the map is to be pooled or flattened is a choice, and a large one.",
        fails="- conv: 8\n- linear: 10",
        passes="- conv: 8\n- gap\n- linear: 10",
    ),
    Rule(
        code="AC206",
        severity=ERROR,
        title="vector where a feature map is needed",
        what="A layer that needs a map stands behind `flatten` or `linear`.",
        why="A vector has no height and width.",
        fails="- flatten\n- conv: 8",
        passes="- conv: 8\n- flatten",
    ),
    Rule(
        code="AC207",
        severity=ERROR,
        title="pooling padded by more than half its window",
        what="A pooling pads more than half its window.",
        why="Some windows would hold nothing but padding; torch refuses it.",
        fails="- maxpool: {kernel_size: 2, padding: 2}",
        passes="- maxpool: {kernel_size: 3, padding: 1}",
    ),
    Rule(
        code="AC208",
        severity=ERROR,
        title="output size differs from `classes`",
        what=(
            "What the network puts out is not as many values as there are classes; or `linear` stands without "
            "a number and the file has no `classes` to take it from."
        ),
        why="The loss would fail on the first batch, or silently train on the wrong thing.",
        fails="classes: 10\nnetwork: {C1: [conv: 8, gap]}",
        passes="classes: 10\nnetwork: {C1: [conv: 8, gap, linear]}",
    ),
    Rule(
        code="AC212",
        severity=ERROR,
        title="norm over a single value",
        what=(
            "A group norm has groups of one value each: as many groups as channels, on a map of one position; "
            "or `layer` with one channel."
        ),
        why=(
            "One value less its own mean is 0, whatever it was, so the network would put out the same for "
            "every image; torch refuses it for a batch of one."
        ),
        fails="- conv: 8\n- gap\n- norm: {group: 8}",
        passes="- conv: 8\n- norm: {group: 8}\n- gap",
    ),
)
