"""Where one is: each message of a room has an address, and the focus is somewhere whatever the page does."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from chat import rooms
from chat.messages import NewEvent
from chat.models import Message, Room, User
from chat.people import Person
from chat.realtime import Committed
from compliance.testing import NOTIFIED
from tests.conftest import Serve
from tests.e2e.people import bodies, connected, enter, listening, say
from tests.kit.store import store
from tests.serving import Server

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGES = 130  # more than two pages
QUOTED, QUOTING = 5, 128
PHONE = {"width": 390, "height": 844}
MOST_TABS = 6


@pytest.fixture
def server(serve: Serve) -> Server:
    """A server on which two people can be matched."""
    return serve(**NOTIFIED | {"COMPLIANCE_CHECKLIST": "advise"})


@pytest.fixture
def room(transactional_db: None, user: User) -> Room:
    """An open room with a long talk, near whose end an early message is quoted."""
    room = rooms.create_open_room(actor=None, name="雑談", description="話題は何でも。", slug="talk")
    events = [
        NewEvent(
            room.id,
            Person.of(user),
            Message.Kind.MESSAGE,
            f"{seq}番目の発言です。",
            uuid.uuid4(),
            reply_to=QUOTED if seq == QUOTING else None,
        )
        for seq in range(1, MESSAGES + 1)
    ]
    assert all(isinstance(outcome, Committed) for outcome in store(events).outcomes)
    return room


def row(page: Page, seq: int) -> Locator:
    """The message with this seq."""
    return page.locator(f"#m{seq}")


def is_at(page: Page, seq: int, *, marked: bool) -> None:
    """The message is in sight, and marked as the one to which the person was led, or nothing is."""
    expect(row(page, seq)).to_be_in_viewport()
    expect(page.locator("li.message[data-marked]")).to_have_count(int(marked))
    if marked:
        expect(row(page, seq)).to_have_attribute("data-marked", "true")


def has_focus(page: Page) -> None:
    """Something in the page has the focus, and stands in sight."""
    expect(page.locator(":focus")).to_be_visible()


@pytest.mark.parametrize("joined", [False, pytest.param(True, marks=pytest.mark.long)], ids=["anonymous", "guest"])
def test_a_quote_leads_to_a_message_that_is_not_loaded_and_back(
    visit: Any,
    room: Room,
    server: Server,
    joined: bool,  # noqa: FBT001 -- a table
) -> None:
    page = visit().new_page()
    (enter if joined else listening)(page)
    quote = row(page, QUOTING).locator("[data-jump]")
    back = page.get_by_role("button", name="元の場所に戻る")
    expect(row(page, QUOTED)).to_have_count(0)
    quote.click()
    is_at(page, QUOTED, marked=True)
    expect(page).to_have_url(re.compile(rf"#m{QUOTED}$"))
    has_focus(page)
    back.click()
    is_at(page, QUOTING, marked=True)
    expect(back).to_be_hidden()
    has_focus(page)
    quote.click()
    is_at(page, QUOTED, marked=True)
    page.go_back()
    is_at(page, QUOTING, marked=True)
    quote.click()
    is_at(page, QUOTED, marked=True)
    page.locator(".room-back").click()
    expect(page).to_have_url(f"{server.url}/")
    page.go_back()
    connected(page)
    is_at(page, QUOTED, marked=True)


def test_an_address_leads_to_its_message_and_the_log_can_be_read_without_scripts(
    visit: Any, room: Room, server: Server
) -> None:
    page = visit().new_page()
    for address in ("#m40", "?at=40"):
        page.goto("about:blank")
        page.goto(f"/rooms/talk/{address}")
        connected(page)
        is_at(page, 40, marked=True)
    page.emulate_media(media="print")
    hidden = "all => [all.length, all.filter((one) => !one.checkVisibility()).length]"
    held, missing = bodies(page).evaluate_all(hidden)  # in one look: more may be on its way
    assert held >= 50
    assert missing == 0
    assert page.locator("[data-log]").evaluate("log => log.scrollHeight - log.clientHeight") <= 1  # no page cuts it
    page.context.close()

    plain = visit(java_script_enabled=False).new_page()
    plain.goto("/rooms/talk/")
    read: set[int] = set()
    for _ in range(MESSAGES // 50 + 1):
        read |= {int(seq) for seq in plain.locator("li[data-seq]").evaluate_all("all => all.map(x => x.dataset.seq)")}
        older = plain.get_by_role("link", name="前の発言を読む")
        if older.count():
            older.click()
    assert read == set(range(1, MESSAGES + 1))
    plain.goto("/rooms/talk/?at=40")
    expect(row(plain, 40)).to_have_attribute("data-marked", "true")
    row(plain, 40).scroll_into_view_if_needed()


# A browser without a window prints nothing: what it would print is noted.
NOTE_PRINTED = """window.print = () => {
  dispatchEvent(new Event("beforeprint"));
  const printed = [...document.querySelectorAll("li.message")].map((row) => row.dataset.seq);
  document.documentElement.dataset.printed = printed.join(" ");
  dispatchEvent(new Event("afterprint"));
}"""


def test_a_whole_talk_or_a_day_of_it_goes_on_paper(visit: Any, room: Room, server: Server) -> None:
    earlier = Message.objects.filter(seq__lte=QUOTED)
    earlier.update(at=timezone.now() - timedelta(days=2))
    page = visit().new_page()
    page.add_init_script(NOTE_PRINTED)
    listening(page)
    for button, first in (("表示中の日を印刷", QUOTED + 1), ("すべて印刷", 1)):
        page.get_by_role("button", name=button).click()
        expect(page.locator("html")).to_have_attribute("data-printed", " ".join(map(str, range(first, MESSAGES + 1))))
        expect(row(page, MESSAGES)).to_be_in_viewport()  # where the person was


def test_the_log_keeps_half_of_a_phone_whose_letters_are_twice_as_large(visit: Any, room: Room, server: Server) -> None:
    page = visit(viewport=PHONE, has_touch=True, is_mobile=True).new_page()
    page.add_init_script(
        "addEventListener('DOMContentLoaded', () => { document.documentElement.style.fontSize = '200%' })"
    )
    for arrive in (listening, enter):
        arrive(page)
        assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
        box = page.locator("[data-log]").bounding_box()
        assert box
        assert box["height"] >= PHONE["height"] / 2, arrive.__name__
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_focus_is_never_lost_in_a_room(visit: Any, room: Room, server: Server) -> None:
    page = visit(viewport=PHONE).new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/rooms/talk/")
    connected(page)
    page.get_by_label("ニックネーム").fill("運営者")
    page.keyboard.press("Enter")
    refused = page.get_by_label("ニックネーム")
    expect(refused).to_be_focused()
    language(page, "en")
    expect(page.get_by_role("heading", name="Choose a nickname")).to_be_visible()
    has_focus(page)
    language(page, "ja")
    has_focus(page)  # by now the page listens for what is sent
    refused.fill("旅人")
    refused.press("Enter")
    page.wait_for_url("**/rooms/talk/")
    connected(page)
    expect(page.get_by_label("発言", exact=True)).to_be_focused()

    page.goto("/rooms/talk/")
    connected(page)
    for tabs in range(1, MOST_TABS + 1):
        page.locator("body").press("Tab") if tabs == 1 else page.keyboard.press("Tab")
        if page.locator(":focus").get_attribute("href") == "#body":
            page.keyboard.press("Enter")
        if page.locator(":focus").get_attribute("id") == "body":
            break
    expect(page.get_by_label("発言", exact=True)).to_be_focused()

    say(page, "消える発言です。")
    mine = page.locator("li.message[data-mine]").last
    expect(mine).not_to_have_attribute("data-state", re.compile(""))
    mine.focus()
    page.get_by_role("button", name="削除").focus()  # once the tools of the message are there
    page.keyboard.press("Enter")
    expect(page.locator("li.message[data-deleted]")).to_have_count(1)
    has_focus(page)

    log = page.get_by_role("log")
    log.evaluate("log => log.scrollTo(0, 0)")
    latest = page.locator("[data-new-below]")
    expect(latest).to_be_visible()  # what is not shown yet takes no focus, and the key would go elsewhere
    latest.focus()
    page.keyboard.press("Enter")
    expect(latest).to_be_hidden()
    has_focus(page)

    for name in ("この部屋について", "メニュー"):
        opener = page.get_by_role("button", name=name)
        opener.press("Enter")
        expect(page.locator("[popover]:popover-open")).to_have_count(1)
        page.keyboard.press("Escape")
        expect(opener).to_be_focused()
    language(page, "en")
    page.wait_for_load_state()
    has_focus(page)


def test_the_focus_follows_from_the_search_into_the_talk_and_out_of_it(
    visit: Any, room: Room, server: Server, make_member: Any
) -> None:
    one, other = (visit(make_member(name)).new_page() for name in ("い", "ろ"))
    for page in (one, other):
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto("/match/")
        seek = page.get_by_role("button", name="相手をさがす")
        expect(seek).to_be_enabled()
        seek.press("Enter")
        if page is one:
            expect(page.locator("[data-elapsed]")).to_be_visible()
            has_focus(page)
            page.get_by_role("button", name="さがすのをやめる").press("Enter")
            expect(page.get_by_role("button", name="相手をさがす")).to_be_focused()
            page.keyboard.press("Enter")
            expect(page.locator("[data-elapsed]")).to_be_visible()
    for page in (one, other):
        page.wait_for_url("**/closed/**")
        connected(page)
        expect(page.get_by_label("発言", exact=True)).to_be_focused()
    one.get_by_role("button", name="退室する").press("Enter")
    for page in (one, other):
        expect(page.locator("[data-ended]")).to_be_visible()
        expect(page.locator("[data-presence]")).to_be_hidden()
        has_focus(page)


def language(page: Page, code: str) -> None:
    """Choose a language by its button, with the keyboard, and wait for the page in it."""
    choice = page.locator(f'.languages [value="{code}"]')
    if not choice.is_visible():
        page.locator(".menu-button").press("Enter")
    choice.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", code)
