"""Where the boxes and edges of the diagram stand: rows after each other, paths beside each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from advconv.graph import Graph
from advconv.report.page.markup import Markup, element
from advconv.report.page.rows import Row
from advconv.report.page.structure import Part, paths

BOX, LOW_BOX = (164, 38), (164, 26)
EDGE, LEAD, NAME, TITLE, GAP, MARGIN = 26, 12, 14, 18, 16, 10
"""Heights of edges and titles and distances, in pixels."""

IDENTITY = 66
"""What a path without rows takes to the right of its edge, for the shape."""

DIGIT, LETTER = 6.1, 7.0
"""Widths of characters at most: of 10 pixels in a monospaced font, and of 12 pixels, bold."""


@dataclass(frozen=True, slots=True)
class Box:
    """A row without rows inside, or, if it is low, the layers that end a row with some."""

    row: Row
    title: str
    is_low: bool = False

    @property
    def left(self) -> float:
        return BOX[0] / 2

    @property
    def right(self) -> float:
        return BOX[0] / 2

    @property
    def height(self) -> float:
        return LOW_BOX[1] if self.is_low else BOX[1]

    def draw(self, x: float, y: float, shape: str) -> Iterator[Markup]:
        row, left, width = self.row, x - self.left, BOX[0]
        texts = self._texts(left, y)
        yield element(
            "g",
            element("rect", x=left, y=y, width=width, height=self.height, rx=4, class_="box"),
            element("rect", x=left, y=y, width=5, height=self.height, rx=2, class_="stripe"),
            # The space keeps the words apart for who reads the text of the element.
            [(element("text", text, x=x, y=y, class_=name), " ") for text, x, y, name in texts],
            class_=f"row {row.family.name}",
            role="option",
            aria_selected="false",
            aria_label=self._spoken([text for text, *_ in texts], shape),
            tabindex=-1 if row.number else 0,
            data_row=row.number,
        )

    def _texts(self, left: float, y: float) -> list[tuple[str, float, float, str]]:
        """Each text of the box, its place, and its class in the style sheet."""
        row, width = self.row, BOX[0]
        detail = fitted(row.label if self.is_low else row.detail, 14, "left")
        title = fitted(self.title, int((width - 22 - len(detail) * DIGIT) / LETTER))
        texts = [(title, left + 12, y + 16.5, "title"), (detail, left + width - 8, y + 16.5, "detail")]
        if not self.is_low and row.label != self.title:
            texts.append((fitted(row.label, 23, "left"), left + 12, y + 31, "label"))
        return [text for text in texts if text[0]]

    def _spoken(self, seen: list[str], shape: str) -> str:
        """What a screen reader says: the texts, what they leave out, and the shapes before and after."""
        row = self.row
        left_out = [word for word in (row.name, row.family.title) if word not in (*seen, self.title, "other")]
        sizes = f"{shape} to {row.output}" if shape else row.output
        return f"{' '.join(seen)}: {', '.join([*left_out, sizes])}"

    @property
    def output(self) -> str:
        return self.row.output


def fitted(text: str, room: int, cut: str = "right") -> str:
    """A text of at most `room` characters, cut at one end."""
    if len(text) <= room:
        return text
    return f"{text[: room - 1]}…" if cut == "right" else f"…{text[1 - room :]}"


class Series:
    """Items one after the other, with the shape of the map on the edge between two."""

    def __init__(self, items: "Sequence[Box | Frame]") -> None:
        self.items = items
        self.left: float = max((item.left for item in items), default=8)
        self.right: float = max((item.right for item in items), default=IDENTITY)
        self.height: float = sum(item.height for item in items) + EDGE * max(0, len(items) - 1)

    def draw(self, x: float, y: float, shape: str) -> Iterator[Markup]:
        for number, item in enumerate(self.items):
            if number:
                yield from edge(x, y, y + EDGE, shape)
                y += EDGE
            yield from item.draw(x, y, shape)
            shape, y = item.output, y + item.height

    def output(self, shape: str) -> str:
        return self.items[-1].output if self.items else shape


class Frame:
    """A row with rows inside: its paths beside each other, and the box that merges them."""

    def __init__(self, part: Part, graph: Graph) -> None:
        found = paths(part, graph)
        self.title, self.names = f"{part.kind} {part.label}", found.names
        if part.kind == "repeat":
            self.title += f", {len(part.children)} rounds"
        self.is_split = len(found.columns) > 1
        self.columns = [Series([item(child, graph, part.kind) for child in column]) for column in found.columns]
        self.end = Box(part.row, merge_title(graph, part.row), is_low=True) if part.row else None
        self.inner = max(column.height for column in self.columns)
        width = sum(column.left + column.right for column in self.columns) + GAP * (len(self.columns) - 1)
        # Two paths: the first is the main one. More: the split is in their middle.
        self.first = self.columns[0].left
        last = width - self.columns[-1].right
        self.anchor = (self.first + last) / 2 if len(self.columns) > 2 else self.first
        end = BOX[0] / 2 if self.end else 0
        self.left = max(self.anchor, end) + MARGIN
        self.right = max(width - self.anchor, end) + MARGIN
        self.top = TITLE + LEAD + (NAME + LEAD if self.is_split else 0)
        after = EDGE + (LEAD if self.is_split else 0) + LOW_BOX[1] if self.end else LEAD if self.is_split else 0
        self.height: float = self.top + self.inner + after + MARGIN

    @property
    def output(self) -> str:
        if self.end:
            return self.end.output
        return self.columns[0].output("")

    def draw(self, x: float, y: float, shape: str) -> Iterator[Markup]:
        frame = {"x": x - self.left, "y": y, "width": self.left + self.right, "height": self.height}
        yield element("rect", **frame, rx=6, class_="frame")
        room = int((self.left + self.right - 16) / DIGIT)
        title = fitted(self.title, room)
        # The edge into the frame goes through the middle; the title stands left of it, with its own background.
        yield element("line", x1=x, y1=y, x2=x, y2=y + TITLE + LEAD, class_="edge")
        yield element(
            "rect", x=x - self.left + 5, y=y + 4, width=len(title) * DIGIT + 6, height=14, class_="title-back"
        )
        yield element("text", title, x=x - self.left + 8, y=y + 14.5, class_="frame-title")
        yield from self._paths(x, y, shape)
        if self.end:
            y += self.height - MARGIN - LOW_BOX[1]
            if not self.is_split:
                yield from edge(x, y - EDGE, y, self.columns[0].output(shape))
            else:
                yield from edge(x, y - LEAD - 4, y, "")
            yield from self.end.draw(x, y, shape)
            y += LOW_BOX[1]
        else:
            y += self.height - MARGIN
        yield element("line", x1=x, y1=y, x2=x, y2=y + MARGIN, class_="edge")

    def _paths(self, x: float, y: float, shape: str) -> Iterator[Markup]:
        split, top = y + TITLE + LEAD, y + self.top
        bottom = top + self.inner
        merge = bottom + EDGE - 4
        place = x - self.anchor
        anchors = []
        for column, name in zip(self.columns, self.names, strict=True):
            place += column.left
            anchors.append(place)
            if self.is_split:
                yield element("line", x1=place, y1=split, x2=place, y2=top, class_="edge")
                yield element("text", fitted(name, 22), x=place + 6, y=split + 14, class_="path-name")
                yield from arrow(place, top) if column.items else ()
                yield from edge(place, top + column.height, merge, column.output(shape), bottom, is_arrow=False)
            else:
                yield from arrow(place, top)
            yield from column.draw(place, top, shape)
            place += column.right + GAP
        if self.is_split:
            yield element(
                "path",
                d=f"M{anchors[0]:g} {split:g}H{anchors[-1]:g}M{anchors[0]:g} {merge:g}H{anchors[-1]:g}",
                class_="edge",
            )


def merge_title(graph: Graph, row: Row) -> str:
    """`add, SiLU`: what the layers that end a row are."""
    kinds = dict.fromkeys(graph.nodes[index].layer.kind for index in row.nodes)
    return ", ".join(kind.lower() if kind in ("Add", "Concat", "Multiply") else kind for kind in kinds)


def edge(
    x: float, top: float, bottom: float, shape: str, label: float | None = None, is_arrow: bool = True
) -> Iterator[Markup]:
    """A vertical edge with the shape of the map to its right; `label` is where that stands, else the top."""
    yield element("line", x1=x, y1=top, x2=x, y2=bottom, class_="edge")
    if shape:
        yield element("text", fitted(shape, 22), x=x + 6, y=(top if label is None else label) + 15.5, class_="shape")
    yield from arrow(x, bottom) if is_arrow else ()


def arrow(x: float, y: float) -> Iterator[Markup]:
    yield element("path", d=f"M{x - 3.5:g} {y - 6:g}h7l-3.5 6z", class_="arrow")


def item(part: Part, graph: Graph, above: str = "") -> Box | Frame:
    """The drawing of a row; `above` is the word of the block that it is inside of."""
    if part.children or part.row is None:
        return Frame(part, graph)
    is_field = part.step.startswith(".") and part.row.kind == above
    return Box(part.row, part.step[1:] if is_field else part.row.kind)
