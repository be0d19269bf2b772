"""The room where the browser lacks what is newer than the baseline, and where it cannot start at all.

Chromium is the browser; what it knows too much of is taken away. Interfaces are deleted before any script runs. What
styles and markup name is renamed in each file on its way, so that the browser does not know the name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from chat import rooms
from chat.models import Room
from tests.e2e.people import bodies, connected, enter, say, sees

pytestmark = pytest.mark.django_db(transaction=True)

PHONE: Final = {"width": 390, "height": 844}
LATER: Final = (
    "AbortSignal.any",
    "Array.fromAsync",
    "Array.prototype.toSorted",
    "Element.prototype.checkVisibility",
    "HTMLElement.prototype.inert",
    "Intl.Segmenter",
    "Iterator.prototype.map",
    "Object.groupBy",
    "Promise.withResolvers",
    "Set.prototype.union",
    "String.prototype.isWellFormed",
    "String.prototype.toWellFormed",
    "URL.canParse",
    "crypto.randomUUID",
    "document.startViewTransition",
    "window.CloseWatcher",
    "window.scheduler",
    "window.structuredClone",
)
NEWER: Final = {
    "popover": ("delete HTMLElement.prototype.popover", r":popover-open|(?<=\[)popover(?=\])|(?<=\s)popover(?=\s)"),
    ":has()": ("", r":has(?=\()"),
    "newer styles": ("", r"field-sizing|text-wrap|light-dark|scroll-initial-target|overscroll-behavior"),
    "newer scripts": (";".join(f"delete {name}" for name in LATER), ""),
}
"""What is taken away: a script, and a pattern of names that files lose."""


@pytest.fixture
def room(transactional_db: None) -> Room:
    """An open room in which nobody has written."""
    return rooms.create_open_room(actor=None, name="雑談", description="話題は何でも。", slug="talk")


def without(context: BrowserContext, *lacking: str) -> Page:
    """A page in a browser that lacks this."""
    for script, pattern in (NEWER[name] for name in lacking):
        if script:
            context.add_init_script(script)
        if pattern:
            context.route(re.compile(r"/static/.*\.(css|js)|/rooms/talk/$|/$"), renaming(pattern))
    return context.new_page()


def renaming(pattern: str) -> Callable[[Route], None]:
    """A handler that lets what a file names by the pattern be unknown to the browser."""

    def rename(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        new = re.sub(
            pattern, lambda found: f"{':' if found[0][0] == ':' else ''}-x-{found[0].strip(':')}", answer.text()
        )
        route.fulfill(response=answer, body=new)

    return rename


def test_the_room_works_in_a_browser_that_lacks_newer_features(visit: Any, room: Room) -> None:
    faults: list[str] = []
    for lacking in NEWER:
        page = without(visit(viewport=PHONE), lacking)
        page.on("pageerror", lambda error: faults.append(str(error)))
        enter(page, f"{lacking} なし")
        page.reload()  # what a redirect leads to is not seen by a route
        connected(page)
        say(page, f"{lacking} がない")
        expect(bodies(page).last).to_have_text(f"{lacking} がない")
        about, menu = page.locator("#about"), page.locator("#menu")
        expect(about).to_be_hidden()
        expect(menu).to_be_hidden()
        page.get_by_role("button", name="この部屋について").click()
        expect(about).to_be_visible()
        about.get_by_role("button", name="閉じる").click()
        expect(about).to_be_hidden()
        page.get_by_role("button", name="メニュー").click()
        expect(page.get_by_role("link", name="アカウントを作る")).to_be_visible()
        page.keyboard.press("Escape")
        expect(menu).to_be_hidden()
        page.locator("form[data-composer] textarea").click()
        say(page, "また来ました")
        expect(bodies(page).last).to_have_text("また来ました")
        assert faults == []
    sees(page, *(body for lacking in NEWER for body in (f"{lacking} がない", "また来ました")))


def test_where_the_page_cannot_start_it_says_so_and_can_be_read(visit: Any, room: Room) -> None:
    writer = visit().new_page()
    enter(writer)
    expect(writer.locator(".below")).to_be_hidden()
    say(writer, "読めますか")
    sees(writer, "読めますか")
    for lacking in ("a module", "an interface", "a file"):
        context = visit(viewport=PHONE)
        if lacking == "a module":  # an old browser passes over a type that it does not know
            context.route(re.compile(r"/rooms/talk/$"), renaming("module"))
        elif lacking == "an interface":
            context.add_init_script("delete window.ResizeObserver")
        else:
            context.route(re.compile(r"messages/room\.js"), lambda route: route.abort())
        page = context.new_page()
        page.goto("/rooms/talk/")
        expect(page.locator(".below")).to_contain_text("Safari 16.4, iOS 16.4, Firefox 115, Chrome 120, Edge 120")
        expect(bodies(page)).to_have_text(["読めますか"])
        page.get_by_label("ニックネーム").fill(f"{lacking} なし")
        with page.expect_navigation():
            page.get_by_role("button", name="参加する").click()
        page.reload()
        expect(page.locator(".below")).to_be_visible()
        expect(page.locator("form[data-composer]")).to_be_hidden()
