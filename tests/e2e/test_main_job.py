"""The main job, played by people in real browsers: shut by law, opened by two keys, a talk of two, the stop."""

import email
import email.policy
import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import BrowserContext, Page, expect

from chat import rooms
from chat.models import Message, User
from compliance.law import ITEM
from compliance.records import ledger
from compliance.testing import NOTIFIED, evidence_for
from tests.chat.people.test_second_factor import totp
from tests.conftest import PASSWORD, MakeUser, Serve, signed_in
from tests.e2e.people import bodies, say
from tests.kit.client import Peer
from tests.serving import Server, manage, manage_json

pytestmark = pytest.mark.django_db(transaction=True)

OPEN_TALK, CLOSED_TALK, STOP_REASON = "みなさん、こんにちは。", "ここだけの話です。", "不具合の点検のため"
ITS_CAUSE = "電気通信事業法16条1項"


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """Where the server puts the mail that it sends."""
    return tmp_path / "letters"


@pytest.fixture
def server(serve: Serve, letters: Path, transactional_db: None) -> Server:
    """A server on which neither key is turned, with one open room."""
    rooms.create_open_room(actor=None, name="雑談", description="話題は何でも。", slug="talk")
    return serve(EMAIL_URL=f"filemail:///{letters}", **dict.fromkeys(NOTIFIED, ""))


@pytest.fixture
def operator(make_user: MakeUser) -> User:
    """The operator, whose address is confirmed."""
    person = make_user("運営", is_staff=True, is_superuser=True)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


def test_the_main_job(visit: Any, server: Server, letters: Path, operator: User, make_user: MakeUser) -> None:
    guests_talk_in_an_open_room(visit(), visit())
    closed_chat_is_shut_by_law(visit().new_page(), "TELECOM_REGISTRATION")

    turn_the_first_key(server)
    closed_chat_is_shut_by_law(visit().new_page(), "LAW-01")

    desk = sign_in(visit().new_page(), str(operator.email), "/admin/")
    assert manage("purge").returncode == 0  # LAW-12 says that it was seen to work
    turn_the_second_key(desk)
    the_seal_is_stamped(visit().new_page())

    first, second = (sign_up(visit().new_page(), name, letters) for name in ("夜更かし", "焙煎三年目"))
    room = two_strangers_are_matched(first, second)
    they_talk(first, second)
    nobody_else_gets_in(server, visit(), visit(make_user("通りすがり")), room, make_user("third"))

    pull_the_stop(desk, [first, second])
    nothing_more_goes_through(server, [first, second], room)
    the_ledger_tells_it(server)


# --- open rooms, and the shut door -----------------------------------------------------------------------------


def guests_talk_in_an_open_room(*contexts: BrowserContext) -> None:
    """A nickname is the one step between finding a room and talking in it."""
    pages = [context.new_page() for context in contexts]
    for page, nickname in zip(pages, ("散歩好き", "通りがかり"), strict=True):
        page.goto("/")
        page.get_by_role("link", name="雑談").click()
        page.get_by_label("ニックネーム").fill(nickname)
        page.get_by_role("button", name="参加する").click()
        expect(page.locator("[data-readers]")).to_contain_text("だれでも読める")
    here, there = pages
    states = watch_own_message(here, OPEN_TALK)
    say(here, OPEN_TALK)
    expect(bodies(there).last).to_have_text(OPEN_TALK)
    expect(bodies(here)).to_have_count(1)
    assert states() == ["sending", ""]
    say(there, "こんにちは。")
    expect(bodies(here).last).to_have_text("こんにちは。")
    expect(here.locator("li.message[data-mine]")).to_have_count(1)


def watch_own_message(page: Page, body: str) -> Any:
    """Note the states through which a message of that body goes on the page, the last being none.

    Returns:
        what reads the states noted so far.
    """
    page.evaluate(
        """(body) => {
          const log = document.querySelector("[data-log]"), states = (window.statesOfOwn = []);
          const shows = (row) => row.querySelector(".message-body").textContent === body;
          new MutationObserver(() => {
            const row = [...log.querySelectorAll("li.message")].find(shows);
            const state = row?.dataset.state ?? "";
            // A receipt may be overtaken by the message itself, so "sent" need not be seen.
            if (row && state !== "sent" && states.at(-1) !== state) states.push(state);
          }).observe(log, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });
        }""",
        body,
    )
    return lambda: page.evaluate("window.statesOfOwn")


def closed_chat_is_shut_by_law(page: Page, lacking: str) -> None:
    """The matching page answers 451 with the rule, the article and what is lacking; open rooms are one step away."""
    answer = page.goto("/match/")
    assert answer is not None
    assert answer.status == 451
    assert 'rel="blocked-by"' in answer.headers["link"]
    main = page.get_by_role("main")
    expect(main.get_by_role("heading", level=1)).to_contain_text("マッチング")
    expect(main).to_contain_text("K-3")
    expect(main.get_by_role("link", name=ITS_CAUSE)).to_have_attribute(
        "href", re.compile(r"^https://laws\.e-gov\.go\.jp/")
    )
    expect(main.locator("section", has_text="なぜ使えないのか").first).to_contain_text(lacking)
    expect(page.locator(".slip .seal")).to_have_attribute("data-state", "off")
    main.get_by_role("link", name="オープンチャットへ").click()
    expect(page.get_by_role("link", name="雑談")).to_be_visible()


# --- the two keys ----------------------------------------------------------------------------------------------


def turn_the_first_key(server: Server) -> None:
    """The deployer sets what was filed, and restarts."""
    assert server.sigterm() == 0
    server.env |= NOTIFIED
    server.start()


def turn_the_second_key(desk: Page) -> None:
    """The operator follows "next" from item to item and signs each with its evidence, until closed chat is on."""
    desk.goto("/admin/compliance/checklist/")
    blocking = [item for item in ITEM.values() if item.blocks]
    desk.locator(".gate-keys").get_by_role("link", name=re.compile("LAW-")).click()
    for _ in blocking:
        item = ITEM[desk.url.rstrip("/").rpartition("/")[2]]
        for key, value in evidence_for(item).items():
            field = desk.locator(f".evidence [name='{key}']")
            match field.first.get_attribute("type"):
                case "checkbox":
                    field.set_checked(value)
                case "radio":
                    desk.locator(f".evidence [name='{key}'][value='{value}']").check()
                case _ if field.evaluate("(control) => control.tagName") == "SELECT":
                    field.select_option(value)
                case _:
                    field.fill(value)
        desk.locator(".evidence [name=_next]").click()
        expect(desk.locator(".messagelist")).to_contain_text(item.id)
        if desk.locator(".seal.small[data-state=on]").count():
            return
    pytest.fail("every blocking item is signed, and closed chat is still off")


def the_seal_is_stamped(page: Page) -> None:
    """The lobby shows the stamp with the number."""
    page.goto("/")
    seal = page.locator(".slip .seal")
    expect(seal).to_have_attribute("data-state", "on")
    expect(seal).to_contain_text(NOTIFIED["TELECOM_REGISTRATION_NUMBER"])
    expect(page.get_by_role("link", name="二人で話す")).to_be_visible()


# --- people ----------------------------------------------------------------------------------------------------


def sign_in(page: Page, address: str, towards: str) -> Page:
    """Sign in on the way to a page."""
    page.goto(towards)
    page.locator("[name=login]").fill(address)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="ログイン", exact=True).click()
    page.wait_for_url(re.compile(rf"/2fa/authenticate/|^[^?]*{re.escape(towards)}$"))
    if "authenticate" in page.url:
        page.locator("[name=code]").fill(totp())
        page.locator("[name=code]").press("Enter")
        page.wait_for_url(f"**{towards}")
    return page


def sign_up(page: Page, name: str, letters: Path) -> Page:
    """Make an account, with the code that comes by mail."""
    address = f"new{len(list(letters.glob('*')))}@example.jp"
    page.goto("/")
    page.get_by_role("link", name="アカウントを作る").click()
    for field, value in {"email": address, "name": name, "password1": PASSWORD, "password2": PASSWORD}.items():
        page.locator(f"[name={field}]").fill(value)
    page.get_by_role("main").get_by_role("button").click()
    page.wait_for_url("**/confirm-email/**")
    page.locator("[name=code]").fill(code_for(address, letters))
    page.get_by_role("button", name="確認する").click()
    page.wait_for_url("**/")
    expect(page.locator(".who")).to_have_text(name)
    return page


def code_for(address: str, letters: Path) -> str:
    """The code in the letter to that address."""
    for path in letters.iterdir():
        letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        code = re.search(r"^\s*([A-Z0-9]+(?:-[A-Z0-9]+)?)\s*$", str(letter.get_content()), re.MULTILINE)
        if letter["To"] == address and code:
            return code[1]
    raise AssertionError(f"no letter to {address} has a code")


# --- the talk --------------------------------------------------------------------------------------------------


def two_strangers_are_matched(*pages: Page) -> str:
    """Both look for somebody and are taken to the same talk; returns its id."""
    for page in pages:
        page.get_by_role("link", name="二人で話す").click()
        page.get_by_role("button", name="相手をさがす").click()
    for page in pages:
        page.wait_for_url("**/closed/*/")
    assert len({page.url for page in pages}) == 1
    return pages[0].url.rstrip("/").rpartition("/")[2]


def they_talk(first: Page, second: Page) -> None:
    """Each hears the other, and sees all the time who can read it."""
    say(first, CLOSED_TALK)
    expect(bodies(second)).to_have_text([CLOSED_TALK])
    say(second, "聞こえています。")
    expect(bodies(first)).to_have_text([CLOSED_TALK, "聞こえています。"])
    for page in (first, second):
        readers = page.locator("[data-readers]")
        expect(readers).to_be_in_viewport()
        expect(readers).to_contain_text("夜更かし")
        expect(readers).to_contain_text("焙煎三年目")


def nobody_else_gets_in(
    server: Server, stranger: BrowserContext, member: BrowserContext, room: str, third: User
) -> None:
    """To anybody else the talk does not exist: by no address, and by no frame."""
    for context in (stranger, member):
        page = context.new_page()
        answer = page.goto(f"/closed/{room}/")
        assert answer is not None
        assert answer.status == 404
        assert CLOSED_TALK not in page.content()
        assert context.request.get(f"/rooms/{room}/").status == 404
        heard = first_frames(page, f"/closed/{room}/events?after=0")
        assert [(frame["type"], frame.get("code")) for frame in heard] == [("welcome", None), ("refused", "missing")]
    frames: dict[str, dict[str, Any]] = {
        "room.join": {},
        "room.leave": {},
        "room.sync": {"after": 0},
        "room.history": {"before": 9},
        "message.post": {"client_id": "00000000-0000-4000-8000-000000000000", "body": "聞こえますか"},
        "message.edit": {"seq": 1, "body": "x"},
        "message.delete": {"seq": 1},
        "match.leave": {},
    }
    with Peer(server, signed_in(third)) as peer:
        for kind, fields in frames.items():
            frame = peer.ask(kind, room=room, **fields)
            assert (kind, frame["type"], frame.get("code")) == (kind, "refused", "missing")
        peer.say("room.seen", room=room, seq=1)
        peer.say("typing", room=room)
        assert CLOSED_TALK not in str(peer.silence()) + str(peer.heard)


def first_frames(page: Page, path: str) -> list[dict[str, Any]]:
    """The first two frames of a room's stream, as this person's browser gets them."""
    frames: list[dict[str, Any]] = page.evaluate(
        """async (path) => {
          const reader = (await fetch(path)).body.pipeThrough(new TextDecoderStream()).getReader();
          let text = "";
          while (text.split("\\n\\n").length < 3) text += (await reader.read()).value;
          reader.cancel();
          return text.trim().split("\\n\\n").map((event) => JSON.parse(event.replace(/^data: /, "")));
        }""",
        path,
    )
    return frames


# --- the stop, and what is left of it --------------------------------------------------------------------------


def pull_the_stop(desk: Page, talkers: Sequence[Page]) -> None:
    """The operator pulls the stop in two steps; both talkers are shown the reason within a second of it."""
    for page in talkers:
        page.evaluate(
            """() => {
              const place = document.querySelector("[data-banner]");
              new MutationObserver(() => { window.toldAt ??= Date.now(); }).observe(place, { childList: true });
            }"""
        )
    desk.goto("/admin/compliance/stop/")
    desk.locator("[name=reason]").fill(STOP_REASON)
    desk.locator(".submit-row input").first.click()
    desk.locator("[name=_confirm]").click()
    expect(desk.locator(".gate-status")).to_have_attribute("data-on", "no")
    pulled_at = story()["stop.pulled"][-1]
    for page in talkers:
        expect(page.locator("[data-banner]")).to_contain_text(STOP_REASON)
        assert page.evaluate("window.toldAt") - pulled_at.timestamp() * 1000 <= 1000
        expect(page.locator("[data-banner]").get_by_role("link")).to_have_attribute("href", "/legal/")
        expect(page.get_by_role("banner").get_by_role("link", name="クローズド・チャットは停止中")).to_be_visible()
        for gone in ("[data-presence]", "[data-typing]", "[data-leave]"):  # nobody is inside any more
            expect(page.locator(gone)).to_be_hidden()


def nothing_more_goes_through(server: Server, talkers: Sequence[Page], room: str) -> None:
    """No page can write, no frame is taken, no address answers; open rooms go on."""
    before = Message.objects.count()
    for page in talkers:
        expect(page.locator("form[data-composer] textarea")).to_be_disabled()
        expect(page.locator("form[data-composer] button[type=submit]")).to_be_disabled()
    with Peer(server, signed_in(User.objects.get(name="夜更かし"))) as peer:
        assert peer.join(room)["code"] == "gate"
        assert peer.post(room, "もしもし")["code"] == "gate"
        assert peer.ask("room.sync", room=room, after=0)["code"] == "gate"
        refused = peer.ask("match.seek")
        assert (refused["code"], refused["rule"]) == ("gate", "K-3")
        assert STOP_REASON in refused["reason"]
        assert Message.objects.count() == before
        assert peer.join("talk")["type"] == "room.joined"
        assert peer.post("talk", "ここは開いています。")["type"] == "message.accepted"
    answer = talkers[0].reload()
    assert answer is not None
    assert answer.status == 451
    expect(talkers[0].get_by_role("main")).to_contain_text(STOP_REASON)
    talkers[1].goto("/rooms/talk/")
    expect(bodies(talkers[1]).last).to_have_text("ここは開いています。")


def the_ledger_tells_it(server: Server) -> None:
    """The chain holds, and its export tells in order what was done, by whom and why – and nothing of what was said."""
    assert server.sigterm() == 0
    assert manage("ledger", "verify").returncode == 0
    export = manage_json("ledger", "export")
    events = [entry["event"] for entry in export["entries"]]
    assert [entry["seq"] for entry in export["entries"]] == list(range(1, len(events) + 1))
    signed = sum(item.blocks for item in ITEM.values())
    of_the_gate = ("item.", "gate.opened", "gate.closed", "stop.")
    assert [event for event in events if event.startswith(of_the_gate)] in (
        ["item.signed"] * number + ["gate.opened", "stop.pulled", "gate.closed"] for number in range(1, signed + 1)
    )
    assert events.index("gate.refused") < events.index("item.signed")  # before any key was turned
    assert events[-1] == "gate.refused"  # after the stop
    [pulled] = [entry for entry in export["entries"] if entry["event"] == "stop.pulled"]
    ref = ledger.actor_of(User.objects.get(name="運営")).ref
    assert (pulled["actor"], pulled["payload"]["reason"]) == (ref, STOP_REASON)
    assert not any(said in json.dumps(export, ensure_ascii=False) for said in (OPEN_TALK, CLOSED_TALK))


def story() -> dict[str, list[datetime]]:
    """When each event of the ledger happened."""
    told: dict[str, list[datetime]] = {}
    for entry in manage_json("ledger", "export")["entries"]:
        told.setdefault(entry["event"], []).append(datetime.fromisoformat(entry["at"]))
    return told
