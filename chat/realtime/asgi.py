"""The ASGI application of the socket: accepts, finds out who connects, hands over what arrives, cleans up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from django.utils.translation import gettext_noop as _

from chat.protocol import PROTOCOL, Close, Code, Refused
from chat.realtime.connection import Connection
from chat.realtime.handshake import address_of, language_of, session_of
from chat.realtime.hub import Hub, current
from chat.realtime.ports import IDLE
from chat.realtime.transports import AsgiTransport, DaphneTransport, Transport, daphne

log = structlog.get_logger("todoke.socket")

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

ADMIT_SECONDS = 5.0  # how long the database may take to say who connects
SEAT_SECONDS = 30.0  # after which another try is worth it where an address has too many sockets
_TOO_FAST = _("Too many connections from your network just now. Please wait a moment.")
_TOO_MANY = _("Too many connections are open from your network. Close another window first.")
BUSY = _("The service is busy. You will be connected again in a moment.")


async def chat_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve `chat.v1` on one WebSocket (ASGI application)."""
    if (await receive())["type"] != "websocket.connect":
        return
    offered = PROTOCOL in scope.get("subprotocols", ())
    await send({"type": "websocket.accept", "subprotocol": PROTOCOL if offered else None})
    transport = daphne.transport_for(send) or AsgiTransport(send)
    if isinstance(transport, DaphneTransport):
        transport.hold()
    language = language_of(scope)
    connection: Connection | None = None
    try:
        hub = await current()
        address = address_of(scope)
        with hub.parts.limits.seats.seat(address) as seated:
            connection = await _admit(hub, scope, transport, language, address, seated=seated)
            if connection is None:
                return
            if isinstance(transport, DaphneTransport):
                transport.listen(connection)
            await _listen(connection, receive)
    finally:
        # Whatever ended this socket, nothing of it stays behind: Channels runs no `disconnect` after an exception.
        if isinstance(transport, DaphneTransport):
            transport.unlisten()
        if connection is not None:
            connection.gone()


async def _listen(connection: Connection, receive: Receive) -> None:
    """Hand a connection what arrives, until it ends or is closed for a fault of the peer."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        if text is not None:
            connection.feed(text)
        else:
            connection.feed_binary(message.get("bytes") or b"")
        if connection.ending is not None:
            await asyncio.wait({connection.ending})
            return


async def _admit(
    hub: Hub, scope: dict[str, Any], transport: Transport, language: str, address: str, *, seated: bool
) -> Connection | None:
    """Find out who connects, and welcome them.

    Args:
        hub: of this process.
        scope: the connection's.
        transport: its way out.
        language: in which the service speaks to it.
        address: whose limits it counts against.
        seated: whether the address may have one more socket.

    Returns:
        the connection; None if it was closed instead.
    """
    closing: Close | None = None
    refusal: Refused | None = None
    known = None
    activity = IDLE
    blocks: Sequence[str] = ()
    parts = hub.parts
    epoch = parts.gate.epoch
    limits = parts.limits
    if parts.is_draining:
        closing = Close.DRAINING
    elif limits.is_on and (wait := limits.throttles["connect"].take(address, parts.clock.monotonic())):
        closing, refusal = Close.FLOOD, Refused(Code.RATE, _TOO_FAST, retry_after=round(wait, 2))
    elif limits.is_on and not seated:
        closing, refusal = Close.FLOOD, Refused(Code.RATE, _TOO_MANY, retry_after=SEAT_SECONDS)
    else:
        try:
            async with asyncio.timeout(ADMIT_SECONDS):
                known = await hub.backend.authenticate(session_of(scope), language)
                person = known[0] if known else None
                activity, blocks = await asyncio.gather(hub.backend.activity_of(person), hub.backend.blocks_of(person))
        except Exception:
            log.exception("socket.admission_failed")
            closing = Close.DRAINING
            refusal = Refused(Code.UNAVAILABLE, BUSY, retry_after=round(random.uniform(1, 5), 2))  # noqa: S311
        if parts.gate.is_lost or parts.gate.epoch != epoch:  # what was found is of a history that is over
            closing, refusal = Close.DRAINING, Refused(Code.UNAVAILABLE, BUSY, retry_after=1.0)
        if parts.is_draining:  # it began while the database was asked
            closing, refusal = Close.DRAINING, None
    person, login = known or (None, None)
    connection = Connection(parts, transport, person=person, login=login, language=language, address=address)
    if closing is None:
        parts.registry.add(connection)
        connection.welcome(activity, blocks)
        return connection
    await connection.turn_away(closing, refusal)
    connection.gone()
    return None
