"""The page of a room, with what was said in it, and its frames where WebSocket is blocked."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from chat import people, rooms
from chat.messages import queries as history
from chat.messages.posting import writing
from chat.models import REASON_LENGTH, Reason, Room, User
from chat.people import GuestForm, serve_frames
from chat.protocol import Refused
from chat.realtime import network
from chat.web.pages import compressed, render_page
from compliance.gate import door
from compliance.law import Feature
from compliance.law.powers import Power
from compliance.powers import may_act


def _pk(request: HttpRequest) -> int | None:
    return request.user.pk if request.user.is_authenticated else None


@door(Feature.ROOM_OPEN)
@require_safe
@never_cache
def room(request: HttpRequest, slug: str) -> HttpResponse:
    """Show an open room: anyone reads it, with or without scripts."""
    found = rooms.room_by_key(slug)
    if found is None or not found.is_open:
        raise Http404
    return compressed(
        request, _room_page(request, found, guest_form=None if request.user.is_authenticated else GuestForm())
    )


def _feature_of(request: HttpRequest, room_id: UUID) -> Feature | None:
    """Return the feature of a closed room to those inside it; nobody else learns what it is, or that it is."""
    found = rooms.room_by_id(room_id)
    if found is None or found.is_open or not rooms.is_participant(found, _pk(request)):
        return None
    return Feature(found.feature)


@door(Feature.MATCH_PAIR, of=_feature_of)
@require_safe
@never_cache
def closed(request: HttpRequest, room_id: UUID) -> HttpResponse:
    """Show a closed talk to those inside, and to those who were that it is over. To all others it does not exist."""
    found = rooms.room_by_id(room_id) if _feature_of(request, room_id) else None
    if found is None:
        return _left_page(request, room_id)
    return _room_page(request, found, readers=rooms.readers(found))


def _left_page(request: HttpRequest, room_id: UUID) -> HttpResponse:
    """Say to somebody who was in a closed room that they are in it no more. Nothing that was said in it is shown."""
    pk = _pk(request)
    left = rooms.room_left_by(room_id, pk) if pk is not None else None
    if left is None:
        raise Http404
    # Whether it is too late to report is decided there.
    page = render_page(
        request,
        "chat/messages/talk_over.html",
        paired=left.feature == Feature.MATCH_PAIR,
        report_url=f"{request.path}report/",
    )
    page.status_code = HTTPStatus.NOT_FOUND
    return page


def _room_page(request: HttpRequest, found: Room, **context: Any) -> HttpResponse:
    """Show a room: its latest page, the page around `?at=`, or the one before `?before=` (seqs)."""
    at, end = _seq(request, "at"), _seq(request, "before")
    try:
        if at is not None:
            page = history.around(found.key, _pk(request), at)
        elif end is not None:
            page = history.before(found.key, _pk(request), end)
        else:
            page = history.latest(found.key, _pk(request))
    except Refused:  # locked, ended or left since it was found
        raise Http404 from None
    pk = _pk(request)
    user = request.user if isinstance(request.user, User) else None
    digest = people.network_digest(network(request.META["REMOTE_ADDR"])) if user is not None and user.is_guest else None
    now = writing(found, user, digest)
    is_past = at is not None or end is not None
    last = page.items[-1].seq if page.items and is_past else page.head
    return render_page(
        request,
        "chat/messages/room.html",
        found,
        **{
            "room": rooms.describe(found),
            "items": history.as_read(page.items),
            "blocked": people.blocked_by([pk]).get(pk, []) if pk is not None else [],
            "head": page.head,
            "more": page.more,
            "first": page.items[0].seq if page.items else 1,
            "last": last,
            "newer": last + history.PAGE + 1 if last < page.head else None,
            "at": at,
            "can_post": request.user.is_authenticated,
            "writing": now,
            "asks_account": found.members_only and (user is None or user.is_guest),
            "keeps": _keeps(found, user),
            "rules": Reason.choices,
            "reason_length": REASON_LENGTH,
            "is_owner": request.user.is_authenticated and found.created_by_id == request.user.pk,
            **context,
        },
    )


def _keeps(room: Room, user: User | None) -> str:
    """Return as what somebody keeps an open room: `staff` or `keeper`; empty where they do not."""
    if user is None or not room.is_open:
        return ""
    return "staff" if may_act(user, Power.WORDS) else "keeper" if rooms.keeps(room, user.pk) else ""


def _seq(request: HttpRequest, name: str) -> int | None:
    """Return the place in the log that the address names; None where it names none, or nothing that is one."""
    value = request.GET.get(name, "")
    return int(value) if re.fullmatch(r"[0-9]{1,15}", value) and int(value) else None


@door(Feature.ROOM_OPEN)
@require_http_methods(["GET", "POST"])
@never_cache
def room_events(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Carry an open room's frames where WebSocket is blocked."""
    return serve_frames(request, slug)


@door(Feature.MATCH_PAIR, of=_feature_of)
@require_http_methods(["GET", "POST"])
@never_cache
def closed_events(request: HttpRequest, room_id: UUID) -> HttpResponseBase:
    """Carry a closed talk's frames where WebSocket is blocked."""
    return serve_frames(request, str(room_id))
