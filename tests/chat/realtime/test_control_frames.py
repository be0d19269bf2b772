"""Frames that carry no message count like any other: pings, pongs, and pieces of a message that does not end."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.chaos.raw import RawPeer
from tests.conftest import Serve
from tests.kit.client import Peer
from tests.serving import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

MIB = 1024 * 1024
PING, PONG, TEXT, MORE = 0x89, 0x8A, 0x01, 0x00


def frame(opcode: int, payload: bytes = b"") -> bytes:
    """One masked frame."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return struct.pack("!BB", opcode, 0x80 | len(payload)) + mask + masked


def flood(peer: RawPeer, data: bytes, times: int) -> None:
    """Send without reading, until all is sent or the server takes no more."""
    peer.socket.settimeout(5)
    try:
        for _ in range(times):
            peer.socket.sendall(data)
    except OSError:
        pass
    peer.socket.settimeout(20)


def memory_of_a_flood(server: Server) -> int:
    """Floods twice with 20 MB of pings that nobody reads the answers of; bytes that the second flood adds.

    The first flood pays for what a young process does once: code that is loaded late, pools of the allocator.
    """
    pings = frame(PING, b"x" * 125) * 500
    with RawPeer(server) as first, RawPeer(server) as second:
        flood(first, pings, 300)
        before = server.rss
        flood(second, pings, 300)
        return server.rss - before


def test_pings_without_reading_cost_no_memory_and_end(server: Server) -> None:
    with Peer(server) as neighbour:
        assert memory_of_a_flood(server) < 6 * MIB
        assert neighbour.ask("ping")["type"] == "pong"
        server.wait_for_log("4429")


def keep_sending(peer: RawPeer, data: bytes, pause: float, seconds: float) -> float:
    """Send without reading until the connection ends; return after how many seconds it did."""
    began = time.monotonic()
    peer.socket.settimeout(seconds)
    try:
        while time.monotonic() - began < seconds:
            peer.socket.sendall(data)
            time.sleep(pause)
    except ConnectionError:
        return time.monotonic() - began
    except TimeoutError:
        pass
    return float("inf")


@pytest.mark.parametrize("pause", [0.002, 0.0], ids=["steadily", "at full speed"])
@pytest.mark.parametrize(
    ("asgi", "one"),
    [
        ("daphne", frame(0x81, b'{"type":"ping"}')),
        ("daphne", frame(PING)),
        ("uvicorn", frame(0x81, b'{"type":"ping"}')),
    ],
    ids=["daphne, text", "daphne, ping", "uvicorn, text"],  # Uvicorn answers pings by itself
)
def test_who_floods_and_does_not_read_is_gone_and_holds_up_nobody(
    serve: Serve, asgi: str, one: bytes, pause: float
) -> None:
    server = serve(asgi)
    gone: list[float] = []
    with RawPeer(server) as attacker, httpx.Client() as neighbour:
        sender = threading.Thread(target=lambda: gone.append(keep_sending(attacker, one * 50, pause, 8)))
        sender.start()
        waits = []
        while sender.is_alive():
            began = time.monotonic()
            assert neighbour.get(f"{server.url}/healthz", timeout=20).status_code == 200
            waits.append(time.monotonic() - began)
            sender.join(0.05)
        assert gone[0] < 5
        assert max(waits) < 1
        server.wait_for_log("4429")


@pytest.mark.parametrize("one", [frame(0x81, b'{"type":"ping"}'), frame(PING)], ids=["text", "ping"])
def test_who_floods_and_reads_is_told_before_the_connection_ends(server: Server, one: bytes) -> None:
    with RawPeer(server, buffer=1 << 20) as attacker:
        attacker.socket.sendall(one * 5000)
        frames = attacker.rest()
        assert attacker.code == 4429
        assert "rate" in {each.get("code") for each in frames}


def test_the_window_holds_for_pongs_without_rates_too(serve: object, transactional_db: None) -> None:
    with Server(env={"CHAT_RATE_LIMITS": "off"}) as server:
        assert memory_of_a_flood(server) < 6 * MIB
        server.wait_for_log("4408", 20)


@pytest.mark.parametrize("one", [frame(PONG), frame(PONG, b"x" * 100), frame(MORE)], ids=["pong", "long pong", "piece"])
def test_frames_that_ask_for_nothing_count(server: Server, one: bytes) -> None:
    with RawPeer(server, buffer=1 << 20) as attacker:
        attacker.socket.sendall((frame(TEXT, b"{") if one[0] == MORE else b"") + one * 1000)
        frames = attacker.rest()
        assert {each["type"] for each in frames} == {"refused", "closing"}
        assert {each["code"] for each in frames if each["type"] == "refused"} == {"rate"}
        assert (frames[-1]["code"], attacker.code) == (4429, 4429)


def test_a_ping_is_answered_in_its_place(server: Server) -> None:
    with Peer(server) as peer:
        for _ in range(5):
            assert peer.socket.ping().wait(10)
        assert peer.ask("ping")["type"] == "pong"


@pytest.fixture
def hurried(transactional_db: None) -> Iterator[Server]:
    """A running server with short time-outs."""
    with Server(application="tests.hurried:application") as server:
        yield server


@pytest.mark.parametrize("how", ["pieces", "bytes"])
def test_a_message_that_does_not_end_is_not_waited_for(hurried: Server, how: str) -> None:
    with RawPeer(hurried, buffer=1 << 20) as attacker:
        began = time.monotonic()
        start = frame(TEXT, b"{") if how == "pieces" else b"\x81\xfe\x10\x00" + bytes(4)
        attacker.socket.sendall(start)
        try:
            while time.monotonic() - began < 10:
                attacker.socket.sendall(frame(MORE, b" ") if how == "pieces" else b" ")
                attacker.socket.settimeout(0.2)
                try:
                    if attacker.read() is None or attacker.code:
                        break
                except TimeoutError:
                    continue
        except OSError:
            pass
        assert time.monotonic() - began < 8
        hurried.wait_for_log("4400")


def test_whoever_talks_in_pieces_is_heard(hurried: Server) -> None:
    """Frames that arrive in two halves each, for longer than one message may take, are no message that does not end."""
    with RawPeer(hurried, buffer=1 << 20) as peer:
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        text = frame(0x81, b'{"type":"ping"}')
        peer.socket.sendall(text[:9])
        for _ in range(12):
            time.sleep(0.2)
            peer.socket.sendall(text[9:] + text[:9])
            answer = peer.read()
            assert answer is not None
            assert answer["type"] == "pong"
