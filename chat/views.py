"""Pages of chat. Each declares its feature at the gate; rules are in the writes, reads in the queries."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages as notes
from django.contrib.auth import login
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.db import close_old_connections
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat import events, hub, people, queries, rooms, wire
from chat.forms import GuestForm, LockForm, RoomForm
from chat.handshake import address
from chat.models import Room, User
from chat.queries import Person
from chat.strings import JS_STRINGS
from chat.wire import Refused
from compliance import gate
from compliance.gate import door
from compliance.law import Feature

TOPICS = (
    ("daily", gettext_lazy("Daily life")),
    ("hobby", gettext_lazy("Hobbies")),
    ("work", gettext_lazy("Work and study")),
    ("night", gettext_lazy("Cannot sleep")),
)

View = Callable[..., HttpResponse]
_gzip = GZipMiddleware(lambda _request: HttpResponse())


def _member_only(view: View) -> View:
    """Send guests and strangers to sign-in, and bring them back."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated or request.user.is_guest:
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    return guarded


def _me(request: HttpRequest) -> Person | None:
    return Person.of(request.user) if isinstance(request.user, User) else None


def _page(
    request: HttpRequest, template: str, place: Room | None = None, /, stream: str | None = None, **context: Any
) -> HttpResponse:
    me = _me(request)
    user = {"id": me.id, "name": me.name, "guest": me.guest} if me else None
    boot = {
        "room": place.key if place else None,
        "kind": place.kind if place else None,
        "me": user,
        "ws": "/ws/",
        "events": f"{_url(place)}events" if place else stream,
        "head": place.head if place else None,
        "language": "en" if (get_language() or "").startswith("en") else "ja",
        "closed_url": "/closed/",
        "lobby_url": reverse("chat:lobby"),
    }
    strings = {key: str(text) for key, text in JS_STRINGS.items()}
    return render(request, template, {"boot": boot, "me": user, "js_strings": strings, **context})


def _compressed(request: HttpRequest, page: HttpResponse) -> HttpResponse:
    """Compress a page that shows everybody the same words.

    No other is: beside words that a stranger puts into the address, the length of a compressed page can give away what
    else stands in it (BREACH).
    """
    _gzip.process_response(request, page)  # in place
    return page


def _url(room: Room) -> str:
    return reverse("chat:room", args=[room.slug]) if room.is_open else reverse("chat:closed", args=[room.id])


def _shown(room: Room) -> dict[str, Any]:
    return {
        "key": room.key,
        "name": room.name,
        "description": room.description,
        "kind": room.kind,
        "url": _url(room),
        "last_at": room.last_at if room.head else None,
        "head": room.head,
    }


@door(Feature.ROOM_OPEN)
@require_safe
def lobby(request: HttpRequest) -> HttpResponse:
    """Show the open rooms and the service's legal standing."""
    running = hub.running()
    listed = [_shown(room) | {"people": running.people_in(room.id) if running else 0} for room in queries.open_rooms()]
    me = _me(request)
    member = me is not None and not me.guest
    talks = [
        {"url": _url(talk), "name": talk.name, "others": others}
        for talk, others in (queries.talks(me.pk) if me and member else ())
        if gate.current().decide(Feature(talk.feature)).allowed
    ]
    page = _page(
        request,
        "chat/lobby.html",
        rooms=listed,
        talks=talks,
        can_create=member,
        create_url=reverse("chat:room_new"),
    )
    return page if talks else _compressed(request, page)


@door(Feature.ROOM_OPEN)
@require_safe
@never_cache
def room(request: HttpRequest, slug: str) -> HttpResponse:
    """Show an open room: anyone reads it, with or without scripts."""
    found = queries.room_by_key(slug)
    if found is None or not found.is_open:
        raise Http404
    return _compressed(
        request, _talk(request, found, guest_form=None if request.user.is_authenticated else GuestForm())
    )


@door(Feature.MATCH_PAIR)
@require_safe
@never_cache
def closed(request: HttpRequest, room_id: UUID) -> HttpResponse:
    """Show a closed talk to those inside. To everybody else it does not exist."""
    me = _me(request)
    found = queries.room_by_id(room_id)
    if found is None or found.is_open or not queries.is_participant(found, me.pk if me else None):
        raise Http404
    shown: HttpResponse = door(Feature(found.feature))(_closed)(request, found)
    return shown


def _closed(request: HttpRequest, found: Room) -> HttpResponse:
    return _talk(request, found, readers=[reader.name for reader in queries.readers(found)])


def _talk(request: HttpRequest, found: Room, **context: Any) -> HttpResponse:
    page = queries.latest(found)
    return _page(
        request,
        "chat/room.html",
        found,
        **{
            "room": _shown(found),
            "items": queries.as_read(page.items),
            "head": page.head,
            "more": page.more,
            "can_post": request.user.is_authenticated,
            "is_owner": request.user.is_authenticated and found.created_by_id == request.user.pk,
            **context,
        },
    )


@door(Feature.ROOM_OPEN)
@require_http_methods(["GET", "HEAD", "POST"])
@_member_only
def room_new(request: HttpRequest) -> HttpResponse:
    """Open a room."""
    form = RoomForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if hub.limited("room", request.user.pk):
            form.add_error(None, _("You have opened several rooms just now. Please wait a few minutes."))
        else:
            try:
                made = rooms.create_open_room(actor=request.user, **form.cleaned_data)  # type: ignore[arg-type]
            except Refused as refused:
                form.add_error(None, refused.reason)
            else:
                return redirect(_url(made))
    return _page(request, "chat/room_new.html", form=form)


@door(Feature.INVITE_ONLY, creating=True)
@require_http_methods(["GET", "HEAD", "POST"])
@_member_only
def room_lock(request: HttpRequest, slug: str) -> HttpResponse:
    """Lock an open room: closed chat from that moment, so the gate is asked for invited rooms."""
    found = queries.room_by_key(slug)
    if found is None or not found.is_open or found.created_by_id != request.user.pk:
        raise Http404
    form = LockForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            locked = rooms.lock_room(actor=request.user, room=found)  # type: ignore[arg-type]
        except Refused as refused:
            form.add_error(None, refused.reason)
        else:
            hub.from_page(lambda running: running.look(locked.pk))
            notes.success(request, _("The room is locked. From now on only those inside can read it."))
            return redirect(_url(locked))
    return _page(request, "chat/room_lock.html", room=_shown(found), form=form)


@door(Feature.ACCOUNT)
@require_POST
def guest(request: HttpRequest) -> HttpResponse:
    """Enter with a nickname, in one step."""
    wanted = request.POST.get("next", "")
    ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, {request.get_host()})
    target = wanted if ours else reverse("chat:lobby")
    if request.user.is_authenticated:
        return redirect(target)
    form = GuestForm(request.POST)
    if form.is_valid():
        whence = address(request.headers.get("X-Forwarded-For", ""), request.META.get("REMOTE_ADDR", ""))
        if hub.limited("guest", whence):
            form.add_error(None, _("Too many nicknames from here just now. Please wait a minute."))
        else:
            try:
                login(request, people.enter_as_guest(**form.cleaned_data), backend=settings.AUTHENTICATION_BACKENDS[0])
            except ValidationError as error:
                form.add_error("nickname", error)
            else:
                return redirect(target)
    status = 429 if form.is_bound and form.non_field_errors() else 200
    response = _page(request, "chat/guest.html", form=form, next=target)
    response.status_code = status
    return response


@door(Feature.ROOM_OPEN)
@require_http_methods(["GET", "POST"])
@never_cache
def room_events(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Carry an open room's frames where WebSocket is blocked."""
    return _carry(request, slug)


@door(Feature.MATCH_PAIR)
@require_http_methods(["GET", "POST"])
@never_cache
def closed_events(request: HttpRequest, room_id: UUID) -> HttpResponseBase:
    """Carry a closed talk's frames where WebSocket is blocked."""
    return _carry(request, str(room_id))


@door(Feature.MATCH_PAIR)
@require_http_methods(["GET", "POST"])
@never_cache
def match_events(request: HttpRequest) -> HttpResponseBase:
    """Carry the frames of matching where WebSocket is blocked."""
    return _carry(request, None)


def _carry(request: HttpRequest, key: str | None) -> HttpResponseBase:
    language = "en" if (get_language() or "").startswith("en") else "ja"
    whence = address(request.headers.get("X-Forwarded-For", ""), request.META.get("REMOTE_ADDR", ""))
    if wait := hub.limited("request", whence):
        return HttpResponse(status=429, headers={"Retry-After": str(math.ceil(wait))})
    user = request.user if isinstance(request.user, User) else None
    session = request.session.session_key
    caller = events.Caller(
        person=Person.of(user, language) if user else None,
        login=queries.Login.of(session, user) if user and session else None,
        language=language,
        address=whence,
    )
    close_old_connections()  # a stream lasts for hours, and pages need its connection to the database
    if request.method == "POST":
        if len(request.body) > wire.FRAME_BYTES:
            return HttpResponse(status=413)
        try:
            answers = hub.run(events.exchange(caller, request.body))
        except Refused as refused:
            return HttpResponse(refused.reason, status=503, headers={"Retry-After": "1"})
        return HttpResponse(answers, content_type="application/json")
    after = request.GET.get("after", "")
    stream = events.stream(caller, key, int(after) if re.fullmatch(r"[0-9]{1,15}", after) else None)
    return StreamingHttpResponse(stream, content_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@door(Feature.MATCH_PAIR)
@require_safe
@never_cache
def match(request: HttpRequest) -> HttpResponse:
    """Look for somebody to talk to."""
    me = _me(request)
    verified = me is not None and queries.has_verified_address(me.pk)
    return _page(request, "chat/match.html", topics=TOPICS, verified=verified, stream=reverse("chat:match_events"))
