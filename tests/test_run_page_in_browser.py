"""The pages of runs in Chromium: nothing of a run is run, nothing is loaded, and all of it can be read by anyone."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from advconv.report.run.compare import comparison_page
from advconv.report.run.reading import read_run
from advconv.report.run.sections import run_page
from tests.browser import CONTRAST, chromium, needs_axe, needs_chromium, views, violations
from tests.test_page_in_browser import is_outside

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, needs_chromium]

PAGES = ["plain", "hostile", "unfinished", "comparison", "hostile comparison"]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def pages(recorded: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The pages by name."""
    unfinished = shutil.copytree(recorded["plain"], tmp_path_factory.mktemp("runs") / "unfinished")
    (unfinished / "result.json").unlink()
    reports = {name: read_run(path) for name, path in recorded.items()} | {"unfinished": read_run(unfinished)}
    found = {name: run_page(report) for name, report in reports.items()}
    found["comparison"] = comparison_page([reports[name] for name in ("plain", "other", "validated")])
    found["hostile comparison"] = comparison_page([reports["hostile"], reports["unfinished"]])
    return found


@pytest.fixture
def opened(browser: "Browser", pages: dict[str, str], tmp_path: Path) -> Iterator[Any]:
    """A function that opens a page; at the end, nothing may have been logged, asked for or thrown."""
    trouble, contexts = list[str](), []

    def open(name: str, **options: Any) -> "Page":
        file = tmp_path / f"{name}.html"
        file.write_text(pages[name], encoding="utf-8")
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


@pytest.mark.parametrize("name", PAGES)
def test_a_page_logs_nothing_asks_for_nothing_and_runs_nothing_of_the_run(name: str, opened: Any) -> None:
    page = opened(name)

    assert page.evaluate("window.hacked") is None
    assert page.locator("h1").count() == 1
    for each in page.locator("img").all():
        assert each.evaluate("(image) => image.complete && image.naturalWidth > 0")


def test_the_lines_of_charts_are_drawn_inside_of_them(opened: Any) -> None:
    for name, charts in (("plain", 3), ("comparison", 4)):
        page = opened(name)
        assert page.locator("svg.curves").count() == charts
        outside = page.evaluate(
            """[...document.querySelectorAll('svg.curves')].flatMap((chart) => {
                 const [, , width, height] = chart.getAttribute('viewBox').split(' ').map(Number);
                 const fits = (start, size, room) => start >= 0 && start + size <= room;
                 const isInside = (box) => fits(box.x, box.width, width) && fits(box.y, box.height, height);
                 return [...chart.querySelectorAll('path, text')].filter((each) => !isInside(each.getBBox()))
                   .map((each) => each.outerHTML); })"""
        )
        assert outside == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_and_lines_of_charts_and_cells_have_the_contrast_of_wcag_aa(scheme: str, opened: Any) -> None:
    """Texts 4.5 to 1, lines 3 to 1; axe judges neither drawings nor mixed colours."""
    page = opened("plain", color_scheme=scheme)
    found = page.evaluate(
        "() => {"
        + CONTRAST
        + """
          const root = getComputedStyle(document.documentElement);
          const panel = root.getPropertyValue('--panel');
          const found = [];
          for (const name of [...Array(8).keys()].map((style) => `--s${style}`)) {
            found.push([name, ratio(root.getPropertyValue(name), panel) / 3]);
          }
          const cell = document.querySelector('.matrix td');
          for (let shade = 1; shade <= 10; shade++) {
            cell.className = `h${shade}`;
            const style = getComputedStyle(cell);
            found.push([`h${shade}`, ratio(style.color, style.backgroundColor) / 4.5]);
          }
          return found;
        }"""
    )

    assert [name for name, ratio in found if ratio < 1] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_scrolls_the_page_downwards_only(name: str, opened: Any) -> None:
    page = opened(name, viewport={"width": 360, "height": 740})

    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("name", ["plain", "comparison"])
def test_everything_is_on_paper(name: str, opened: Any) -> None:
    page = opened(name, viewport={"width": 703, "height": 1000})
    page.emulate_media(media="print")
    cut = page.evaluate(
        """[...document.querySelectorAll('.scroll, section')].filter((each) =>
             each.scrollHeight > each.clientHeight + 1 || each.scrollWidth > each.clientWidth + 1)
             .map((each) => each.className || each.id)"""
    )

    assert cut == []


def test_the_log_is_sorted_by_keyboard_as_numbers(opened: Any) -> None:
    page = opened("plain")
    head = page.locator("#log th", has_text="training loss")
    head.locator("button").focus()
    for is_down in (False, True):
        page.keyboard.press("Enter")
        values = [float(text) for text in page.locator("#log tbody tr td:nth-child(2)").all_inner_texts()]
        assert values == sorted(values, reverse=is_down)


def test_the_receptive_field_follows_the_pointer_on_the_page_of_a_run_too(opened: Any) -> None:
    page = opened("plain")
    page.locator("g[data-row='1']").hover()

    assert page.locator("#row-label").text_content() in page.locator("g[data-row='1']").get_attribute("aria-label")


@pytest.mark.parametrize("name", PAGES)
@needs_axe
def test_axe_finds_no_violation(name: str, opened: Any) -> None:
    page = opened(name)
    for view in views(page):
        assert violations(page.main_frame) == [], view
