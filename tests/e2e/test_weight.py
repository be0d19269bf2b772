"""What the pages weigh, and what a long talk costs the browser that scrolls through it."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from chat import rooms
from chat.messages import NewEvent
from chat.models import Message, Room, User
from chat.people import Person
from tests.conftest import Serve
from tests.e2e.people import bodies, connected, enter, listening
from tests.kit.store import store
from tests.serving import Server, manage

pytestmark = [pytest.mark.load, pytest.mark.django_db(transaction=True)]

MOST: Final = 70_000  # bytes
LONG: Final = 10_000  # messages
TASK: Final = 50  # milliseconds of processor time: what others do on the machine at the same time does not count
PRODUCTION: Final = {"DEBUG": "false", "HTTPS": "off", "ALLOWED_HOSTS": "127.0.0.1", "SECRET_KEY": "0123456789" * 6}
WORDS: Final = "今日は川沿いを歩いてきました。風が冷たくなりましたね。"

# Scrolls up as a person does, a little with each frame; returns how many elements the page had at most.
SCROLL: Final = """(last) => new Promise((done, fail) => {
  const log = document.querySelector("[data-log]");
  let most = 0;
  const late = performance.now() + 60000;
  const step = () => {
    most = Math.max(most, document.querySelectorAll("*").length);
    const first = log.querySelector("li.message .message-body");
    if (log.scrollTop === 0 && first?.textContent.startsWith(last)) return done(most);
    if (performance.now() > late) return fail(new Error(`only up to ${first?.textContent}`));
    log.scrollBy(0, -1500);
    requestAnimationFrame(step);
  };
  step();
})"""


@pytest.fixture
def room(transactional_db: None) -> Room:
    """An open room in which nobody has written."""
    return rooms.create_open_room(actor=None, name="雑談", description="話題は何でも。", slug="talk")


def fill(room: Room, user: User, count: int) -> None:
    """Write so many messages into a room's log."""
    said = [
        NewEvent(room.id, Person.of(user), Message.Kind.MESSAGE, f"{number}: {WORDS}", uuid.uuid4())
        for number in range(count)
    ]
    for start in range(0, count, 1000):
        store(said[start : start + 1000])


def test_lobby_and_room_weigh_little_for_readers_and_for_writers(
    serve: Serve, tmp_path: Path, browser: Browser, room: Room, user: User
) -> None:
    for number in range(100):
        rooms.create_open_room(actor=None, name=f"{number}号室", description=WORDS, slug=f"room-{number}")
    fill(room, user, 60)
    env = PRODUCTION | {"STATIC_ROOT": str(tmp_path)}
    done = manage("collectstatic", "--no-input", env=env)
    assert done.returncode == 0, done.stderr
    server = serve(**env)

    def visit(cookies: Any = None) -> BrowserContext:
        return browser.new_context(base_url=server.url, locale="ja-JP", storage_state=cookies)

    with visit() as context:
        enter(context.new_page())
        guest = context.storage_state()
    for cookies, path in ((None, "/"), (None, "/rooms/talk/"), (guest, "/rooms/talk/")):
        with visit(cookies) as context:
            page = context.new_page()
            weight = weigh(page, server, path)
            print(path, weight)
            assert weight < MOST
            assert page.locator("[data-composer]").count() == (cookies is not None)


def weigh(page: Page, server: Server, path: str) -> int:
    """Bytes of a page and its files, heads included, as they were sent.

    Raises:
        AssertionError: something was loaded twice, or from elsewhere.
    """
    asked: list[Request] = []
    page.on("requestfinished", lambda request: asked.append(request))  # noqa: PLW0108 -- takes no method of a list
    page.goto(path)
    if path != "/":
        connected(page)
        expect(bodies(page)).to_have_count(50)
    page.wait_for_load_state("networkidle")
    addresses = {request.url for request in asked}
    assert len(asked) == len(addresses)
    assert all(url == f"{server.url}{path}" or url.startswith(f"{server.url}/static/") for url in addresses)
    sizes = [request.sizes() for request in asked]
    return sum(size["responseHeadersSize"] + size["responseBodySize"] for size in sizes)


@pytest.mark.long
def test_a_long_talk_scrolls_without_a_long_task(visit: Any, room: Room, user: User, server: Server) -> None:
    fill(room, user, LONG)
    page = visit().new_page()
    listening(page)
    expect(bodies(page).last).to_contain_text(f"{LONG - 1}:")
    browser = page.context.browser
    browser.start_tracing(page=page, categories=["disabled-by-default-devtools.timeline"])
    most = page.evaluate(SCROLL, "0:")
    spent = main_thread(json.loads(browser.stop_tracing())["traceEvents"])
    assert len(spent) > LONG / 100  # every page of the log took some
    assert max(spent) <= TASK
    assert most < 2_000  # elements, however long the talk is


def main_thread(events: list[dict[str, Any]]) -> list[float]:
    """Return the processor time of each task of the page's main thread, in milliseconds."""
    main = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = [event for event in events if event["name"] == "RunTask" and (event["pid"], event["tid"]) in main]
    return [task["tdur"] / 1000 for task in tasks if "tdur" in task]
