"""Keeping order in a real browser: the field closes and opens by itself, words are removed and restored."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import Any, Final

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from chat import rooms, safety
from chat.models import Message, Reason, RemovedMessage, Room, Sanction, User
from compliance.law.powers import Group
from compliance.models import LedgerEntry
from tests.chat.safety.conftest import said
from tests.conftest import MakeStaff, MakeUser
from tests.e2e.people import connected, enter, say, sees
from tests.e2e.test_pages import axe
from tests.serving import Server

pytestmark = pytest.mark.django_db(transaction=True)
PHONE: Final[dict[str, Any]] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
RULES: Final = {"slow_seconds": 0, "members_only": False, "announce_only": False, "archived": False}
STEP: Final = 10_000  # milliseconds, for what a process does within a second


@pytest.fixture
def moderator(transactional_db: None, make_staff: MakeStaff) -> User:
    """Somebody with the power over people and words."""
    return make_staff(Group.MODERATOR, name="当番")


@pytest.fixture
def room(transactional_db: None, user: User) -> Room:
    """An open room that `user` owns."""
    return rooms.create_open_room(actor=user, name="雑談", slug="talk")


def read(page: Page) -> Page:
    page.goto("/rooms/talk/")
    connected(page)
    return page


def composer(page: Page) -> Any:
    return page.locator("form[data-composer]")


def reason(page: Page) -> Any:
    return page.locator("[data-silent]")


def mute(moderator: User, user: User, **fields: Any) -> Sanction:
    until = timezone.now() + timedelta(days=7)
    given: dict[str, Any] = {"until": until, "reason": "宣伝の連投", "rule": Reason.SPAM} | fields
    return safety.act(kind=Sanction.Kind.MUTE, user=user, actor=moderator, **given)


def picture(page: Page, name: str) -> None:
    """Take pictures for somebody who wants to look: `PICTURES=folder`."""
    if folder := os.environ.get("PICTURES"):
        size = page.viewport_size
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            page.screenshot(path=f"{folder}/{name}-{width}.png")
        if size is not None:
            page.set_viewport_size(size)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_mute_closes_the_field_in_every_tab_until_it_is_lifted(
    visit: Any, room: Room, other: User, moderator: User, server: Server, language: str
) -> None:
    tabs = visit(other, locale=language)
    here, writing = read(tabs.new_page()), read(tabs.new_page())
    composer(writing).locator("textarea").fill("書きかけの言葉")
    made = mute(moderator, other)
    for page in (here, writing):
        expect(reason(page)).to_be_visible(timeout=STEP)
        expect(reason(page)).to_contain_text("宣伝の連投")
        expect(page.locator("[data-banner]")).to_be_hidden()  # it is said once
    expect(composer(here)).to_be_hidden()
    expect(composer(writing).locator("textarea")).to_have_value("書きかけの言葉")  # to be copied, or kept
    assert not composer(writing).locator("textarea").is_editable()
    assert axe(here) == []
    picture(here, f"muted-{language}")
    picture(writing, f"muted-unsent-{language}")
    here.reload()
    connected(here)
    expect(composer(here)).to_be_hidden()
    expect(reason(here)).to_contain_text("宣伝の連投")
    expect(reason(here).get_by_role("link")).to_have_attribute("href", "/appeals/")
    safety.lift(sanction=made, actor=moderator)
    for page in (here, writing):
        expect(reason(page)).to_be_hidden(timeout=STEP)
        expect(composer(page).locator("textarea")).to_be_editable()
    expect(composer(writing).locator("textarea")).to_have_value("書きかけの言葉")
    say(here, "また書けます")
    sees(here, "また書けます")


def test_the_field_opens_by_itself_when_a_mute_ends_also_after_a_break(
    visit: Any, room: Room, other: User, moderator: User, server: Server
) -> None:
    page = read(visit(other).new_page())
    made = mute(moderator, other, until=timezone.now() + timedelta(seconds=4))
    expect(reason(page)).to_be_visible(timeout=STEP)
    expect(reason(page)).to_be_hidden(timeout=STEP)
    assert made.until is not None
    assert timezone.now() >= made.until
    again = mute(moderator, other)
    expect(reason(page)).to_be_visible(timeout=STEP)
    server.kill9()
    safety.lift(sanction=again, actor=moderator)
    server.start()
    expect(reason(page)).to_be_hidden(timeout=3 * STEP)
    expect(composer(page).locator("textarea")).to_be_editable()


def test_what_keepers_restrict_reaches_every_open_page_at_once(
    visit: Any, room: Room, user: User, other: User, server: Server
) -> None:
    owner, member, stranger = (read(visit(who).new_page()) for who in (user, other, None))
    guest = visit().new_page()
    enter(guest)

    def restrict(**rules: Any) -> None:
        safety.restrict_room(room=room, actor=user, **RULES | rules)

    keep = visit(user).new_page()
    keep.goto("/rooms/talk/keep/")
    keep.get_by_label("会員だけが書き込める").check()
    keep.locator("form:has([name=do][value=rules]) button").click()
    expect(reason(guest)).to_contain_text("会員だけ", timeout=STEP)
    expect(reason(stranger)).to_be_visible(timeout=STEP)
    expect(stranger.locator("[data-guest]")).to_be_hidden()
    expect(composer(member)).to_be_visible()
    restrict(announce_only=True)
    expect(composer(member)).to_be_hidden(timeout=STEP)
    expect(composer(owner)).to_be_visible()
    restrict(slow_seconds=30)
    for page in (guest, member):
        expect(composer(page)).to_be_visible(timeout=STEP)
        expect(page.locator("[data-slow]")).to_contain_text("30秒")
    expect(stranger.locator("[data-guest]")).to_be_visible()
    expect(owner.locator("[data-slow]")).to_be_hidden()
    restrict(archived=True)
    for page in (owner, guest, member, stranger):
        expect(reason(page)).to_be_visible(timeout=STEP)
    picture(owner, "archived")
    restrict()
    for page in (owner, guest, member):
        expect(composer(page)).to_be_visible(timeout=STEP)
        expect(page.locator("[data-slow]")).to_be_hidden()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_keeper_removes_with_rule_and_reason_and_they_or_staff_restore_it(
    visit: Any, room: Room, user: User, other: User, moderator: User, server: Server, language: str
) -> None:
    seq = said(room, other, "ひどい言葉。")
    keeper, reader = read(visit(user, locale=language).new_page()), read(visit(other).new_page())
    message = keeper.locator("li.message").first
    dialog = keeper.get_by_role("dialog", name=re.compile("この発言を削除|Remove this message"))
    message.hover()
    keeper.locator("[data-action=remove]").click()
    expect(dialog).to_contain_text("ひどい言葉。")
    expect(dialog.get_by_role("combobox")).to_be_focused()
    assert axe(keeper) == []
    picture(keeper, f"removing-{language}")
    keeper.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(message).to_be_focused()
    keeper.keyboard.press("Shift+F10")
    keeper.locator("[data-menu=remove]").click()
    dialog.get_by_role("textbox").fill("名指しの悪口")
    keeper.keyboard.press("Enter")
    expect(dialog).to_be_visible()  # without a rule nothing is removed
    dialog.get_by_role("combobox").select_option("harassment")
    dialog.get_by_role("textbox").press("Enter")
    expect(dialog).to_be_hidden()
    expect(message).to_be_focused()
    expect(reader.locator("li.message")).to_have_attribute("data-removed", "keeper")
    expect(reader.locator(".message-body")).to_contain_text("部屋の管理人が削除")
    row = RemovedMessage.objects.get()
    assert (row.seq, row.reason, row.by_role) == (seq, "名指しの悪口", "keeper")
    entry = LedgerEntry.objects.get(event="message.removed").payload
    assert entry["rule"] == "harassment"
    assert "reason" not in entry  # the word of a user, and the ledger forgets nothing

    message.focus()
    keeper.keyboard.press("Shift+F10")
    keeper.locator("[data-menu=restore]").click()
    expect(reader.locator(".message-body")).to_have_text("ひどい言葉。")
    expect(message).not_to_have_attribute("data-removed", "keeper")

    message.focus()
    keeper.keyboard.press("Shift+F10")
    keeper.locator("[data-menu=remove]").click()
    dialog.get_by_role("combobox").select_option("harassment")
    dialog.get_by_role("textbox").fill("やはり悪口")
    dialog.get_by_role("textbox").press("Enter")
    expect(reader.locator("li.message")).to_have_attribute("data-removed", "keeper")
    staff = read(visit(moderator, locale=language).new_page())
    staff.locator("li.message").first.click(button="right")
    expect(staff.locator("[data-menu=restore]")).to_be_visible()
    picture(staff, f"restoring-{language}")
    staff.locator("[data-menu=restore]").click()
    expect(reader.locator(".message-body")).to_have_text("ひどい言葉。")
    expect(staff.locator("li.message")).not_to_have_attribute("data-removed", "keeper")
    assert Message.objects.filter(room=room, seq=seq, body="ひどい言葉。").exists()


def test_the_dialog_fits_a_phone(visit: Any, room: Room, user: User, other: User, server: Server) -> None:
    said(room, other, "ひどい言葉。" * 20)
    phone = read(visit(user, **PHONE).new_page())
    phone.locator(".message-body").tap()
    phone.locator("[data-action=remove]").tap()
    dialog = phone.locator("dialog[data-removing]")
    expect(dialog).to_be_visible()
    for part in dialog.locator("button, select, input").all():
        box = part.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    assert axe(phone) == []
    picture(phone, "removing-phone")
    dialog.get_by_role("button", name="キャンセル").tap()
    expect(dialog).to_be_hidden()
    assert not RemovedMessage.objects.exists()


def test_the_desk_restores_what_it_lists(
    visit: Any, room: Room, user: User, other: User, make_user: MakeUser, moderator: User, server: Server
) -> None:
    said(room, other, "また読める")
    keeper, reader = read(visit(user).new_page()), read(visit(make_user()).new_page())
    keeper.locator("li.message").first.hover()
    keeper.locator("[data-action=remove]").click()
    dialog = keeper.locator("dialog[data-removing]")
    dialog.get_by_role("combobox").select_option("spam")
    dialog.get_by_role("textbox").fill("宣伝")
    dialog.get_by_role("button", name="削除").click()
    expect(reader.locator(".message-body")).to_contain_text("削除しました")
    desk = visit(moderator).new_page()
    desk.goto("/desk/rooms/talk/")
    picture(desk, "desk-removed")
    desk.locator("section:has(#removed)").get_by_role("button", name="元に戻す").click()
    expect(reader.locator(".message-body")).to_have_text("また読める", timeout=STEP)
