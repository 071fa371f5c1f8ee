"""Receptive fields that are unknown or misaligned, and counts that are too large."""

from collections.abc import Iterator

from advconv.analysis.measure import Measures, overflow
from advconv.analysis.view import GraphView
from advconv.geometry import INT64_MAX
from advconv.rules.record import ERROR, WARNING, Rule, in_row
from advconv.text.finding import Finding


def too_large(measures: Measures) -> list[Finding]:
    """Counts must fit in 64 bits, as in torch."""
    found = overflow(measures)
    if not found:
        return []
    node, what = found
    return [in_row(node, "AC209", f"{what} would not fit in 64 bits", "make the network smaller")]


def too_large_fields(view: GraphView) -> Iterator[Finding]:
    for node, _, is_too_large in view.field_issues:
        if is_too_large:
            message = f"the receptive field is larger than {INT64_MAX:,} pixels"
            yield in_row(node, "AC209", message, "stride or dilate less")


def unknown_fields(view: GraphView) -> Iterator[Finding]:
    for node, misalignment, is_too_large in view.field_issues:
        if misalignment is None and not is_too_large:
            merge = "merge" if len(node.inputs) > 1 else "were merged on a 1x1 map, and this window reads outside it"
            message = f"paths of unequal stride {merge}; the receptive field is unknown from here on"
            yield in_row(node, "AC210", message, "give the paths the same stride")


def misaligned_branches(view: GraphView) -> Iterator[Finding]:
    for node, misalignment, _ in view.field_issues:
        if misalignment is not None:
            message = f"merged branches are misaligned by {misalignment:g} px"
            yield in_row(node, "AC211", message, "pad both ends alike, or use odd kernel sizes")


RULES = (
    Rule(
        code="AC209",
        severity=ERROR,
        title="count beyond 64 bits",
        what="A size, a count of parameters, MACs or bytes, or a receptive field does not fit in 64 bits.",
        why="torch counts in 64 bits; a number that has overflowed would be worse than none.",
        fails="- conv: 4000000000\n- conv: 4000000000",
        passes="- conv: 40\n- conv: 40",
        check_network=too_large_fields,
    ),
    Rule(
        code="AC210",
        severity=WARNING,
        title="receptive field becomes unknown",
        what=(
            "Paths of unequal stride merge on a map of more than one position, or on a map of one position "
            "that a larger window reads, or padding enlarges, later."
        ),
        why=(
            "torch runs such networks, but no interval describes what a position sees from there on: the "
            "receptive field is unknown, and a constraint on it fails."
        ),
        fails=(
            "- branches:\n"
            "    merge: add\n"
            "    paths:\n"
            "      a: [strided: 8]\n"
            "      b: [conv: {out_channels: 8, kernel_size: 17, padding: valid}]"
        ),
        passes="- branches: {merge: add, paths: {a: [strided: 8], b: [strided: 8]}}",
        check_network=unknown_fields,
    ),
    Rule(
        code="AC211",
        severity=WARNING,
        title="merged branches are misaligned",
        what="The receptive fields of merged paths have different centres.",
        why=("It is legal, and the receptive field is the hull of both; mostly due to an unintended even kernel size."),
        fails="- conv: 8\n- residual: [conv: {out_channels: 8, kernel_size: 2, activation: none}]",
        passes="- conv: 8\n- residual: [conv: {out_channels: 8, kernel_size: 3, activation: none}]",
        check_network=misaligned_branches,
    ),
)
