"""What people and machines notice while Redis or the database is away, or hangs: less speed, and nothing else."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import psutil
import pytest
from django.db import connection
from django.test import Client

from chat import rooms
from tests import embedded
from tests.chaos.storm import SETTINGS
from tests.conftest import Serve
from tests.kit.client import Peer
from tests.serving import Server

pytestmark = [pytest.mark.chaos, pytest.mark.postgres, pytest.mark.redis, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def breakable() -> None:
    """Skips where database and Redis are somebody's own: they are not for us to stop."""
    if embedded.run.postgres is None or embedded.run.valkey is None:
        pytest.skip("stops the database and Redis, which here are not of this run")


@pytest.fixture
def guest(transactional_db: None) -> Client:
    """A browser of somebody who entered with a nickname; the room `chat` exists."""
    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    client = Client()
    assert client.post("/guest/", {"nickname": "旅人"}).status_code == 302
    return client


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    """Waits for something that has no event of its own."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.1)


def ready(server: Server) -> dict[str, Any]:
    """What the process says of itself."""
    facts: dict[str, Any] = httpx.get(f"{server.url}/readyz", timeout=15).json()
    return facts


def metric(server: Server, name: str) -> float:
    """One number of the process's metrics; 0 for what was never counted."""
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name) and not line.startswith("#"))


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stops a process and its children where they stand, for a while."""
    parent = psutil.Process(pid)
    family = [parent, *parent.children(recursive=True)]
    for process in family:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            os.kill(process.pid, signal.SIGCONT)


def valkey_pid() -> int:
    """The process id of this run's Valkey."""
    assert embedded.run.valkey is not None
    assert embedded.run.valkey._process is not None
    return int(embedded.run.valkey._process.pid)


def postgres_pid() -> int:
    """The process id of this run's PostgreSQL."""
    assert embedded.run.postgres is not None
    return int(embedded.run.postgres.get_pid() or 0)


def sign_in(server: Server) -> int:
    """What the page answers to somebody who has forgotten the password."""
    with httpx.Client(base_url=server.url, timeout=15) as browser:
        assert browser.get("/accounts/login/").status_code == 200
        asked = {"login": "nobody@example.jp", "password": "?", "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        return browser.post("/accounts/login/", data=asked).status_code


@pytest.mark.parametrize("how", ["gone", pytest.param("hanging", marks=pytest.mark.long)])
def test_without_redis_delivery_goes_on_by_the_log_and_comes_back_by_itself(
    serve: Serve, guest: Client, how: str
) -> None:
    one, two = serve(**SETTINGS), serve(**SETTINGS)
    assert embedded.run.valkey is not None
    with Peer(one, guest) as writer, Peer(two) as reader:
        writer.join("chat")
        reader.join("chat")
        until(lambda: ready(one)["layer"] == ready(two)["layer"] == "up")
        until(lambda: metric(two, "todoke_layer_up") == 1)

        def delay() -> float:
            seq = writer.post("chat", "届く")["seq"]
            began = time.monotonic()
            reader.wait(lambda frame: frame["type"] == "messages" and frame["items"][-1]["seq"] == seq)
            return time.monotonic() - began

        def degraded() -> None:
            until(lambda: ready(one)["layer"] == ready(two)["layer"] == "degraded")
            facts = ready(two)
            assert (facts["degraded"], facts["ready"]) == (True, True)  # people are served all the same
            until(lambda: metric(two, "todoke_layer_up") == 0)
            assert sign_in(two) == 200  # the form again, as it is for a wrong password
            assert min(delay() for _ in range(3)) < 2

        if how == "gone":
            embedded.run.valkey.stop()
            try:
                degraded()
            finally:
                embedded.run.valkey.start()
        else:
            with frozen(valkey_pid()):
                degraded()
        until(lambda: ready(one)["layer"] == ready(two)["layer"] == "up")
        taken = metric(two, 'todoke_hints_total{outcome="taken"}')
        until(lambda: delay() >= 0 and metric(two, 'todoke_hints_total{outcome="taken"}') > taken)
        assert [item["seq"] for item in reader.items("chat")] == list(range(1, reader.items("chat")[-1]["seq"] + 1))
    assert metric(two, 'todoke_repairs_total{found_by="head_check"}') > 0


def test_without_the_database_posts_wait_and_nothing_is_lost(serve: Serve, guest: Client) -> None:
    server = serve(**SETTINGS)
    connection.close()
    assert embedded.run.postgres is not None
    post = {"room": "chat", "client_id": "0b6e7a52-6f0c-4f0e-8b0d-2f2f0a4f9c11", "body": "あいだ"}
    with Peer(server, guest) as writer:
        writer.join("chat")
        embedded.run.postgres.stop()
        try:
            until(lambda: ready(server)["database"] is False)
            assert httpx.get(f"{server.url}/readyz", timeout=15).status_code == 503
            assert httpx.get(f"{server.url}/healthz").text == "ok\n"
            ref = writer.say("message.post", **post)
            refused = writer.wait(lambda frame: frame.get("ref") == ref, seconds=30)
            assert (refused["type"], refused["code"]) == ("refused", "unavailable")
            with pytest.raises(AssertionError, match="4503"):  # who comes meanwhile is asked to come back
                Peer(server, guest)
        finally:
            embedded.run.postgres.ensure_postgres_running()
        until(lambda: writer.ask("message.post", **post)["type"] == "message.accepted")
        assert [item["seq"] for item in writer.join("chat", after=0)["items"]] == [1]


def test_a_process_ends_in_time_though_the_database_hangs(serve: Serve, guest: Client) -> None:
    server = serve(**SETTINGS)
    with Peer(server, guest) as writer:
        writer.join("chat")
        with frozen(postgres_pid()):
            writer.say("message.post", room="chat", client_id="0b6e7a52-6f0c-4f0e-8b0d-2f2f0a4f9c11", body="?")
            time.sleep(0.5)
            began = time.monotonic()
            server.process.terminate()
            assert writer.closed() == 4503
            server.process.wait(15)
            assert time.monotonic() - began < 5


def test_while_the_database_hangs_nobody_is_let_in_and_nothing_they_send_piles_up(serve: Serve, guest: Client) -> None:
    server = serve(**SETTINGS)
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in guest.cookies.items())
    hello = (
        f"GET /ws/ HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: {cookie}\r\n\r\n"
    )
    ping = b"\x81\x8f\0\0\0\0" + b'{"type":"ping"}'
    with frozen(postgres_pid()), socket.create_connection(("127.0.0.1", server.port), 20) as flood:
        flood.sendall(hello.encode())
        assert flood.recv(4096).startswith(b"HTTP/1.1 101")
        flood.settimeout(1)
        sent, before = 0, server.rss
        with suppress(TimeoutError, ConnectionError):
            while sent < 64 * 2**20:
                sent += flood.send(1024 * ping)
        assert sent < 16 * 2**20  # no more than the kernel's own buffers hold
        flood.settimeout(20)
        told = b""
        while b'"code":4503' not in told:
            heard = flood.recv(4096)
            assert heard, told
            told += heard
        assert server.rss - before < 24 * 2**20  # the flood offers 64; the first refusal loads code, too
