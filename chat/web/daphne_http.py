"""Daphne's way in for HTTP, with bounds: a request's head and body must come in time, and no body beyond its door's.

Daphne itself reads each body to its end before anybody is asked, and lets a connection live as long as a byte comes
now and then. `config/asgi.py` puts `Factory` in its factory's place.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from daphne.http_protocol import HTTPFactory, WebRequest
from django.conf import settings
from twisted.protocols.basic import LineReceiver
from twisted.web import http

from chat.web import bodies
from chat.web.plain import ALIVE, ALIVE_PATH, PLAIN, page

LINGER_SECONDS = 3.0  # for which what a refused client still sends is read and dropped, so that it gets to the answer
LARGE_BYTES = 128 * 1024 * 1024  # of large bodies that a process takes at one moment: Daphne hands each over whole


class Request(WebRequest):  # type: ignore[misc]  # published without types
    """A request whose body is counted as it comes, and left to the application to parse.

    A probe of life is answered here: the queue and the task of an application would cost more than the answer. Under
    other servers `chat.operations.probes` gives the same one.
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._parsePOSTFormSubmission = False  # else Twisted parses forms into memory, for nobody

    def process(self) -> Any:
        """Answer a probe of life, or hand the request over."""
        is_probe = self.path == ALIVE_PATH and self.method in (b"GET", b"HEAD")
        if not is_probe or self.requestHeaders.hasHeader(b"Upgrade"):
            return super().process()
        headers = PLAIN | {"Content-Length": str(len(ALIVE))}
        if self.server.server_name:
            headers["Server"] = self.server.server_name
        for name, value in headers.items():
            self.setHeader(name, value)
        self.write(ALIVE)
        self.finish()
        return None

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 -- Twisted's name
        """Keep a piece of the body, if it is within the limit."""
        if self.channel.takes(len(data)):
            super().handleContentChunk(data)


_HTTPChannel: Any = http.HTTPChannel  # typed in part only


class Channel(_HTTPChannel):  # type: ignore[misc]
    """One connection. Its time-outs are deadlines: bytes that trickle in do not put them off."""

    abortTimeout = 5  # noqa: N815 -- Twisted's name

    def __init__(self) -> None:
        super().__init__()
        self._begun = False  # whether something of a request has come, and not yet all of it
        self._refused = False
        self._most = self._received = self._reserved = 0
        self._body_since = 0.0

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Take what came."""
        if self._refused:
            return
        if not self._begun and not self._handlingRequest:
            self._begun = True
            self.setTimeout(settings.HEAD_SECONDS)
        LineReceiver.dataReceived(self, data)  # type: ignore[no-untyped-call]  # HTTPChannel's own would put the deadline off

    def allHeadersReceived(self) -> None:  # noqa: N802
        """Refuse by the head what is too large, before any of it is read."""
        length: int | None = self.length
        if length != 0:
            self._most, self._received = bodies.limit(unquote(self._path.partition(b"?")[0].decode("latin1"))), 0
            expected = self._most if length is None else length
            if expected > self._most:
                self._refuse(413)
                return
            if expected > settings.BODY_BYTES:
                if self.factory.reserved + expected > LARGE_BYTES:
                    self._refuse(503)
                    return
                self._reserved = expected
                self.factory.reserved += expected
            self._body_since = time.monotonic()
            self.setTimeout(bodies.seconds(0))
        super().allHeadersReceived()

    def takes(self, size: int) -> bool:
        """Count a piece of the body; return whether it may be kept."""
        if self._refused:
            return False
        self._received += size
        if self._received > self._most:
            self._refuse(413)
            return False
        self.setTimeout(max(0.0, self._body_since + bodies.seconds(self._received) - time.monotonic()))
        return True

    def allContentReceived(self) -> None:  # noqa: N802
        """Hand the request over. The time between requests is counted anew once it is answered."""
        if self._refused:
            return
        self._begun = False
        self.setTimeout(settings.IDLE_SECONDS)  # which the channel remembers, and sets again with the answer
        super().allContentReceived()
        self._release()

    def timeoutConnection(self) -> None:  # noqa: N802
        """Say so to a client that is in the middle of a request; simply close a connection that is idle."""
        if self._refused:
            self.transport.abortConnection()
        elif self._begun:
            self._refuse(408)
        else:
            super().timeoutConnection()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        """Let go of what the connection held."""
        self._release()
        super().connectionLost(reason)

    def _release(self) -> None:
        self.factory.reserved -= self._reserved
        self._reserved = 0

    def _refuse(self, status: int) -> None:
        """Answer, say that nothing more is sent, and drop what comes until the client has understood.

        To close at once, with bytes of it unread, would reset the connection, and the client never sees the answer.
        """
        self._refused = True
        self._release()
        content, headers = page(status, 5 if status == HTTPStatus.SERVICE_UNAVAILABLE else None)
        headers |= {"Content-Length": str(len(content)), "Connection": "close"}
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + content)
        self._networkProducer.unregisterProducer()
        if hasattr(self.transport, "loseWriteConnection"):
            self.transport.loseWriteConnection()
            self.setTimeout(LINGER_SECONDS)
        else:
            self.transport.loseConnection()


class Factory(HTTPFactory):  # type: ignore[misc]
    """Makes a channel of ours for each connection."""

    protocol = Channel

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.timeOut = settings.HEAD_SECONDS
        self.reserved = 0  # bytes of large bodies that are under way

    def buildProtocol(self, addr: Any) -> Channel:  # noqa: N802
        """Build what serves one connection."""
        channel: Channel = super().buildProtocol(addr)
        channel.requestFactory = Request
        return channel

    def log(self, request: Any) -> None:
        """Write no line: Daphne writes those of access itself, and nothing takes Twisted's."""

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802
        """Offer what the channel speaks."""
        return [b"http/1.1"]
