"""How the service starts, ends and speaks to machines; and the same frames where WebSocket is blocked."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.test import Client

from chat import rooms
from chat.models import Message, Room
from tests.conftest import Serve
from tests.peer import Peer
from tests.serving import Server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def room(transactional_db: None) -> Room:
    """An open room."""
    return rooms.create_open_room(actor=None, name="雑談", slug="chat")


@pytest.fixture
def guest(room: Room) -> Client:
    """A browser of somebody who entered with a nickname."""
    client = Client()
    assert client.post("/guest/", {"nickname": "旅人"}).status_code == 302
    return client


@pytest.mark.parametrize("asgi", ["daphne", "uvicorn", "hypercorn"])
def test_sigterm_says_goodbye_and_loses_nothing(serve: Serve, guest: Client, asgi: str) -> None:
    server = serve(asgi)
    with Peer(server, guest) as peer, Peer(server) as reader:
        peer.join("chat")
        reader.join("chat")
        assert peer.post("chat", "最後のひとこと")["type"] == "message.accepted"
        began = time.monotonic()
        server.process.terminate()
        closing = reader.expect("closing")
        assert closing["code"] == 4503
        assert 0 < closing["retry_after"] < 5
        assert reader.closed() == 4503
        assert peer.closed() == 4503
        server.process.wait(10)
        assert time.monotonic() - began < 5
    assert Message.objects.count() == 1
    assert "Traceback" not in server.log


def frames(stream: httpx.Response) -> Iterator[dict[str, Any]]:
    """Yield the frames of an open stream."""
    return (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: "))


def browser(server: Server, client: Client | None = None) -> httpx.Client:
    """An HTTP client with the cookies of a browser."""
    cookies = {name: morsel.value for name, morsel in client.cookies.items()} if client else {}
    return httpx.Client(base_url=server.url, cookies=cookies, timeout=10)


def test_the_same_frames_come_by_stream_and_go_by_post(server: Server, guest: Client) -> None:
    frame = {"type": "message.post", "ref": "a", "room": "chat", "client_id": str(uuid.uuid4()), "body": "POSTで"}
    guest.get("/rooms/chat/")
    with browser(server) as reader, browser(server, guest) as writer:
        with reader.stream("GET", "/rooms/chat/events") as stream:
            assert stream.headers["Content-Type"].startswith("text/event-stream")
            heard = frames(stream)
            assert next(heard)["type"] == "welcome"
            assert next(heard)["type"] == "room.joined"
            for _ in range(2):  # the second time: the same receipt
                token = {"X-CSRFToken": guest.cookies["csrftoken"].value}
                (answer,) = writer.post("/rooms/chat/events", json=frame, headers=token).json()
                assert (answer["type"], answer["ref"], answer["seq"]) == ("message.accepted", "a", 1)
            item = next(heard for heard in heard if heard["type"] == "messages")["items"][0]
            assert item["body"] == "POSTで"
        with reader.stream("GET", "/rooms/chat/events?after=0") as stream:
            joined = next(heard for heard in frames(stream) if heard["type"] == "room.joined")
            assert [item["seq"] for item in joined["items"]] == [1]


def test_machines_are_told_how_it_is(server: Server) -> None:
    with browser(server) as probe:
        assert probe.get("/healthz").text == "ok\n"
        ready = probe.get("/readyz")
        facts = ready.json()
        assert (ready.status_code, facts["ready"], facts["database"]) == (200, True, True)
        assert facts["gate"]["closed_chat"] is False
        assert "todoke_sockets" in probe.get("/metrics").text
        assert probe.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404
