"""Chromium, driven by playwright, and axe-core; what is missing skips its tests with the reason."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.playground import WAIT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")

AXE = Path(os.environ.get("AXE", "node_modules/axe-core/axe.min.js"))
"""The file of axe-core, which `npm install --no-save axe-core` brings."""

needs_axe = pytest.mark.skipif(not AXE.is_file(), reason="no axe-core: npm install --no-save axe-core, or AXE=its file")

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


CONTRAST = """
const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const light = (colour) => {
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
"""
"""JavaScript: `ratio(a, b)` is the contrast of two colours by WCAG 2.2, from 1 to 21."""


@contextmanager
def chromium() -> "Iterator[Browser]":
    sync_api.expect.set_options(timeout=WAIT)
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


def views(page: "Page") -> "Iterator[str]":
    """The page in light and in dark colours, as wide as a screen and as a phone."""
    for scheme in ("light", "dark"):
        for width in (1280, 360):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            yield f"{scheme}, {width} pixels wide"


def violations(frame: "Frame") -> list[tuple[str, list[Any]]]:
    """The rules of axe-core that a document breaks, with some of the elements.

    The elements that keep a rule are not listed, which would take most of the time.
    """
    frame.evaluate(AXE.read_text(encoding="utf-8"))
    found = frame.evaluate("axe.run({ resultTypes: ['violations'] }).then((results) => results.violations)")
    return [(each["id"], [node["target"] for node in each["nodes"]][:3]) for each in found]
