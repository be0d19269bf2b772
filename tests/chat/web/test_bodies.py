"""What comes with a request is bounded: a body beyond its door's limit is not read, and nothing trickles in."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.urls import reverse

from chat.web import bodies
from compliance.records.evidence import MOST_BYTES, MOST_FILES
from tests.serving import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

MIB = 1024 * 1024


@pytest.fixture(params=["daphne", "uvicorn"])
def hurried(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[Server]:
    """A running server with short time-outs, which has refused once and so has loaded what a refusal needs."""
    with Server(request.param, application="tests.hurried:application") as server:
        httpx.post(f"{server.url}/guest/", content=bytes(4 * MIB), timeout=30)
        yield server


def ask(server: Server, head: str, *pieces: bytes, pause: float = 0.0, most: float = 15.0) -> bytes:
    """Send a request's head and pieces of its body; return all that is answered until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), most) as bare:
        bare.sendall(head.replace("\n", "\r\n").encode())
        answer = b""
        try:
            for piece in pieces:
                bare.sendall(piece)
                if pause:
                    time.sleep(pause)
        except OSError:  # the server said all that it has to say
            pass
        bare.settimeout(most)
        try:
            while data := bare.recv(65536):
                answer += data
                if answer.endswith(b"</html>\n") or b"\r\n0\r\n" in answer:
                    break
        except ConnectionResetError:
            pass
        return answer


def assert_in_words(answer: bytes, status: int) -> None:
    """Hold an answer against what a person has to be told."""
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    text = answer.decode()
    assert 'lang="ja"' in text
    assert 'lang="en"' in text
    assert re.search(r"<h1>.*[ぁ-ん].*</h1>", text), "the page is not translated"


@pytest.mark.parametrize("door", ["/guest/", "/accounts/login/", "/rooms/welcome/events", "/no-such-page/"])
def test_a_body_beyond_its_doors_limit_is_refused_by_its_length(hurried: Server, door: str) -> None:
    began = time.monotonic()
    head = f"POST {door} HTTP/1.1\nHost: 127.0.0.1:{hurried.port}\nContent-Length: {150 * MIB}\n\n"
    assert_in_words(ask(hurried, head), 413)  # although nothing of it was sent
    assert time.monotonic() - began < 5


def test_what_is_sent_beyond_a_limit_takes_no_memory_and_the_answer_arrives(hurried: Server) -> None:
    before = hurried.rss
    answer = httpx.post(f"{hurried.url}/guest/", content=bytes(120 * MIB), timeout=30)
    assert answer.status_code == 413
    assert hurried.rss - before < 40 * MIB


def test_a_chunked_body_is_cut_at_the_limit(hurried: Server) -> None:
    head = f"POST /guest/ HTTP/1.1\nHost: 127.0.0.1:{hurried.port}\nTransfer-Encoding: chunked\n\n"
    before = hurried.rss
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    assert_in_words(ask(hurried, head, *[chunk] * 1600), 413)
    assert hurried.rss - before < 40 * MIB  # of a hundred


def test_a_body_that_trickles_in_ends(hurried: Server) -> None:
    head = f"POST /guest/ HTTP/1.1\nHost: 127.0.0.1:{hurried.port}\nContent-Length: 1000\n\n"
    began = time.monotonic()
    assert_in_words(ask(hurried, head, *[b"x"] * 12, pause=0.25), 408)
    assert time.monotonic() - began < 10


def test_a_head_that_trickles_in_ends(transactional_db: None) -> None:
    with Server(application="tests.hurried:application") as server:
        began = time.monotonic()
        answer = ask(server, "GET / HTTP/1.1\n", *[b"X-Header: x\r\n"] * 12, pause=0.25)
        assert_in_words(answer, 408)
        assert time.monotonic() - began < 10
        with socket.create_connection(("127.0.0.1", server.port), 10) as silent:
            assert silent.recv(1) == b""  # who says nothing at all is let go without a word


def test_a_connection_serves_several_requests_and_lives_between_them(transactional_db: None) -> None:
    with Server(application="tests.hurried:application") as server, httpx.Client(base_url=server.url) as browser:
        for _ in range(3):
            assert browser.get("/healthz").status_code == 200
            time.sleep(0.8)  # longer, all in all, than a head may take
        stream = next(iter(browser._transport._pool.connections))  # type: ignore[attr-defined]
        assert "Request Count: 3" in repr(stream)
        assert browser.post("/guest/", content=b"x" * 60_000).status_code == 403  # within the limit: Django answers


def test_the_doors_that_take_more_are_those_that_need_more() -> None:
    item = reverse("admin:compliance_checklist_change", args=["LAW-01"])
    assert bodies.limit(item) >= MOST_FILES * MOST_BYTES
    assert bodies.limit("/admin/compliance/ledgerentry/") == MIB
    assert bodies.limit("/rooms/welcome/events") == 64 * 1024  # as a message of a WebSocket
    assert bodies.limit("/guest/") == bodies.limit("/") == 64 * 1024


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"\xb2"])
def test_a_length_that_is_no_number_is_refused(length: bytes) -> None:
    answers: list[dict[str, Any]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("it was let in")

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    scope = {"type": "http", "path": "/guest/", "headers": [(b"content-length", length)]}
    asyncio.run(bodies.Bodies(application)(scope, None, send))
    assert answers[0]["status"] == 413
