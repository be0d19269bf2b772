"""Answers `/healthz` and `/readyz` in front of Django: under any host name, without session, middleware or page."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.db import close_old_connections

from chat.operations.health import readiness, without_database
from chat.web.plain import ALIVE, PLAIN, send_page
from chat.web.threads import Full, in_thread

log = structlog.get_logger("todoke.health")

READY_SECONDS: Final = 3.0  # without an answer of the database for so long, the process is not ready
_JSON: Final = {"Content-Type": "application/json", "Cache-Control": "no-store"}


class Probes:
    """Answers what probes of health ask (ASGI).

    Args:
        application: takes all else.
    """

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Serve one request."""
        path = scope["path"]
        if path not in ("/healthz", "/readyz") or scope["type"] != "http":
            return await self._application(scope, receive, send)
        if scope["method"] not in ("GET", "HEAD"):
            return await send_page(send, HTTPStatus.METHOD_NOT_ALLOWED, b"", {**PLAIN, "Allow": "GET, HEAD"})
        if path == "/healthz":
            status, content, headers = HTTPStatus.OK, ALIVE, PLAIN
        else:
            facts = await _readiness()
            status = HTTPStatus.OK if facts["ready"] else HTTPStatus.SERVICE_UNAVAILABLE
            content, headers = json.dumps(facts).encode(), _JSON
        return await send_page(send, status, content, headers, head=scope["method"] == "HEAD")


async def _readiness() -> dict[str, Any]:
    try:
        async with asyncio.timeout(READY_SECONDS):
            return await in_thread(_ask)
    except (TimeoutError, Full) as error:
        log.warning("health.no_answer", error=type(error).__name__)
        return without_database()


def _ask() -> dict[str, Any]:
    close_old_connections()
    try:
        return readiness()
    finally:
        close_old_connections()
