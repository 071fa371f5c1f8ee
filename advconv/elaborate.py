"""From what a user wrote to the graph of layers."""

from collections.abc import Iterator
from itertools import islice

from advconv.blocks.base import Broken, Builder, Problem
from advconv.geometry import Shape
from advconv.graph import Draft, Graph, Node, Row, TooManyLayers
from advconv.language.spec import ArchSpec, Part
from advconv.layers.dense import Flatten
from advconv.text.diagnostics import Diagnostic, error, in_order
from advconv.text.source import Document

TRAIL = 12

Trail = tuple[tuple[str, str, str], ...]
"""Rows that lead up to a place: label, kind and output of each."""


def elaborate(part: Part, document: Document, picture: Shape | None = None) -> tuple[Graph | None, list[Diagnostic]]:
    """The graph of an architecture, for pictures of its input's shape or another; None where a row does not fit."""
    draft, end, diagnostics = grow(part.spec, document, picture)
    if end is None:
        return None, diagnostics
    wrong = finish(part.spec, document, draft, end) if part.is_whole else []
    return Graph(tuple(draft.nodes)), wrong


def grow(
    spec: ArchSpec, document: Document, picture: Shape | None = None
) -> tuple[Draft, int | None, list[Diagnostic]]:
    """The rows of the network as layers; the last is None where one does not fit."""
    draft, problems = Draft(), list[Problem]()
    end = draft.start(picture or spec.input)
    try:
        for name, rows in spec.network.items():
            row = Row(name, name, "", ("network", name))
            end = Builder(draft, problems, spec.defaults, spec.classes, name, row).grow(rows, end)
    except Broken:
        trails = _trails(draft.nodes, problems)
        found = [_diagnostic(document, *pair) for pair in zip(problems, trails, strict=True)]
        return draft, None, in_order(found)
    except TooManyLayers as limit:
        return draft, None, [error("AC119", document.key_span(limit.row.path), limit.message, limit.help)]
    return draft, end, []


def finish(spec: ArchSpec, document: Document, draft: Draft, end: int) -> list[Diagnostic]:
    """Holds the output to the classes; a Cx1x1 map becomes a vector on the way out."""
    shape = draft.nodes[end].shape
    if spec.classes is None:
        return []
    if shape.elements != spec.classes or shape.size != (1, 1):
        message = f"the network puts out {shape}, classes is {spec.classes}"
        help = _classes_help(draft.nodes[end])
        trail = _trail(_by_label(draft.nodes))
        return [error("AC208", document.span(("classes",)), message, help)._replace(trail=trail)]
    if not shape.flat:
        draft.add("flatten", Flatten(inline=True), (end,), Row("output", "", "flatten", ("network",)))
    return []


def _classes_help(last: Node) -> str:
    if last.row.kind == "linear" and last.shape.flat:
        return f"write `linear` alone, which puts out the classes, or `classes: {last.shape.elements}`"
    return "end the network with `gap` and `linear`, or with a pointwise to the classes and `gap`"


def _diagnostic(document: Document, problem: Problem, trail: Trail) -> Diagnostic:
    row, wrong = problem.row, problem.error
    at_field = (*row.path, wrong.field)
    has_field = wrong.field and document.has(at_field)
    span = document.span(at_field) if has_field else document.key_span(row.path)
    found = error(wrong.code, span, f"{row.label}: {wrong.message}", wrong.help)
    last = (row.label, row.kind, "does not fit")
    return found._replace(trail=(*trail, last))


def _trails(nodes: list[Node], problems: list[Problem]) -> Iterator[Trail]:
    """What led up to each problem, in one walk over the nodes: problems come in the order of their rows."""
    rows: dict[str, Node] = {}
    done = 0
    for problem in problems:
        rows |= _by_label(nodes[done : problem.before])
        done = problem.before
        yield _trail(rows, problem.row.label)


def _by_label(nodes: list[Node]) -> dict[str, Node]:
    """The last node of each row, rows in the order in which they begin."""
    return {node.row.label: node for node in nodes}


def _trail(rows: dict[str, Node], broken: str = "") -> Trail:
    """The rows so far with the shape that each puts out; of the broken one, whatever did fit is left out."""
    count = len(rows) - (broken in rows)
    hidden = count - TRAIL
    if hidden <= 1:
        return tuple(_step(node) for label, node in rows.items() if label != broken)
    first = next(node for label, node in rows.items() if label != broken)
    last = islice((node for label, node in reversed(rows.items()) if label != broken), TRAIL - 1)
    return (_step(first), ("...", f"{hidden} rows", "..."), *map(_step, reversed(list(last))))


def _step(node: Node) -> tuple[str, str, str]:
    return node.row.label, node.row.kind, str(node.shape)
