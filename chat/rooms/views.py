"""Pages about rooms: the lobby, a new open room, and locking one."""

from __future__ import annotations

import re

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from chat import realtime, rooms
from chat.models import User
from chat.people import member_required
from chat.protocol import Refused
from chat.rooms.forms import LockForm, RoomForm
from chat.web.pages import ask_to_wait, compressed, render_page
from compliance import gate
from compliance.gate import door
from compliance.law import Feature


@door(Feature.ROOM_OPEN)
@require_safe
def lobby(request: HttpRequest) -> HttpResponse:
    """Show the open rooms (`?q=` words, `?page=`) and the service's legal standing."""
    words = "".join(letter for letter in request.GET.get("q", "")[:100] if letter.isprintable() or letter == "\u3000")
    number = request.GET.get("page", "")
    found = rooms.open_rooms(words, int(number) if re.fullmatch(r"[1-9][0-9]{0,5}", number) else 1)
    listed = [rooms.describe(room) | {"people": realtime.people_in(room.id)} for room in found.rooms]
    member = request.user if isinstance(request.user, User) and not request.user.is_guest else None
    snapshot = gate.of(request)
    talks = [
        {
            "url": talk.get_absolute_url(),
            "name": talk.name,
            "others": others,
            "allowed": snapshot.decide(Feature(talk.feature)).allowed,
        }
        for talk, others in (rooms.closed_rooms_of(member.pk) if member else ())
    ]
    page = render_page(
        request,
        "chat/rooms/lobby.html",
        rooms=listed,
        found=found,
        words=words.strip(),
        talks=talks,
        match=snapshot.decide(Feature.MATCH_PAIR, creating=True),
        running=[decision.rule.title for decision in snapshot.talk() if decision.allowed],
        can_create=member is not None,
        create_url=reverse("chat:room_new"),
    )
    return page if talks or words else compressed(request, page)


@door(Feature.ROOM_OPEN)
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def room_new(request: HttpRequest) -> HttpResponse:
    """Open a room."""
    form = RoomForm(request.POST or None)
    wait = 0.0
    if request.method == "POST" and form.is_valid():
        if wait := realtime.limited("room", request.user.pk):
            form.add_error(None, _("You have opened several rooms just now. Please wait a few minutes."))
        else:
            try:
                made = rooms.create_open_room(actor=request.user, **form.cleaned_data)  # type: ignore[arg-type]
            except Refused as refused:
                form.add_error(None, refused.reason)
            else:
                return redirect(made.get_absolute_url())
    return ask_to_wait(render_page(request, "chat/rooms/room_new.html", form=form), wait)


@door(Feature.INVITE_ONLY, creating=True)
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def room_lock(request: HttpRequest, slug: str) -> HttpResponse:
    """Lock an open room: closed chat from that moment, so the gate is asked for invited rooms."""
    found = rooms.room_by_key(slug)
    if found is None or not found.is_open or found.created_by_id != request.user.pk:
        raise Http404
    form = LockForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            locked = rooms.lock_room(actor=request.user, room=found)  # type: ignore[arg-type]
        except Refused as refused:
            form.add_error(None, refused.reason)
        else:
            realtime.call_soon(lambda parts: parts.revalidate(locked.pk))
            messages.success(request, _("The room is locked. From now on only those inside can read it."))
            return redirect(locked.get_absolute_url())
    return render_page(request, "chat/rooms/room_lock.html", room=rooms.describe(found), form=form)
