"""Logs and numbers tell how the service is, and nothing of what people say or who they say they are."""

from __future__ import annotations

import json
import sys
import uuid

import httpx
import pytest
from django.db import IntegrityError, connection
from django.test import Client

from chat import rooms
from chat.models import Message, Room
from config.settings import trace
from tests.chaos.storm import APPLICATION, SETTINGS
from tests.conftest import Serve
from tests.kit.client import Peer
from tests.serving import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

WORD, NAME = "ひみつのことば", "月夜のうさぎ"


@pytest.fixture
def guest(transactional_db: None) -> Client:
    """A browser of somebody with a nickname; the room `chat` exists."""
    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    client = Client()
    assert client.post("/guest/", {"nickname": NAME}).status_code == 302
    return client


@pytest.mark.parametrize("asgi", ["daphne", "uvicorn", "hypercorn"])
def test_no_log_has_a_word_or_a_name_even_when_asked_for_everything(serve: Serve, guest: Client, asgi: str) -> None:
    server = serve(asgi, LOG_LEVEL="DEBUG", DEBUG="true")
    with Peer(server, guest) as peer:
        peer.join("chat")
        seq = peer.post("chat", WORD)["seq"]
        peer.ask("message.edit", room="chat", seq=seq, body=WORD * 2)
        for nonsense in (f'{{"type": "{WORD}"}}', f'{{"type": "typing", "room": "chat", "{WORD}": 1}}', WORD, "{"):
            peer.raw(nonsense)
            peer.expect("refused")
        peer.raw(WORD.encode())
        peer.expect("refused")
    cookies = {name: morsel.value for name, morsel in guest.cookies.items()}
    page = httpx.get(f"{server.url}/rooms/chat/", cookies=cookies)
    assert WORD in page.text
    assert NAME in page.text
    server.sigterm()
    assert "hub.drained" in server.log
    for told in (WORD, NAME, WORD.encode("unicode_escape").decode(), NAME.encode("unicode_escape").decode()):
        assert told not in server.log


def test_what_a_database_says_of_a_failure_is_not_repeated(guest: Client) -> None:
    row = {"room": Room.objects.get(), "seq": 1, "kind": "edit", "author_name": NAME, "body": WORD}
    with pytest.raises(IntegrityError) as caught:
        Message.objects.create(**row)  # an edit without a target
    if connection.vendor == "postgresql":
        assert WORD in str(caught.value)  # it quotes the row
    told = trace((type(caught.value), caught.value, caught.value.__traceback__))
    assert "IntegrityError" in told
    assert "test_logs.py" in told
    assert WORD not in told
    assert NAME not in told


def test_a_traceback_tells_what_led_to_it() -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("then") from error
    except ValueError:
        told = trace(sys.exc_info())  # type: ignore[arg-type]
    assert told.index("KeyError: 'first'") < told.index("ValueError: then")


def test_in_production_each_line_is_an_event_with_its_ids(serve: Serve, guest: Client) -> None:
    server = serve(DEBUG="", ALLOWED_HOSTS="127.0.0.1", HTTPS="off", CLOSED_CHAT_KEYS="")
    with Peer(server, guest) as peer:
        peer.join("chat")
        for _ in range(7):
            peer.raw("{")
        assert peer.closed() == 4400
    events = [json.loads(line) for line in server.log.splitlines()]
    assert all({"event", "level", "logger", "timestamp"} <= event.keys() for event in events)
    closed = next(event for event in events if event["event"] == "socket.closed")
    assert (closed["code"], isinstance(closed["person"], int)) == (4400, True)
    started = next(event for event in events if event["event"] == "hub.started")
    assert str(uuid.UUID(started["instance"])) == started["instance"]


def number(server: Server, name: str) -> float:
    """One of the process's numbers."""
    for line in httpx.get(f"{server.url}/metrics").text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.rpartition(" ")[2])
    return 0.0


@pytest.mark.slow
@pytest.mark.redis
def test_the_numbers_say_what_happened(serve: Serve, guest: Client) -> None:
    one = serve(CHAT_RATE_LIMITS="off")
    mute = Server("daphne", SETTINGS | {"CHAOS_LOSS": "1"}, APPLICATION)  # tells nobody anything
    with mute, Peer(one, guest) as here, Peer(mute, guest) as there:
        here.join("chat")
        there.join("chat")
        for _ in range(3):
            here.post("chat", WORD)
        here.ask("match.seek")
        there.post("chat", WORD)
        assert there.expect("messages")["items"]
        here.wait(lambda frame: frame["type"] == "messages" and frame["items"][-1]["seq"] == 4)
        for name, least in {
            "todoke_sockets": 1,
            "todoke_rooms": 1,
            "todoke_commits_total": 1,
            "todoke_messages_stored_total": 3,
            "todoke_batch_size_count": 1,
            "todoke_batch_size_sum": 3,
            'todoke_delivery_delay_seconds_count{path="commit"}': 3,
            'todoke_delivery_delay_seconds_count{path="log"}': 1,
            'todoke_hints_total{outcome="sent"}': 1,
            'todoke_hints_total{outcome="lost"}': 1,
            'todoke_repairs_total{found_by="head_check"}': 1,
            'todoke_refusals_total{code="gate"}': 1,
            "todoke_deliveries_total": 4,
            "todoke_database_up": 1,
        }.items():
            assert number(one, name) >= least, name
        assert number(one, "todoke_gate_open") == 0
