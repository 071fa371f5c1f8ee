"""Constraints that are not satisfied."""

from advconv.analysis.connectivity import MAX_FIELD
from advconv.rules.record import ERROR, Rule

RULES = (
    Rule(
        code="AC401",
        severity=ERROR,
        title="value outside its limit",
        what="A measured value is outside its limit in the file.",
        why="The message has the value, the limit and the distance; the help is a row to start with.",
        fails='network: {C1: [conv: 32]}\nconstraints: {receptive_field: "> 44"}',
        passes='network: {C1: [conv: 32]}\nconstraints: {receptive_field: "> 2"}',
    ),
    Rule(
        code="AC402",
        severity=ERROR,
        title="limit on an unknown receptive field",
        what="The receptive field, its coverage or the alignment of merged paths has a limit, but is unknown.",
        why=(
            "An unknown value cannot be compared with a limit; AC210 has the row at which it becomes unknown. The gaps "
            f"of a receptive field of more than {MAX_FIELD:,} pixels on a side are not examined."
        ),
        fails=(
            "network:\n"
            "  C1:\n"
            "    - branches:\n"
            "        merge: add\n"
            "        paths:\n"
            "          a: [strided: 8]\n"
            "          b: [conv: {out_channels: 8, kernel_size: 17, padding: valid}]\n"
            'constraints: {receptive_field: "> 2"}'
        ),
        passes=(
            "network:\n"
            "  C1:\n"
            "    - branches: {merge: add, paths: {a: [strided: 8], b: [strided: 8]}}\n"
            'constraints: {receptive_field: "> 2"}'
        ),
    ),
    Rule(
        code="AC403",
        severity=ERROR,
        title="feature used too rarely or too often",
        what="A feature occurs more or less often than its limit in the file.",
        why=(
            "Features are counted in the graph that is built: a convolution with half as many groups as "
            "channels is not depthwise, whatever its name."
        ),
        fails='network: {C1: [conv: 32]}\nconstraints: {uses: {dilated: ">= 1"}}',
        passes='network: {C1: [conv: 32, dilated: 32]}\nconstraints: {uses: {dilated: ">= 1"}}',
    ),
    Rule(
        code="AC404",
        severity=ERROR,
        title="forbidden feature",
        what="The network uses a feature that the file forbids.",
        why="Another block may use it: a strided projection of a residual block is `strided` too.",
        fails="network: {C1: [conv: 32, maxpool]}\nconstraints: {forbids: [maxpool]}",
        passes="network: {C1: [strided: 32]}\nconstraints: {forbids: [maxpool]}",
    ),
)
