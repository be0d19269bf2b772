"""The page of one's own in a browser: choices work at once in each tab, and a block hides at once."""

from typing import Any

import pytest
from playwright.sync_api import expect

from chat import people, rooms
from chat.models import Preferences, Room, User
from chat.people import Person
from tests.e2e.people import bodies, connected, say
from tests.serving import Server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def room(transactional_db: None) -> Room:
    """An open room in which nobody has written."""
    return rooms.create_open_room(actor=None, name="雑談", slug="talk")


def test_choices_work_at_once_in_every_tab(visit: Any, user: User, room: Room, server: Server) -> None:
    context = visit(user, color_scheme="light")
    page, talk = context.new_page(), context.new_page()
    talk.goto("/rooms/talk/")
    connected(talk)
    page.goto("/account/")
    paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.get_by_label("暗い").check()
    page.get_by_label("とても大きい").check()
    page.get_by_label("改行", exact=True).check()
    expect(page.locator("[data-saved]")).to_have_text("保存しました。")
    for each in (page, talk):
        assert each.evaluate("getComputedStyle(document.documentElement).backgroundColor") != paper
        assert each.evaluate("getComputedStyle(document.documentElement).fontSize") == "20px"
    assert talk.locator(".enter-choice input").is_checked()
    talk.locator("form[data-composer] textarea").fill("一行目")
    talk.keyboard.press("Enter")
    assert talk.locator("form[data-composer] textarea").input_value() == "一行目\n"
    talk.reload()
    assert talk.evaluate("document.documentElement.dataset.theme") == "dark"  # from the server, before any script
    page.get_by_label("English").check()
    page.wait_for_selector("html[lang=en]")
    chosen = Preferences.objects.get()
    assert (chosen.theme, chosen.text_size, chosen.enter, chosen.language) == ("dark", "larger", "newline", "en")
    page.goto("/accounts/logout/")
    page.locator("main").get_by_role("button", name="Sign out").click()
    page.wait_for_selector("html[lang=ja]")
    assert page.evaluate("localStorage.getItem('todoke.look')") is None
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == paper


@pytest.mark.parametrize("width", [1280, 390])
def test_a_block_covers_what_they_wrote_and_write(
    visit: Any,
    user: User,
    other: User,
    room: Room,
    server: Server,
    width: int,
) -> None:
    page = visit(user, viewport={"width": width, "height": 800}).new_page()
    theirs = visit(other).new_page()
    for each in (page, theirs):
        each.goto("/rooms/talk/")
        connected(each)
    say(theirs, "やあ")
    expect(bodies(page)).to_have_text(["やあ"])
    people.block(actor=Person.of(user), other=other.public_id)  # in another process
    cover = page.locator("li.message .message-cover summary")
    expect(cover).to_be_visible()
    say(theirs, "返事は？")
    expect(cover).to_have_count(2)
    for body in bodies(page).all():
        assert not body.is_visible()
    page.reload()
    connected(page)
    expect(cover).to_have_count(2)
    assert not bodies(page).first.is_visible()
    cover.first.click()
    expect(bodies(page).first).to_be_visible()
    expect(bodies(theirs)).to_have_text(["やあ", "返事は？"])
    assert theirs.locator(".message-cover").count() == 0
