"""The page's connection against a server that breaks on command: resuming, holes, silence, close codes, HTTP."""

import contextlib
import json
import queue
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from tests.e2e.test_client import STATIC

Frame = dict[str, Any]


class Peer:
    """A server of one room, without rules: what it does wrong, a test has asked for."""

    def __init__(self) -> None:
        self.log: list[Frame] = []
        self.asked: list[Frame] = []
        self.blocked = False  # refuses every WebSocket, as some proxies do
        self.mute = False  # takes frames and says nothing
        self.user = "a"  # whom it takes the page for
        self.listeners: list[Callable[[Frame | None], None]] = []  # None: cut the line
        self._socket = serve(self._serve_socket, "127.0.0.1", 0, process_request=self._on_request)
        peer = self

        class Files(SimpleHTTPRequestHandler):
            extensions_map = {".js": "text/javascript"}  # noqa: RUF012 -- the base class has it so

            def __init__(self, *args: Any) -> None:
                super().__init__(*args, directory=str(STATIC))

            def do_GET(self) -> None:
                if self.path.startswith("/events"):
                    peer.stream(self)
                elif self.path.endswith(".js"):
                    super().do_GET()
                else:
                    self._answer("text/html", b"<!doctype html><html data-me=a><title>t</title><p data-state></p>")

            def do_POST(self) -> None:
                frame = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer("application/json", json.dumps(peer.answer(frame)).encode())

            def _answer(self, kind: str, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class names it
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Files)
        self._http.daemon_threads = True
        for server in (self._socket, self._http):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/"
        self.ws = f"ws://127.0.0.1:{self._socket.socket.getsockname()[1]}/"

    def close(self) -> None:
        self.cut()
        self._socket.shutdown()
        self._http.shutdown()
        self._http.server_close()

    def post(self, body: str, *, announce: bool = True) -> None:
        """Stores a message, and tells everybody unless the hint is to be lost."""
        author = {"id": "b", "name": "B"}
        item = {"seq": len(self.log) + 1, "id": body, "kind": "message", "author": author, "body": body}
        item["at"] = "2026-11-22T00:00:00.000Z"
        self.log.append(item)
        if announce:
            self.tell({"type": "messages", "room": "r", "items": [item]})

    def tell(self, frame: Frame | None) -> None:
        """Sends a frame to everybody; None cuts every line."""
        for listener in list(self.listeners):
            listener(frame)

    def cut(self) -> None:
        """Ends every connection without a word."""
        self.tell(None)

    def joins(self) -> list[Any]:
        """The `after` of every join so far."""
        return [frame.get("after") for frame in self.asked if frame["type"] == "room.join"]

    def answer(self, frame: Frame) -> list[Frame]:
        """What the protocol says to a frame."""
        self.asked.append(frame)
        if self.mute:
            return []
        named = {"ref": frame.get("ref"), "room": "r"}
        if frame["type"] == "ping":
            return [{"type": "pong"}]
        if frame["type"] == "room.join":
            page, head = self.log[frame.get("after") or 0 :][:20], len(self.log)
            return [{"type": "room.joined", **named, "kind": "open", "head": head, "items": page, "more": False}]
        if frame["type"] == "room.sync":
            return [{"type": "messages", **named, "items": self.log[frame["after"] :][:20], "more": False}]
        if frame["type"] == "message.post":
            self.post(frame["body"])
            return [{"type": "message.accepted", **named, "client_id": frame["client_id"], "seq": len(self.log)}]
        return []

    def _welcome(self) -> Frame:
        user = {"id": self.user, "name": "A", "guest": True}
        return {"type": "welcome", "protocol": "chat.v1", "user": user, "features": {}, "limits": {}, "heartbeat": 25}

    def _on_request(self, connection: ServerConnection, request: Request) -> Response | None:
        return connection.respond(403, "blocked\n") if self.blocked else None

    def _serve_socket(self, connection: ServerConnection) -> None:
        def listener(frame: Frame | None) -> None:
            with contextlib.suppress(ConnectionClosed, OSError):
                if frame is None:
                    connection.socket.shutdown(2)
                    return
                connection.send(json.dumps(frame))
                if frame["type"] == "closing":
                    connection.close(frame["code"])

        listener(self._welcome())
        self.listeners.append(listener)
        with contextlib.suppress(ConnectionClosed):
            for text in connection:
                for frame in self.answer(json.loads(text)):
                    listener(frame)
        self.listeners.remove(listener)

    def stream(self, request: SimpleHTTPRequestHandler) -> None:
        """Serves one stream: the welcome, the join that it stands for, then what happens."""
        frames: queue.Queue[Frame | None] = queue.Queue()
        asked = parse_qs(urlsplit(request.path).query)
        after = {"after": int(asked["after"][0])} if "after" in asked else {}
        join = {"type": "room.join", "ref": "stream", "room": "r"} | after
        for frame in (self._welcome(), *self.answer(join)):
            frames.put(frame)
        request.send_response(200)
        request.send_header("Content-Type", "text/event-stream")
        request.send_header("Connection", "close")
        request.end_headers()
        self.listeners.append(frames.put)
        with contextlib.suppress(OSError):
            while (sent := frames.get()) is not None:
                request.wfile.write(b": a comment\n\ndata: " + json.dumps(sent).encode() + b"\n\n")
        self.listeners.remove(frames.put)


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A server that breaks on command."""
    running = Peer()
    yield running
    running.close()


@pytest.fixture
def page(browser: Browser, peer: Peer) -> Iterator[Page]:
    """A page that reads the room; its state stands in [data-state]. A test can move its clock forward."""
    context = browser.new_context()
    page = context.new_page()
    page.clock.install()
    page.goto(peer.url)
    yield page
    context.close()


def read(page: Page, peer: Peer) -> None:
    """Opens the connection and waits until it is up."""
    page.evaluate(
        """async (ws) => {
          const { Connection } = await import("/chat/realtime/socket.js");
          const { Feed } = await import("/chat/messages/feed.js");
          const connection = new Connection(ws, { room: "r", events: "/events" });
          const feed = new Feed(connection, "r");
          const seen = [];
          feed.addEventListener("reset", () => seen.push(...feed.log.messages.map((message) => message.body)));
          feed.addEventListener("change", ({ detail }) => seen.push(...detail.added.map((message) => message.body)));
          const say = (text) => (document.querySelector("[data-state]").textContent = text);
          const ups = [];
          connection.addEventListener("state", () => {
            say(connection.state);
            if (connection.state === "connected") ups.push(seen.length);
          });
          connection.addEventListener("stopped", ({ detail }) => say(`${detail.then}: ${detail.reason}`));
          Object.assign(window, { connection, feed, seen, ups });
          connection.start();
          feed.start();
        }""",
        peer.ws,
    )
    connected(page)


def connected(page: Page) -> None:
    """Waits until the connection is up and the reader has caught up."""
    expect(page.locator("[data-state]")).to_have_text("connected", timeout=20_000)


def seen(page: Page, count: int) -> list[str]:
    """What the reader was shown, once it is as much as that."""
    shown: list[str] = []
    for _ in range(200):
        shown = page.evaluate("window.seen")
        if len(shown) >= count:
            break
        page.wait_for_timeout(50)
    return shown


def later(page: Page, seconds: float) -> None:
    """Moves the page's clock, then lets the network answer."""
    page.clock.fast_forward(int(seconds * 1000))
    page.wait_for_timeout(300)


def test_a_cut_line_is_resumed_after_the_last_seq_and_nothing_comes_twice(page: Page, peer: Peer) -> None:
    peer.post("one")
    read(page, peer)
    peer.post("two")
    assert seen(page, 2) == ["one", "two"]
    peer.cut()
    peer.post("three")
    connected(page)
    peer.post("four")
    assert seen(page, 4) == ["one", "two", "three", "four"]
    assert peer.joins() == [None, 2]


def test_a_lost_hint_is_noticed_by_the_next_one_and_read_from_the_log(page: Page, peer: Peer) -> None:
    read(page, peer)
    peer.post("lost", announce=False)
    peer.post("seen")
    assert seen(page, 2) == ["lost", "seen"]
    assert [frame["after"] for frame in peer.asked if frame["type"] == "room.sync"] == [0]


def test_many_missed_pages_are_read_before_it_says_connected(page: Page, peer: Peer) -> None:
    read(page, peer)
    peer.cut()
    for number in range(90):
        peer.post(f"{number}")
    page.wait_for_function("window.ups.length === 2")
    assert page.evaluate("window.ups") == [0, 90]
    assert page.evaluate("window.seen") == [f"{number}" for number in range(90)]


def test_a_tab_that_wakes_up_asks_what_it_missed(page: Page, peer: Peer) -> None:
    read(page, peer)
    peer.post("missed", announce=False)
    page.evaluate("dispatchEvent(new Event('online'))")
    assert seen(page, 1) == ["missed"]


def test_a_line_that_is_silent_for_a_minute_is_given_up(page: Page, peer: Peer) -> None:
    read(page, peer)
    for _ in range(4):
        later(page, 26)  # the server answers every ping
    assert len(peer.joins()) == 1
    peer.mute = True
    later(page, 26)
    later(page, 26)
    assert len(peer.joins()) == 1
    peer.mute = False
    later(page, 26)
    connected(page)
    peer.post("after the silence")
    assert seen(page, 1) == ["after the silence"]
    assert len(peer.joins()) == 2


@pytest.mark.parametrize(("code", "then"), [(4400, "stop"), (4401, "signin"), (4403, "stop"), (4451, "gate")])
def test_codes_that_say_do_not_come_back_are_obeyed(page: Page, peer: Peer, code: int, then: str) -> None:
    read(page, peer)
    peer.tell({"type": "closing", "code": code, "reason": "because"})
    expect(page.locator("[data-state]")).to_have_text(f"{then}: because")
    page.evaluate("dispatchEvent(new Event('online'))")
    later(page, 120)
    assert len(peer.joins()) == 1


def test_a_draining_server_is_left_alone_as_long_as_it_asks(page: Page, peer: Peer) -> None:
    read(page, peer)
    peer.tell({"type": "closing", "code": 4503, "reason": "restart", "retry_after": 20})
    expect(page.locator("[data-state]")).to_have_text("reconnecting")
    later(page, 19)
    assert len(peer.joins()) == 1
    later(page, 3)
    connected(page)
    assert len(peer.joins()) == 2


def test_where_websocket_is_blocked_the_page_reads_and_writes_over_http(page: Page, peer: Peer) -> None:
    peer.blocked = True
    peer.post("one")
    read(page, peer)
    post = {"type": "message.post", "room": "r", "client_id": "7d8cdb2e-54f6-4d53-bd8c-2c6b4b8d5a10", "body": "two"}
    assert page.evaluate("(frame) => window.connection.request(frame)", post)["seq"] == 2
    peer.post("three")
    assert seen(page, 3) == ["one", "two", "three"]
    peer.cut()
    peer.post("four")
    connected(page)
    assert seen(page, 4) == ["one", "two", "three", "four"]
    assert peer.joins() == [None, 3]


def test_when_websocket_works_again_the_page_goes_back_to_it_without_a_gap(page: Page, peer: Peer) -> None:
    peer.blocked = True
    peer.post("one")
    read(page, peer)
    peer.blocked = False
    later(page, 301)
    connected(page)
    peer.post("two")
    assert seen(page, 2) == ["one", "two"]
    page.wait_for_timeout(100)
    assert page.evaluate("window.connection.state") == "connected"
    assert peer.joins() == [None, 1]


SAID = (
    {"type": "message.post", "body": "in confidence"},
    {"type": "message.edit", "seq": 1, "body": "in confidence"},
    {"type": "message.delete", "seq": 1},
    {"type": "match.leave"},
    {"type": "match.cancel"},
    {"type": "reaction.set", "seq": 1},
)


@pytest.mark.parametrize("way", ["socket", "stream"])
def test_nothing_goes_out_in_the_name_of_somebody_else_and_reading_goes_on(page: Page, peer: Peer, way: str) -> None:
    peer.blocked = way == "stream"
    read(page, peer)
    peer.user = "b"  # signed in as somebody else in another tab
    peer.cut()
    peer.post("news")
    assert seen(page, 1) == ["news"]
    connected(page)
    answers = page.evaluate(
        """(said) => Promise.all(said.map((frame) =>
          window.connection.request({ ...frame, room: "r" }).then(() => "sent", (error) => error.message)))""",
        SAID,
    )
    assert answers == ["signed in as somebody else"] * len(SAID)
    page.evaluate("window.connection.send({ type: 'typing', room: 'r' })")
    page.evaluate("window.connection.send({ type: 'room.seen', room: 'r', seq: 1 })")
    peer.post("more")
    assert seen(page, 2) == ["news", "more"]
    assert {frame["type"] for frame in peer.asked} <= {"ping", "room.join", "room.sync", "room.history"}
