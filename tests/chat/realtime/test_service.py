"""How the service starts, ends and speaks to machines; and the same frames where WebSocket is blocked."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection, transaction
from django.test import Client
from websockets.sync.client import connect

from chat import rooms
from chat.models import Message, Room, User
from tests.conftest import Serve
from tests.kit.client import Peer
from tests.serving import ROOT, Server, environment

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


@pytest.mark.parametrize(
    ("asgi", "number"),
    [
        ("daphne", signal.SIGTERM),
        ("daphne", signal.SIGINT),
        ("daphne", signal.SIGHUP),
        ("uvicorn", signal.SIGTERM),
        ("uvicorn", signal.SIGINT),
        ("hypercorn", signal.SIGTERM),
        ("hypercorn", signal.SIGINT),
    ],
)
def test_signal_to_end_says_goodbye_and_loses_nothing(
    serve: Serve, guest: Client, asgi: str, number: signal.Signals
) -> None:
    server = serve(asgi)
    with Peer(server, guest) as peer, Peer(server) as reader:
        peer.join("chat")
        reader.join("chat")
        assert peer.post("chat", "最後のひとこと")["type"] == "message.accepted"
        began = time.monotonic()
        os.kill(server.process.pid, number)
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


def test_a_post_from_the_page_of_somebody_else_does_nothing(server: Server, guest: Client) -> None:
    frame = {"type": "message.post", "ref": "a", "room": "chat", "client_id": str(uuid.uuid4()), "body": "内緒"}
    guest.get("/rooms/chat/")
    token = {"X-CSRFToken": guest.cookies["csrftoken"].value}
    with browser(server, guest) as writer:
        for person in ("", str(uuid.uuid4())):
            refused = writer.post("/rooms/chat/events", json=frame, headers=token | {"X-Person": person})
            assert refused.status_code == 401
            [answer] = refused.json()
            assert (answer["type"], answer["code"], answer["ref"]) == ("refused", "auth", "a")
        assert Message.objects.count() == 0
        own = token | {"X-Person": str(User.objects.get(is_guest=True).public_id)}
        assert writer.post("/rooms/chat/events", json=frame, headers=own).status_code == 200
        assert Message.objects.count() == 1


def test_machines_are_told_how_it_is(server: Server) -> None:
    with browser(server) as probe:
        assert probe.get("/healthz").text == "ok\n"
        ready = probe.get("/readyz")
        facts = ready.json()
        assert (ready.status_code, facts["ready"], facts["database"]) == (200, True, True)
        assert facts["gate"]["closed_chat"] is False
        assert "todoke_sockets" in probe.get("/metrics").text
        assert probe.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404


@pytest.mark.slow
@pytest.mark.postgres
def test_a_crowd_takes_no_more_connections_than_the_pool_has(serve: Serve, guest: Client) -> None:
    server = serve(PGAPPNAME="counted", DATABASE_POOL="6", CHAT_RATE_LIMITS="off")
    counts = []

    def look() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'counted'")
            counts.append(cursor.fetchone()[0])

    with ExitStack() as crowd, ThreadPoolExecutor(10) as pages, browser(server) as reader:
        peers = [crowd.enter_context(Peer(server, guest)) for _ in range(20)]
        asked = [pages.submit(reader.get, "/rooms/chat/") for _ in range(60)]
        for peer in peers:
            for _ in range(5):
                peer.say("room.join", room="chat")
        while not all(page.done() for page in asked):
            look()
            time.sleep(0.01)
        answers = {page.result().status_code for page in asked}
        assert 200 in answers
        assert answers <= {200, 503}  # a page that would wait too long for a connection asks to come again
        for peer in peers:
            assert peer.join("chat")["type"] == "room.joined"
        look()
    assert 1 < max(counts) <= 6


@pytest.mark.postgres
def test_a_page_that_hangs_holds_up_no_socket(server: Server, guest: Client) -> None:
    headers = {"X-CSRFToken": "x" * 32, "Origin": server.url}

    def enter(nickname: str) -> int:
        cookies = {"csrftoken": "x" * 32}
        return httpx.post(
            f"{server.url}/guest/", data={"nickname": nickname}, cookies=cookies, headers=headers, timeout=20
        ).status_code

    with Peer(server, guest) as peer, ThreadPoolExecutor(3) as pages:
        peer.join("chat")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE chat_user IN SHARE MODE")  # nobody is added, everybody can be read
            waiting = [pages.submit(enter, f"旅人{number}") for number in range(3)]
            time.sleep(0.5)
            for _ in range(5):
                assert peer.post("chat", "待たずに届く")["type"] == "message.accepted"
                assert peer.ask("ping")["type"] == "pong"
            assert not any(page.done() for page in waiting)
        assert {page.result() for page in waiting} == {302}


@pytest.mark.slow
def test_over_tls_nothing_stands_in_clear_and_everything_arrives(room: Room, tmp_path: Path) -> None:
    pem = tmp_path / "self-signed.pem"
    pem.write_bytes(self_signed())
    endpoint = f"ssl:0:privateKey={pem}:certKey={pem}:interface=127.0.0.1"
    command = [sys.executable, "-m", "daphne", "-v", "0", "-e", endpoint, "config.asgi:application"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment())
    try:
        trusting = ssl.create_default_context(cadata=pem.read_text().partition("-----BEGIN PRIVATE")[0])
        with connect(f"wss://localhost:{port_of(process.pid)}/ws/", ssl=trusting, open_timeout=20) as socket:
            assert json.loads(socket.recv(10))["type"] == "welcome"
            socket.send(json.dumps({"type": "room.join", "ref": "1", "room": "chat"}))
            assert json.loads(socket.recv(10))["type"] == "room.joined"
    finally:
        process.terminate()
        process.wait(10)


def self_signed() -> bytes:
    """A certificate for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(serialization.Encoding.PEM, *form)


def port_of(pid: int) -> int:
    """The port on which a process listens, as soon as it does."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for found in psutil.Process(pid).net_connections("tcp4"):
            if found.status == psutil.CONN_LISTEN:
                return int(found.laddr.port)
        time.sleep(0.05)
    raise AssertionError("it does not listen")
