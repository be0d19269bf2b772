"""Bounds what comes with a request: how large its body may be at which door, and how long it may take."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from django.conf import settings

from chat.web.plain import page, send_page

Application = Callable[[Any, Any, Any], Awaitable[Any]]


class _Refused(Exception):
    """The body is too large (413) or too slow (408)."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def limit(path: str) -> int:
    """Return how many bytes a body may have at an address: as the first pattern of BODY_LIMITS that fits says."""
    return next((most for door, most in _doors() if door.match(path)), settings.BODY_BYTES)


def seconds(received: int) -> float:
    """Return how long after its request's head a body may go on arriving that has brought so many bytes."""
    return float(settings.BODY_SECONDS + received / settings.BODY_BYTES_PER_SECOND)


@cache
def _doors() -> list[tuple[re.Pattern[str], int]]:
    return [(re.compile(door), most) for door, most in settings.BODY_LIMITS]


class Bodies:
    """Refuses bodies in front of an application, under any server.

    Daphne hands a body over only once it has all of it; there `daphne_http` keeps the same bounds earlier.

    Args:
        application: what takes the others (ASGI).
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Serve or refuse one request."""
        if scope["type"] != "http":
            return await self._application(scope, receive, send)
        most = limit(scope["path"])
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not declared.isdigit() or int(declared) > most:
            return await _refuse(send, 413)
        began = time.monotonic()
        received = 0
        complete = started = False

        async def bounded() -> Any:
            nonlocal received, complete
            if complete:
                return await receive()  # tells of the disconnect only
            left = began + seconds(received) - time.monotonic()
            try:
                message = await asyncio.wait_for(receive(), max(left, 0.0))
            except TimeoutError:
                raise _Refused(408) from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > most:
                raise _Refused(413)
            return message

        async def watched(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            return await self._application(scope, bounded, watched)
        except _Refused as refused:
            if started:
                raise
            return await _refuse(send, refused.status)


async def _refuse(send: Any, status: int) -> None:
    content, headers = page(status)
    await send_page(send, status, content, headers, close=True)
