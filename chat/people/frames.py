"""Serves frames over plain HTTP, to the person behind a session, where WebSocket is blocked."""

from __future__ import annotations

import math
import re
from http import HTTPStatus

from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from msgspec import UNSET

from chat import realtime
from chat.models import User
from chat.people.person import Person
from chat.people.sessions import Login
from chat.protocol import Code, Refused, encode, ref_of
from chat.protocol.replies import Refusal
from chat.realtime import SEAT_SECONDS, network
from chat.web.pages import page_language


def serve_frames(request: HttpRequest, room: str | None) -> HttpResponseBase:
    """Answer a GET with a stream of frames (server-sent events), and a POST with the answers to the frames in it.

    Args:
        request: the page's request.
        room: the public id of the room whose frames are wanted; None for matching.
    """
    language = page_language()
    address = network(request.META["REMOTE_ADDR"])
    if wait := realtime.limited("request", address):
        reason = _("Too much at once. Please wait a moment.")
        return _refused(request, Code.RATE, reason, wait, HTTPStatus.TOO_MANY_REQUESTS)
    if request.method == "GET" and realtime.has_no_seat_for(address):
        reason = _("Too many connections are open from your network. Close another window first.")
        return _refused(request, Code.RATE, reason, SEAT_SECONDS, HTTPStatus.TOO_MANY_REQUESTS)
    user = request.user if isinstance(request.user, User) else None
    # The page that asks was made for somebody, who may have signed out since: nothing is done in another's name.
    if request.headers.get("X-Person") not in (None, str(user.public_id) if user else ""):
        reason = _("You are signed out or signed in as someone else. Reload the page to go on.")
        return _refused(request, Code.AUTH, reason, 0, HTTPStatus.UNAUTHORIZED)
    session = request.session.session_key
    caller = realtime.Caller(
        person=Person.of(user, language) if user else None,
        login=Login.of(session, user) if user and session else None,
        language=language,
        address=address,
    )
    close_old_connections()  # a stream lasts for hours, and pages need its connection to the database
    if request.method == "POST":
        try:
            answers = realtime.run(realtime.exchange(caller, request.body))
        except Refused as refused:
            return _refused(request, refused.code, refused.reason, 1.0, HTTPStatus.SERVICE_UNAVAILABLE)
        return HttpResponse(answers, content_type="application/json")
    after = request.GET.get("after", "")
    stream = realtime.stream(
        caller,
        room,
        int(after) if re.fullmatch(r"[0-9]{1,15}", after) else None,
        request.GET.get("epoch", "")[:64] or None,
    )
    return StreamingHttpResponse(stream, content_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _refused(request: HttpRequest, code: Code, reason: str, seconds: float, status: int) -> HttpResponse:
    """Refuse a request for frames as a socket would, in the shape that the page's script reads.

    It may be tried again after `seconds`; 0 means that trying again does not help.
    """
    ref = ref_of(request.body) if request.method == "POST" else None
    frame = Refusal(code, reason, UNSET if ref is None else ref, retry_after=round(seconds, 2) if seconds else UNSET)
    headers = {"Retry-After": str(max(1, math.ceil(seconds)))} if seconds else {}
    return HttpResponse(encode([frame]), content_type="application/json", status=status, headers=headers)
