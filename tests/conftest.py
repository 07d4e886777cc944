"""Pages in a real browser, for whatever makes pages."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.board.pdf import browser

SCREENS = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "telephone of 320 pixels": {"viewport": {"width": 320, "height": 640}},
    "enlarged to 200 %": {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2},
}
AXE = {"rules": {"target-size": {"enabled": True}}}


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    """A headless browser, which is closed with the module: it runs an event loop that others cannot share."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the test extra has it")
    if browser() is None:
        pytest.skip("no Chromium on this machine: install it to open pages in a browser")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def faults(chromium) -> Callable[[Path], list[str]]:
    """What axe-core finds wrong with a page, everything unfolded, on every screen; and where it is wider than the screen."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()

    def find(path: Path) -> list[str]:
        found = []
        for screen, shape in SCREENS.items():
            page = chromium.new_page(**shape)
            page.goto(path.as_uri())
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            found += [f"{screen}: {wider} pixels wider than the screen"] if wider > 0 else []
            found += [
                f"{screen}: {fault['id']}: {fault['nodes'][0]['html'][:200]}"
                for fault in axe.run(page, options=AXE).response["violations"]
            ]
            page.close()
        return found

    return find
