"""A short cut into Daphne: frames go out prepared and in one write, the backlog is seen, text comes in without a queue.

Everything else (handshake, fragments, control frames, closing) stays with Daphne. Where its inside does not look as
expected, `transport_for` returns None and plain ASGI is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pprint import pformat
from time import time
from types import FunctionType
from typing import Any, Protocol

import structlog
from django.conf import settings

from chat import metrics
from chat.protocol import FRAME_BYTES, Close
from chat.realtime.transports.base import HARD_BYTES, SOFT_BYTES, Frame, Write, farewell_seconds, send_all

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
    "onMessageFrameBegin",
    "onPing",
    "onPong",
    "sendClose",
)
READ_BYTES = 16 * 1024  # of one connection in one event-loop turn, before others have theirs
LAST_BYTES = 64 * 1024  # of a connection that is being closed: room for frames under way and the close frame
_FINAL_TEXT, _MASKED, _TWO_MORE, _LEAST = 0x81, 0x80, 126, 6
_CONTINUATION = 0
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


class ShortCut(StrEnum):
    """Whether this process takes the short cut."""

    TAKEN = "taken"
    OTHER_SERVER = "other_server"  # not Daphne: plain ASGI is the way there is
    UNFAMILIAR = "unfamiliar"  # Daphne, but not as it is known here: plain ASGI, slower


_short_cut = ShortCut.OTHER_SERVER


def short_cut() -> ShortCut:
    """Return what `examine` found, or what a connection has shown since."""
    return _short_cut


def examine(send: Any) -> ShortCut:
    """Find out at the start whether sockets will take the short cut, and log it in one line.

    Args:
        send: the `send` of the first request or of the lifespan.
    """
    if not _is_daphnes(send):
        _note(ShortCut.OTHER_SERVER)
        return _short_cut
    from daphne.ws_protocol import WebSocketProtocol  # noqa: PLC0415 -- loads Twisted, which other servers do without
    from twisted.internet.tcp import Server  # noqa: PLC0415

    _format_when_logged()
    missing = set(_PROTOCOL) - _names(WebSocketProtocol) | set(_TRANSPORT) - _names(Server)
    _note(ShortCut.UNFAMILIAR if missing else ShortCut.TAKEN, missing=sorted(missing))
    return _short_cut


def _note(found: ShortCut, **details: Any) -> None:
    global _short_cut  # noqa: PLW0603 -- one server runs this process
    _short_cut = found
    metrics.SHORT_CUT.set(found is ShortCut.TAKEN)
    say = log.warning if found is ShortCut.UNFAMILIAR else log.info
    say("daphne.short_cut", state=found.value, **details)


class _Formatted:
    """A value that is laid out only if somebody prints it."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

    def __str__(self) -> str:
        return pformat(self._value)


def _format_when_logged() -> None:
    """Have Autobahn lay out a connection's options only where they are logged: an eighth of what a connection costs."""
    from autobahn.websocket import protocol  # noqa: PLC0415 -- as above

    if hasattr(protocol, "pformat"):
        protocol.pformat = _Formatted


def _names(kind: type) -> set[str]:
    """Return the attributes of a class, and those that its methods give to its instances."""
    methods = [part for base in kind.__mro__ for part in vars(base).values() if isinstance(part, FunctionType)]
    return set(dir(kind)).union(*(method.__code__.co_names for method in methods))


def _is_daphnes(send: Any) -> bool:
    kinds = type(send.args[0]).__mro__ if isinstance(send, partial) and send.args else ()
    return any(kind.__module__.startswith("daphne.") for kind in kinds)


def transport_for(send: Any) -> DaphneTransport | None:
    """Return the short cut behind Daphne's `send`, or None where it is another server's or looks unfamiliar."""
    if not _is_daphnes(send):
        return None
    protocol = send.args[0]
    transport: Any = getattr(protocol, "transport", None)
    missing = [name for name in _PROTOCOL if not hasattr(protocol, name)]
    missing += [name for name in _TRANSPORT if not hasattr(transport, name)]
    if missing or type(transport).__module__ not in _CONNECTIONS or transport.TLS:
        if _short_cut is ShortCut.TAKEN:
            _note(ShortCut.UNFAMILIAR, missing=missing, connection=type(transport).__qualname__)
        return None
    return DaphneTransport(protocol)


def is_over_tls(send: Any) -> bool:
    """Return whether the connection behind Daphne's `send` is encrypted up to this process."""
    protocol = send.args[0] if isinstance(send, partial) and send.args else None
    return type(getattr(protocol, "transport", None)).__module__.startswith("twisted.protocols.tls")


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


def _ignore(payload: bytes) -> None:
    pass


class Listener(Protocol):
    """Takes what comes in on one connection."""

    def feed(self, text: str) -> None:
        """Take a text message."""

    def feed_binary(self, payload: bytes) -> None:
        """Take notice of a binary message."""

    def ping(self, payload: bytes) -> None:
        """Take a ping, and answer it."""

    def count(self) -> None:
        """Take notice of a frame that asks for nothing: a pong, or a further piece of a message."""

    def violated(self) -> None:
        """Take notice of bytes that are not WebSocket, not UTF-8, too many or too slow, and close with a word."""


class DaphneTransport:
    """Writes prepared frames to Daphne's transport. See `base.Transport`."""

    __slots__ = (
        "_behind",
        "_bytes",
        "_frames",
        "_last",
        "_open",
        "_protocol",
        "_send",
        "_stopped",
        "_transport",
        "_unfinished",
    )

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self._open = protocol.STATE_OPEN
        self._send: Callable[[bytes], int] = protocol.transport.socket.send
        self._frames: list[bytes] = []
        self._bytes = 0
        self._behind = False  # whether the kernel did not take all at once
        self._unfinished = 0.0  # since when a message lacks its end; 0 if none does
        self._stopped = False  # whether nothing more is read, whatever comes
        self._last = 0  # bytes that came after the close frame was sent

    def hold(self) -> None:
        """Read nothing more until `listen` or `unlisten`: Daphne's queue takes as much as anybody sends."""
        self._transport.pauseProducing()

    def listen(self, listener: Listener) -> None:
        """Take messages from here on, past Daphne's queue; whole small text frames past Autobahn's parser as well.

        A pong leaves by the bounded window like any other frame: Autobahn would write it whether it is read or not.
        """
        protocol = self._protocol
        on_text, on_binary = listener.feed, listener.feed_binary
        parse = protocol.dataReceived

        def on_message(payload: bytes, is_binary: bool) -> None:  # noqa: FBT001 -- Autobahn's signature
            self._unfinished = 0.0
            if not protocol.muted:
                protocol.last_ping = time()  # Daphne pings only the silent
                if is_binary:
                    on_binary(payload)
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
            if self._is_late():
                on_failure()

        protocol.onMessage = on_message
        self._count_frames(listener)
        protocol.dataReceived = on_data
        protocol._fail_connection = on_failure = self._failure(listener)  # noqa: SLF001
        protocol.failByDrop = False  # a violation is answered, not met with silence
        self._forget_request()
        self._transport.bufferSize = READ_BYTES
        self._transport.resumeProducing()
        if type(self._transport.reactor).__module__ == "twisted.internet.asyncioreactor":
            asyncio.get_running_loop().add_reader(self._transport.fileno(), self._read)

    def _failure(self, listener: Listener) -> Callable[..., None]:
        protocol = self._protocol
        fail = protocol._fail_connection  # noqa: SLF001

        def on_failure(*reason: Any, **named: Any) -> None:
            if protocol.state != protocol.STATE_OPEN:
                fail(*reason, **named)
            elif not protocol.failedByMe:
                protocol.failedByMe = True  # Autobahn takes no more messages from here on
                listener.violated()

        return on_failure

    def _count_frames(self, listener: Listener) -> None:
        """Have frames that are no message by themselves counted, too: pings, pongs, and further pieces of a message."""
        protocol = self._protocol
        begin = protocol.onMessageFrameBegin

        def on_frame_begin(length: int) -> None:
            if protocol.current_frame.opcode == _CONTINUATION:
                listener.count()
            begin(length)

        def on_pong(payload: bytes) -> None:
            listener.count()

        protocol.onMessageFrameBegin = on_frame_begin
        protocol.onPing = listener.ping
        protocol.onPong = on_pong

    def _is_late(self) -> bool:
        """Return whether a message has lacked its end for too long. Asked when something came, a pong at least."""
        protocol = self._protocol
        if not (protocol.inside_message or protocol.data or protocol.current_frame is not None):
            self._unfinished = 0.0
        elif not self._unfinished:
            self._unfinished = time()
        elif time() - self._unfinished > settings.CHAT_LIMITS["message_seconds"]:
            return bool(protocol.state == protocol.STATE_OPEN)
        return False

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
        """Drop messages and pings from here on: nobody would ever empty Daphne's queue, or read what is answered."""
        protocol = self._protocol
        protocol.onMessage = _drop
        protocol.onPing = protocol.onPong = _ignore
        protocol.__dict__.pop("onMessageFrameBegin", None)
        protocol.__dict__.pop("dataReceived", None)
        protocol.__dict__.pop("_fail_connection", None)
        if protocol.state == protocol.STATE_CLOSED:
            protocol.is_closed = None  # holds the protocol that holds it: only the garbage collector would find them
        else:
            self._await_close()
            if not self._stopped:
                self._transport.resumeProducing()

    def _stop_reading(self) -> None:
        """Read nothing more: what the peer sends stays in the kernel, where it costs nothing, until the time-out."""
        self._stopped = True
        self._transport.pauseProducing()

    def _await_close(self) -> None:
        """Wait for the peer's close frame, but read no more than a bounded number of bytes for it."""
        parse = type(self._protocol).dataReceived.__get__(self._protocol)

        def on_data(data: bytes) -> None:
            self._last += len(data)
            if self._last > LAST_BYTES:
                self._stop_reading()
            else:
                parse(data)

        self._protocol.dataReceived = on_data

    @property
    def backlog(self) -> int:
        """See Transport."""
        transport = self._transport
        unsent: int = len(transport.dataBuffer) - transport.offset + transport._tempDataLen  # noqa: SLF001
        return unsent + self._bytes

    def push(self, frame: Frame) -> bool:
        """See Transport."""
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
        """See Transport. With nothing under way the bytes go to the kernel in this turn, not on a later one."""
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

    async def close(self, code: Close, goodbye: Frame) -> None:
        """See Transport. A peer that reads slowly gets time to reach the close frame."""
        if code.is_fault:
            self._stop_reading()
        self._frames.append(goodbye.wire)
        last: list[Write] = []
        self.flush(last)
        send_all(last)
        protocol = self._protocol
        if protocol.state == protocol.STATE_OPEN:
            protocol.closeHandshakeTimeout = farewell_seconds(code)
            protocol.sendClose(code=int(code))
            self._await_close()

    def abandon(self) -> None:
        """See Transport."""
        self._frames = []
        self._bytes = 0
