"""Pages in words for moments in which nothing else can be asked: no session, no database, both languages at once."""

from __future__ import annotations

import math
from typing import Any, Final

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import gettext_noop as _

PLAIN: Final = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
"""The headers of an answer to a machine."""
ALIVE_PATH: Final = b"/healthz"
ALIVE: Final = b"ok\n"
"""What is answered there: that the process lives."""
_WORDS: Final = {
    408: (
        _("That took too long"),
        _("The request did not arrive completely in time, and nothing was stored. Please send it again."),
    ),
    413: (
        _("That is too large"),
        _("More was sent than this page takes, and nothing was stored. Please shorten it, then send it again."),
    ),
    500: (
        _("The service is not set up completely"),
        _(
            "The proxy in front of it does not say that you are connected by HTTPS, so no page can be shown. Please"
            " tell the operator: the proxy must send the header X-Forwarded-Proto with the scheme that the browser"
            " used."
        ),
    ),
    429: (
        _("That was a little fast"),
        _("Many requests came from you or your network in a short time. Wait a moment, then try again."),
    ),
    503: (
        _("The service is busy"),
        _("It cannot answer just now. Please try again in a moment."),
    ),
}


def page(status: int, retry_after: float | None = None) -> tuple[bytes, dict[str, str]]:
    """Return a page that stands alone, and its headers.

    Args:
        status: 408, 413, 429, 500 or 503 (RFC 9110).
        retry_after: in how many seconds it is worth another try.

    Returns:
        the page in UTF-8, and the headers by name, without `Content-Length`.
    """
    title, text = _WORDS[status]
    headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
    seconds = None if retry_after is None else max(1, math.ceil(retry_after))
    if seconds is not None:
        headers["Retry-After"] = str(seconds)
    words = {"status": status, "title": title, "text": text, "retry_after": seconds, "demo": settings.DEMO}
    return render_to_string("plain.html", words).encode(), headers


async def send_page(
    send: Any, status: int, content: bytes, headers: dict[str, str], *, head: bool = False, close: bool = False
) -> None:
    """Send an answer that is there at once (ASGI).

    Args:
        send: of the request.
        status: of the answer.
        content: its body.
        headers: by name, without `Content-Length`.
        head: whether only the headers were asked for (HEAD).
        close: whether the connection ends with it.
    """
    lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    lines += [(b"content-length", b"%d" % len(content)), *([(b"connection", b"close")] if close else [])]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": b"" if head else content})
