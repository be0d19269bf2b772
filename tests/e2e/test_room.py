"""One room in a real browser: what is written shows as text, and nothing of it is lost, doubled or sent by accident."""

import json
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, WebSocketRoute, expect

from chat import rooms
from chat.messages import NewEvent
from chat.models import Message, Room, User
from chat.people import Person
from chat.realtime import Committed
from tests.e2e.people import bodies, enter, listening, say, sees
from tests.kit.store import store
from tests.serving import Server

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)><svg onload=alert(1)>",
    '"></div></li></ol><h1 onclick=alert(1)>外へ</h1>',
    "javascript:alert(1) [押す](javascript:alert(1)) data:text/html,<b>太字</b>",
    "&lt;b&gt; &amp;amp; {{ 7 * 7 }} {% debug %} ${7 * 7}",
    "😀" * 2000,
)
NICKNAME = "<i>旅人</i>"


@pytest.fixture
def room(transactional_db: None) -> Room:
    """An open room in which nobody has written."""
    return rooms.create_open_room(actor=None, name="雑談", description="話題は何でも。", slug="talk")


@pytest.fixture
def write(room: Room, user: User) -> Callable[[str], None]:
    """Writes to the room's log behind the server's back, as another server process does."""

    def write(body: str) -> None:
        entry = NewEvent(room.id, Person.of(user), Message.Kind.MESSAGE, body, uuid.uuid4())
        [outcome] = store([entry]).outcomes
        assert isinstance(outcome, Committed)

    return write


def test_what_people_write_shows_as_text(visit: Any, room: Room, server: Server) -> None:
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    writer, reader, scriptless = (visit().new_page(), visit().new_page(), visit(java_script_enabled=False).new_page())
    for page in (writer, reader, scriptless):
        page.on("dialog", note)
    enter(writer, NICKNAME)
    listening(reader)
    for body in HOSTILE:
        say(writer, body)
    sees(writer, *HOSTILE)
    sees(reader, *HOSTILE)
    scriptless.goto("/rooms/talk/")
    sees(scriptless, *HOSTILE)
    for page in (writer, reader, scriptless):
        expect(page.locator(".message-author").first).to_have_text(NICKNAME)
        assert (
            page.locator("[data-log] li.message :is(script, img, svg, i, b, h1, a:not([href*='/report/']))").count()
            == 0
        )
        assert page.locator("h1").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") if page != scriptless else True
    say(writer, "https://example.jp/?a=1&b=2 です")
    link = bodies(reader).last.get_by_role("link")
    expect(link).to_have_attribute("href", "https://example.jp/?a=1&b=2")
    expect(link).to_have_attribute("rel", "noopener nofollow ugc")
    assert dialogs == []


def test_the_enter_that_ends_a_composition_sends_nothing(visit: Any, room: Room, server: Server) -> None:
    page = visit().new_page()
    enter(page)
    field = page.get_by_label("発言", exact=True)
    field.focus()
    ime = page.context.new_cdp_session(page)
    enter_key = {"type": "rawKeyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}

    # Chromium and Firefox: the press comes first, within the composition.
    ime.send("Input.imeSetComposition", {"text": "とどけ", "selectionStart": 3, "selectionEnd": 3})
    ime.send("Input.dispatchKeyEvent", enter_key)
    ime.send("Input.insertText", {"text": "届け"})
    expect(field).to_have_value("届け")

    # Safari: the composition ends first, then comes the press that ended it.
    field.evaluate(
        """(field) => field.addEventListener("compositionend", () => setTimeout(() =>
          field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true }))
        ), { once: true })"""
    )
    ime.send("Input.imeSetComposition", {"text": "です", "selectionStart": 2, "selectionEnd": 2})
    ime.send("Input.insertText", {"text": "です"})
    expect(field).to_have_value("届けです")
    page.wait_for_timeout(200)
    expect(bodies(page)).to_have_count(0)

    page.keyboard.press("Shift+Enter")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    sees(page, "届けです\n2")
    expect(field).to_have_value("")


def test_one_enter_ends_a_syllable_and_sends_and_a_press_on_send_takes_what_is_composed(
    visit: Any, room: Room, server: Server
) -> None:
    page = visit().new_page()
    enter(page)
    field, send = page.get_by_label("発言", exact=True), page.get_by_role("button", name="送る")
    field.focus()
    ime = page.context.new_cdp_session(page)

    # Korean: the press is reported within the composition, and at once again after it.
    ime.send("Input.imeSetComposition", {"text": "안녕", "selectionStart": 2, "selectionEnd": 2})
    field.evaluate(
        """(field) => field.dispatchEvent(new KeyboardEvent("keydown",
          { key: "Enter", keyCode: 229, isComposing: true, bubbles: true, cancelable: true }))"""
    )
    ime.send("Input.insertText", {"text": "안녕"})
    page.keyboard.press("Enter")
    sees(page, "안녕")

    # A composition whose end nobody reports blocks nothing.
    field.evaluate("(field) => field.dispatchEvent(new CompositionEvent('compositionstart'))")
    say(page, "やあ")
    sees(page, "안녕", "やあ")

    # A press on the button; then an input method that is late.
    ime.send("Input.imeSetComposition", {"text": "とどけ", "selectionStart": 3, "selectionEnd": 3})
    field.evaluate("(field) => field.form.requestSubmit()")
    ime.send("Input.insertText", {"text": "とどけ"})
    sees(page, "안녕", "やあ", "とどけ")
    expect(field).to_have_value("")
    ime.send("Input.imeSetComposition", {"text": "もう", "selectionStart": 2, "selectionEnd": 2})
    send.click()
    sees(page, "안녕", "やあ", "とどけ", "もう")
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    page.reload()
    expect(field).to_have_value("")


def test_what_one_message_holds_stays_in_its_place(visit: Any, room: Room, write: Callable[[str], None]) -> None:
    write("上の発言です。")
    write("".join(letter + "\u0301\u0489\u0336" * 30 for letter in "Zalgo"))
    write("\u202eabc\u202e\nשלום abc!\nabc שלום")
    page = visit().new_page()
    enter(page)
    rows = page.locator("li.message")
    expect(rows).to_have_count(3)
    for row in rows.all():  # each paints only on itself
        clipped = row.locator(".message-body").evaluate("(body) => getComputedStyle(body).overflowY")
        assert clipped == "clip"
    assert rows.nth(2).locator(".message-body").evaluate("(body) => getComputedStyle(body).unicodeBidi") == "plaintext"

    field = page.get_by_label("発言", exact=True)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('あいう hello\\n'.repeat(100000))")
    field.focus()
    page.keyboard.press("Control+v")
    expect(page.locator("[data-count]")).to_contain_text("文章の先頭だけを取り込みました。")
    expect(page.get_by_role("button", name="送る")).to_be_disabled()
    field.fill("שלום")
    expect(field).to_have_js_property("dir", "rtl")
    field.fill("短い")
    expect(page.get_by_role("button", name="送る")).to_be_enabled()
    expect(field).to_have_js_property("dir", "ltr")


def test_a_killed_server_costs_nobody_a_word(
    visit: Any, room: Room, server: Server, write: Callable[[str], None]
) -> None:
    here, there = visit().new_page(), visit().new_page()
    enter(here, "散歩好き")
    enter(there, "通りがかり")
    say(here, "おはようございます。")
    sees(there, "おはようございます。")

    server.kill9()
    say(here, "届くでしょうか。")
    expect(here.locator("li.message[data-state=sending]")).to_have_count(1)
    for page in (here, there):
        expect(page.locator("[data-connection]")).to_be_visible()
        expect(page.locator("[data-connection]")).to_have_attribute("data-state", "reconnecting")
    for number in range(3):
        write(f"留守のあいだの{number}")

    server.start()
    story = ["おはようございます。", *(f"留守のあいだの{number}" for number in range(3)), "届くでしょうか。"]
    for page in (here, there):
        expect(bodies(page)).to_have_text(story, timeout=20_000)
        expect(page.locator("[data-connection]")).to_have_attribute("data-state", "connected")
    expect(here.locator("li.message[data-state]")).to_have_count(0)
    assert list(Message.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2, 3, 4, 5]


def test_a_refused_message_comes_back_into_the_field(visit: Any, room: Room, server: Server) -> None:
    page = visit().new_page()
    refusals = ["いまは受け取れません。", "まだ受け取れません。"]

    def between(socket: WebSocketRoute) -> None:
        behind = socket.connect_to_server()

        def pass_on(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame["type"] == "message.post" and refusals:
                refused = {"type": "refused", "code": "forbidden", "reason": refusals.pop(0)}
                socket.send(json.dumps(refused | {"ref": frame["ref"], "room": frame["room"]}))
            else:
                behind.send(text)

        socket.on_message(pass_on)

    page.route_web_socket("**/ws/", between)
    enter(page)
    say(page, "もう一度お願いします。")
    field, reason = page.get_by_label("発言", exact=True), page.locator("[data-reply]")
    expect(reason).to_contain_text("いまは受け取れません。")
    page.reload()
    expect(reason).to_contain_text("いまは受け取れません。")
    expect(field).to_have_value("もう一度お願いします。")
    field.press("Enter")
    expect(reason).to_contain_text("まだ受け取れません。")
    expect(field).to_have_value("もう一度お願いします。")
    expect(page.locator("li.message")).to_have_count(0)
    page.locator("form[data-composer] button[type=submit]").click()
    sees(page, "もう一度お願いします。")
    expect(reason).to_be_hidden()
    expect(page.locator("li.message[data-state]")).to_have_count(0)  # until its receipt it is on its way only
    assert Message.objects.count() == 1


def test_draft_and_unsent_messages_survive_a_reload(
    visit: Any, room: Room, server: Server, write: Callable[[str], None]
) -> None:
    write("だれかいますか。")
    page = visit().new_page()
    enter(page)
    deaf = [True]

    def between(socket: WebSocketRoute) -> None:
        behind = socket.connect_to_server()
        if deaf[0]:  # what the page says arrives; what the server answers does not
            behind.on_message(lambda text: socket.send(text) if json.loads(text)["type"] == "welcome" else None)

    page.route_web_socket("**/ws/", between)
    page.reload()
    say(page, "います。")
    # The page of the document stays, and what one writes stands below it at once.
    sees(page, "だれかいますか。", "います。")
    expect(page.locator("li.message[data-state=sending]")).to_have_count(1)
    page.get_by_label("発言", exact=True).fill("ところで")
    until(page, lambda: Message.objects.count() == 2)

    deaf[0] = False
    page.reload()
    sees(page, "だれかいますか。", "います。")
    expect(page.locator("li.message[data-state]")).to_have_count(0)
    expect(page.get_by_label("発言", exact=True)).to_have_value("ところで")
    assert Message.objects.count() == 2


def until(page: Page, done: Callable[[], bool]) -> None:
    """Wait, letting the browser go on, until something is so."""
    for _ in range(100):
        if done():
            return
        page.wait_for_timeout(50)
    pytest.fail("it did not become so within 5 s")


def test_who_reads_above_is_not_pulled_down(
    visit: Any, room: Room, server: Server, write: Callable[[str], None]
) -> None:
    for number in range(60):
        write(f"{number}番目の発言です。")
    reader, writer = visit().new_page(), visit().new_page()
    listening(reader)
    expect(bodies(reader).last).to_have_text("59番目の発言です。")
    expect(bodies(reader).last).to_be_in_viewport()
    log = reader.get_by_role("log")
    log.hover()
    reader.mouse.wheel(0, -5000)
    expect(bodies(reader).first).to_have_text("0番目の発言です。")  # the older page came by itself
    place = reader.evaluate("document.querySelector('[data-log]').scrollTop")
    enter(writer)
    say(writer, "新しい発言です。")
    new = reader.get_by_role("button", name="新着")
    expect(new).to_be_visible()
    assert reader.evaluate("document.querySelector('[data-log]').scrollTop") == place
    new.click()
    expect(bodies(reader).last).to_have_text("新しい発言です。")
    expect(bodies(reader).last).to_be_in_viewport()
    expect(new).to_be_hidden()


def test_a_finger_answers_edits_and_deletes(visit: Any, room: Room, server: Server) -> None:
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    enter(page)
    field, send = page.get_by_label("発言", exact=True), page.get_by_role("button", name="送る")
    for body in ("一つめです。", "二つめです。"):
        field.fill(body)
        send.tap()
        expect(bodies(page).last).to_have_text(body)
    expect(page.locator("li.message[data-state]")).to_have_count(0)

    bodies(page).first.tap()
    page.get_by_role("button", name="返信").tap()
    field.fill("答えです。")
    send.tap()
    expect(page.locator("li.message").last.locator(".message-quote")).to_contain_text("一つめです。")

    bodies(page).first.tap()
    page.get_by_role("button", name="編集").tap()
    field.fill("一つめでした。")
    send.tap()
    sees(page, "一つめでした。", "二つめです。", "答えです。")

    bodies(page).nth(1).tap()
    page.get_by_role("button", name="削除").tap()
    expect(page.locator("li.message[data-deleted]")).to_have_count(1)
    sees(page, "一つめでした。", "この発言は削除されました。", "答えです。")


def test_a_finger_opens_the_toolbar_beside_the_words_and_closes_it(
    visit: Any, room: Room, server: Server, write: Callable[[str], None]
) -> None:
    for number in range(11):
        write(f"{number}番目の話です。\n次の行です。")
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).new_page()
    enter(page)
    page.get_by_label("発言", exact=True).fill("自分の話です。")
    page.get_by_role("button", name="送る").tap()
    expect(page.locator("li.message")).to_have_count(12)
    expect(page.locator("li.message[data-state]")).to_have_count(0)
    toolbar = page.get_by_role("group", name="この発言への操作")

    def boxes() -> list[Any]:
        return [row.bounding_box() for row in page.locator("li.message").all()]

    scroll = "(log) => log.scrollBy(0, log.scrollTop > 100 ? -20 : 20)"
    for message in (page.locator("li.message").nth(6), page.locator("li.message").last):
        closings: dict[str, Callable[[], Any]] = {
            "a second tap": message.locator(".message-body").tap,
            "a tap elsewhere": page.locator(".room-head h1").tap,
            "Escape": partial(page.keyboard.press, "Escape"),
            "scrolling": partial(page.locator("[data-log]").evaluate, scroll),
        }
        for how, close in closings.items():
            message.scroll_into_view_if_needed()
            before = boxes()
            message.locator(".message-body").tap()
            expect(toolbar).to_be_visible()
            assert boxes() == before
            bar, words = toolbar.bounding_box(), message.bounding_box()
            assert bar is not None
            assert words is not None
            assert bar["y"] >= words["y"] + words["height"] - 1 or bar["y"] + bar["height"] <= words["y"] + 1
            close()
            expect(toolbar, how).to_be_hidden()


def test_a_room_works_by_keyboard_alone(visit: Any, room: Room, server: Server) -> None:
    page = visit().new_page()
    page.goto("/")
    press = page.keyboard.press
    page.bring_to_front()  # else a browser with many windows open may have its keys elsewhere
    page.locator("body").press("Tab")  # which, unlike the keyboard's own, does not wait for ever
    expect(page.get_by_role("link", name="本文へ")).to_be_focused()
    press("Enter")
    press("Tab")
    expect(page.get_by_role("link", name="雑談")).to_be_focused()
    press("Enter")
    page.wait_for_url("**/rooms/talk/")
    page.get_by_label("ニックネーム").focus()
    page.keyboard.type("旅人")
    press("Enter")
    page.wait_for_load_state()
    say(page, "キーボードだけで書いています。")
    expect(page.get_by_label("発言", exact=True)).to_be_focused()
    sees(page, "キーボードだけで書いています。")
    expect(page.locator("li.message[data-state]")).to_have_count(0)

    press("Shift+Tab")
    expect(page.get_by_role("log")).to_be_focused()
    press("ArrowUp")
    expect(page.locator("li.message").last).to_be_focused()
    expect(page.get_by_role("button", name="返信")).to_be_visible()  # it is loaded once somebody is at a message
    press("Tab")
    expect(page.get_by_role("button", name="返信")).to_be_focused()
    press("Enter")
    expect(page.get_by_label("発言", exact=True)).to_be_focused()
    expect(page.locator("[data-reply]")).to_contain_text("旅人")
    press("Escape")
    expect(page.locator("[data-reply]")).to_be_hidden()

    press("ArrowUp")
    expect(page.get_by_label("発言", exact=True)).to_have_value("キーボードだけで書いています。")
    page.keyboard.type("ね")
    press("Enter")
    sees(page, "キーボードだけで書いています。ね")
    expect(page.locator("li.message")).to_contain_text("編集済み")

    press("Control+k")
    expect(page.get_by_role("dialog")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    press("Control+k")
    expect(page.get_by_role("dialog").get_by_role("link", name="雑談")).to_be_visible()
    press("Enter")
    page.wait_for_url("**/rooms/talk/")
