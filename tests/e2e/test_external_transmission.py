"""LAW-11: what the pages really make a browser load, send and store is what the external-transmission page declares."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from chat import rooms
from chat.models import Room, User
from compliance.law.transmissions import STORED, TRANSMISSIONS
from compliance.testing import NOTIFIED, sign_all
from tests.conftest import MakeUser, Serve
from tests.e2e.people import connected, enter, say, sees
from tests.serving import Server

pytestmark = pytest.mark.django_db(transaction=True)

LEGAL = [
    f"/legal/{page}"
    for page in ("", "external-transmission/", "retention/", "terms/", "privacy/", "complaints/", "transparency/")
]
STRANGER = ["/", *LEGAL, "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/match/", "/nothing/"]
MEMBER = ["/", "/rooms/new/", "/match/", "/accounts/email/", "/accounts/password/change/", "/accounts/2fa/"]
OPERATOR = [
    "/admin/",
    "/admin/chat/user/",
    "/admin/compliance/checklist/",
    "/admin/compliance/checklist/LAW-20/",
    "/admin/compliance/checklist/LAW-20/questions/",
    "/admin/compliance/hold/add/",
    "/admin/compliance/ledgerentry/",
    "/operator/assess/",
    "/operator/filing/draft/",
]


class Wire:
    """Every origin that a browser context asks for anything: pages, files, beacons, sockets."""

    def __init__(self, context: BrowserContext) -> None:
        self.origins: set[str] = set()
        context.on("request", lambda request: self._saw(request.url))
        context.on("page", lambda page: page.on("websocket", lambda socket: self._saw(socket.url)))

    def _saw(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob", "about"}:
            self.origins.add(f"{parts.scheme.replace('ws', 'http')}://{parts.netloc}")


@pytest.fixture
def server(serve: Serve) -> Server:
    """A server whose first key is turned, so that closed talk's pages are walked as well."""
    return serve(**NOTIFIED)


@pytest.fixture
def room(transactional_db: None) -> Room:
    """An open room in which people talk."""
    return rooms.create_open_room(actor=None, name="雑談", slug="talk")


def walk(page: Page, paths: list[str]) -> None:
    for path in paths:
        response = page.goto(path, wait_until="load")
        assert response is not None
        assert response.status < 500, path


def kept_by(context: BrowserContext, page: Page) -> set[str]:
    """The names of what is kept in the browser: cookies, and the kinds of storage that are in use."""
    names = {cookie.get("name", "") for cookie in context.cookies()}
    found: list[str] = page.evaluate(
        """async () => [
          localStorage.length && "localStorage",
          sessionStorage.length && "sessionStorage",
          (await indexedDB.databases()).length && "indexedDB",
          (await caches.keys()).length && "caches",
          (await navigator.serviceWorker.getRegistrations()).length && "serviceWorker",
        ].filter(Boolean)"""
    )
    return names | set(found)


def test_pages_load_from_send_to_and_store_what_is_declared(
    visit: Any, room: Room, operator: User, make_member: MakeUser, server: Server
) -> None:
    sign_all(operator)
    declared = {each.origin for each in TRANSMISSIONS}
    own = {each.name for each in STORED}
    # A browser made from scratch and never left: whatever it asks for, the pages made it ask.
    everybody = [visit(), visit(make_member()), visit(operator)]
    origins: set[str] = set()
    stored: set[str] = set()
    for context, paths in zip(everybody, (STRANGER, MEMBER, OPERATOR), strict=True):
        wire = Wire(context)
        page = context.new_page()
        walk(page, paths)
        page.goto("/rooms/talk/")
        if context is everybody[0]:
            enter(page)
            say(page, "https://elsewhere.example.jp/a.png を見て")
            sees(page, "https://elsewhere.example.jp/a.png を見て")
            page.locator("form[data-composer] textarea").fill("書きかけ")
        connected(page)
        page.goto("/")
        page.get_by_role("button", name="English").click()
        origins |= wire.origins
        stored |= kept_by(context, page)
    assert origins - {server.url} == declared
    assert server.url in origins
    assert stored <= own
    assert stored >= {"sessionid", "csrftoken", "django_language"}


def test_a_closed_talk_loads_and_sends_what_is_declared(
    visit: Any, operator: User, make_member: MakeUser, server: Server
) -> None:
    sign_all(operator)
    contexts = [visit(make_member()) for _each in range(2)]
    wires = [Wire(context) for context in contexts]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        page.goto("/match/")
        page.locator("form[data-seek] button[type=submit]").click()
    for page in pages:
        page.wait_for_url("**/closed/**")
        connected(page)
    say(pages[0], "二人だけの話")
    expect(pages[1].locator(".message-body").last).to_have_text("二人だけの話")
    declared = {each.origin for each in TRANSMISSIONS}
    assert {origin for wire in wires for origin in wire.origins} - {server.url} == declared


def test_the_page_is_easily_reached_from_every_page_and_can_be_read_without_a_script(visit: Any, room: Room) -> None:
    page = visit(java_script_enabled=False).new_page()
    for path in ("/", "/accounts/login/", "/rooms/talk/"):
        page.goto(path)
        if path == "/rooms/talk/":  # the talk takes the whole screen: the seal in its head leads on
            page.locator(".standing").first.click()
        page.get_by_role("link", name="外部送信").last.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("外部送信")
        size = page.locator("main p").first.evaluate("element => parseFloat(getComputedStyle(element).fontSize)")
        assert size >= 14  # REG 22-2-28(1)(ii): readable without doing anything
