"""Chromium, driven by playwright, and axe-core; what is missing skips its tests with the reason."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")

AXE = Path(os.environ.get("AXE", "node_modules/axe-core/axe.min.js"))
"""The file of axe-core, which `npm install --no-save axe-core` brings."""

needs_axe = pytest.mark.skipif(not AXE.is_file(), reason="no axe-core: npm install --no-save axe-core, or AXE=its file")

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@contextmanager
def chromium() -> "Iterator[Browser]":
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


def violations(frame: "Frame") -> list[tuple[str, list[Any]]]:
    """The rules of axe-core that a document breaks, with some of the elements."""
    frame.evaluate(AXE.read_text(encoding="utf-8"))
    found = frame.evaluate("axe.run()")["violations"]
    return [(each["id"], [node["target"] for node in each["nodes"]][:3]) for each in found]
