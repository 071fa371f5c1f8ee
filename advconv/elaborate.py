"""From what a user wrote to the graph of layers."""

from advconv.blocks.base import Broken, Builder, Problem
from advconv.diagnostics import Diagnostic, error, in_order
from advconv.geometry import Shape
from advconv.graph import MAX_LAYERS, Draft, Graph, Node, Row, TooManyLayers
from advconv.layers.dense import Flatten
from advconv.source import Document
from advconv.spec import ArchSpec, Part

TRAIL = 12


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
        return draft, None, in_order([_diagnostic(document, draft, problem) for problem in problems])
    except TooManyLayers as limit:
        message = f"the network has more than {MAX_LAYERS:,} layers"
        return draft, None, [error("AC119", document.key_span(limit.row.path), message, "repeat fewer rows")]
    return draft, end, []


def finish(spec: ArchSpec, document: Document, draft: Draft, end: int) -> list[Diagnostic]:
    """Holds the output to the classes; a Cx1x1 map becomes a vector on the way out."""
    shape = draft.nodes[end].shape
    if spec.classes is None:
        return []
    if shape.elements != spec.classes or shape.size != (1, 1):
        message = f"the network puts out {shape}, classes is {spec.classes}"
        help = _classes_help(draft.nodes[end])
        return [error("AC208", document.span(("classes",)), message, help)._replace(trail=_trail(draft.nodes))]
    if not shape.flat:
        draft.add("flatten", Flatten(inline=True), (end,), Row("output", "", "flatten", ("network",)))
    return []


def _classes_help(last: Node) -> str:
    if last.row.kind == "linear" and last.shape.flat:
        return f"write `linear` alone, which puts out the classes, or `classes: {last.shape.elements}`"
    return "end the network with `gap` and `linear`, or with a pointwise to the classes and `gap`"


def _diagnostic(document: Document, draft: Draft, problem: Problem) -> Diagnostic:
    row, wrong = problem.row, problem.error
    at_field = (*row.path, wrong.field)
    has_field = wrong.field and document.has(at_field)
    span = document.span(at_field) if has_field else document.key_span(row.path)
    found = error(wrong.code, span, f"{row.label}: {wrong.message}", wrong.help)
    last = (row.label, row.kind, "does not fit")
    return found._replace(trail=(*_trail(draft.nodes[: problem.before], row.label), last))


def _trail(nodes: list[Node], broken: str = "") -> tuple[tuple[str, str, str], ...]:
    """The rows so far with the shape that each puts out; of the broken one, whatever did fit is left out."""
    rows: dict[str, tuple[str, str, str]] = {}
    for node in nodes:
        rows[node.row.label] = (node.row.label, node.row.kind, str(node.shape))
    rows.pop(broken, None)
    trail = tuple(rows.values())
    hidden = len(trail) - TRAIL
    return trail if hidden <= 1 else (trail[0], ("...", f"{hidden} rows", "..."), *trail[-TRAIL + 1 :])
