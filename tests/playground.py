"""The playground for tests in a browser: built once, served by `http.server`, driven through its own controls."""

import base64
import contextlib
import io
import json
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from advconv.check import check
from advconv.cli.main import run
from advconv.report.data import json_report
from advconv.text.source import Source

if TYPE_CHECKING:
    from playwright.sync_api import Page

WAIT = 60_000
"""Milliseconds: a machine may have more to do than this."""


def built(folder: Path) -> Path:
    """The site, or a skip with the reason if its parts cannot be downloaded."""
    site, said = folder / "site", io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = run(["playground", "-o", str(site)])
    reason = said.getvalue().strip()
    if any(sign in reason for sign in ("npm failed", "pip failed", "the playground needs")):
        pytest.skip(reason)
    assert (code, reason) == (0, "")
    return site


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def served(site: Path) -> Iterator[str]:
    """The address of the site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def link(text: str) -> str:
    return fragment(zlib.compress(text.encode()))


def fragment(data: bytes) -> str:
    return "#yaml=" + base64.urlsafe_b64encode(data).decode().rstrip("=")


def expected(text: str) -> dict[str, Any]:
    """What `advconv check --format json` says of the text."""
    (found,) = json.loads(json_report([check(Source("playground.yaml", text))]))["files"]
    return dict(found)


def findings(text: str) -> list[str]:
    """The list of findings as the page shows it."""
    return [
        f"line {each['line']}, column {each['column']} {each['severity']} {each['code']} {each['message']}"
        + (f" help: {each['help']}" if each["help"] else "")
        + (" Fix" if each["edits"] else "")
        for each in expected(text)["diagnostics"]
    ]


def wait_for_findings(page: "Page", text: str) -> None:
    """Until the page shows the findings of this text, and no others."""
    wanted = [" ".join(found.split()) for found in findings(text)]
    end = time.monotonic() + WAIT / 1000
    while (shown := [" ".join(found.split()) for found in page.locator("#findings li").all_inner_texts()]) != wanted:
        assert time.monotonic() < end, shown[:3]
        page.wait_for_timeout(50)


def wait_until_checked(page: "Page") -> None:
    page.locator("#note", has_text="checked in").wait_for(timeout=WAIT)


def text_of(page: "Page") -> str:
    """The editor's text, of which CodeMirror draws only the lines in view: what the download has."""
    with page.expect_download() as download:
        page.locator("#save-yaml").click()
    return Path(download.value.path()).read_text(encoding="utf-8")
