"""Builds the graph of layers from a spec."""

from collections.abc import Iterator, Sequence
from itertools import islice

from advconv.blocks.base import Builder, Unfit
from advconv.geometry import Shape
from advconv.graph import Draft, Graph, Node, Origin
from advconv.language.spec import ArchSpec, ValidPart
from advconv.layers.dense import Flatten
from advconv.text.finding import Finding, Refused

TRAIL = 12

INPUT = Origin("input", "", "input", ("input",))
"""The origin of the image: the key `input` of a document."""

Trail = tuple[tuple[str, str, str], ...]
"""The rows before a failure: label, kind and output shape of each."""


def elaborate(part: ValidPart, image: Shape | None = None) -> tuple[Graph | None, list[Finding]]:
    """The graph of an architecture, for images of its input's shape or another; None if a row does not fit."""
    draft, end, findings = grow(part.spec, image)
    if end is None:
        return None, findings
    wrong = finish(part.spec, draft, end) if part.is_whole else []
    return Graph(tuple(draft.nodes)), wrong


def grow(spec: ArchSpec, image: Shape | None = None) -> tuple[Draft, int | None, list[Finding]]:
    """The rows of the network as layers, with the index of the last; None if one does not fit."""
    draft = Draft()
    end = draft.start(image or spec.input, INPUT)
    try:
        for name, rows in spec.network.items():
            row = Origin(name, name, "", ("network", name))
            end = Builder(draft, spec.defaults, spec.classes, name, row).grow(rows, end)
    except Unfit as unfit:
        return draft, None, list(_with_trails(draft.nodes, unfit.findings))
    except Refused as refused:
        return draft, None, [refused.finding]
    return draft, end, []


def finish(spec: ArchSpec, draft: Draft, end: int) -> list[Finding]:
    """Checks the output against `classes`; a Cx1x1 map is flattened."""
    shape = draft.nodes[end].shape
    if spec.classes is None:
        return []
    if shape.elements != spec.classes or shape.size != (1, 1):
        message = f"the network's output is {shape}, classes is {spec.classes}"
        trail = _trail(_by_label(draft.nodes))
        return [Finding("AC208", ("classes",), message, _classes_help(draft.nodes[end]), trail=trail)]
    if not shape.flat:
        draft.add("flatten", Flatten(inline=True), (end,), Origin("output", "", "flatten", ("network",)))
    return []


def _classes_help(last: Node) -> str:
    if last.origin.kind == "linear" and last.shape.flat:
        return f"write `linear` alone, whose default is `classes`, or `classes: {last.shape.elements}`"
    return "end the network with `gap` and `linear`, or with a pointwise of `classes` channels and `gap`"


def _with_trails(nodes: list[Node], findings: Sequence[tuple[Finding, int]]) -> Iterator[Finding]:
    """The findings with the rows before each, in one pass over the nodes: findings are in the order of rows."""
    rows: dict[str, Node] = {}
    done = 0
    for finding, before in findings:
        rows |= _by_label(nodes[done:before])
        done = before
        yield finding._replace(trail=(*_trail(rows, finding.trail[-1][0]), *finding.trail))


def _by_label(nodes: list[Node]) -> dict[str, Node]:
    """The last node of each row, rows in the order in which they begin."""
    return {node.origin.label: node for node in nodes}


def _trail(rows: dict[str, Node], broken: str = "") -> Trail:
    """The rows built so far with their output shapes, without the failing row."""
    count = len(rows) - (broken in rows)
    hidden = count - TRAIL
    if hidden <= 1:
        return tuple(_trail_row(node) for label, node in rows.items() if label != broken)
    first = next(node for label, node in rows.items() if label != broken)
    last = islice((node for label, node in reversed(rows.items()) if label != broken), TRAIL - 1)
    return (_trail_row(first), ("...", f"{hidden} rows", "..."), *map(_trail_row, reversed(list(last))))


def _trail_row(node: Node) -> tuple[str, str, str]:
    return node.origin.label, node.origin.kind, str(node.shape)
