"""The page of `advconv watch --page` in Chromium: it shows each change, at the same place."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import chromium, needs_chromium
from tests.processes import wait_until
from tests.test_page_in_browser import box_of, drawn, measures_of
from tests.test_watch import Watch, replace, watching

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, needs_chromium]

NAME = "c1c2c3c4"
TEXT = Path(f"archs/{NAME}.yaml").read_text(encoding="utf-8")


def with_width(width: int) -> str:
    """Another width of the first row, whose parameters the page lists."""
    text = re.sub(r"- conv: \d+", f"- conv: {width}", TEXT, count=1)
    assert text != TEXT
    return text


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    (tmp_path / f"{NAME}.yaml").write_text(TEXT)
    with watching(tmp_path, f"{NAME}.yaml", "--page", "--port", "0") as started:
        started.wait_for("end with Ctrl-C")
        yield started


@pytest.fixture
def shown(watch: Watch) -> Iterator[Any]:
    """The page of the process; at the end, nothing may have been logged, asked for elsewhere or thrown."""
    (url,) = set(re.findall(r"http://127\.0\.0\.1:\d+/", watch.out))
    trouble = list[str]()
    with chromium() as browser:
        found = browser.new_page(viewport={"width": 1280, "height": 700})
        found.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
        found.on("pageerror", lambda error: trouble.append(str(error)))
        found.on("request", lambda asked: None if asked.url.startswith((url, "data:")) else trouble.append(asked.url))
        found.goto(url)
        yield found
    assert trouble == []


def file_of(watch: Watch) -> Path:
    return watch.paths[0].parent / f"{NAME}.yaml"


def wait_for_code(page: "Page", text: str) -> None:
    page.locator("#yaml code", has_text=text).wait_for()


def test_a_save_is_shown_at_the_same_place_with_the_same_row_and_focus(watch: Watch, shown: Any) -> None:
    row = shown.locator("g[role=option][data-row='5']")
    row.focus()
    table = shown.locator("#layers .scroll")
    table.evaluate("(pane) => pane.scrollTo(0, 40)")
    shown.evaluate("scrollTo(0, 300)")
    places = table.evaluate("(pane) => pane.scrollTop"), shown.evaluate("scrollY")
    replace(file_of(watch), with_width(40))
    wait_for_code(shown, "- conv: 40")

    # What was remembered is forgotten as soon as it has been restored.
    wait_until(lambda: shown.evaluate("sessionStorage.length") == 0)
    assert shown.evaluate("document.activeElement.dataset.row") == "5"
    assert shown.locator("g[aria-selected=true]").get_attribute("data-row") == "5"
    assert drawn(shown) == box_of(measures_of(NAME), 5)
    assert (table.evaluate("(pane) => pane.scrollTop"), shown.evaluate("scrollY")) == places
    shown.keyboard.press("ArrowDown")
    assert shown.evaluate("document.activeElement.dataset.row") == "6"


def test_errors_and_a_file_that_is_gone_are_shown_until_they_are_mended(watch: Watch, shown: Any) -> None:
    file = file_of(watch)
    file.write_text(TEXT.replace("- conv:", "- konv:", 1))
    shown.get_by_text("AC103").or_(shown.get_by_text("konv")).first.wait_for()
    file.unlink()
    shown.get_by_text("The file cannot be read").wait_for()
    file.write_text(with_width(40))
    wait_for_code(shown, "- conv: 40")
    file.write_text(TEXT)
    wait_for_code(shown, "- conv: 16")
