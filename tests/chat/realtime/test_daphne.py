"""The short cut into Daphne: what it takes, it takes exactly as Autobahn would; the rest it leaves alone."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest
import structlog
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.testing import StringTransport
from websockets import Origin
from websockets.sync.client import connect

from chat import metrics
from chat.realtime.transports import daphne
from chat.realtime.transports.daphne import ShortCut, whole_texts
from tests.conftest import Serve

_factory: Any = WebSocketServerFactory()  # type: ignore[no-untyped-call]
_factory.closeHandshakeTimeout = _factory.openHandshakeTimeout = 0  # no timers


class Recorder(WebSocketServerProtocol):
    """Autobahn with nothing behind it: keeps the messages, and how often it wanted to end the connection."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[bytes, bool]] = []
        self.drops = 0

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803, FBT001
        self.heard.append((payload, isBinary))

    def dropConnection(self, abort: bool = False) -> None:  # noqa: N802, FBT001, FBT002
        self.drops += 1
        self.state = self.STATE_CLOSED


def autobahn() -> Any:
    """Return an open Autobahn protocol whose answers go nowhere."""
    protocol: Any = Recorder()
    protocol.factory = _factory
    protocol.makeConnection(StringTransport())  # type: ignore[no-untyped-call]
    protocol.state = protocol.STATE_OPEN
    protocol.current_frame = None
    protocol.inside_message = False
    protocol.websocket_version = 13
    protocol.logFrames = protocol.logOctets = False
    return protocol


def frame(payload: bytes, *, first: int = 0x81, masked: bool = True, mask: bytes = b"\x01\x02\x03\x04") -> bytes:
    """Return a client's frame, right or wrong."""
    size = len(payload)
    bit = 0x80 if masked else 0
    if size < 126:
        head = bytes((first, bit | size))
    elif size < 1 << 16:
        head = bytes((first, bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, bit | 127)) + size.to_bytes(8, "big")
    if not masked:
        return head + payload
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def compare(data: bytes) -> None:
    """Have both read the same bytes: the short cut first and Autobahn the rest, or Autobahn alone."""
    texts, taken = whole_texts(data)
    alone, after = autobahn(), autobahn()
    alone._dataReceived(data)
    if taken < len(data):
        after._dataReceived(data[taken:])
    assert [(text.encode(), False) for text in texts] + after.heard == alone.heard
    assert after.drops == alone.drops
    assert after.state == alone.state
    assert bytes(after.data) == bytes(alone.data)
    assert after.transport.value() == alone.transport.value()


def some_bytes(chance: random.Random) -> bytes:
    """Return a run of frames: mostly right, some broken, cut, fragmented, unmasked, extended or not UTF-8."""
    run = b""
    for _ in range(chance.randint(1, 4)):
        size = chance.choice((0, 1, 5, 17, 80, 125, 126, 127, 300))
        payload = os.urandom(size) if chance.random() < 0.2 else ("届" * size).encode()[: size // 3 * 3]
        first = 0x81 if chance.random() < 0.7 else chance.choice((0x01, 0x80, 0x82, 0x88, 0x89, 0x8A, 0xC1, 0x91, 0x83))
        run += frame(payload, first=first, masked=chance.random() > 0.05, mask=os.urandom(4))
    if chance.random() < 0.3:
        run = run[: chance.randint(0, len(run))]
    if chance.random() < 0.1 and run:
        at = chance.randrange(len(run))
        run = run[:at] + os.urandom(1) + run[at + 1 :]
    return run


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=140), max_size=4), st.integers(0, 600))
def test_frames_cut_anywhere_read_as_autobahn_reads_them(payloads: list[bytes], cut: int) -> None:
    compare(b"".join(frame(payload) for payload in payloads)[:cut])


@pytest.mark.parametrize("size", [16_383, 16_384, 16_385, 65_535, 65_536, 70_000])
@pytest.mark.parametrize("mask", [b"\x01\x02\x03\x04", b"\0\0\0\0", b"\xff\x80\x7f\x01"])
def test_large_frames_read_as_autobahn_reads_them(size: int, mask: bytes) -> None:
    whole = frame(b"x" * size, mask=mask) + frame(b"after")
    for cut in (2, 10, 14, 150, 65_536, size, len(whole)):
        compare(whole[:cut])


@pytest.mark.slow
def test_odd_frames_read_as_autobahn_reads_them() -> None:
    chance = random.Random(451)  # noqa: S311 -- the same cases every time
    for _ in range(2_000):
        compare(some_bytes(chance))


@pytest.mark.long
def test_a_hundred_thousand_odd_frames_read_as_autobahn_reads_them() -> None:
    chance = random.Random()  # noqa: S311
    for _ in range(100_000):
        compare(some_bytes(chance))


# --- whether it is taken -----------------------------------------------------------------------------------------


@pytest.fixture
def known() -> Iterator[None]:
    """Puts back afterwards what this process believes of its server."""
    before = daphne.short_cut()
    yield
    daphne._note(before)


@pytest.mark.parametrize(
    ("asgi", "state", "gauge"), [("daphne", ShortCut.TAKEN, 1), ("uvicorn", ShortCut.OTHER_SERVER, 0)]
)
def test_the_locked_versions_take_the_short_cut_and_say_so(
    serve: Serve, asgi: str, state: ShortCut, gauge: float
) -> None:
    server = serve(asgi)
    server.wait_for_log("daphne.short_cut")
    [line] = [line for line in server.log.splitlines() if "daphne.short_cut" in line]
    assert state in line
    with connect(server.ws_url, origin=Origin(server.url)) as socket:
        assert "welcome" in str(socket.recv())
        assert httpx.get(f"{server.url}/readyz").json()["short_cut"] == state
        assert f"todoke_daphne_short_cut {gauge:.1f}" in httpx.get(f"{server.url}/metrics").text
    assert server.log.count("daphne.short_cut") == 1, "the connection did not take what was promised at the start"


class Unknown:
    """A protocol of a Daphne of another version."""

    __module__ = "daphne.ws_protocol"


@pytest.mark.parametrize("table", ["_PROTOCOL", "_TRANSPORT"])
def test_a_name_that_an_upgrade_took_away_is_named_at_the_start(
    known: None, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    assert daphne.examine(partial(print, Unknown())) is ShortCut.TAKEN
    assert metrics.SHORT_CUT._value.get() == 1
    monkeypatch.setattr(daphne, table, (*getattr(daphne, table), "taken_away"))
    with structlog.testing.capture_logs() as lines:
        assert daphne.examine(partial(print, Unknown())) is ShortCut.UNFAMILIAR
    assert [(line["log_level"], line["missing"]) for line in lines] == [("warning", ["taken_away"])]
    assert metrics.SHORT_CUT._value.get() == 0


def test_a_connection_that_cannot_take_it_is_told_once(known: None) -> None:
    daphne.examine(partial(print, Unknown()))
    with structlog.testing.capture_logs() as lines:
        assert daphne.transport_for(partial(print, Unknown())) is None
        assert daphne.transport_for(partial(print, Unknown())) is None
    assert daphne.short_cut() is ShortCut.UNFAMILIAR
    assert len(lines) == 1
