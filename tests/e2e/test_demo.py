"""`make demo`, from a fresh copy of the project: the whole tour, on a wide and on a narrow window."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.demo import NARROW, WIDE, become, running_demo, window
from tests.e2e.people import say
from tests.serving import ROOT

MOST_SECONDS: Final = 120.0  # a minute on an idle machine; here other tests run at the same time


def find_somebody(page: Page) -> None:
    """Look for a partner, and arrive in the talk."""
    page.locator("[data-seek] button[type=submit]").click()
    page.wait_for_url("**/closed/**", timeout=20_000)


def done(page: Page) -> set[int]:
    """The steps that the tour's page shows as done."""
    return {int(each) for each in page.locator("[data-done]").evaluate_all("all => all.map(one => one.dataset.step)")}


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_tour(browser: Browser, tmp_path: Path, size: dict[str, int]) -> None:
    with running_demo(tmp_path) as (url, began):
        follow_the_tour(browser, url, began, size)


def follow_the_tour(browser: Browser, url: str, began: float, size: dict[str, int]) -> None:
    """Take the six steps, each in its window."""
    tour, visitor, desk = (window(browser, url, size).new_page() for _ in range(3))
    tour.goto("/demo/")
    assert done(tour) == set()

    become(desk, "operator-a")  # four presses from here to the talk
    desk.locator('[name="_sign"]').click()
    become(visitor, "member-a")
    find_somebody(visitor)
    assert time.monotonic() - began < MOST_SECONDS
    expect(visitor.locator(".log")).to_contain_text("見本の相手です", timeout=10_000)
    say(visitor, "はじめまして。")
    expect(visitor.locator(".log")).to_contain_text("読みました", timeout=10_000)

    become(desk, "operator-b")
    turn_the_stop(desk, "見本の停止")
    expect(visitor.locator("[data-banner]")).to_contain_text("見本の停止")
    is_done(tour, 3, 4, 5)

    stranger = window(browser, url, size).new_page()
    stranger.goto("/match/")
    assert stranger.locator(".demo-band").is_visible()
    is_done(tour, 2, 3, 4, 5)
    proves(desk)
    become(stranger, "guest")
    say(stranger, "見学に来ました。")
    is_done(tour, 1, 2, 3, 4, 5, 6)

    each_page_says_that_it_is_a_demo(
        desk, ("/admin/", "/admin/compliance/checklist/", "/operator/filing/draft/", "/match/")
    )
    each_page_says_that_it_is_a_demo(stranger, ("/", "/rooms/chat/", "/legal/", "/legal/terms/", "/nowhere/"))
    for page in (tour, visitor, desk, stranger):
        page.context.close()
    with httpx.Client(base_url=url) as client:
        assert client.get("/api/gate/").json()["demo"] is True
        assert client.get("/readyz").json()["demo"] is True
        assert "demo-band" in client.get("/accounts/login/").text


def is_done(tour: Page, *steps: int) -> None:
    """These steps get their ticks, without a press, and no other has one."""
    for step in steps:
        expect(tour.locator(f'[data-step="{step}"][data-done]')).to_be_visible(timeout=10_000)
    assert done(tour) == set(steps)


def each_page_says_that_it_is_a_demo(page: Page, paths: Sequence[str]) -> None:
    """The band is in sight, and makes no page wider than its window."""
    for path in paths:
        page.goto(path)
        assert page.locator(".demo-band").is_visible(), path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def turn_the_stop(desk: Page, reason: str) -> None:
    """Pull the stop, or lift it, in two steps."""
    desk.goto("/admin/compliance/stop/")
    desk.fill("[name=reason]", reason)
    desk.click(".submit-row .default")
    desk.click("[name=_confirm]")


def proves(desk: Page) -> None:
    """Export the proof, and hold it against the script."""
    desk.goto("/admin/compliance/ledgerentry/proof/")
    with desk.expect_download() as download:
        desk.locator('#content [type="submit"]').first.click()
    path = Path(download.value.path())
    folder = path.parent / "proof"
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as packed:
        packed.extractall(folder)
    given = next(folder.rglob("proof.json")).parent
    script = ROOT / "docs/howto/verify_bundle.py"
    result = subprocess.run([sys.executable, str(script), str(given)], capture_output=True, text=True, check=False)
    assert result.returncode == 3, result.stdout
    assert result.stdout.startswith("SPECIMEN")
