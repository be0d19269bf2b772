"""Every page for everybody: named, lit, large enough to touch, on small screens, in two languages, of our own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import Page, expect

from chat import rooms
from chat.models import User
from compliance import signing
from compliance.testing import NOTIFIED, sign_all
from tests.conftest import MakeUser, Serve, signed_in
from tests.e2e.people import connected, enter, say
from tests.peer import Peer
from tests.serving import Server

pytestmark = pytest.mark.django_db(transaction=True)

AUDIT = (Path(__file__).parent / "audit.js").read_text()
SCREENS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light", "locale": "ja-JP"},
    "touch": {
        "viewport": {"width": 390, "height": 844},
        "has_touch": True,
        "is_mobile": True,
        "color_scheme": "dark",
        "locale": "en-GB",
    },
    # A window of 390 pixels at 200 %.
    "zoomed": {"viewport": {"width": 195, "height": 422}, "color_scheme": "light", "locale": "ja-JP"},
}


@dataclass
class Town:
    """A service with both keys turned, an open room in use, a closed talk, and people."""

    server: Server
    member: User
    operator: User
    talk: str

    @property
    def pages(self) -> list[tuple[User | None, str, int]]:
        """Who asks for which page, and with which status it answers."""
        account = ("login/", "signup/", "password/reset/")
        law = ("", "terms/", "privacy/", "external-transmission/", "retention/", "complaints/", "transparency/")
        own = ("/", "/rooms/talk/", "/rooms/new/", "/rooms/talk/lock/", "/match/", f"/closed/{self.talk}/")
        desk = ("checklist/", "checklist/LAW-01/", "stop/")
        return [
            *((None, path, 200) for path in ("/", "/rooms/talk/", "/match/")),
            *((None, f"/legal/{path}", 200) for path in law),
            *((None, f"/accounts/{path}", 200) for path in account),
            (None, "/no-such-page/", 404),
            *((self.member, path, 200) for path in own),
            *((self.member, f"/accounts/{path}", 200) for path in ("email/", "2fa/", "logout/")),
            *((self.operator, f"/admin/compliance/{path}", 200) for path in desk),
            *((self.operator, f"/operator/{path}", 200) for path in ("assess/", "filing/")),
        ]


@pytest.fixture
def server(serve: Serve) -> Server:
    """A server on which the first key is turned, without Django's own error pages."""
    return serve(**NOTIFIED, DEBUG="")


@pytest.fixture
def town(server: Server, make_user: MakeUser, operator: User) -> Iterator[Town]:
    """See `Town`."""
    people = [make_user(name) for name in ("夜更かし", "とても長い名前を付けてしまった人の表示を確かめる用")]
    for person in people:
        EmailAddress.objects.create(user=person, email=str(person.email), verified=True, primary=True)
    name = "たいへん長い名前を付けた雑談の部屋"
    rooms.create_open_room(actor=people[0], name=name, description="話題は何でも。", slug="talk")
    with Peer(server, signed_in(people[0])) as first, Peer(server, signed_in(people[1])) as second:
        sign_all(operator)
        for peer in (first, second):
            peer.wait(lambda frame: frame.get("features", {}).get("room.match_pair", {}).get("allowed", False))
        first.ask("match.seek")
        second.ask("match.seek")
        talk = first.expect("match.made")["room"]
        second.expect("match.made")
        for place in (talk, "talk"):
            first.join(place)
            second.join(place)
            first.post(place, "こんばんは。\n眠れなくて来ました。")
            second.post(place, "あ" * 200 + "a" * 200 + " https://example.jp/" + "path/" * 30, reply_to=1)
        yield Town(server, people[0], operator, talk)


def complaints(page: Page, server: Server, expected: int) -> list[str]:
    """Collect from now on what the browser says against the page, and what it loads from elsewhere."""
    heard: list[str] = []
    own_failure = f"status of {expected} "
    page.on(
        "console",
        lambda message: None if expected >= 400 and own_failure in message.text else heard.append(message.text),
    )
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on(
        "request",
        lambda request: None if request.url.startswith((server.url, "data:")) else heard.append(request.url),
    )
    page.on(
        "websocket",
        lambda socket: None if socket.url == server.ws_url else heard.append(socket.url),
    )
    return heard


def test_every_page_is_for_everybody(visit: Any, town: Town) -> None:
    people = (None, town.member, town.operator)
    contexts = {(screen, person): visit(person, **SCREENS[screen]) for screen in SCREENS for person in people}
    faults: dict[str, list[str]] = {}

    def look(person: User | None, path: str, status: int) -> None:
        for screen in SCREENS:
            page = contexts[screen, person].new_page()
            heard = complaints(page, town.server, status)
            answer = page.goto(path)
            assert answer is not None
            assert (path, answer.status) == (path, status)
            if page.locator("[data-connection]").count():
                connected(page)
            heard += page.evaluate(AUDIT, {"touch": screen == "touch"})
            if heard:
                faults[f"{path} for {person or 'anybody'}, {screen}"] = heard
            page.close()

    for person, path, status in town.pages:
        look(person, path, status)
    signing.stop(reason="点検のため", actor=town.operator)
    look(None, "/match/", 451)
    assert faults == {}, "\n".join(f"{where}\n  " + "\n  ".join(what) for where, what in faults.items())


def test_japanese_unless_english_is_asked_for(visit: Any, server: Server) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="talk")
    for locale, language, title in (("fr-FR", "ja", "オープンチャット"), ("en-GB", "en", "Open rooms")):
        page = visit(locale=locale).new_page()
        page.goto("/")
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
    page = visit(locale="ja-JP").new_page()
    page.goto("/match/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("まだ開いていません")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("is not open here yet")
    expect(page.get_by_role("button", name="English")).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="Go to the open rooms").click()
    page.get_by_role("link", name="雑談").click()
    page.get_by_label("Nickname").fill("traveller")
    page.get_by_role("button", name="Join").click()
    connected(page)
    expect(page.locator("[data-presence]")).to_have_text("1 here")
    page.get_by_label("Message", exact=True).fill("\u202eevil")
    page.keyboard.press("Enter")
    expect(page.locator("li.message[data-state=failed]")).to_contain_text("control characters that cannot be shown")


def test_focus_is_seen_and_follows_the_page(visit: Any, server: Server) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="talk")
    page = visit(viewport={"width": 1280, "height": 600}).new_page()
    enter(page)
    say(page, "こんにちは。")
    for path in ("/", "/rooms/talk/", "/match/", "/accounts/signup/"):
        page.goto(path)
        stops = stops_of(page)
        assert len(stops) > 5
        assert [stop["at"] for stop in stops] == sorted({stop["at"] for stop in stops})
        assert [stop["what"] for stop in stops if not (stop["ring"] and stop["seen"])] == []


def stops_of(page: Page) -> list[dict[str, Any]]:
    """Where the Tab key stops: place in the document, markup, whether one sees a ring, and whether it is uncovered."""
    stops: list[dict[str, Any]] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => {
              const now = document.activeElement;
              if (!now || now === document.body) return null;
              const all = [...document.querySelectorAll("*")], style = getComputedStyle(now);
              const { left, top, width, height } = now.getBoundingClientRect();
              const above = document.elementFromPoint(left + width / 2, top + height / 2);
              return {
                at: all.indexOf(now),
                what: now.outerHTML.slice(0, 80),
                ring: style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 2,
                seen: now.contains(above) || above?.contains(now) || false,
              };
            }"""
        )
        if stop is None:
            return stops
        stops.append(stop)
    pytest.fail("the Tab key never leaves the page")
