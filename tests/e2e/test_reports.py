"""Reporting in a real browser: the menu of a message by every hand, and three presses from the message to the desk."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chat import rooms
from chat.messages import NewEvent
from chat.models import Message, Report, Room, User
from chat.people import Person
from tests.e2e.people import connected, enter
from tests.e2e.test_pages import axe
from tests.kit.store import store
from tests.serving import Server

pytestmark = pytest.mark.django_db(transaction=True)
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def room(transactional_db: None, user: User) -> Room:
    """An open room in which somebody else has written three messages."""
    made = rooms.create_open_room(actor=None, name="雑談", slug="talk")
    for body in ("おはよう。", "ひどい言葉。", "おやすみ。"):
        store([NewEvent(made.pk, Person.of(user), Message.Kind.MESSAGE, body, uuid.uuid4())])
    return made


def opened(page: Page) -> Any:
    menu = page.get_by_role("menu", name="この発言への操作")
    expect(menu).to_be_visible()
    return menu


def test_three_presses_from_the_message_to_the_desk(visit: Any, room: Room, other: User, server: Server) -> None:
    page = visit(other).new_page()
    page.goto("/rooms/talk/")
    connected(page)
    message = page.locator("li.message").nth(1)
    before = [row.bounding_box() for row in page.locator("li.message").all()]
    message.hover()
    page.get_by_role("button", name="この発言の操作をすべて表示").click()
    assert [row.bounding_box() for row in page.locator("li.message").all()] == before
    opened(page).get_by_role("menuitem", name="通報する…").click()
    expect(page.locator(".chosen:has(:checked)")).to_have_count(1)
    expect(page.locator(".chosen:has(:checked)")).to_contain_text("ひどい言葉。")
    page.get_by_role("button", name="嫌がらせ・いじめ").click()
    page.wait_for_url("**/reports/")
    report = Report.objects.get()
    assert (report.reporter, report.reason) == (other, "harassment")
    assert [copy.body for copy in report.messages.all()] == ["ひどい言葉。"]


def test_the_menu_opens_by_mouse_key_and_finger_and_gives_the_focus_back(
    visit: Any, room: Room, other: User, server: Server
) -> None:
    page = visit(other).new_page()
    page.goto("/rooms/talk/")
    connected(page)
    message = page.locator("li.message").nth(1)
    message.hover()
    message.locator(".message-body").click(button="right")
    assert axe(page) == []
    expect(opened(page).get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("menuitem", name="この人をブロックする…")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="通報する…")).to_be_focused()
    page.keyboard.press("Escape")
    expect(message).to_be_focused()
    page.keyboard.press("Shift+F10")
    page.keyboard.press("ArrowDown")
    expect(opened(page).get_by_role("menuitem", name="本文をコピー")).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.get_by_label("発言", exact=True)).to_be_focused()
    expect(page.locator("[data-reply]")).to_contain_text("ひどい言葉。")

    phone = visit(**PHONE).new_page()
    enter(phone)
    phone.locator("li.message").nth(1).locator(".message-body").tap()
    phone.get_by_role("button", name="この発言の操作をすべて表示").tap()
    for item in opened(phone).get_by_role("menuitem").all():
        box = item.bounding_box()
        assert box is not None
        assert box["height"] >= 44
    assert axe(phone) == []
    phone.touchscreen.tap(195, 100)
    expect(phone.get_by_role("menu")).to_be_hidden()
    long_press(phone, ".message:nth-of-type(3) .message-body")
    opened(phone)


def long_press(page: Page, selector: str) -> None:
    """A finger rests on a message, as iOS reports it: without a word of its own."""
    press = """(element) => {
      const {left, top} = element.getBoundingClientRect();
      const where = {bubbles: true, pointerType: 'touch', clientX: left + 5, clientY: top + 5};
      element.dispatchEvent(new PointerEvent('pointerdown', where));
    }"""
    page.locator(selector).first.evaluate(press)


def test_a_report_needs_no_script(visit: Any, room: Room, other: User, server: Server) -> None:
    page = visit(other, java_script_enabled=False).new_page()
    page.goto("/rooms/talk/")
    page.locator("li.message").nth(1).get_by_role("link", name="通報する").click()
    page.get_by_role("button", name="宣伝・スパム").click()
    page.wait_for_url("**/reports/")
    assert [copy.body for copy in Report.objects.get().messages.all()] == ["ひどい言葉。"]
