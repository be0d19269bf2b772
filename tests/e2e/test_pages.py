"""Every page for everybody: named, lit, large enough to touch, on small screens, in two languages, of our own."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, WebSocketRoute, expect

from chat import rooms
from chat.models import User
from compliance import gate
from compliance.testing import NOTIFIED, sign_all
from tests.conftest import MakeUser, Serve, signed_in
from tests.e2e.people import connected, enter, say
from tests.kit.client import Peer
from tests.serving import Server

pytestmark = pytest.mark.django_db(transaction=True)

AXE = Axe()
REFUSED = "断られます。"
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
}
#: A window of 390 pixels at 200 %.
ZOOMED: ViewportSize = {"width": 195, "height": 422}


#: Pages that the long test looks at besides, for others and for the operator.
FURTHER = (
    ("/?q=%E9%9B%91", "/?page=9", "/rooms/talk/?at=1", "/guest/"),
    tuple(
        f"/admin/compliance/{path}"
        for path in (
            *("checklist/LAW-20/questions/", "closing/", "calendar/", "calendar/incident/", "calendar/change/"),
            *("calendar/outage/", "ledgerentry/", "ledgerentry/verify/", "ledgerentry/proof/"),
        )
    ),
)


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
        reports = ("/reports/", "/rooms/talk/report/?seq=1", f"/closed/{self.talk}/report/")
        desk = ("checklist/", "checklist/LAW-01/", "stop/")
        return [
            *((None, path, 200) for path in ("/", "/rooms/talk/", "/match/")),
            *((None, f"/legal/{path}", 200) for path in law),
            *((None, f"/accounts/{path}", 200) for path in account),
            (None, "/no-such-page/", 404),
            *((self.member, path, 200) for path in (*own, *reports)),
            (self.operator, "/desk/reports/", 200),
            *((self.member, f"/accounts/{path}", 200) for path in ("email/", "2fa/", "logout/")),
            (self.member, "/account/", 200),
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


def complaints(page: Page, server: Server) -> list[str]:
    """Collect from now on what the browser says against the page, and what it loads from elsewhere."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
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


def axe(page: Page) -> list[str]:
    """Return what axe-core finds wrong with a page. What Django's admin draws around our desk has Django's habits."""
    desk = "#content" if page.url.partition("/admin/")[1] else None
    # What axe loads before it looks is not the page's, and the page's policy forbids it.
    found = AXE.run(page, desk, {"resultTypes": ["violations"], "preload": False}).response["violations"]
    return [f"{fault['id']} ({fault['impact']}): {node['html'][:120]}" for fault in found for node in fault["nodes"]]


def test_every_page_is_for_everybody(visit: Any, town: Town) -> None:
    people = (None, town.member, town.operator)
    pages = {(screen, person): visit(person, **SCREENS[screen]).new_page() for screen in SCREENS for person in people}
    heard = {key: complaints(page, town.server) for key, page in pages.items()}
    faults: dict[str, list[str]] = {}
    seen: list[str] = []

    def look(person: User | None, path: str, status: int) -> None:
        # Every other page in another language, theme and width; the long test has them all.
        screen = ("wide", "touch")[len(seen) % 2]
        page = pages[screen, person]
        heard[screen, person].clear()
        answer = page.goto(path)
        assert answer is not None
        assert (path, answer.status) == (path, status)
        if page.locator("[data-connection]").count():
            connected(page)
        own_failure = f"status of {status} " if status >= 400 else None
        found = [text for text in heard[screen, person] if own_failure is None or own_failure not in text]
        found += page.evaluate(AUDIT, {"touch": screen == "touch"})
        found += axe(page)
        if screen == "wide":
            page.set_viewport_size(ZOOMED)
            found += [f"zoomed: {fault}" for fault in page.evaluate(AUDIT, {"touch": False})]
            page.set_viewport_size(SCREENS[screen]["viewport"])
        if found:
            faults[f"{path} for {person or 'anybody'}, {screen}"] = found
        seen.append(path)

    for person, path, status in town.pages:
        look(person, path, status)
    gate.pull_stop(reason="点検のため", actor=town.operator)
    look(None, "/match/", 451)
    assert faults == {}, "\n".join(f"{where}\n  " + "\n  ".join(what) for where, what in faults.items())


@pytest.mark.long
def test_every_page_is_for_everybody_in_each_language_theme_and_width(visit: Any, town: Town) -> None:
    faults: dict[str, list[str]] = {}
    widths = ((1280, 800), (390, 844), (320, 640))
    for person in (None, town.member, town.operator):
        for locale, scheme in itertools.product(("ja-JP", "en-GB"), ("light", "dark")):
            page = visit(person, locale=locale, color_scheme=scheme).new_page()
            for path in (
                *(path for who, path, _status in town.pages if who == person),
                *FURTHER[person == town.operator],
            ):
                page.goto(path)
                for width, height in widths:
                    page.set_viewport_size({"width": width, "height": height})
                    if found := axe(page) + page.evaluate(AUDIT, {"touch": False}):
                        faults[f"{path} for {person or 'anybody'}, {locale}, {scheme}, {width}"] = found
            page.context.close()
    assert faults == {}, "\n".join(f"{where}\n  " + "\n  ".join(what) for where, what in faults.items())


def test_a_room_is_for_everybody_in_each_of_its_states(visit: Any, town: Town) -> None:
    faults: dict[str, list[str]] = {}
    page = visit(viewport={"width": 390, "height": 844}, locale="ja-JP", color_scheme="light").new_page()
    inside = visit(town.member, viewport={"width": 390, "height": 844}, locale="en-GB", color_scheme="dark").new_page()

    def between(socket: WebSocketRoute) -> None:
        behind = socket.connect_to_server()

        def pass_on(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame.get("body") != REFUSED:
                return behind.send(text)
            refused = {"type": "refused", "code": "forbidden", "reason": "いまは書けません。", "room": frame["room"]}
            return socket.send(json.dumps(refused | {"ref": frame["ref"]}))

        socket.on_message(pass_on)

    page.route_web_socket("**/ws/", between)

    def look(state: str, page: Page = page) -> None:
        if found := axe(page):
            faults[state] = found

    rooms.create_open_room(actor=None, name="静かな部屋", slug="quiet")
    page.goto("/rooms/quiet/")
    connected(page)
    look("empty, for a stranger")
    enter(page)
    look("with messages")
    page.get_by_role("button", name="メニュー").click()
    look("menu open")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="メニュー")).to_be_focused()
    page.get_by_role("button", name="この部屋について").click()
    look("sheet open")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="この部屋について")).to_be_focused()
    page.locator("li.message").last.focus()
    look("a message in hand")
    page.get_by_role("button", name="返信").click()
    look("answering")
    field = page.get_by_label("発言", exact=True)
    field.fill("あ" * 2001)
    look("too long")
    field.fill(REFUSED)
    field.press("Control+Enter")
    page.locator("[data-reply][data-kind=words]").wait_for()
    look("refused")
    page.locator("li.message [data-jump]").first.click()
    page.locator("li.message[data-marked]").wait_for()
    look("at a quoted message")
    page.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('offline'))")
    look("offline")
    page.emulate_media(media="print")
    look("in print")
    inside.goto(f"/closed/{town.talk}/")
    connected(inside)
    look("a closed talk", inside)
    inside.on("dialog", lambda dialog: dialog.accept())
    inside.get_by_role("button", name="Leave").click()
    inside.locator("[data-ended]").wait_for()
    look("a talk that ended", inside)
    inside.reload()
    look("a talk that one has left", inside)
    gate.pull_stop(reason="点検のため", actor=town.operator)
    inside.goto(f"/closed/{town.talk}/")
    look("a talk while the gate is shut", inside)
    assert faults == {}, "\n".join(f"{where}\n  " + "\n  ".join(what) for where, what in faults.items())


def emptied(socket: WebSocketRoute) -> None:
    """Carry what a page and the server say to each other, with nothing to be read in the messages."""
    behind = socket.connect_to_server()
    socket.on_message(lambda text: behind.send(str(text).replace("Hello.", "\\u202e")))


def test_japanese_unless_english_is_asked_for(visit: Any, server: Server) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="talk")
    for locale, language, title in (("fr-FR", "ja", "オープンチャット"), ("en-GB", "en", "Open rooms")):
        page = visit(locale=locale).new_page()
        page.goto("/")
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
    page = visit(locale="ja-JP").new_page()
    page.route_web_socket("**/ws/", emptied)
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
    say(page, "Hello.")
    expect(page.locator("[data-reply][data-kind=words]")).to_contain_text("The message is empty")


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
