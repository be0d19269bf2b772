"""A short cut into Daphne: frames go out prepared and in one write, the backlog is seen, text comes in without a queue.

Everything else (handshake, fragments, control frames, closing) stays with Daphne. Where its inside does not look as
expected, `outlet_for` returns None and plain ASGI is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from time import time
from typing import Any

import structlog

from chat.outlets import DRAIN_SECONDS, HARD_BYTES, SOFT_BYTES, Frame, Write, send_all
from chat.wire import FRAME_BYTES

log = structlog.get_logger("todoke.daphne")

_PROTOCOL = (
    "transport",
    "state",
    "STATE_OPEN",
    "muted",
    "data",
    "current_frame",
    "inside_message",
    "autoPingTimeoutCall",
    "_fail_connection",
    "failByDrop",
    "failedByMe",
    "closeHandshakeTimeout",
    "dataReceived",
    "onMessage",
    "sendClose",
)
_FINAL_TEXT, _MASKED, _TWO_MORE, _LEAST = 0x81, 0x80, 126, 6
_TRANSPORT = (
    "dataBuffer",
    "offset",
    "_tempDataLen",
    "socket",
    "write",
    "connected",
    "disconnecting",
    "TLS",
    "bufferSize",
    "reactor",
    "producer",
)
# Not what wraps one: TLS passes these names on to the connection below it, on which our bytes would stand in clear.
_CONNECTIONS = ("twisted.internet.tcp", "twisted.internet.unix")


def outlet_for(send: Any) -> DaphneOutlet | None:
    """Return the short cut behind Daphne's `send`, or None where it is another server's or looks unfamiliar."""
    if not isinstance(send, partial) or not send.args or not type(send.args[0]).__module__.startswith("daphne."):
        return None
    protocol = send.args[0]
    if not all(hasattr(protocol, name) for name in _PROTOCOL):
        return None
    transport = protocol.transport
    if type(transport).__module__ not in _CONNECTIONS or not all(hasattr(transport, name) for name in _TRANSPORT):
        return None
    if transport.TLS:
        return None
    return DaphneOutlet(protocol)


def whole_texts(data: bytes) -> tuple[list[str], int]:
    """Read the masked, final, unextended text frames that stand whole at the start of what arrived (RFC 6455, 5.2).

    Args:
        data: bytes that begin with a frame.

    Returns:
        their texts, and how many bytes they took. The first byte of anything else (a control frame, a fragment, an
        incomplete or large frame, a violation, bytes that are not UTF-8) is left for a full parser.
    """
    texts: list[str] = []
    at, end = 0, len(data)
    while end - at >= _LEAST and data[at] == _FINAL_TEXT:
        size = data[at + 1] - _MASKED
        start = at + 2
        if size == _TWO_MORE:
            size = int.from_bytes(data[start : start + 2], "big")
            start += 2
            if size < _TWO_MORE:
                break
        elif size > _TWO_MORE:
            break  # eight more bytes of length
        if not 0 <= size <= FRAME_BYTES or start + 4 + size > end:
            break
        body = data[start + 4 : start + 4 + size]
        mask = (data[start : start + 4] * (size // 4 + 1))[:size]
        plain = (int.from_bytes(body, "little") ^ int.from_bytes(mask, "little")).to_bytes(size, "little")
        try:
            texts.append(plain.decode())
        except UnicodeDecodeError:
            break
        at = start + 4 + size
    return texts, at


def _drop(payload: bytes, is_binary: bool) -> None:  # noqa: FBT001 -- Autobahn's signature
    pass


class DaphneOutlet:
    """Writes prepared frames to Daphne's transport; see `outlets.Outlet`."""

    __slots__ = ("_behind", "_bytes", "_frames", "_open", "_protocol", "_send", "_transport")

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self._open = protocol.STATE_OPEN
        self._send: Callable[[bytes], int] = protocol.transport.socket.send
        self._frames: list[bytes] = []
        self._bytes = 0
        self._behind = False  # whether the kernel did not take all at once

    def hold(self) -> None:
        """Read nothing more until `listen` or `unlisten`: Daphne's queue takes as much as anybody sends."""
        self._transport.pauseProducing()

    def listen(
        self, on_text: Callable[[str], None], on_binary: Callable[[], None], on_violation: Callable[[], None]
    ) -> None:
        """Take messages from here on, past Daphne's queue; whole small text frames past Autobahn's parser as well.

        Args:
            on_text: takes a text message.
            on_binary: is told of a binary one.
            on_violation: is told of bytes that are not WebSocket, not UTF-8 or too many, and must close with a word.
        """
        protocol = self._protocol
        parse, fail = protocol.dataReceived, protocol._fail_connection  # noqa: SLF001

        def on_message(payload: bytes, is_binary: bool) -> None:  # noqa: FBT001 -- Autobahn's signature
            if not protocol.muted:
                protocol.last_ping = time()  # Daphne pings only the silent
                if is_binary:
                    on_binary()
                else:
                    on_text(payload.decode())

        def on_data(data: bytes) -> None:
            if (
                protocol.state == protocol.STATE_OPEN
                and not protocol.data
                and protocol.current_frame is None
                and not protocol.inside_message
                and protocol.autoPingTimeoutCall is None
                and not protocol.muted
            ):
                texts, taken = whole_texts(data)
                if texts:
                    protocol.last_ping = time()
                    for text in texts:
                        on_text(text)
                if taken == len(data):
                    return
                data = data[taken:]
            parse(data)

        def on_failure(*reason: Any, **named: Any) -> None:
            if protocol.state != protocol.STATE_OPEN:
                fail(*reason, **named)
            elif not protocol.failedByMe:
                protocol.failedByMe = True  # Autobahn takes no more messages from here on
                on_violation()

        protocol.onMessage = on_message
        protocol.dataReceived = on_data
        protocol._fail_connection = on_failure  # noqa: SLF001
        protocol.failByDrop = False  # a violation is answered, not met with silence
        self._forget_request()
        self._transport.resumeProducing()
        if type(self._transport.reactor).__module__ == "twisted.internet.asyncioreactor":
            asyncio.get_running_loop().add_reader(self._transport.fileno(), self._read)

    def _forget_request(self) -> None:
        """Let go of the HTTP request that the WebSocket began with: half of all that a connection holds."""
        channel = self._transport.producer
        self._transport.unregisterProducer()
        if channel is not None:
            channel.requests.clear()

    def _read(self) -> None:
        """Read in Twisted's place, whose own way to the protocol costs as much as all that is done with a message."""
        transport = self._transport
        try:
            data = transport.socket.recv(transport.bufferSize)
        except OSError:
            data = b""
        if not data:
            # The end, an error or nothing at all: Twisted takes the connection back and meets it by itself.
            transport.pauseProducing()
            transport.resumeProducing()
            return
        try:
            self._protocol.dataReceived(data)
        except Exception:
            log.exception("daphne.read_failed")
            transport.abortConnection()

    def unlisten(self) -> None:
        """Drop messages from here on: nobody would ever empty Daphne's queue. Control frames go on being answered."""
        protocol = self._protocol
        protocol.onMessage = _drop
        protocol.__dict__.pop("dataReceived", None)
        protocol.__dict__.pop("_fail_connection", None)
        if protocol.state == protocol.STATE_CLOSED:
            protocol.is_closed = None  # holds the protocol that holds it: only the garbage collector would find them
        else:
            self._transport.resumeProducing()

    @property
    def backlog(self) -> int:
        """See Outlet."""
        transport = self._transport
        unsent: int = len(transport.dataBuffer) - transport.offset + transport._tempDataLen  # noqa: SLF001
        return unsent + self._bytes

    def push(self, frame: Frame) -> bool:
        """See Outlet."""
        if self._behind or self._bytes:  # else nothing waits
            backlog = self.backlog
            if backlog > SOFT_BYTES and frame.ephemeral:
                return True
            if backlog > HARD_BYTES:
                return False
            self._behind = backlog > self._bytes
        wire = frame.wire
        self._frames.append(wire)
        self._bytes += len(wire)
        return True

    def flush(self, writes: list[Write]) -> None:
        """See Outlet. With nothing under way the bytes go to the kernel in this turn, not on a later one."""
        frames, transport = self._frames, self._transport
        if not frames:
            return
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        frames.clear()
        self._bytes = 0
        if self._protocol.state != self._open:
            return
        if transport.dataBuffer or transport._tempDataLen:  # noqa: SLF001
            self.keep(data)
        else:
            writes.append((self._send, data, self))

    def keep(self, data: bytes) -> None:
        """See Keeper. Twisted writes it when there is room, or meets the end of the connection on its own path."""
        self._behind = True
        self._transport.write(data)

    async def close(self, code: int, goodbye: Frame) -> None:
        """See Outlet. A peer that reads slowly gets time to reach the close frame."""
        self._frames.append(goodbye.wire)
        last: list[Write] = []
        self.flush(last)
        send_all(last)
        protocol = self._protocol
        if protocol.state == protocol.STATE_OPEN:
            # Whoever broke the protocol is not waited for: its answer may never be understood.
            protocol.closeHandshakeTimeout = 1.0 if protocol.failedByMe else DRAIN_SECONDS
            protocol.sendClose(code=int(code))

    def abandon(self) -> None:
        """See Outlet."""
        self._frames = []
        self._bytes = 0
