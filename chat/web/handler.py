"""Runs Django for one request in one change of threads, from the first middleware to the last.

Django's own handler for ASGI changes threads at each border between what is asynchronous and what is not (signals,
middleware, view, the end of the answer), and makes a thread, and with it a connection to the database, anew for each
request. Here every middleware and every view is synchronous, so that all of it runs on one thread that stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from typing import Any

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from chat.web.plain import page, send_page
from chat.web.threads import Full, in_thread

RETRY_SECONDS = 5


class OneHop(ASGIHandler):
    """The pages, as an ASGI application."""

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            try:
                response = await in_thread(self._respond, scope, body)
            except Full:
                content, headers = page(HTTPStatus.SERVICE_UNAVAILABLE, RETRY_SECONDS)
                await send_page(send, HTTPStatus.SERVICE_UNAVAILABLE, content, headers)
                return
            if isinstance(response, StreamingHttpResponse):
                await self._stream(response, receive, send)
            else:
                await self.send_response(response, send)

    def _respond(self, scope: Any, body: Any) -> HttpResponseBase:
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, error = self.create_request(scope, body)
        response: HttpResponseBase = error if request is None else self.get_response(request)  # type: ignore[assignment]
        response._handler_class = self.__class__  # type: ignore[attr-defined]  # noqa: SLF001 -- as Django's own handlers
        if isinstance(response, StreamingHttpResponse):
            if isinstance(response, FileResponse):
                response.block_size = self.chunk_size
        else:
            response.close()  # lets go of the database's connection on the thread that has it; the content stays
        return response

    async def _stream(self, response: StreamingHttpResponse, receive: Any, send: Any) -> None:
        """Send a response piece by piece, until its end or until the client is gone."""
        if not response.is_async:
            response.streaming_content = _on_threads(iter(response))
        sending = asyncio.ensure_future(self.send_response(response, send))
        leaving = asyncio.ensure_future(receive())
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            await in_thread(response.close)


async def _on_threads(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (part := await in_thread(next, parts, None)) is not None:
        yield part
