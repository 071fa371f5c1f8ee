"""The page of `advconv report` in Chromium: the drawn field, keyboard, sorting, copying, printing, accessibility."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from advconv.analysis.measure import Measures
from advconv.check import Checked, check
from advconv.report.page.document import page
from advconv.report.page.rows import FAMILIES, rows
from advconv.text.source import Source
from tests.browser import CONTRAST, chromium, needs_axe, needs_chromium, views, violations
from tests.page import HOSTILE, hostile_file, long_network

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, needs_chromium]

GAPS = """\
advconv: 1
name: gaps
input: [3, 48, 64]
network:
  C1:
    - conv: {out_channels: 8, padding: valid}
    - dilated: {out_channels: 8, dilation: 4}
    - branches: {merge: add, paths: {near: [conv: 8], far: [dilated: {out_channels: 8, dilation: [9, 12]}]}}
  O: [gap, flatten]
"""
TEXTS = {
    "c1c2c3c4": Path("archs/c1c2c3c4.yaml").read_text(encoding="utf-8"),
    "googlenet": Path("archs/zoo/googlenet.yaml").read_text(encoding="utf-8"),
    "three": long_network(3),
    "long": long_network(300),
    "named": f"""\
advconv: 1
name: {"n" * 60}
input: [3, 32, 32]
network:
  {"Block" * 12}: [conv: 8, residual: [conv: 8]]
""",
    "gaps": GAPS,
    "hostile": hostile_file(),
    "errors": f"advconv: 1\n{HOSTILE}",
    "broken": Path("archs/reference/99850.yaml").read_text(encoding="utf-8"),
}


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with chromium() as started:
        yield started


@pytest.fixture
def opened(browser: "Browser", tmp_path: Path) -> Iterator[Any]:
    """A function that opens the page of a text; at the end, nothing may have been logged, asked for or thrown."""
    trouble, contexts = list[str](), []

    def open(name: str, **options: Any) -> "Page":
        file = tmp_path / f"{name}.html"
        file.write_text(page(checked(name)), encoding="utf-8")
        contexts.append(context := browser.new_context(**options))
        found = context.new_page()
        found.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
        found.on("pageerror", lambda error: trouble.append(str(error)))
        found.on("request", lambda request: trouble.append(request.url) if is_outside(request.url) else None)
        found.on("dialog", lambda dialog: trouble.append(dialog.message))
        found.goto(file.as_uri())
        return found

    yield open
    for context in contexts:
        context.close()
    assert trouble == []


def is_outside(url: str) -> bool:
    return not url.startswith(("file:", "data:"))


def checked(name: str) -> Checked:
    return check(Source(HOSTILE if name == "errors" else f"{name}.yaml", TEXTS[name]))


def measures_of(name: str) -> Measures:
    found = checked(name).measures
    assert found is not None
    return found


def box_of(measures: Measures, number: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of what the middle position of a row sees, from its reach."""
    row = rows(measures)[number]
    shape, (over_height, over_width) = measures.graph.nodes[row.last].shape, measures.reaches[row.last]
    left = over_width.jump * (shape.width // 2) + over_width.first
    top = over_height.jump * (shape.height // 2) + over_height.first
    return left, top, over_width.size, over_height.size


def drawn(page: "Page") -> tuple[int, ...]:
    field = page.locator("#field")
    return tuple(int(field.get_attribute(side) or -1) for side in ("x", "y", "width", "height"))


def some(measures: Measures) -> list[int]:
    """Rows at the start, in the middle and at the end."""
    count = len(rows(measures))
    return sorted({1, 2, count // 2, count - 2, count - 1})


@pytest.mark.parametrize("name", TEXTS)
def test_a_page_logs_nothing_asks_for_nothing_and_runs_nothing_of_the_file(name: str, opened: Any) -> None:
    page = opened(name)

    assert page.evaluate("window.hacked") is None
    assert page.locator("h1").count() == 1


@pytest.mark.parametrize("name", ["c1c2c3c4", "googlenet", "long", "gaps"])
def test_hovering_a_row_draws_the_pixels_that_it_depends_on(name: str, opened: Any) -> None:
    page, measures = opened(name), measures_of(name)
    for number in some(measures):
        page.locator(f"g[data-row='{number}']").hover()
        assert drawn(page) == box_of(measures, number)


@pytest.mark.parametrize("name", ["c1c2c3c4", "googlenet", "gaps"])
def test_focusing_a_row_draws_its_field_and_says_it(name: str, opened: Any) -> None:
    page, measures = opened(name), measures_of(name)
    page.locator("g[role=option]").first.focus()
    order = page.evaluate("[...document.querySelectorAll('g[role=option]')].map((row) => Number(row.dataset.row))")
    for number in order[1:8]:
        page.keyboard.press("ArrowDown")
        left, top, width, height = box_of(measures, number)
        assert drawn(page) == (left, top, width, height)
        said = page.locator("[role=status]").text_content()
        assert f"{height}x{width} pixels, rows {top} to {top + height - 1} and columns {left} to" in said
        assert page.locator("g[aria-selected=true]").get_attribute("data-row") == str(number)
        assert page.evaluate("document.activeElement.dataset.row") == str(number)

    page.keyboard.press("End")
    assert drawn(page) == box_of(measures, order[-1])


def test_the_keys_choose_the_row_even_if_the_page_scrolls_under_the_pointer(opened: Any) -> None:
    page, measures = opened("long", viewport={"width": 1280, "height": 700}), measures_of("long")
    page.locator("g[data-row='3']").hover()
    page.locator("g[data-row='3']").focus()
    for number in range(4, 30):
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(20)
        assert drawn(page) == box_of(measures, number)


def test_rows_of_tables_lines_of_charts_and_the_diagram_are_one_choice(opened: Any) -> None:
    page, measures = opened("c1c2c3c4"), measures_of("c1c2c3c4")
    page.locator("#fields tbody tr").nth(4).hover()
    assert page.locator("g.active").get_attribute("aria-label").startswith("strided 3x3 /2 C2[1]: ")
    assert page.locator("#yaml .active").inner_text().strip().startswith("- strided: 64")

    page.locator("#growth tbody tr").first.focus()
    page.keyboard.press("ArrowDown")
    assert drawn(page) == box_of(measures, 1)

    chart = page.locator(".chart").first
    chart.scroll_into_view_if_needed()
    place = chart.bounding_box()
    page.mouse.move(place["x"] + place["width"] - 12, place["y"] + place["height"] / 2)
    assert drawn(page) == box_of(measures, len(rows(measures)) - 1)


def test_gaps_are_not_filled(opened: Any) -> None:
    """The share of the field that is painted is the connected share."""
    page = opened("gaps", viewport={"width": 1400, "height": 900})
    page.locator("g[aria-label^='dilated 3x3 d4 C1[1]']").hover()
    share = page.evaluate(
        """() => {
          const paths = [...document.querySelectorAll('#seen > path')];
          const box = document.querySelector('#field').getBBox();
          let hits = 0;
          for (let x = 0; x < box.width; x++) for (let y = 0; y < box.height; y++) {
            const point = new DOMPoint(box.x + x + 0.5, box.y + y + 0.5);
            hits += paths.some((path) => {
              const clip = path.getAttribute('clip-path');
              const other = clip && document.querySelector(clip.slice(4, -1) + ' path');
              return path.isPointInFill(point) && (!other || other.isPointInFill(point));
            });
          }
          return hits / (box.width * box.height);
        }"""
    )

    # Three blocks of three pixels on each axis, in eleven.
    assert share == pytest.approx(81 / 121)
    assert "66.9% connected" in page.locator("[role=status]").text_content()


def test_tables_are_sorted_by_keyboard(opened: Any) -> None:
    page = opened("c1c2c3c4")
    head = page.locator("#growth th", has_text="Params")
    head.locator("button").focus()
    for sort in ("ascending", "descending"):
        page.keyboard.press("Enter")
        texts = page.locator("#growth tbody tr td:nth-child(6)").all_inner_texts()
        values = [int(text.replace(",", "")) for text in texts]
        assert head.get_attribute("aria-sort") == sort
        assert values == sorted(values, reverse=sort == "descending")
    assert page.locator("#growth th[aria-sort=none]").count() == 7


def test_the_copy_buttons_copy_the_file_and_the_source(opened: Any) -> None:
    for name in ("c1c2c3c4", "hostile"):
        page = opened(name, permissions=["clipboard-read", "clipboard-write"])
        page.locator("#yaml .copy").click()
        page.locator("#yaml .copy", has_text="Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == "\n".join(checked(name).source.lines)
        page.locator("#source .copy").click()
        page.locator("#source .copy", has_text="Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()").startswith('"""')


@pytest.mark.parametrize("name", ["c1c2c3c4", "googlenet", "long"])
def test_everything_is_on_paper_and_no_button(name: str, opened: Any) -> None:
    page = opened(name, viewport={"width": 703, "height": 1000})
    page.emulate_media(media="print")
    cut = page.evaluate(
        """[...document.querySelectorAll('.scroll, section, aside')].filter((each) =>
             each.scrollHeight > each.clientHeight + 1 || each.scrollWidth > each.clientWidth + 1)
             .map((each) => each.className || each.id)"""
    )

    assert cut == []
    assert page.locator(".copy:visible, nav:visible").count() == 0
    assert page.locator("#growth tbody tr:visible").count() == len(rows(measures_of(name)))


@pytest.mark.parametrize("name", TEXTS)
def test_a_phone_scrolls_the_page_downwards_only(name: str, opened: Any) -> None:
    page = opened(name, viewport={"width": 360, "height": 740})

    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("name", ["c1c2c3c4", "three"])
def test_the_formulas_are_in_view_beside_the_panel(name: str, opened: Any) -> None:
    page = opened(name, viewport={"width": 1280, "height": 800})
    table = page.locator("#fields .table")

    assert page.locator("#fields thead th").last.inner_text().strip() == "Formula"
    assert table.evaluate("table => table.scrollWidth <= table.clientWidth")


def test_the_active_row_of_a_table_is_marked_whole(opened: Any) -> None:
    page = opened("c1c2c3c4")
    page.locator("#fields tbody tr").nth(2).hover()
    colours = page.evaluate(
        "[...document.querySelectorAll('#fields tr.active > *')].map((cell) => getComputedStyle(cell).backgroundColor)"
    )

    assert len(colours) > 10
    assert len(set(colours)) == 1


@pytest.mark.parametrize("name", ["c1c2c3c4", "googlenet", "errors", "broken", "gaps", "hostile", "named"])
@needs_axe
def test_axe_finds_no_violation(name: str, opened: Any) -> None:
    page = opened(name)
    for view in views(page):
        assert violations(page.main_frame) == [], view


@needs_axe
def test_axe_finds_what_is_wrong_with_a_page(browser: "Browser") -> None:
    page = browser.new_page()
    page.set_content(
        "<!doctype html><html lang=en><title>wrong</title><main><h1>wrong</h1>"
        "<img src=''><p style='color: #bbb; background: #fff'>pale</p></main></html>"
    )

    assert [rule for rule, _ in violations(page.main_frame)] == ["color-contrast", "image-alt"]
    page.close()


def test_everything_focusable_shows_its_focus(opened: Any) -> None:
    page = opened("c1c2c3c4")
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        kind, outline, stroke = page.evaluate(
            """() => {
              const on = document.activeElement;
              const box = on.querySelector(':scope > .box');
              return [on.tagName, getComputedStyle(on).outlineStyle, box && getComputedStyle(box).strokeWidth];
            }"""
        )
        seen.add(kind)
        if kind != "BODY":
            assert outline != "none" or stroke == "3px", kind

    assert {"A", "BUTTON", "g", "TR"} <= seen


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_in_drawings_have_the_contrast_of_wcag_aa(scheme: str, opened: Any) -> None:
    """Axe does not judge them. Each family of rows, and the ground of charts and listings."""
    page = opened("c1c2c3c4", color_scheme=scheme)
    found = page.evaluate(
        "(names) => {"
        + CONTRAST
        + """
          const style = (element) => getComputedStyle(element);
          const found = [];
          const row = document.querySelector('g.row');
          for (const name of names) {
            row.setAttribute('class', `row ${name}`);
            const ground = style(row.querySelector('.box')).fill;
            for (const text of row.querySelectorAll('text')) found.push([name, ratio(style(text).fill, ground)]);
          }
          const root = style(document.documentElement);
          const colour = (name) => root.getPropertyValue(name).trim();
          for (const ground of ['--paper', '--ground', '--panel', '--code', '--accent-soft'])
            for (const text of ['--text', '--muted', '--accent', '--good', '--bad', '--warn'])
              if (ground !== '--accent-soft' || text === '--text' || text === '--muted')
                found.push([`${text} on ${ground}`, ratio(colour(text), colour(ground))]);
          return found;
        }""",
        [family.name for family in FAMILIES],
    )

    assert len(found) > 30
    assert [(name, round(ratio, 2)) for name, ratio in found if ratio < 4.5] == []
