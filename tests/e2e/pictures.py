"""Takes the pictures of the README from the demo (`make pictures`); no test of the suite: those are named test_*."""

from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page

from tests.e2e.demo import become, running_demo, window
from tests.e2e.people import connected
from tests.serving import ROOT

IMAGES: Final = ROOT / "docs" / "images"
MOST_BYTES: Final = 200_000
SIZE: Final = {"width": 1200, "height": 720}


def test_the_pictures(browser: Browser, tmp_path: Path) -> None:
    with running_demo(tmp_path) as (url, _began):
        page = window(browser, url, SIZE).new_page()
        page.goto("/match/")  # the second step of the tour has happened
        become(page, "guest")
        page.goto("/demo/")
        shoot(page, IMAGES / "demo.png")
        page.goto("/rooms/haiku/")
        connected(page)
        shoot(page, IMAGES / "room.png")


def shoot(page: Page, path: Path) -> None:
    """Take a picture that is small enough for a README."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, animations="disabled", caret="hide")
    assert path.stat().st_size < MOST_BYTES
