"""What holds for every page: whose address asks, what may be kept of the answer, and words when the service is full."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseServerError, JsonResponse
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _

from chat.realtime import address
from chat.web.hashing import Busy
from chat.web.plain import page
from compliance import gate
from compliance.database import Trouble, trouble_of

log = structlog.get_logger("todoke.pages")

Handler = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]

RETRY_SECONDS = 5
LOG_SECONDS: Final = 60.0  # between two lines of the log about the same
#: A missing table is a fault of whoever deployed; the operator finds it in the log.
_TRANSIENT = frozenset(Trouble) - {Trouble.NO_TABLES}


class Pages:
    """Django middleware; needs no thread of its own, whether the server is asynchronous or not."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler) -> None:
        self._get_response: Any = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Serve one request."""
        know_client(request)
        if iscoroutinefunction(self):
            return self._answer(request)
        return keep_private(request, self._get_response(request))

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        return keep_private(request, await self._get_response(request))

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer 503 where a view found the service full, or its database unable to serve."""
        return when_full(request, error)


class ForwardedScheme:
    """Django middleware; says so where the proxy does not tell the scheme, instead of redirecting for ever.

    Without `X-Forwarded-Proto` every request looks like HTTP, and is redirected to the HTTPS that it came by. A proxy
    behind another one may also overwrite it with `http`. Browsers send `Sec-Fetch-Site` over HTTPS only (and to
    localhost): with it, such a request did come by HTTPS.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._logged_at = -math.inf

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve one request."""
        if not settings.SECURE_SSL_REDIRECT or request.is_secure() or not _is_misled(request):
            return self._get_response(request)
        if time.monotonic() - self._logged_at > LOG_SECONDS:
            self._logged_at = time.monotonic()
            log.error(
                "pages.scheme_unknown",
                header="X-Forwarded-Proto",
                value=request.headers.get("X-Forwarded-Proto", "missing")[:20],
                hint="The proxy must set X-Forwarded-Proto to the scheme that the browser used.",
            )
        content, headers = page(HTTPStatus.INTERNAL_SERVER_ERROR)
        return HttpResponse(content, status=HTTPStatus.INTERNAL_SERVER_ERROR, headers=headers)


def _is_misled(request: HttpRequest) -> bool:
    if "X-Forwarded-Proto" not in request.headers:
        return True
    domain, _port = split_domain_port(request.headers.get("Host", ""))
    return "Sec-Fetch-Site" in request.headers and domain not in {"localhost", "127.0.0.1", "[::1]"}


def know_client(request: HttpRequest) -> None:
    """Put the client's address in the place of the proxy's, for all who count by it; keep the peer's own beside it."""
    peer = request.META.get("REMOTE_ADDR", "")
    request.META["PEER_ADDR"] = peer
    request.META["REMOTE_ADDR"] = address(request.headers.get("X-Forwarded-For", ""), peer)


def keep_private(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Keep what a person sees out of every cache, and out of compression on the way.

    Whoever has a session has pages with names, talks and settings of their own: no cache keeps them, and `Back` after
    sign-out shows none. Beside words that a stranger puts into the address, the length of a compressed page gives away
    what else stands in it (BREACH), so nobody on the way may compress it: `no-transform` says so (RFC 9111, 5.2.2.6),
    and `identity`, which means nothing else, is what a proxy heeds that knows only whether a page is encoded already.
    """
    patch_vary_headers(response, ("Cookie",))
    session = settings.SESSION_COOKIE_NAME
    if session in request.COOKIES or session in response.cookies:
        if response.get("Cache-Control") != "no-store":  # as the gate's refusals, which are the same for everybody
            patch_cache_control(response, private=True, no_store=True, no_transform=True)
        if not response.has_header("Content-Encoding") and not response.has_header("Content-Range"):
            response.headers["Content-Encoding"] = "identity"
    return response


def when_full(request: HttpRequest, error: BaseException | None) -> HttpResponse | None:
    """Return the answer that asks to try again, if that is what an error means; None for a fault of the code.

    A page says so in words; a client of the API or of a room's frames gets the same as JSON.
    """
    if not isinstance(error, Busy) and not (isinstance(error, Error) and trouble_of(error) in _TRANSIENT):
        return None
    log.warning("pages.full", error=type(error.__cause__ or error).__name__)
    if is_for_machines(request):
        text = _("It cannot answer just now. Please try again in a moment.")
        facts = {"code": "unavailable", "reason": text, "retry_after": RETRY_SECONDS}
        answer: HttpResponse = JsonResponse(facts, status=503)
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
        return answer
    content, headers = page(503, RETRY_SECONDS)
    return HttpResponse(content, status=503, headers=headers)


def is_for_machines(request: HttpRequest) -> bool:
    """Return whether a request comes from a client of the API or of frames rather than from somebody at a page."""
    return request.path.endswith("/events") or gate.wants_json(request)


def failed(request: HttpRequest) -> HttpResponse:
    """Answer for an error that no view met (`handler500`): the service may be full there, too."""
    full = when_full(request, sys.exc_info()[1])
    return full or HttpResponseServerError(render_to_string("500.html", {"demo": settings.DEMO}))
