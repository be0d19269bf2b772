"""The page of one's own: name, what one chose, where one is signed in, whom one blocked."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from chat import people, retention
from chat.models import Block, Device, Preferences, User
from chat.people import Person
from chat.people.preferences import CHOICES
from tests.conftest import MakeUser, Serve, signed_in
from tests.kit.client import Peer

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) Version/17.4 Mobile/15E148 Safari/604.1"


def page(browser: Client, path: str = "/account/") -> str:
    return browser.get(path).content.decode()


def root(browser: Client, path: str = "/") -> str:
    """The first tag of a page."""
    [found] = re.findall(r"<html[^>]*>", page(browser, path))
    return str(found)


@pytest.fixture
def guest() -> Client:
    """A browser of somebody who entered with a nickname."""
    browser = Client()
    assert browser.post("/guest/", {"nickname": "旅人"}).status_code == 302
    return browser


@pytest.fixture(params=["member", "guest"])
def browser(request: pytest.FixtureRequest) -> Client:
    found: Client = request.getfixturevalue(request.param)
    return found


def test_a_stranger_signs_in_first_and_whoever_has_a_name_is_led_there_from_each_page(browser: Client) -> None:
    assert Client().get("/account/").url == "/accounts/login/?next=/account/"  # type: ignore[attr-defined]
    assert 'href="/account/"' not in page(Client(), "/")
    for path in ("/", "/legal/", "/account/", "/no-such-page/"):
        assert 'href="/account/"' in page(browser, path)


def test_what_somebody_chose_stands_in_each_page_from_the_first_byte(browser: Client) -> None:
    assert "data-theme" not in root(browser)
    answer = browser.post("/account/", {"do": "choose", "theme": "dark", "text_size": "large", "enter": "newline"})
    assert answer.status_code == 302
    for path in ("/", "/account/", "/no-such-page/"):
        assert 'data-theme="dark" data-text-size="large" data-enter="newline"' in root(browser, path)
    assert 'content="#1b1815" media="all"' in page(browser)
    asked = browser.post("/account/", {"do": "choose", "theme": ""}, headers={"Accept": "application/json"})
    assert asked.status_code == 204
    assert "data-theme" not in root(browser)
    assert "data-text-size" in root(browser)
    assert "data-t" not in root(Client())


@pytest.mark.parametrize(("name", "value"), [("theme", "<b>"), ("text_size", "999"), ("blocks_at", "2026-01-01")])
def test_nothing_else_can_be_chosen(member: Client, name: str, value: str) -> None:
    member.post("/account/", {"do": "choose", name: value})
    assert not Preferences.objects.exists()
    for values in CHOICES.values():
        assert all(len(value) <= 8 for value in values)


def test_the_language_follows_a_person_and_not_the_device(user: User) -> None:
    phone, shared = signed_in(user), signed_in(user)
    phone.post("/account/", {"do": "choose", "language": "en"})
    assert 'lang="en"' in root(phone)
    assert phone.cookies[settings.LANGUAGE_COOKIE_NAME].value == "en"  # the socket reads it, too
    assert 'lang="en"' in root(shared)
    shared.post("/i18n/setlang/", {"language": "ja"})  # in the head of a page
    assert 'lang="ja"' in root(shared)
    assert 'lang="ja"' in root(phone)
    phone.post("/account/", {"do": "choose", "language": "en"})
    root(shared)
    shared.post("/accounts/logout/")
    assert shared.cookies[settings.LANGUAGE_COOKIE_NAME].value == ""
    assert 'lang="ja"' in root(shared)


def test_a_name_is_changed_by_the_same_rules_as_it_was_chosen(browser: Client, make_user: MakeUser) -> None:
    make_user("夜更かし")
    for name, words in (("　", "必須"), ("運営者", "運営")):
        assert words in browser.post("/account/", {"do": "name", "name": name}).content.decode()
    assert browser.post("/account/", {"do": "name", "name": "朝ぼらけ"}).status_code == 302
    assert User.objects.filter(name="朝ぼらけ").count() == 1
    assert "「朝ぼらけ」として書き込みます" in page(browser)


def test_a_guest_takes_no_name_of_a_member(guest: Client, make_user: MakeUser) -> None:
    make_user("夜更かし")
    assert guest.post("/account/", {"do": "name", "name": "夜更かし"}).status_code == 200
    assert User.objects.get(is_guest=True).name == "旅人"


def test_names_cannot_be_changed_all_the_time(member: Client, settings: Settings) -> None:
    settings.CHAT_RATE_LIMITS = True
    codes = [member.post("/account/", {"do": "name", "name": f"名前{number}"}).status_code for number in range(6)]
    assert codes == [302] * 5 + [429]


# Browsers ------------------------------------------------------------------------------------------------------------


def enter(user: User, words: str) -> Client:
    found = signed_in(user)
    found.get("/", headers={"User-Agent": words})
    return found


def test_each_browser_is_named_and_can_be_signed_out(user: User) -> None:
    here, there = enter(user, FIREFOX), enter(user, SAFARI)
    shown = page(here)
    assert re.search(r"Firefox.*Windows.*このブラウザー.*Safari.*iPhone", shown, re.DOTALL)
    assert "127.0.0.1" not in shown
    assert str(here.session.session_key) not in shown
    assert f"最後に使った日：{timezone.localdate():%Y年}" in shown
    [other] = re.findall(r'name="device" value="([^"]+)"', shown)
    here.post("/account/", {"do": "end", "device": other})
    assert there.get("/account/").status_code == 302
    assert here.get("/account/").status_code == 200
    assert "Safari" not in page(here)


def test_nobody_ends_the_sessions_of_others(user: User, other: User) -> None:
    mine, theirs = enter(user, FIREFOX), enter(other, SAFARI)
    device = Device.objects.get(user=other)
    for value in (str(device.pk), "x", ""):
        mine.post("/account/", {"do": "end", "device": value})
    assert theirs.get("/account/").status_code == 200
    assert "Safari" not in page(mine)


def test_a_session_is_noted_once_and_forgotten_with_it(user: User) -> None:
    here = enter(user, "curl/8")
    here.get("/", headers={"User-Agent": FIREFOX})
    [device] = Device.objects.all()
    assert (device.browser, device.system) == ("", "")
    assert "その他のブラウザー" in page(here)
    Device.objects.update(since=timezone.now() - timedelta(days=60))
    retention.purge()
    assert Device.objects.exists()
    Session.objects.all().delete()
    retention.purge()
    assert not Device.objects.exists()


# Blocks --------------------------------------------------------------------------------------------------------------


def test_blocked_people_are_listed_and_unblocked(user: User, member: Client, make_user: MakeUser) -> None:
    one, other = make_user("客人"), make_user("旅人")
    for each in (one, other):
        people.block(actor=Person.of(user), other=each.public_id)
    assert re.search("旅人.*客人", page(member), re.DOTALL)
    for value in (str(other.public_id), "x", str(user.public_id)):
        member.post("/account/", {"do": "unblock", "user": value})
    assert [block.blocked for block in Block.objects.all()] == [one]
    assert "旅人" not in page(member)
    assert user.name not in page(signed_in(one))


@pytest.mark.django_db(transaction=True)
def test_pages_elsewhere_learn_of_it_and_sockets_end(serve: Serve, user: User, other: User) -> None:
    import httpx  # noqa: PLC0415 -- only here

    people.block(actor=Person.of(user), other=other.public_id)
    here, there = enter(user, FIREFOX), enter(user, SAFARI)
    server = serve()
    with Peer(server, here) as peer, Peer(server, there) as far:
        assert peer.welcome["blocks"] == far.welcome["blocks"] == [str(other.public_id)]
        cookies: Any = {name: morsel.value for name, morsel in here.cookies.items()}
        with httpx.Client(base_url=server.url, cookies=cookies) as browser:
            [token] = set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get("/account/").text)[:1])
            fields = {"csrfmiddlewaretoken": token, "do": "unblock", "user": str(other.public_id)}
            assert browser.post("/account/", data=fields).status_code == 302
            assert peer.expect("person.blocks")["users"] == far.expect("person.blocks")["users"] == []
            device = Device.objects.get(browser="Safari")
            fields = {"csrfmiddlewaretoken": token, "do": "end", "device": str(device.pk)}
            assert browser.post("/account/", data=fields).status_code == 302
        assert far.closed() == 4401
