"""The panel with the image: the receptive field of one row at a time, which the script exchanges."""

from collections.abc import Mapping, Sequence
from typing import Any

from advconv.analysis.measure import Measures
from advconv.report.page.field import TERMS, Field, Run, readings, sentence
from advconv.report.page.markup import Markup, element, joined
from advconv.report.page.rows import Row

RowData = Mapping[str, Any]
"""What the panel shows of a row. `view` and `box`: left, top, width, height in pixels of the image; `box` is None if
the field is unknown. `areas`: drawings of the connected rows and columns, whose intersection is connected."""


def row_data(row: Row, field: Field | None, line: int | None) -> RowData:
    data: dict[str, Any] = {
        "label": row.name,
        "kind": row.kind,
        "line": line,
        "text": sentence(row, field),
        "box": None,
        "areas": [],
    }
    data["readings"] = readings(row, field)
    if field:
        (top, left), (height, width) = field.first, field.size
        data["view"] = [round(number, 2) for number in field.view]
        data["box"] = [left, top, width, height]
        data["areas"] = [[_strips(rows, field, 0), _strips(columns, field, 1)] for rows, columns in field.areas]
    return data


def _strips(runs: Sequence[Run], field: Field, axis: int) -> str:
    """Runs of rows over the width of the field, or runs of columns over its height, as a path."""
    (top, left), (height, width) = field.first, field.size
    if axis == 0:
        return "".join(f"M{left} {start}h{width}v{count}h-{width}z" for start, count in runs)
    return "".join(f"M{start} {top}h{count}v{height}h-{count}z" for start, count in runs)


def inspector(measures: Measures, data: RowData, tag: str = "aside") -> Markup:
    """The panel, with one row shown until the script shows another."""
    height, width = measures.graph.input.size
    title = element("h2", "Receptive field", id="inspector-title")
    row = element("p", element("b", data["label"], id="row-label"), " ", element("span", data["kind"], id="row-kind"))
    live = element("p", data["text"], id="row-text", role="status", aria_live="polite", aria_atomic="true")
    pairs = [
        element("div", element("dt", term), element("dd", value))
        for term, value in zip(TERMS, data["readings"], strict=True)
    ]
    place = element("div", element("dt", "In the file"), element("dd", _link(data["line"]), id="row-line"))
    readout = element("dl", *pairs, place, id="row-readings")
    drawing = element("div", _image(height, width, data), element("p", f"image {height}x{width}", class_="muted scale"))
    content = title, drawing, _key(), row, live, readout
    return element(tag, *content, class_="inspector", tabindex=0, aria_labelledby="inspector-title")


def _link(line: int | None) -> Markup | None:
    return element("a", f"line {line}", href=f"#line-{line}") if line else None


def _image(height: int, width: int, data: RowData) -> Markup:
    box = data["box"]
    left, top, *view = data.get("view", [0, 0, width, height])
    size = dict(zip(("x", "y", "width", "height"), box or [0, 0, 0, 0], strict=True))
    definitions = [
        element(
            "pattern",
            element("path", d="M0 0V6", class_="hatch"),
            id="hatch",
            width=6,
            height=6,
            patternUnits="userSpaceOnUse",
            patternTransform=f"scale({max(view) / 280:.4g}) rotate(45)",
        ),
        element("clipPath", element("rect", width=width, height=height), id="inside"),
    ]
    shapes = [
        element("rect", **size, class_="outside"),
        element("rect", width=width, height=height, class_="image"),
        element("g", element("g", *_seen(data), id="seen"), clip_path="url(#inside)"),
        element("rect", width=width, height=height, class_="image-edge"),
        element("rect", **size, class_="field", id="field"),
    ]
    return element(
        "svg",
        element("defs", *definitions),
        *shapes,
        id="view",
        viewBox=f"{left:g} {top:g} {view[0]:g} {view[1]:g}",
        role="img",
        aria_label="The image and the receptive field of the row, to scale",
    )


def _seen(data: RowData) -> list[Markup]:
    """The connected pixels; `page.js` draws the same for the other rows."""
    if not data["box"]:
        return []
    left, top, width, height = data["box"]
    if not data["areas"]:
        return [element("path", d=f"M{left} {top}h{width}v{height}h-{width}z")]
    found = []
    for number, (rows, columns) in enumerate(data["areas"]):
        clip = element("clipPath", element("path", d=rows), id=f"area-{number}")
        found.append(joined(clip, element("path", d=columns, clip_path=f"url(#area-{number})")))
    return found


def _key() -> Markup:
    words = {"seen": "connected", "gap": "in the field, not connected", "padding": "on padding"}
    items = [element("li", element("span", class_=f"swatch {name}"), word) for name, word in words.items()]
    return element("ul", *items, class_="key", aria_label="Key")
