"""Tables as HTML: sortable by their headers, each row tied to a row of the network."""

from collections.abc import Sequence

from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import ReceptiveField
from advconv.analysis.rf_table import steps
from advconv.report.page.markup import Markup, element, joined
from advconv.report.page.rows import MAX_LABEL, Row, shortened
from advconv.report.rf_table import rf_table
from advconv.report.summary import summary
from advconv.report.table import Cell, Table, cell_text
from advconv.values.quantities import bytes_text

MAX_CHARACTERS, MAX_CELL = 220_000, 240
"""Of the markup of one table, and of the text of a cell in it."""

MAX_CLOSING = 50
"""Lines below a table."""


def receptive_fields(measures: Measures, name: str, rows: Sequence[Row]) -> Markup:
    """The receptive-field calculation table with its formulas."""
    table = rf_table(measures, name, explain=True)
    labels = [step.node.origin.label for step in steps(measures) if not step.is_global_pooling]
    # The label of a row begins with its block.
    kept = [place for place, column in enumerate(table.columns) if column != "Block"]
    lines = [(label, *(cells[place] for place in kept)) for label, cells in zip(labels, table.rows, strict=True)]
    columns = ("Row", *(table.columns[place] for place in kept))
    return sortable(Table(table.title, columns, tuple(lines), table.closing, texts=table.texts), rows)


def layers(measures: Measures, name: str, rows: Sequence[Row]) -> Markup:
    return sortable(summary(measures, name), rows, header=1)


def totals_of_rows(measures: Measures, rows: Sequence[Row]) -> Markup:
    """The numbers of the charts."""
    lines = [
        (row.label, row.kind, row.detail, row.output, _size(measures, row), row.params, row.macs, row.memory)
        for row in rows
    ]
    columns = ("Row", "Kind", "Window", "Output", "RF", "Params", "MACs", "Memory")
    texts = {"Memory": bytes_text, "RF": lambda size: "unknown" if size is None else cell_text(size)}
    return sortable(
        Table("Rows of the network, with the sums of their layers", columns, tuple(lines), texts=texts), rows
    )


def _size(measures: Measures, row: Row) -> Cell:
    size = ReceptiveField.of(measures.reaches[row.last]).size
    return size if size is None or size[0] != size[1] else size[0]


def sortable(table: Table, rows: Sequence[Row] = (), header: int = 0) -> Markup:
    """A table whose first column is the label of a row; `header` is the column that names a line for screen readers."""
    numbers = {row.label: row.number for row in rows}
    is_number = [not any(isinstance(line[column], str) for line in table.rows) for column in range(len(table.columns))]
    heads = [
        element("th", element("button", name, type="button"), scope="col", class_="number" if number else None)
        for name, number in zip(table.columns, is_number, strict=True)
    ]
    body, room = list[Markup](), MAX_CHARACTERS
    for number, line in enumerate(table.rows):
        stop = -1 if number else 0
        cells = _cells(table, line, header, is_number)
        body.append(element("tr", *cells, tabindex=stop, data_row=numbers.get(str(line[0]))))
        room -= len(body[-1])
        if room < 0:
            break
    caption = element("caption", element("span", table.title))
    whole = element("table", caption, element("thead", element("tr", *heads)), element("tbody", *body))
    more = [f"The first {len(body):,} of {len(table.rows):,} lines."] if len(body) < len(table.rows) else []
    closing = [element("p", text, class_="closing") for text in (*more, *table.closing[:MAX_CLOSING])]
    region = element("div", whole, class_="scroll table", role="group", aria_label=table.title, tabindex=0)
    return joined(region, closing)


def _cells(table: Table, line: Sequence[Cell], header: int, is_number: Sequence[bool]) -> list[Markup]:
    found = []
    for place, (column, cell) in enumerate(zip(table.columns, line, strict=True)):
        shown = shortened(table.texts.get(column, cell_text)(cell), MAX_CELL if place else MAX_LABEL)
        # What is shown in units or with separators is sorted by its number.
        key = cell if isinstance(cell, int | float) and shown != str(cell) else None
        kind = "number" if is_number[place] else _width(shown)
        if place == header:
            found.append(element("th", shown, scope="row", class_=kind, data_key=key))
        else:
            found.append(element("td", shown, class_=kind, data_key=key))
    return found


def _width(text: str) -> str | None:
    """The class of a cell whose text may be broken into lines; None for a word or two."""
    return "prose" if " " in text and len(text) > 12 else None
