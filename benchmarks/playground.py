"""The playground in Chromium, served by `http.server` from this machine: how long until it is ready, and a check.

It is written before by `advconv playground -o site`. Ready is from the request to the first check, with nothing cached.
"""

import re
import statistics
import time
from pathlib import Path

from benchmarks.options import Option, options
from benchmarks.timing import machine

READY, CHECK = 5_000, 50
"""Milliseconds that are promised."""


def main(site: str, file: str, runs: int) -> None:
    from tests.browser import chromium
    from tests.playground import link, served, wait_until_checked

    if not (Path(site) / "index.html").is_file():
        raise SystemExit(f"{site} has no playground; write it first: advconv playground -o {site}")
    text = Path(file).read_text(encoding="utf-8")
    ready, checks = list[float](), list[int]()
    with served(Path(site)) as address, chromium() as browser:
        for _ in range(runs):
            page = browser.new_context().new_page()
            start = time.perf_counter()
            page.goto(f"{address}{link(text)}")
            wait_until_checked(page)
            ready.append((time.perf_counter() - start) * 1000)
            page.wait_for_timeout(2000)
            page.locator(".cm-content").click()
            for _ in range(10):
                page.keyboard.press("Control+End")
                page.keyboard.type("# ")
                page.wait_for_timeout(600)
                checks.append(int(re.findall(r"in (\d+) ms", page.locator("#note").inner_text())[0]))
            page.context.close()
    print(f"{machine()}, Chromium {browser.version}; {file}, medians of {runs} pages and {len(checks)} checks")
    for name, found, limit in (("ready", ready, READY), ("a check", checks, CHECK)):
        middle = statistics.median(found)
        kept = "met" if middle <= limit else "MISSED"
        print(f"{name:<8} {middle:6,.0f} ms, {min(found):,.0f} to {max(found):,.0f} (at most {limit:,}: {kept})")


if __name__ == "__main__":
    main(
        **options(
            __doc__,
            site=Option("site", "the directory that advconv playground has written"),
            file=Option("archs/c1c2c3c4.yaml", "the file to check"),
            runs=Option(5, "pages that are opened"),
        )
    )
