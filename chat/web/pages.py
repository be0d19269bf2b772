"""Renders pages: the facts that each page hands to its scripts, compression, and the answer to too many requests."""

from __future__ import annotations

import base64
import math
from functools import cache
from http import HTTPStatus
from typing import Any, Final, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.html import json_script
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from chat.models import Room, User
from chat.web.browsers import OLDEST_BROWSERS
from chat.web.strings import JS_STRINGS

RETRY_SECONDS: Final = 60
_IS_PRIVATE: Final = "todoke.private"
_GZIP: Final = GZipMiddleware(lambda _request: HttpResponse())


def page_language() -> Literal["en", "ja"]:
    """Return the language of the current page."""
    return "en" if (get_language() or "").startswith("en") else "ja"


def render_page(
    request: HttpRequest, template: str, room: Room | None = None, /, events: str | None = None, **context: Any
) -> HttpResponse:
    """Render a page with what its scripts need: who reads it, the room, and where its frames come from.

    Args:
        request: the page's request.
        template: its template.
        room: the room that the page is about, if any.
        events: without a room, the URL of the page's frames where WebSocket is blocked.
        context: further values for the template.
    """
    user = request.user if isinstance(request.user, User) else None
    me = user and {"id": str(user.public_id), "name": user.name, "guest": user.is_guest, "role": user.role.value}
    boot = {
        "room": room.key if room else None,
        "kind": room.kind if room else None,
        "feature": room.feature if room else None,
        "me": me,
        "ws": "/ws/",
        "events": f"{room.get_absolute_url()}events" if room else events,
        "head": room.head if room else None,
        "language": page_language(),
        "closed_url": "/closed/",
        "lobby_url": reverse("chat:lobby"),
        "login_url": reverse("account_login"),
        "seal": seal_keys(user) if user and room and not room.is_open else [],
    }
    facts = {"boot": boot, "me": me, "js_strings": _strings(get_language()), "oldest_browsers": OLDEST_BROWSERS}
    return render(request, template, {**facts, **context})


@cache
def _strings(language: str | None) -> SafeString:
    """Return the element with the texts that scripts show, in the current language, which the caller names."""
    return json_script({key: str(text) for key, text in JS_STRINGS.items()}, "strings")


def seal_keys(user: User) -> list[str]:
    """Return the keys under which a person's browser keeps their unsent words of closed rooms: base64, newest first.

    They belong to the person, not to the session, so that the words can be read again after the next sign-in. What was
    sealed before SECRET_KEY was rotated is opened with a key of SECRET_KEY_FALLBACKS.
    """
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    keys = [salted_hmac("chat.web.seal", str(user.public_id), secret=each, algorithm="sha256") for each in secrets]
    return [base64.b64encode(key.digest()).decode() for key in keys]


def keep_from_compression(request: HttpRequest) -> None:
    """Note that the page which answers a request shows what only this person may know; see `compressed`."""
    request.META[_IS_PRIVATE] = True


def compressed(request: HttpRequest, page: HttpResponse) -> HttpResponse:
    """Compress a page that shows everybody the same words.

    No other is: beside words that a stranger puts into the address, the length of a compressed page can give away what
    else stands in it (BREACH).
    """
    if _IS_PRIVATE not in request.META:
        _GZIP.process_response(request, page)  # in place
    return page


def ask_to_wait(page: HttpResponse, seconds: float) -> HttpResponse:
    """Mark a page about a rate that is used up: 429 and `Retry-After` (RFC 6585, 4); unchanged where `seconds` is 0."""
    if seconds:
        page.status_code = HTTPStatus.TOO_MANY_REQUESTS
        page["Retry-After"] = str(math.ceil(seconds))
    return page


def too_many(request: HttpRequest) -> HttpResponse:
    """Answer a request that is over a rate of the account pages (`handler429`). Those rates count by the minute."""
    return ask_to_wait(render(request, "429.html", {"retry_after": RETRY_SECONDS}), RETRY_SECONDS)
