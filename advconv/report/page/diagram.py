"""The diagram: blocks as groups of rows, rows as boxes, paths beside each other, shapes on the edges."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from advconv.analysis.measure import Measures
from advconv.report.page.layout import EDGE, Box, Frame, edge, fitted, item
from advconv.report.page.markup import Markup, element, joined
from advconv.report.page.rows import FAMILIES, MAX_LABEL, Row, shortened
from advconv.report.page.structure import Part, parts
from advconv.values.quantities import count_text

MAX_HEIGHT = 2_400
"""Pixels of a diagram that is shown whole; a higher one scrolls."""


def diagram(measures: Measures, rows: Sequence[Row]) -> Markup:
    """A group for each block; each of its rows is a drawing of its own, so that a page of paper can end between two."""
    graph = measures.graph
    groups = [(part, [item(child, graph) for child in (part.children or [part])]) for part in parts(rows)]
    items = [drawn for _, group in groups for drawn in group]
    left, right = max(drawn.left for drawn in items) + 2, max(drawn.right for drawn in items) + 2
    canvas, shape, found = Canvas(max(left, right), max(left, right)), "", list[Markup]()
    if left + right < 0.8 * 2 * max(left, right):
        canvas = Canvas(left, right)
    for part, group in groups:
        pieces = []
        for drawn in group:
            pieces.append(canvas.piece(drawn, shape))
            shape = drawn.output
        found.append(_group(part, pieces, shape))
    end = canvas.svg(EDGE, edge(canvas.left, 0, EDGE - 2, shape))
    label = "Rows of the network, in order; the arrow keys move between them"
    options = element("div", *found, role="listbox", aria_label=label, id="rows")
    height = sum(EDGE + drawn.height for drawn in items)
    size = "diagram scroll tall" if height > MAX_HEIGHT else "diagram scroll"
    drawing = element("div", options, end, class_=size, id="diagram")
    return joined(_legend(rows), drawing)


@dataclass(frozen=True, slots=True)
class Canvas:
    """The width of all drawings, to both sides of the edge that runs through them."""

    left: float
    right: float

    def piece(self, drawn: Box | Frame, shape: str) -> Markup:
        """A row with the edge that leads to it."""
        top = EDGE if shape else 4
        lead = edge(self.left, 0, top, shape) if shape else ()
        return self.svg(top + drawn.height, [*lead, *drawn.draw(self.left, top, shape)])

    def svg(self, height: float, content: Iterable[Markup]) -> Markup:
        width = self.left + self.right
        view = f"0 0 {width:g} {height:g}"
        return element("svg", *content, role="none", width=width, height=height, viewBox=view)


def _group(part: Part, pieces: list[Markup], shape: str) -> Markup:
    if part.row:
        return element("div", element("div", class_="gutter"), element("div", *pieces), class_="block", role="none")
    params = sum(row.params for row in part.rows())
    gutter = (
        element("b", fitted(part.label, 12)),
        element("span", shape),
        element("span", f"{count_text(params)} params"),
    )
    name = f"block {part.label}"
    content = element("div", *gutter, class_="gutter", aria_hidden="true"), element("div", *pieces, role="none")
    return element("div", *content, class_="block", role="group", aria_label=shortened(name, MAX_LABEL))


def _legend(rows: Sequence[Row]) -> Markup:
    """The colours that occur, and what the short forms of windows mean."""
    used = {row.family.name for row in rows}
    keys = [
        element("li", element("span", class_=f"swatch {family.name}"), family.title)
        for family in FAMILIES
        if family.name in used
    ]
    short = element("p", "3x3 /2 d2 g4: a 3x3 window of stride 2 and dilation 2 in 4 groups", class_="muted")
    return element("div", element("ul", *keys, aria_label="Colours"), short, class_="legend")
