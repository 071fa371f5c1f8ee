"""The structure of a network: its rows as a tree, and the paths beside each other inside of a row.

It is read off the labels of the rows and the edges of the graph, so that a new block needs nothing here.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from advconv.graph import Graph
from advconv.report.page.rows import Row

STEP = re.compile(r"^[^.\[]+|\.[^.\[]+|\[[0-9]+\]")
"""The steps of a label: `C2[0].layers[1]` is a block, an index, a field and an index."""


@dataclass(slots=True)
class Part:
    """A block, a row, or the rows inside of one. `row` is None for what only encloses others."""

    label: str
    step: str
    row: Row | None = None
    children: "list[Part]" = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        for child in self.children:
            yield from child.rows()
        if self.row:
            yield self.row

    def nodes(self) -> set[int]:
        return {index for row in self.rows() for index in row.nodes}

    @property
    def kind(self) -> str:
        """The word of its block: that of its own row, `repeat` for rounds, else that of the rows inside."""
        if self.row:
            return self.row.kind
        is_repeated = self.step.startswith("[") and self.children[0].step.startswith("[")
        return "repeat" if is_repeated else next(self.rows()).kind


def parts(rows: Sequence[Row]) -> list[Part]:
    """The input, each block with its rows, and the flattening of the output if there is one."""
    top = Part("", "")
    for row in rows:
        place = top
        for match in STEP.finditer(row.label):
            label = row.label[: match.end()]
            child = next((part for part in reversed(place.children) if part.label == label), None)
            if child is None:
                child = Part(label, match.group())
                place.children.append(child)
            place = child
        place.row = row
    return top.children


@dataclass(slots=True)
class Paths:
    """What is drawn inside of a row that has rows of its own: paths beside each other, each a sequence of parts.

    An empty path is the identity. `names`: what the file calls each path.
    """

    columns: list[list[Part]]
    names: list[str]


def paths(part: Part, graph: Graph) -> Paths:
    """Rows of a list follow each other; rows in fields do if one reads the other, else they are beside each other."""
    if part.children[0].step.startswith("["):
        return Paths([part.children if part.row else _rows_of(part)], [""])
    inside, columns = part.nodes(), list[list[Part]]()
    for child in part.children:
        own = child.nodes()
        read = {source for index in own for source in graph.nodes[index].inputs if source in inside} - own
        column = next((column for column in columns if any(other.nodes() & read for other in column)), None)
        if column is None:
            columns.append([child])
        else:
            column.append(child)
    merged = [graph.nodes[index] for index in (part.row.nodes if part.row else ())]
    identities = sum(source not in inside for node in merged for source in node.inputs)
    names = [column[0].step.removeprefix(".") if len(column) == 1 else "" for column in columns]
    drawn = [[row for child in column for row in _rows_of(child)] for column in columns]
    return Paths(drawn + [[] for _ in range(identities)], names + ["identity"] * identities)


def _rows_of(part: Part) -> list[Part]:
    """The rows of a list: of a field, or of all rounds of a repetition."""
    if part.row:
        return [part]
    if part.kind == "repeat":
        return [row for round in part.children for row in round.children]
    return part.children
