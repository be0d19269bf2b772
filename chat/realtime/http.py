"""The same frames where WebSocket is blocked: server-sent events down, POST up, over connections of the same kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import structlog

from chat.protocol import Close, Code, Refused, decode, encode, requests
from chat.realtime.asgi import BUSY, SEAT_SECONDS
from chat.realtime.connection import Connection
from chat.realtime.dispatch import Parts, routes
from chat.realtime.hub import Hub, current
from chat.realtime.ports import Login, Person
from chat.realtime.transports import Frame, SseTransport

log = structlog.get_logger("todoke.socket")

STREAM_BYTES = 1024 * 1024  # then the stream ends and is opened anew: HTTP servers hide how much the peer has taken
COMMENT_SECONDS = 15.0  # silence after which a comment keeps proxies from cutting the stream
ANSWER_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks over HTTP, as the page's request knows it."""

    person: Person | None
    login: Login | None
    language: str
    address: str


async def stream(caller: Caller, room: str | None, after: int | None, epoch: str | None = None) -> AsyncIterator[bytes]:
    """Yield a person's frames as server-sent events, beginning with `welcome` and, for a room, `room.joined`.

    Args:
        caller: who listens.
        room: the room's public id; None for a page without one.
        after: the last seq that the listener has.
        epoch: in which it came to have that one, as far as it says so.
    """
    hub = await current()
    with hub.parts.limits.seats.seat(caller.address) as seated:
        async for chunk in _chunks(hub, caller, room, after, epoch, seated=seated):
            yield chunk


async def _chunks(
    hub: Hub, caller: Caller, room: str | None, after: int | None, epoch: str | None, *, seated: bool
) -> AsyncIterator[bytes]:
    parts = hub.parts
    transport = SseTransport()
    connection = _connection(parts, transport, caller)
    sent = 0
    try:
        try:
            found = await asyncio.gather(hub.backend.activity_of(caller.person), hub.backend.blocks_of(caller.person))
        except Exception:
            log.exception("stream.admission_failed")
            found = None
        if parts.is_draining or parts.gate.is_lost or found is None:
            await connection.close(Close.DRAINING, retry_after=1.0)
        elif parts.limits.is_on and not seated:  # somebody else took the last one since the page asked
            await connection.close(Close.FLOOD, retry_after=SEAT_SECONDS)
        else:
            parts.registry.add(connection)
            connection.welcome(*found)
            if room is not None:
                connection.feed(encode(requests.RoomJoin("stream", room, after, epoch)))
        while (frames := await transport.take(COMMENT_SECONDS)) is not None:
            chunk = b"".join(b"data: " + frame.payload + b"\n\n" for frame in frames) or b": still here\n\n"
            sent += len(chunk)
            yield chunk
            if sent > STREAM_BYTES:
                return
    finally:
        connection.gone()


async def exchange(caller: Caller, frame: bytes) -> bytes:
    """Take one request; return its answers as a JSON list.

    What happens afterwards (messages, a match) comes down the caller's stream.

    Raises:
        Refused: `unavailable`, while it is not known what the database holds.
    """
    parts = (await current()).parts
    transport = SseTransport()
    connection = _connection(parts, transport, caller)
    try:
        if parts.gate.is_lost:
            raise Refused(Code.UNAVAILABLE, connection.translate(BUSY))
        connection.feed(frame)
        await connection.idle(ANSWER_SECONDS)
        answers = transport.ready()
        try:
            request = decode(frame)
        except Refused:
            return _list(answers)
        if not answers and (routes[type(request)].answer is not None or request.ref is not None):
            answers = await transport.take(ANSWER_SECONDS) or []
            if not answers:
                connection.refuse(connection.unavailable(), ref=request.ref)
                answers = transport.ready()
        return _list(answers)
    finally:
        connection.gone()


def _list(answers: list[Frame]) -> bytes:
    return b"[" + b",".join(answer.payload for answer in answers) + b"]"


def _connection(parts: Parts, transport: SseTransport, caller: Caller) -> Connection:
    return Connection(
        parts,
        transport,
        person=caller.person,
        login=caller.login,
        language=caller.language,
        address=caller.address,
    )
