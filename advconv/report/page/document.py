"""The whole page of a checked file."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import PurePath
from typing import NamedTuple

from advconv.analysis.measure import Measures
from advconv.backends.torch_source import emit
from advconv.check import Checked, gc_disabled
from advconv.report.page.charts import charts
from advconv.report.page.diagram import diagram
from advconv.report.page.field import fields
from advconv.report.page.inspector import RowData, inspector, row_data
from advconv.report.page.judgements import constraints, findings, state, totals
from advconv.report.page.markup import Content, Markup, element, joined, json_script, lines
from advconv.report.page.rows import Row, rows
from advconv.report.page.tables import layers, receptive_fields, totals_of_rows
from advconv.system.shipped import shipped
from advconv.text.reader import read
from advconv.text.source import LINE_BREAK, Source

GENERATOR = '<meta name="generator" content="advconv">'
"""In the head of each page, by which a page of ours is recognised."""

MAX_LINES, MAX_CHARACTERS = 2_000, 100_000
"""Of one listing on the page."""


class Section(NamedTuple):
    """A part of the page with a heading; `short` is its name in the navigation."""

    name: str
    short: str
    title: str
    content: Content


def page(checked: Checked) -> str:
    """The page as one text that loads nothing."""
    with gc_disabled():
        name = checked.spec.name if checked.spec else checked.source.name
        found = rows(checked.measures) if checked.measures else []
        data = _row_data(checked.measures, found, checked.source) if checked.measures else []
        sections = list(_sections(checked, name, found))
        header = element("header", element("h1", name), state(checked), _totals(checked), _navigation(sections))
        main = element("main", *map(_section, sections))
        panel = _panel(checked.measures, found, data) if checked.measures else None
        footer = element("footer", element("p", f"Made by advconv from {PurePath(checked.source.name).name}."))
        body = header, element("div", main, panel, class_="columns" if panel else None), footer
        return _html(name, joined(*body, json_script("data", data)))


def _html(title: str, body: Markup) -> str:
    style, script = palette() + _asset("page.css"), _asset("page.js")
    of_style, of_script = asset_hashes()
    policy = f"default-src 'none'; style-src '{of_style}'; script-src '{of_script}'; img-src data:; base-uri 'none'"
    head = joined(
        element("meta", charset="utf-8"),
        Markup(GENERATOR),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{title} - advconv report"),
        element("link", rel="icon", href="data:,"),
        element("style", Markup(style)),
    )
    content = element("head", head), element("body", body, element("script", Markup(script)))
    return f"<!DOCTYPE html>\n{element('html', *content, lang='en')}\n"


def asset_hashes() -> tuple[str, str]:
    """Of the style and the script of every page, by which a policy allows them and no others."""
    return _hash(palette() + _asset("page.css")), _hash(_asset("page.js"))


def palette() -> str:
    """The colours, light and dark."""
    return _asset("palette.css")


@cache
def _asset(name: str) -> str:
    return shipped(f"report/page/{name}").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _sections(checked: Checked, name: str, found: Sequence[Row]) -> list[Section]:
    text = checked.source.lines
    text = text[:-1] if len(text) > 1 and not text[-1] else text
    yaml = _cut(text)
    marked = [diagnostic.start.line for diagnostic in checked.diagnostics if not diagnostic.source.is_option]
    sections = [Section("findings", "Findings", "Findings", findings(checked.diagnostics, len(yaml)))]
    if checked.verdicts:
        sections.insert(0, Section("constraints", "Constraints", "Constraints", constraints(checked.verdicts)))
    if measures := checked.measures:
        sections += _network_sections(measures, name, found)
    listing = _listing(yaml, len(text), "line-", marked)
    sections.append(Section("yaml", "YAML", "The file", listing))
    if measures := checked.measures:
        source = LINE_BREAK.split(emit(measures, name).removesuffix("\n"))
        title = "PyTorch module"
        sections.append(Section("source", "PyTorch", title, _listing(_cut(source), len(source))))
    return sections


def _network_sections(measures: Measures, name: str, found: Sequence[Row]) -> list[Section]:
    count = len({node.origin.label for node in measures.graph.nodes})
    more = element("p", f"The first {len(found):,} of {count:,} rows.") if len(found) < count else None
    growth = charts(measures, found), totals_of_rows(measures, found)
    return [
        Section("network", "Network", "Network", (more, diagram(measures, found))),
        Section("growth", "By row", "Growth and cost by row", (more, growth)),
        Section("fields", "RF table", "Receptive-field calculation", receptive_fields(measures, name, found)),
        Section("layers", "Layers", "Layers", layers(measures, name, found)),
    ]


def _section(section: Section) -> Markup:
    heading = element("h2", section.title, id=f"{section.name}-title")
    return element("section", heading, section.content, id=section.name, aria_labelledby=f"{section.name}-title")


def _navigation(sections: Sequence[Section]) -> Markup:
    items = [element("li", element("a", section.short, href=f"#{section.name}")) for section in sections]
    return element("nav", element("ul", *items), aria_label="Sections")


def _totals(checked: Checked) -> Markup | None:
    return totals(checked.measures) if checked.measures else None


def _cut(content: Sequence[str]) -> list[str]:
    """The first lines, as many as a page holds."""
    kept, room = list[str](), MAX_CHARACTERS
    for line in content[:MAX_LINES]:
        kept.append(line[:room])
        room -= len(line)
        if room <= 0:
            break
    return kept


def _listing(kept: Sequence[str], count: int, prefix: str = "", marked: Sequence[int] = ()) -> Markup:
    is_cut = len(kept) < count or sum(map(len, kept)) >= MAX_CHARACTERS
    note = element("p", f"The first {len(kept):,} of {count:,} lines.", class_="closing") if is_cut else None
    button = element("button", "Copy", type="button", class_="copy")
    label = "The file" if prefix else "Source of the module"
    code = element("code", lines(kept, prefix, marked))
    listing = element("pre", code, class_="scroll listing", role="group", tabindex=0, aria_label=label)
    return element("div", button, listing, note, class_="code")


def _row_data(measures: Measures, found: list[Row], source: Source) -> list[RowData]:
    document, _ = read(source)

    def line(row: Row) -> int | None:
        return source.position(document.key_span(row.path).start).line if document and row.path else None

    return [row_data(row, field, line(row)) for row, field in zip(found, fields(measures, found), strict=True)]


def _panel(measures: Measures, found: Sequence[Row], data: Sequence[RowData]) -> Markup:
    """The panel with the row of the last map, whose field is that of the network."""
    last = measures.last_maps.maps[-1]
    start = next((row.number for row in found if last in row.nodes), len(found) - 1)
    return inspector(measures, data[start])
