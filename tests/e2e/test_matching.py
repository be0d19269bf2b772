"""Matching as people meet it who read elsewhere meanwhile, have several tabs, and lose their partner."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chat import people, personal_data, rooms
from chat.models import Ticket
from compliance.testing import NOTIFIED
from tests.conftest import PASSWORD, MakeUser, Serve
from tests.e2e.test_main_job import code_for
from tests.serving import Server

pytestmark = pytest.mark.django_db(transaction=True)

STEP = 10_000  # milliseconds, for what a process does within a few seconds


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """Where the server puts the mail that it sends."""
    return tmp_path / "letters"


@pytest.fixture
def server(serve: Serve, letters: Path, transactional_db: None) -> Server:
    """A server with closed chat on, and one open room."""
    rooms.create_open_room(actor=None, name="雑談", description="話題は何でも。", slug="talk")
    return serve(**NOTIFIED | {"COMPLIANCE_CHECKLIST": "advise", "EMAIL_URL": f"filemail:///{letters}"})


def seek(page: Page) -> None:
    """Look for somebody, and wait until the service has said that one waits or is matched."""
    with page.expect_event("websocket") as opened:
        page.goto("/match/")
    with opened.value.expect_event("framereceived", lambda frame: '"match.' in str(frame)):
        page.get_by_role("button", name="相手をさがす").click()
    expect(page.locator("[data-elapsed]")).to_be_visible()


def line(page: Page, words: str) -> Any:
    """The line in the head of a page."""
    return page.locator("[data-doing] a:visible", has_text=words)


def test_who_reads_elsewhere_is_shown_the_way_and_never_taken(
    visit: Any, server: Server, make_member: MakeUser
) -> None:
    one, other = make_member("い"), make_member("ろ")
    tabs = visit(one)
    lobby = tabs.new_page()
    lobby.goto("/")
    seek(reading := tabs.new_page())
    reading.get_by_role("link", name="待つあいだ").click()  # leads to the open rooms
    expect(line(reading, "相手をさがしています")).to_be_visible()
    expect(line(lobby, "相手をさがしています")).to_be_visible()  # it was loaded before
    reading.get_by_role("link", name="雑談").click()
    expect(line(reading, "相手をさがしています")).to_be_visible()
    terms = tabs.new_page()
    terms.goto("/legal/terms/")
    picture(reading, "room-waiting")
    seek(theirs := visit(other).new_page())
    for page in (reading, lobby, terms):
        expect(line(page, "相手が見つかりました")).to_be_visible(timeout=STEP)
    assert reading.url.endswith("/rooms/talk/")
    picture(reading, "room-found")
    picture(lobby, "lobby-found")
    line(reading, "相手が見つかりました").click()
    expect(reading).to_have_url(theirs.url if "/closed/" in theirs.url else reading.url)
    expect(line(lobby, "会話に戻る")).to_have_count(0)  # said when a page is loaded; this one has led there already
    expect(reading.locator("[data-doing]")).to_be_hidden()
    expect(theirs).to_have_url(reading.url, timeout=STEP)
    personal_data.erase([other])
    expect(reading.locator("[data-ended-why]")).to_contain_text("いなくなった", timeout=STEP)
    expect(line(reading, "相手をさがしています")).to_be_visible()
    picture(reading, "talk-ended")
    line(reading, "相手をさがしています").click()
    expect(reading.locator("[data-elapsed]")).to_be_visible()
    expect(reading.get_by_role("button", name="条件を変えて相手をさがす")).to_be_visible()
    picture(reading, "waiting-again")
    reading.get_by_role("button", name="条件を変えて相手をさがす").click()
    expect(reading.get_by_role("button", name="相手をさがす")).to_be_hidden()
    picture(reading, "waiting")
    reading.get_by_role("button", name="さがすのをやめる").click()
    expect(lobby.locator("[data-doing]")).to_be_hidden()
    assert not Ticket.objects.exists()


@pytest.mark.parametrize("is_guest", [False, True])
def test_whoever_lacks_an_account_is_led_to_one_and_back(visit: Any, letters: Path, is_guest: bool) -> None:  # noqa: FBT001 -- a table
    page = visit(people.enter_as_guest(nickname="旅人") if is_guest else None).new_page()
    page.goto("/match/")
    page.get_by_role("button", name="相手をさがす").click()
    needed = page.locator("[data-state=needed]")
    expect(needed).to_contain_text("アカウントが必要")
    picture(page, "needed")
    needed.get_by_role("link", name="アカウントを作る").click()
    for field, value in {
        "email": "new@example.jp",
        "name": "夜更かし",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }.items():
        page.locator(f"[name={field}]").fill(value)
    page.get_by_role("main").get_by_role("button", name="アカウントを作る").click()
    page.wait_for_url("**/confirm-email/**")
    page.locator("[name=code]").fill(code_for("new@example.jp", letters))
    page.get_by_role("button", name="確認する").click()
    page.wait_for_url("**/match/")
    page.get_by_role("button", name="相手をさがす").click()
    expect(page.locator("[data-elapsed]")).to_be_visible()


def picture(page: Page, name: str) -> None:
    """Take pictures for somebody who wants to look: `PICTURES=folder`."""
    if folder := os.environ.get("PICTURES"):
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            page.screenshot(path=Path(folder) / f"{name}-{width}.png")
        page.set_viewport_size({"width": 1280, "height": 720})
