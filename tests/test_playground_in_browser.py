"""The playground in Chromium: it checks what is typed as the command line does, runs nothing of it, and asks nobody."""

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from advconv.check import check
from advconv.manual.rules import example
from advconv.report.page.document import page as report_page
from advconv.report.playground.browser import NAME
from advconv.rules import RULES
from advconv.text.source import Source
from tests.browser import chromium, needs_axe, needs_chromium, sync_api, views, violations
from tests.page import HOSTILE, hostile_file
from tests.playground import (
    WAIT,
    expected,
    findings,
    fragment,
    link,
    served,
    text_of,
    wait_for_findings,
    wait_until_checked,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Page

pytestmark = [pytest.mark.slow, needs_chromium]

C1C2C3C4 = Path("archs/c1c2c3c4.yaml").read_text(encoding="utf-8")

IMAGE = "<img src=x onerror=window.hacked=1>"
NAMES = f"""\
advconv: 1
name: "{IMAGE}"   # {IMAGE} </script><script>window.hacked=1</script>
input: [3, 32, 32]
classes: ["{IMAGE}", "</script><script>window.hacked=1</script>"]
network:
  "{IMAGE}": [conv: 8, "{IMAGE}": 3]
  O: [gap, linear]
"{IMAGE}": 1
"""


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def address(playground: Path) -> Iterator[str]:
    with served(playground) as found:
        yield found


@pytest.fixture
def opened(browser: "Browser", address: str) -> Iterator[Any]:
    """A function that opens the playground; at the end, nothing may have been logged, thrown or asked from outside."""
    trouble, contexts = list[str](), []

    def open(hash: str = "", **options: Any) -> "Page":
        contexts.append(context := browser.new_context(**options))
        context.set_default_timeout(WAIT)
        found = context.new_page()
        found.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
        found.on("pageerror", lambda error: trouble.append(str(error)))
        found.on("dialog", lambda dialog: trouble.append(dialog.message))
        context.on("request", lambda request: trouble.append(request.url) if is_outside(request.url, address) else None)
        found.goto(f"{address}{hash}")
        return found

    yield open
    for context in contexts:
        context.close()
    assert trouble == []


def is_outside(url: str, address: str) -> bool:
    return not url.startswith((address, f"blob:{address}", "blob:null/", "data:"))


def report_of(page: "Page", title: str) -> "Frame":
    """The frame of the report, once it is that of the network with this name."""
    frame = page.locator("#pages iframe").last
    frame.content_frame.get_by_role("heading", level=1, name=title, exact=True).wait_for(timeout=WAIT)
    sync_api.expect(page.locator("#pages iframe")).to_have_count(1, timeout=WAIT)
    return page.frames[-1]


def write(page: "Page", text: str) -> None:
    """Types a text as a keyboard does, without the indentation that the editor adds."""
    page.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


def test_a_file_that_is_typed_has_the_numbers_of_the_command_line(opened: Any) -> None:
    page = opened()
    wait_until_checked(page)
    page.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("advconv: 1\ninput: [3, 24, 24]\nnetwork: {C1: [conv: 8, strided: 16], O: [gap]}\n")
    page.keyboard.type("constraints: {receptive_field: '> 6', params: '< 1k'}\nname: typed")
    frame = report_of(page, "typed")
    text = text_of(page)
    found = expected(text)
    network = found["network"]
    totals = dict(zip(*(frame.locator(f".totals {each}").all_inner_texts() for each in ("dt", "b")), strict=True))

    assert text.startswith("advconv: 1\ninput: [3, 24, 24]\nnetwork: {C1: ")
    wait_for_findings(page, text)
    assert page.locator("#state").inner_text() == "2 errors"
    assert [int(totals["Receptive field"])] * 2 == network["receptive_field"]["size"]
    assert totals["Parameters"] == f"{network['params']:,}"
    assert totals["MACs"] == f"{network['macs']:,}"
    assert {each["status"] for each in found["constraints"]} == {"failed"}


@pytest.mark.parametrize("path", ["archs/c1c2c3c4.yaml", "archs/zoo/googlenet.yaml", "archs/zoo/efficientnet_b0.yaml"])
def test_the_downloaded_report_is_that_of_the_command_line(path: str, opened: Any) -> None:
    text = Path(path).read_text(encoding="utf-8")
    page = opened(link(text))
    report_of(page, Path(path).stem)
    with page.expect_download(timeout=WAIT) as download:
        page.locator("#save-page").click()

    assert download.value.suggested_filename == f"{Path(path).stem}.html"
    assert Path(download.value.path()).read_text(encoding="utf-8") == report_page(check(Source(NAME, text)))
    assert text_of(page) == text


def test_broken_files_have_the_diagnostics_of_the_command_line_at_the_same_places(opened: Any) -> None:
    page = opened()
    wait_until_checked(page)
    texts = [path.read_text(encoding="utf-8") for path in sorted(Path("tests/cases").glob("*.yaml"))]
    texts += [example(rule.fails) for rule in RULES]
    compared = 0
    for text in texts:
        if len(link(text)) < 30_000 and "\r" not in text:
            page.evaluate("(hash) => { location.hash = hash; }", link(text))
            wait_for_findings(page, text)
            compared += 1

    assert compared > 100


def test_a_finding_is_marked_where_it_is_also_behind_characters_of_two_code_units(opened: Any) -> None:
    text = "advconv: 1\nname: a\ninput: [3, 8, 8]\nnetwork: {C1: [conv: 8]}   # 😀😀\n'😀': {cov: 8}\n"
    page = opened(link(text))
    wait_for_findings(page, text)

    assert page.locator(".cm-lintRange-error").all_inner_texts() == ["'😀'"]
    page.locator("#findings .place").first.click()
    page.keyboard.type("x")
    sync_api.expect(page.locator(".cm-activeLine")).to_have_text("x'😀': {cov: 8}")


# What a file or a link cannot do.


@pytest.mark.parametrize("text", [NAMES, hostile_file(), f"advconv: 1\n{HOSTILE}".replace("\0", "")])
def test_nothing_of_a_file_is_run(text: str, opened: Any) -> None:
    page = opened(link(text))
    wait_until_checked(page)
    page.locator("#pages iframe").last.content_frame.locator("h1").wait_for(timeout=WAIT)
    page.locator(".cm-content").click()
    page.keyboard.press("F8")
    page.locator(".cm-tooltip").first.wait_for(timeout=WAIT)

    assert [frame.evaluate("window.hacked") for frame in page.frames] == [None] * len(page.frames)
    # CodeMirror has images without a source beside characters that cannot be seen.
    assert [frame.locator("img[src], [onerror]").count() for frame in page.frames] == [0] * len(page.frames)


def test_the_report_has_no_origin_and_the_page_asks_nobody_but_its_own_server(opened: Any, address: str) -> None:
    page = opened(link(C1C2C3C4))
    frame = report_of(page, "c1c2c3c4")
    policy = page.locator("meta[http-equiv]").get_attribute("content") or ""

    assert frame.evaluate("origin") == "null"
    assert page.locator("iframe").get_attribute("sandbox") == "allow-scripts"
    assert "'unsafe-inline'" not in policy
    assert "'unsafe-eval'" not in policy
    assert "http" not in policy
    assert policy.startswith("default-src 'none'; ")


# Links.


def test_a_link_holds_the_file(opened: Any) -> None:
    text = f"{C1C2C3C4}# äöü 漢字 😀 </script>\n"
    page = opened(link(text), permissions=["clipboard-read", "clipboard-write"])
    wait_until_checked(page)
    page.locator("#link").click()
    page.locator("#notice", has_text="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")

    assert copied == page.url
    assert f"a link of {len(copied):,} characters" in page.locator("#notice").inner_text()
    other = opened(f"#{copied.partition('#')[2]}")
    wait_until_checked(other)
    assert text_of(other) == text


DAMAGED = {
    "#yaml=AAAA": "the link is damaged",
    "#yaml=%%%": "the link is damaged",
    link(C1C2C3C4)[:-20]: "the link is damaged",
    link(C1C2C3C4).replace("A", "B", 1): "the link is damaged",
    fragment(zlib.compress(b"\xff\xfe")): "the link is damaged",
    fragment(zlib.compress(bytes(3_000_000))): "the link is damaged",
    "#yaml=" + "A" * 40_000: "the link is too long",
    "#other": "the link holds no file",
    f"#{IMAGE}": "the link holds no file",
    "#yaml=</script><script>window.hacked=1</script>": "the link is damaged",
}


def test_a_link_that_cannot_be_read_says_so_and_the_editor_is_empty(opened: Any) -> None:
    page = opened(link(C1C2C3C4))
    for hash, reason in DAMAGED.items():
        page.evaluate("(hash) => { location.hash = hash; }", link(C1C2C3C4))
        wait_for_findings(page, C1C2C3C4)
        page.evaluate("(hash) => { location.hash = hash; }", hash)
        page.locator("#notice", has_text=reason).wait_for(timeout=WAIT)
        wait_for_findings(page, "")
        assert text_of(page) == ""

    assert page.evaluate("window.hacked") is None


def test_a_page_that_is_opened_by_a_damaged_link_is_empty(opened: Any) -> None:
    page = opened(f"#yaml={IMAGE}")
    page.locator("#notice", has_text="The file of this address cannot be opened").wait_for(timeout=WAIT)
    wait_for_findings(page, "")

    assert text_of(page) == ""


def test_a_file_that_is_too_long_for_a_link_says_so(opened: Any) -> None:
    page = opened()
    wait_until_checked(page)
    write(page, "# " + " ".join(str(number**5) for number in range(20_000)))
    page.locator("#link").click()
    page.locator("#notice", has_text="in a link, which holds at most 30,000. Download the file instead.").wait_for()

    assert page.evaluate("location.hash") == ""


# Use.


def test_the_files_to_start_from_are_the_starters_and_the_shipped_architectures(opened: Any) -> None:
    page = opened()
    wait_until_checked(page)
    names = page.locator("#start option").all_inner_texts()
    zoo = [path.stem for path in Path("archs/zoo").glob("*.yaml")]

    assert names[:2] == ["a file", "assignment"]
    assert {"small", "dilated", "residual", "mobile", "c1c2c3c4", *zoo} <= set(names)
    report_of(page, "assignment")
    page.locator("#start").select_option("resnet18")
    frame = report_of(page, "resnet18")
    assert frame.locator(".totals b").nth(1).inner_text() == "11,689,512"
    assert page.locator("#start").input_value() == "resnet18"
    write(page, "advconv: 1\n")
    assert page.locator("#start").input_value() == ""


def test_it_is_used_with_the_keyboard_alone(opened: Any) -> None:
    text = C1C2C3C4.replace("dilated:", "dilatd:")
    page = opened(link(text))
    wait_for_findings(page, text)
    page.keyboard.press("Tab")
    focused = list[str]()
    while "cm-content" not in (focused or [""])[-1]:
        focused.append(
            page.evaluate(
                """() => { const on = document.activeElement;
                           return on.shadowRoot ? on.shadowRoot.activeElement.className : on.id; }"""
            )
        )
        page.keyboard.press("Tab")
        assert len(focused) < 10
    assert focused[:4] == ["start", "link", "save-yaml", "save-page"]
    # Tab has left the editor, for the first finding; its button goes back into the text.
    assert page.evaluate("document.activeElement.className") == "place"
    page.keyboard.press("Enter")
    page.keyboard.press("F8")
    tooltip = page.locator(".cm-tooltip")
    sync_api.expect(tooltip).to_contain_text("dilatd")


def test_an_empty_editor_says_how_to_start_and_a_screen_reader_is_told_the_state_alone(opened: Any) -> None:
    page = opened()
    wait_until_checked(page)
    write(page, "")
    wait_for_findings(page, "")

    assert page.locator(".cm-placeholder").inner_text() == "Type a network, or choose one under Start from."
    state = page.locator("#state").text_content() or ""
    page.locator("#spoken", has_text=re.compile(f"^{state}$")).wait_for(state="attached")


def test_a_fix_is_applied_and_undone(opened: Any) -> None:
    text = next(
        text for rule in RULES if len(found := findings(text := example(rule.fails))) == 1 and "Fix" in found[0]
    )
    page = opened(link(text))
    wait_for_findings(page, text)
    page.get_by_role("button", name="Fix").click()
    page.get_by_role("button", name="Fix").wait_for(state="hidden", timeout=WAIT)
    mended = text_of(page)
    assert mended != text
    wait_for_findings(page, mended)
    page.locator(".cm-content").click()
    page.keyboard.press("Control+Z")
    wait_for_findings(page, text)

    assert text_of(page) == text


def test_the_report_stays_at_its_place_while_one_types(opened: Any) -> None:
    page = opened(link(C1C2C3C4))
    frame = report_of(page, "c1c2c3c4")
    frame.locator("g[data-row='3']").hover()
    frame.evaluate("scrollTo(0, 700)")
    page.wait_for_timeout(200)
    top = frame.evaluate("scrollY")
    write(page, C1C2C3C4.replace("name: c1c2c3c4", "name: later"))
    newer = report_of(page, "later")

    sync_api.expect(page.locator("#pages iframe")).to_have_count(1)
    assert newer.evaluate("scrollY") == top > 500
    assert newer.locator("g.active").get_attribute("data-row") == "3"


def test_a_report_with_a_network_stays_while_the_text_has_errors(opened: Any) -> None:
    page = opened(link(C1C2C3C4))
    report_of(page, "c1c2c3c4")
    write(page, C1C2C3C4 + "x")
    page.locator("#stale").wait_for(timeout=WAIT)
    page.wait_for_timeout(1000)
    report_of(page, "c1c2c3c4")
    assert page.locator("#state").inner_text() == "1 error"
    write(page, C1C2C3C4)
    page.locator("#stale").wait_for(state="hidden", timeout=WAIT)


def test_the_text_of_a_tab_is_there_after_it_was_loaded_again(opened: Any) -> None:
    page = opened()
    wait_until_checked(page)
    write(page, "advconv: 1\nname: again\n")
    page.reload()
    wait_until_checked(page)

    assert text_of(page) == "advconv: 1\nname: again\n"


def test_where_the_check_cannot_start_the_page_says_why(browser: "Browser", address: str) -> None:
    page = browser.new_page()
    page.route("**/packages.zip", lambda route: route.fulfill(status=404))
    page.goto(address)
    page.locator("#notice", has_text="The check has stopped: packages.zip: 404").wait_for(timeout=WAIT)
    page.unroute("**/packages.zip")
    write(page, C1C2C3C4)
    wait_for_findings(page, C1C2C3C4)
    page.close()


def test_where_scripts_do_not_run_the_page_says_what_it_needs(browser: "Browser", address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)

    page.locator("#needs").wait_for(timeout=WAIT)
    context.close()


@pytest.mark.parametrize("text", [C1C2C3C4, NAMES], ids=["network", "errors"])
@needs_axe
def test_axe_finds_no_violation(text: str, opened: Any) -> None:
    page = opened(link(text))
    wait_for_findings(page, text)
    page.locator("#pages iframe").last.content_frame.locator("h1").wait_for(timeout=WAIT)
    for view in views(page):
        page.locator(".cm-content").click()
        assert [violations(frame) for frame in page.frames] == [[]] * len(page.frames), view


@pytest.mark.parametrize("text", [C1C2C3C4, NAMES], ids=["network", "errors"])
def test_a_phone_scrolls_the_page_downwards_only(text: str, opened: Any) -> None:
    page = opened(link(text), viewport={"width": 360, "height": 740})
    wait_for_findings(page, text)

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("#editor").bounding_box()["y"] < page.locator("#pages").bounding_box()["y"]
