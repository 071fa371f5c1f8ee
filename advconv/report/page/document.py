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
from advconv.report.page.listing import cut, listing
from advconv.report.page.markup import Content, Markup, element, joined, json_script
from advconv.report.page.rows import Row, rows
from advconv.report.page.tables import layers, receptive_fields, totals_of_rows
from advconv.system.shipped import shipped
from advconv.text.reader import read
from advconv.text.source import LINE_BREAK, Source

GENERATOR = '<meta name="generator" content="advconv">'
"""In the head of each page, by which a page of ours is recognised."""


class Section(NamedTuple):
    """A part of the page with a heading; `short` is its name in the navigation."""

    name: str
    short: str
    title: str
    content: Content


class Frame(NamedTuple):
    """What stands around the page of a file that is part of a larger page: its title, sections before and after it.

    `style` is the name of a further style sheet.
    """

    title: str
    head: Content
    before: Sequence[Section]
    after: Sequence[Section]
    made_from: str
    style: str


def page(checked: Checked, frame: Frame | None = None, version: str = "") -> str:
    """The page as one text that loads nothing.

    With a `version` it is a served one, which its reader loads again when the server has another version.
    """
    with gc_disabled():
        name = checked.spec.name if checked.spec else checked.source.name
        found = rows(checked.measures) if checked.measures else []
        data = _row_data(checked.measures, found, checked.source) if checked.measures else []
        sections = list(_sections(checked, name, found))
        panel = _panel(checked.measures, found, data, "section" if frame else "aside") if checked.measures else None
        script = json_script("data", data)
        if frame:
            return _framed(frame, sections, _totals(checked), panel, script)
        header = element("header", element("h1", name), state(checked), _totals(checked), _navigation(sections))
        columns = element("div", element("main", *map(_section, sections)), panel, class_="columns" if panel else None)
        footer = _footer(PurePath(checked.source.name).name)
        return html(name, joined(header, columns, footer, script), version=version)


def _framed(
    frame: Frame, sections: Sequence[Section], totals: Markup | None, panel: Markup | None, script: Markup
) -> str:
    """The sections of the file, with their panel, between those of the frame."""
    navigation = _navigation([*frame.before, *sections, *frame.after])
    header = element("header", element("h1", frame.title), frame.head, totals, navigation)
    inner = element("div", element("div", *map(_section, sections), class_="stack"), panel, class_="columns")
    main = element("main", *map(_section, frame.before), inner, *map(_section, frame.after))
    return html(frame.title, joined(header, main, _footer(frame.made_from), script), frame.style)


def plain_page(title: str, head: Content, sections: Sequence[Section], made_from: str, style: str) -> str:
    """A page of sections without a network."""
    header = element("header", element("h1", title), head, _navigation(sections))
    main = element("main", *map(_section, sections))
    return html(title, joined(header, main, _footer(made_from), json_script("data", [])), style)


def _footer(made_from: str) -> Markup:
    return element("footer", element("p", f"Made by advconv from {made_from}."))


def notice(name: str, text: str, version: str) -> str:
    """A served page about a file that cannot be read."""
    header = element("header", element("h1", name), element("p", text))
    return html(name, joined(header, json_script("data", [])), version=version)


def html(title: str, body: Markup, further_style: str = "", version: str = "") -> str:
    """A whole page with the script and the style sheet, and a further one; a served page has a `version`."""
    style = palette() + _asset("page.css") + (_asset(further_style) if further_style else "")
    code = [_asset(name) for name in ("page.js", *(["reload.js"] if version else []))]
    allowed = " ".join(f"'{_hash(script)}'" for script in code)
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src {allowed}; img-src data:; base-uri 'none'"
    policy += "; connect-src 'self'" if version else ""
    head = joined(
        element("meta", charset="utf-8"),
        Markup(GENERATOR),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="advconv-version", content=version) if version else None,
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{title} - advconv report"),
        element("link", rel="icon", href="data:,"),
        element("style", Markup(style)),
    )
    content = element("head", head), element("body", body, *(element("script", Markup(script)) for script in code))
    return f"<!DOCTYPE html>\n{element('html', *content, lang='en')}\n"


def asset_hashes() -> tuple[str, str]:
    """Of the style and the script of every page, by which a policy allows them and no others."""
    return _hash(palette() + _asset("page.css")), _hash(_asset("page.js"))


def palette() -> str:
    """The colours, light and dark."""
    return _asset("palette.css")


@cache
def _asset(name: str) -> str:
    return shipped(f"report/{'' if '/' in name else 'page/'}{name}").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _sections(checked: Checked, name: str, found: Sequence[Row]) -> list[Section]:
    text = checked.source.lines
    text = text[:-1] if len(text) > 1 and not text[-1] else text
    marked = [diagnostic.start.line for diagnostic in checked.diagnostics if not diagnostic.source.is_option]
    sections = [Section("findings", "Findings", "Findings", findings(checked.diagnostics, len(cut(text))))]
    if checked.verdicts:
        sections.insert(0, Section("constraints", "Constraints", "Constraints", constraints(checked.verdicts)))
    if measures := checked.measures:
        sections += _network_sections(measures, name, found)
    sections.append(Section("yaml", "YAML", "The file", listing(text, "The file", "line-", marked)))
    if measures := checked.measures:
        source = LINE_BREAK.split(emit(measures, name).removesuffix("\n"))
        sections.append(Section("source", "PyTorch", "PyTorch module", listing(source, "Source of the module")))
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


def _row_data(measures: Measures, found: list[Row], source: Source) -> list[RowData]:
    document, _ = read(source)

    def line(row: Row) -> int | None:
        return source.position(document.key_span(row.path).start).line if document and row.path else None

    return [row_data(row, field, line(row)) for row, field in zip(found, fields(measures, found), strict=True)]


def _panel(measures: Measures, found: Sequence[Row], data: Sequence[RowData], tag: str) -> Markup:
    """The panel with the row of the last map, whose field is that of the network."""
    last = measures.last_maps.maps[-1]
    start = next((row.number for row in found if last in row.nodes), len(found) - 1)
    return inspector(measures, data[start], tag)
