"""What is written in a browser and not sent: whose it is, where it is, and that it goes out in no other name."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect

from chat import rooms
from chat.models import Message, Room, User
from compliance.testing import NOTIFIED, sign_all
from tests.conftest import MakeUser, Serve, cookies_of, signed_in
from tests.e2e.people import bodies, connected, enter, say, sees
from tests.serving import Server

pytestmark = pytest.mark.django_db(transaction=True)

DRAFT = "二人だけの書きかけ"


@pytest.fixture
def server(serve: Serve) -> Server:
    """A server on which closed chat can be on."""
    return serve(**NOTIFIED, CHAT_RATE_LIMITS="off")


@pytest.fixture
def room(transactional_db: None) -> Room:
    """An open room in which nobody has written."""
    return rooms.create_open_room(actor=None, name="雑談", slug="talk")


class Line:
    """The way of a context's frames to the server, which a test can take away."""

    def __init__(self, context: BrowserContext) -> None:
        self._sockets: list[WebSocketRoute] = []
        self._up = True
        context.route_web_socket("**/ws/", self._open)
        context.route("**/events*", lambda route: route.abort())  # nobody goes round: a stream could not be cut

    def _open(self, socket: WebSocketRoute) -> None:
        if not self._up:
            socket.close()
            return
        self._sockets.append(socket)
        socket.connect_to_server()

    def cut(self) -> None:
        """Takes the line away."""
        self._up = False
        for socket in self._sockets:
            socket.close()
        self._sockets = []

    def mend(self, page: Page) -> None:
        """Gives it back, and tells the page."""
        self._up = True
        page.evaluate("dispatchEvent(new Event('online'))")


def field(page: Page) -> Any:
    """Where one writes."""
    return page.locator("form[data-composer] textarea")


def bar(page: Page) -> Any:
    """What the page says of what is in the field."""
    return page.locator("[data-reply]")


def stored() -> list[tuple[str, str | None]]:
    """The log: what it holds, and under whose name."""
    return list(Message.objects.order_by("seq").values_list("author_name", "body"))


def on_device(page: Page) -> str:
    """All that the browser keeps for the service."""
    kept: str = page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")
    return kept


def test_drafts_belong_to_their_tab_and_a_closed_tabs_is_found_again(visit: Any, room: Room, server: Server) -> None:
    context = visit()
    first, second = context.new_page(), context.new_page()
    enter(first)
    say(first, "はじめまして。")
    sees(first, "はじめまして。")
    second.goto("/rooms/talk/")
    connected(second)
    field(first).fill("一枚目の書きかけ")
    field(second).fill("二枚目から")
    field(second).press("Enter")
    sees(first, "はじめまして。", "二枚目から")
    first.reload()
    expect(field(first)).to_have_value("一枚目の書きかけ")
    first.close()
    second.reload()
    expect(field(second)).to_have_value("一枚目の書きかけ")

    # What the words are about survives a reload, too.
    field(second).fill("")
    second.locator("li.message").first.hover()
    second.locator("[data-action=reply]").click()
    field(second).fill("返事の途中")
    second.reload()
    expect(bar(second)).to_contain_text("旅人")
    field(second).press("ArrowUp")
    field(second).press("Enter")
    sees(second, "はじめまして。", "二枚目から", "返事の途中")
    assert Message.objects.get(seq=3).reply_to == 1
    field(second).press("ArrowUp")
    field(second).fill("直している途中")
    second.reload()
    expect(field(second)).to_have_value("直している途中")
    field(second).press("Enter")
    sees(second, "はじめまして。", "二枚目から", "直している途中")


def test_an_edit_waits_for_the_line_and_outlives_its_message(visit: Any, room: Room, server: Server) -> None:
    context = visit()
    line = Line(context)
    page = context.new_page()
    enter(page)
    for body in ("一つ目", "二つ目"):
        say(page, body)
        expect(bodies(page).last).to_have_text(body)
    expect(page.locator("li.message[data-state]")).to_have_count(0)
    line.cut()
    expect(page.locator("[data-connection]")).not_to_have_attribute("data-state", "connected")
    field(page).press("ArrowUp")
    field(page).fill("二つ目を直した")
    field(page).press("Enter")
    expect(page.locator("li.message[data-state=sending]")).to_contain_text("二つ目を直した")
    page.reload()
    expect(page.locator("li.message[data-state=sending]")).to_contain_text("二つ目を直した")
    line.mend(page)
    sees(page, "一つ目", "二つ目を直した")
    expect(page.locator("li.message[data-state]")).to_have_count(0)

    # Deleted in another tab while it is being edited here.
    field(page).press("ArrowUp")
    field(page).fill("時間をかけて直した文")
    other = context.new_page()
    other.goto("/rooms/talk/")
    connected(other)
    other.once("dialog", lambda dialog: dialog.accept())
    other.locator("li.message").last.hover()
    other.locator("[data-action=delete]").click()
    expect(bar(page)).to_contain_text("削除されました")
    field(page).press("Enter")
    expect(field(page)).to_have_value("時間をかけて直した文")
    bar(page).get_by_role("button", name="新しい発言として送る").click()
    expect(bodies(page).last).to_have_text("時間をかけて直した文")
    expect(bar(page)).to_be_hidden()

    # Asleep for a night: what was written before is asked about.
    expect(page.locator("li.message[data-state]")).to_have_count(0)
    page.clock.install()
    line.cut()
    expect(page.locator("[data-connection]")).not_to_have_attribute("data-state", "connected")
    say(page, "寝る前のひとこと")
    page.clock.fast_forward("08:00:00")
    line.mend(page)
    waiting = page.locator("li.message[data-state=failed]")
    expect(waiting).to_contain_text("いま送りますか")
    waiting.get_by_role("button", name="もどして直す").click()
    expect(field(page)).to_have_value("寝る前のひとこと")
    expect(waiting).to_have_count(0)
    assert Message.objects.filter(kind=Message.Kind.MESSAGE).count() == 3


def test_nothing_of_a_guest_goes_out_in_the_name_of_who_signs_in_later(
    visit: Any, room: Room, server: Server, make_member: MakeUser
) -> None:
    context = visit()
    line = Line(context)
    page = context.new_page()
    enter(page, "匿名さん")
    say(page, "一通目")
    sees(page, "一通目")
    line.cut()
    expect(page.locator("[data-connection]")).not_to_have_attribute("data-state", "connected")
    say(page, "回線が切れてから")
    field(page).fill("匿名のつもりの内緒話")
    other = context.new_page()
    other.goto("/accounts/logout/")
    expect(other.locator("[data-unsent]")).to_be_visible()
    other.get_by_role("main").get_by_role("button", name="ログアウト").click()
    context.add_cookies(cookies_of(signed_in(make_member("花子")), server))
    other.goto("/")
    line.mend(page)
    connected(page)
    expect(page.locator("[data-banner]")).to_contain_text("別の人")
    field(page).press("Enter")
    expect(field(page)).to_have_value("匿名のつもりの内緒話")
    expect(bodies(page)).to_have_text(["一通目", "回線が切れてから"])
    other.goto("/rooms/talk/")
    connected(other)
    say(other, "花子です")
    expect(bodies(page).first).to_have_text("一通目")
    expect(page.get_by_text("花子です")).to_be_visible()  # reading goes on
    assert stored() == [("匿名さん", "一通目"), ("花子", "花子です")]
    page.get_by_role("button", name="再読み込み").click()
    expect(field(page)).to_have_value("")
    assert "内緒話" not in on_device(page)


@pytest.fixture
def talk(visit: Any, server: Server, operator: User, make_member: MakeUser) -> tuple[BrowserContext, Page, User]:
    """A member in a talk with somebody they were matched with, who has begun to write."""
    sign_all(operator)
    people = [make_member(name) for name in ("甲", "乙")]
    contexts = [visit(person) for person in people]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        page.goto("/match/")
        page.locator("form[data-seek] button[type=submit]").click()
    for page in pages:
        page.wait_for_url("**/closed/**")
        connected(page)
    field(pages[0]).fill(DRAFT)
    return contexts[0], pages[0], people[0]


def test_words_of_a_closed_talk_are_for_their_author_only_and_gone_after_sign_out(
    talk: tuple[BrowserContext, Page, User], server: Server, make_member: MakeUser
) -> None:
    context, page, me = talk
    address = page.url
    page.reload()
    expect(field(page)).to_have_value(DRAFT)
    assert "todoke.sealed." in on_device(page)
    assert DRAFT not in on_device(page)

    # The session ends, somebody else signs in, then the author again.
    Session.objects.all().delete()
    page.wait_for_url("**/accounts/login/**")
    assert DRAFT not in on_device(page)
    context.add_cookies(cookies_of(signed_in(make_member("丙")), server))  # type: ignore[arg-type]
    page.goto("/rooms/new/")
    assert DRAFT not in on_device(page) + page.content()
    context.clear_cookies()
    context.add_cookies(cookies_of(signed_in(me), server))  # type: ignore[arg-type]
    page.goto(address)
    expect(field(page)).to_have_value(DRAFT)

    # They sign out in another tab: the page of the talk is left at once.
    other = context.new_page()
    other.goto("/")
    expect(other.get_by_role("main")).to_contain_text("乙")
    other.goto("/accounts/logout/")
    expect(other.locator("[data-unsent]")).to_be_visible()
    other.get_by_role("main").get_by_role("button", name="ログアウト").click()
    page.wait_for_url("**/accounts/login/**")
    assert "todoke.sealed." not in on_device(other)
    assert address.rstrip("/").rpartition("/")[2] not in on_device(other)
    for step in range(3):
        other.go_back()
        assert "乙" not in other.locator("body").inner_text(), step


def test_where_the_device_keeps_nothing_the_page_says_so_once(visit: Any, room: Room, server: Server) -> None:
    page = visit().new_page()
    page.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }")
    enter(page)
    field(page).fill("書きかけ")
    banner = page.locator("[data-banner]")
    expect(banner).to_contain_text("消えます")
    banner.get_by_role("button").click()
    field(page).fill("書きかけの続き")
    expect(banner).to_be_hidden()
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.close(run_before_unload=True)
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    field(page).press("Enter")
    sees(page, "書きかけの続き")
    page.close(run_before_unload=True)
    assert asked == ["beforeunload"]
