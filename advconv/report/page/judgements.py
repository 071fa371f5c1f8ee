"""What the check says: the state, the constraints with their margins, and the findings with their help."""

from collections.abc import Sequence

from advconv.analysis.measure import Measures
from advconv.check import Checked
from advconv.constraints.record import Status, Verdict
from advconv.report.page.markup import Markup, element, joined, prose
from advconv.report.text import field_notes, kept_text, state_text
from advconv.rules import BY_CODE
from advconv.rules.diagnostics import Diagnostic
from advconv.values.quantities import bytes_text, count_text

WORDS = {
    Status.KEPT: ("kept", "\u2713"),
    Status.FAILED: ("failed", "\u2717"),
    Status.PROMISED: ("not judged", "\u2026"),
}
"""How the status of a constraint is written, with a sign; colour comes on top."""

MAX_SHOWN = 100
"""Findings on the page."""


def state(checked: Checked) -> Markup:
    """`ok` or what is wrong, and how many constraints are kept."""
    kept = kept_text(checked) if checked.verdicts else ""
    sign = "\u2713" if checked.ok else "\u2717"
    word = element("strong", element("span", sign, aria_hidden="true"), " ", state_text(checked))
    return element("p", word, f", {kept}" if kept else None, class_=f"state {'good' if checked.ok else 'bad'}")


def totals(measures: Measures) -> Markup:
    """The numbers of the network."""
    field, total, memory = measures.receptive_field, measures.total, measures.memory
    notes = ", ".join(field_notes(field, measures.receptive_field_through_pooling))
    pairs = [
        ("Receptive field", str(field), notes or "pixels"),
        ("Parameters", count_text(total.params), f"{bytes_text(measures.weights)} in float32"),
        ("MACs", count_text(total.macs), "one image; bias and norm not counted"),
        ("Memory", bytes_text(memory.inference), f"{bytes_text(memory.eager)} in torch's eager mode"),
        ("For training", bytes_text(memory.training), "saved for the backward pass"),
        (
            "Image to output",
            f"{measures.graph.input} \u2192 {measures.graph.output}",
            f"{len(measures.graph.nodes)} layers",
        ),
    ]
    items = [
        element("div", element("dt", term), element("dd", element("b", value), element("small", note)))
        for term, value, note in pairs
    ]
    return element("dl", *items, class_="totals")


def constraints(verdicts: Sequence[Verdict]) -> Markup:
    heads = [element("th", name, scope="col") for name in ("Status", "Constraint", "Measured", "Limit", "Margin", "")]
    heads[-1] = element("th", element("span", "Measured value and limit, drawn", class_="hidden"), scope="col")
    body = [element("tr", *_verdict(verdict)) for verdict in verdicts]
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *body), class_="constraints")
    key = "Drawn from 0, or around a narrow limit: the allowed values as a band, the measured one as a diamond."
    region = element("div", table, class_="scroll", role="group", aria_label="Table of constraints", tabindex=0)
    return joined(region, element("p", key, class_="closing small"))


def _verdict(verdict: Verdict) -> list[Markup]:
    word, sign = WORDS[verdict.status]
    status = element("td", element("span", sign, aria_hidden="true"), " ", word, class_=f"status {verdict.status}")
    name = element("th", verdict.name, scope="row")
    texts = [element("td", text, class_="number") for text in (verdict.value_text, verdict.limit.text)]
    return [status, name, *texts, element("td", verdict.margin_text), element("td", bar(verdict))]


BAR = 120


def bar(verdict: Verdict) -> Markup:
    """The values that the limit allows as a band, its ends as posts, the measured value as a diamond."""
    bounds = verdict.limit.bounds
    value = verdict.limit.worst(verdict.axes) if verdict.axes else None
    first, last = _ends([*(bound.value for bound in bounds), *([] if value is None else [value])])

    def x(amount: float) -> float:
        return round(8 + (BAR - 16) * (amount - first) / (last - first), 2)

    low = max((bound.value for bound in bounds if ">" in bound.operator or bound.operator == "=="), default=first)
    high = min((bound.value for bound in bounds if "<" in bound.operator or bound.operator == "=="), default=last)
    parts = [
        element("line", x1=x(first), x2=x(last), y1=10, y2=10, class_="track"),
        element("rect", x=x(low), y=6, width=max(0, round(x(high) - x(low), 2)), height=8, class_="allowed"),
        *(element("line", x1=x(bound.value), x2=x(bound.value), y1=1, y2=19, class_="post") for bound in bounds),
    ]
    if value is not None:
        parts.append(element("path", d=f"M{x(value):g} 4l6 6-6 6-6-6z", class_=f"value {verdict.status}"))
    return element("svg", *parts, class_="margin", aria_hidden="true", width=BAR, height=20, viewBox=f"0 0 {BAR} 20")


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """From 0, or around values that differ by less than a tenth, which would be one mark otherwise."""
    lowest, highest = min(values), max(values)
    if len(values) > 2 and 0 < highest - lowest < highest / 10:
        return lowest - (highest - lowest) / 2, highest + (highest - lowest) / 2
    return 0, highest * 1.15 or 1


def findings(diagnostics: Sequence[Diagnostic], has_line: int) -> Markup:
    """Each with its place, help and the rows before it; `has_line`: how many lines of the text the page shows."""
    if not diagnostics:
        return element("p", "None.")
    items = [_finding(found, has_line) for found in diagnostics[:MAX_SHOWN]]
    more = len(diagnostics) - len(items)
    return joined(element("ul", *items, class_="findings"), element("p", f"{more:,} more.") if more else None)


def _finding(found: Diagnostic, has_line: int) -> Markup:
    line = found.start.line
    if found.source.is_option:
        place: Markup = element("span", found.option[:200])
    elif line <= has_line:
        place = element("a", f"line {line}", href=f"#line-{line}")
    else:
        place = element("span", f"line {line}")
    head = [
        element("span", found.severity.value, class_=f"severity {found.severity.value}"),
        " ",
        element("b", found.code),
        " ",
        BY_CODE[found.code].title,
        ", ",
        place,
    ]
    return element(
        "li",
        element("p", *head, class_="head"),
        element("p", prose(found.message)),
        element("p", element("b", "Help: "), prose(found.help), class_="help") if found.help else None,
        _trail(found),
    )


def _trail(found: Diagnostic) -> Markup | None:
    if not found.trail:
        return None
    heads = element("tr", *(element("th", name, scope="col") for name in ("Row", "Layer", "Output")))
    body = [
        element("tr", element("th", row, scope="row"), element("td", layer), element("td", shape))
        for row, layer, shape in found.trail[-MAX_SHOWN:]
    ]
    table = element("table", element("thead", heads), element("tbody", *body))
    return element("div", table, class_="scroll", role="group", aria_label="Rows up to it", tabindex=0)
