"""Layers that do not fit; found while the graph is built."""

from advconv.rules.record import ERROR, Rule

RULES = (
    Rule(
        code="AC201",
        severity=ERROR,
        title="window larger than its feature map",
        what="A window, including its dilation, is larger than the padded map that it slides over.",
        why=("torch would refuse to run the layer. The rows before it show where the map became so small."),
        fails="- conv: {out_channels: 8, kernel_size: 33, padding: valid}",
        passes="- conv: {out_channels: 8, kernel_size: 31, padding: valid}",
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
        what="The shapes of the paths do not merge.",
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
        what="A `pad` shortcut would have to reduce the channels.",
        why="It can add channels of zeros, not remove channels.",
        fails="- conv: 16\n- residual: {layers: [conv: 8], shortcut: pad}",
        passes="- conv: 16\n- residual: {layers: [conv: {out_channels: 32, activation: none}], shortcut: pad}",
    ),
    Rule(
        code="AC205",
        severity=ERROR,
        title="linear on a feature map",
        what="The input of `linear` is a map of more than one position.",
        why="It takes vectors. Pooling or flattening the map is a choice that changes the network a lot.",
        fails="- conv: 8\n- linear: 10",
        passes="- conv: 8\n- gap\n- linear: 10",
    ),
    Rule(
        code="AC206",
        severity=ERROR,
        title="vector where a feature map is needed",
        what="A layer that needs a map comes after `flatten` or `linear`.",
        why="A vector has no height and width.",
        fails="- flatten\n- conv: 8",
        passes="- conv: 8\n- flatten",
    ),
    Rule(
        code="AC207",
        severity=ERROR,
        title="pooling padded by more than half its window",
        what="A pooling pads more than half its window.",
        why="Some windows would contain only padding; torch refuses it.",
        fails="- maxpool: {kernel_size: 2, padding: 2}",
        passes="- maxpool: {kernel_size: 3, padding: 1}",
    ),
    Rule(
        code="AC208",
        severity=ERROR,
        title="output size differs from `classes`",
        what=(
            "The output of the network does not have one value for each class; or `linear` has no number and "
            "the file has no `classes`."
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
            "One value minus its own mean is always 0, so the output of the network would be the same for "
            "every image; torch refuses it for a batch of one."
        ),
        fails="- conv: 8\n- gap\n- norm: {group: 8}",
        passes="- conv: 8\n- norm: {group: 8}\n- gap",
    ),
)
