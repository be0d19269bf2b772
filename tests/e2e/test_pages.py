"""Every page for everybody: named, lit, large enough to touch, on small screens, in two languages, of our own."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from allauth.account.models import EmailAddress
from axe_playwright_python.sync_playwright import Axe
from django.urls import URLResolver, get_resolver, resolve
from django.utils import timezone
from playwright.sync_api import Page, ViewportSize, WebSocketRoute, expect

from chat import people, rooms, safety
from chat.models import Reason, Sanction, User
from chat.people import Person, enter_as_guest
from chat.safety.appeals import appeal
from chat.safety.mails import token_of
from chat.safety.reports import file_report
from compliance import cases, disclosures, gate
from compliance.disclosures import Scope
from compliance.law import papers
from compliance.law.powers import Group
from compliance.powers import Grant, ask_to_give, inviting
from compliance.records import approvals, ledger
from compliance.testing import NOTIFIED, sign_all
from tests.conftest import MakeStaff, MakeUser, Serve, give_factor, signed_in
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


NOWHERE = "/no-such-page/"
#: Addresses that lead to no page of their own: streams, files, forms that are only sent, and the demo's.
NO_PAGE = frozenset(
    {
        *("chat:room_events", "chat:closed_events", "chat:match_events", "chat:metrics"),
        *("compliance:gate_api", "compliance:approval", "compliance:withdraw_invitation", "compliance:case_paper"),
        *("compliance:assess_anew", "compliance:calendar_feed", "compliance:filing_text", "compliance:filing_diagram"),
        *("chat:demo", "chat:demo_as", "chat:demo_steps", "chat:demo_alone"),
    }
)


@dataclass
class Town:
    """A service with both keys turned, an open room in use, a closed talk, and people."""

    server: Server
    member: User
    operator: User
    talk: str
    sample: Sample

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
            (None, NOWHERE, 404),
            *((self.member, path, 200) for path in (*own, *reports)),
            (self.operator, "/desk/reports/", 200),
            *((self.member, f"/accounts/{path}", 200) for path in ("email/", "2fa/", "logout/")),
            (self.member, "/account/", 200),
            *((self.operator, f"/admin/compliance/{path}", 200) for path in desk),
            *((self.operator, f"/operator/{path}", 200) for path in ("assess/", "filing/")),
        ]

    @property
    def further(self) -> list[tuple[User | None, str]]:
        """Who asks for which page that only the long test looks at."""
        sample, gates = self.sample, "/admin/compliance/"
        gate_pages = (
            *("checklist/LAW-20/questions/", "closing/", "calendar/", "calendar/incident/", "calendar/change/"),
            *("calendar/outage/", "ledgerentry/", "ledgerentry/verify/", "ledgerentry/proof/"),
        )
        desk = ("", "people/?q=%E4%BC%9A", f"people/{sample.muted.public_id}/", "rooms/talk/", "appeals/", "log/")
        closed_desk = ("disclosures/", "disclosures/new/", f"disclosures/{sample.disclosure}/")
        staff = ("staff/", f"staff/{ledger.actor_of(sample.moderator).ref}/", "approvals/", "log/?start=2020-01-01")
        signing_in = ("password/change/", "2fa/totp/activate/", "2fa/webauthn/", "reauthenticate/")
        return [
            *((None, path) for path in ("/?q=%E9%9B%91", "/?page=9", "/rooms/talk/?at=1", "/guest/", NOWHERE)),
            *((None, path) for path in ("/legal/requests/", "/legal/requests/?sent=C-0001", "/accounts/inactive/")),
            *((None, path) for path in (f"/appeals/{token_of(sample.act)}/", f"/desk/second/{sample.second}/")),
            *((self.member, path) for path in ("/rooms/talk/keep/", "/account/export/", "/account/leave/", "/desk/")),
            *((self.member, path) for path in ("/appeals/", "/legal/closing/")),
            *((self.member, f"/accounts/{path}") for path in signing_in),
            *((sample.muted, path) for path in ("/", "/rooms/talk/", "/appeals/")),
            *((sample.guest, path) for path in ("/account/", "/rooms/new/", "/accounts/logout/")),
            *((sample.moderator, f"/desk/{path}") for path in desk),
            *((sample.moderator, f"/desk/reports/{path}") for path in (f"{sample.report}/", "?state=answered")),
            *((sample.clerk, f"/desk/cases/{path}") for path in ("", "new/", f"{sample.case}/")),
            *((self.operator, f"/desk/{path}") for path in (*closed_desk, *staff)),
            *((sample.invited, path) for path in (f"/desk/invitation/{sample.invitation}/", "/accounts/2fa/")),
            *((self.operator, f"{gates}{path}") for path in gate_pages),
            *((self.operator, f"/operator/{path}") for path in ("assess/verdict/", "assess/N1/", "filing/draft/")),
        ]

    def unwalked(self) -> set[str]:
        """Return the names of pages to which nobody goes."""
        paths = [*(path for _who, path, _status in self.pages), *(path for _who, path in self.further)]
        walked = {resolve(path.partition("?")[0]).view_name for path in paths if path != NOWHERE}
        return named_pages() - walked - NO_PAGE


@dataclass
class Sample:
    """What stands on the pages of staff, and of those on whom they act."""

    moderator: User
    clerk: User
    muted: User
    guest: User
    invited: User
    act: Sanction
    report: UUID
    case: UUID
    disclosure: UUID
    invitation: str
    second: str


def named_pages() -> set[str]:
    """Return the names of all addresses that are ours."""
    found: set[str] = set()
    for part in get_resolver().url_patterns:
        if isinstance(part, URLResolver) and part.namespace in {"chat", "compliance"}:
            found |= {f"{part.namespace}:{name}" for name in _names(part)}
    return found


def _names(part: URLResolver) -> Iterator[str]:
    for each in part.url_patterns:
        if isinstance(each, URLResolver):
            yield from _names(each)
        elif each.name:
            yield each.name


@pytest.fixture
def server(serve: Serve) -> Server:
    """A server on which the first key is turned, without Django's own error pages."""
    return serve(**NOTIFIED, DEBUG="")


@pytest.fixture
def town(
    server: Server, make_user: MakeUser, make_member: MakeUser, make_staff: MakeStaff, operator: User
) -> Iterator[Town]:
    """See `Town`."""
    members = [make_user(name) for name in ("夜更かし", "とても長い名前を付けてしまった人の表示を確かめる用")]
    for person in members:
        EmailAddress.objects.create(user=person, email=str(person.email), verified=True, primary=True)
    name = "たいへん長い名前を付けた雑談の部屋"
    rooms.create_open_room(actor=members[0], name=name, description="話題は何でも。", slug="talk")
    with Peer(server, signed_in(members[0])) as first, Peer(server, signed_in(members[1])) as second:
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
        yield Town(server, members[0], operator, talk, sample(members, operator, UUID(talk), make_member, make_staff))


def sample(members: list[User], operator: User, talk: UUID, make_member: MakeUser, make_staff: MakeStaff) -> Sample:
    """Have staff act on people, and papers arrive."""
    reason, now = "夜の当番を増やすため", timezone.now()
    asked = ask_to_give(account=members[1], grant=Grant(groups=(Group.AUDITOR,)), reason=reason, actor=operator)
    second = approvals.name_outside(approval=asked, name="外部の二人目", actor=operator)
    moderator, clerk = make_staff(Group.MODERATOR), make_staff(Group.COMPLIANCE)
    invitation = inviting.ask_to_invite(
        address="invited@example.jp", group=Group.MODERATOR, reason=reason, actor=operator
    )
    approvals.approve(approval=invitation.approval, actor=clerk)
    invited = make_member("招かれた人", email="invited@example.jp")
    give_factor(invited)
    muted = make_member("発言を止められた人")
    given: dict[str, Any] = {"user": muted, "actor": moderator, "reason": "宣伝の連投", "rule": Reason.SPAM}
    act = safety.act(kind=Sanction.Kind.MUTE, until=now + timedelta(days=7), **given)
    for warning in [safety.act(kind=Sanction.Kind.WARN, **given) for _ in range(4)][:2]:
        appeal(sanction=warning, words="宣伝ではありません。")
    people.block(actor=Person.of(members[0]), other=muted.public_id)
    return Sample(
        moderator=moderator,
        clerk=clerk,
        muted=muted,
        guest=enter_as_guest(nickname="旅人"),
        invited=invited,
        act=act,
        report=file_report(person=Person.of(members[1]), room="talk", seqs=[1], reason="threat", note="怖いです。"),
        case=cases.open_case(
            kind=papers.Kind.POLICE_INQUIRY, actor=clerk, sender="警察署長", received_on=timezone.localdate()
        ).pk,
        disclosure=disclosures.ask(
            case=None,
            ground="danger",
            reason="人の命が危ないため",
            scope=Scope(frozenset({talk}), frozenset(), now - timedelta(days=1), now),
            alone=True,
            actor=operator,
        ).pk,
        invitation=inviting.send(approval=invitation.approval, actor=operator)[1],
        second=second,
    )


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
    assert town.unwalked() == set()
    known = (None, town.member, town.operator)
    pages = {(screen, person): visit(person, **SCREENS[screen]).new_page() for screen in SCREENS for person in known}
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
    paths = [*((who, path) for who, path, _status in town.pages), *town.further]
    for person in {who for who, _path in paths}:
        for locale, scheme in itertools.product(("ja-JP", "en-GB"), ("light", "dark")):
            page = visit(person, locale=locale, color_scheme=scheme).new_page()
            for path in (path for who, path in paths if who == person):
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
