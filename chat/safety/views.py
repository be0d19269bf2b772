"""The pages of reports: the form on which a party hands over messages, and one's own reports with their answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from chat import rooms
from chat.models import Reason, User
from chat.people import Person
from chat.protocol import REPORTED_MESSAGES, Code, Refused
from chat.realtime import limited, network
from chat.safety.queries import Reportable, around, choose, own_reports, recent_talks, reportable
from chat.safety.reports import NOTE_CHARS, file_report
from chat.web.pages import ask_to_wait, page_language, render_page
from compliance import vault
from compliance.gate import door
from compliance.law import Feature

SHOWN: Final = (Reason.MINOR, Reason.THREAT, *(each for each in Reason if each not in {Reason.MINOR, Reason.THREAT}))
"""The reasons in the order in which the form shows them: the most urgent first."""


@door(Feature.SERVICE)
@require_safe
@never_cache
def reports(request: HttpRequest) -> HttpResponse:
    """Show somebody what they have reported and what came of it, and the talks that they can still report."""
    if not isinstance(request.user, User):
        return redirect_to_login(request.get_full_path())
    pk = request.user.pk
    talks = [
        {
            "url": reverse("chat:closed_report", args=[room.pk]),
            "name": room.name,
            "others": others,
            "ended": ended,
        }
        for room, ended, others in recent_talks(pk)
    ]
    return render_page(request, "chat/safety/reports.html", reports=own_reports(pk), talks=talks)


@door(Feature.ROOM_OPEN)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def room_report(request: HttpRequest, slug: str) -> HttpResponse:
    """Report messages of an open room. Who has no name yet takes one first, in one step."""
    found = rooms.room_by_key(slug)
    if found is None or not found.is_open:
        raise Http404
    if not isinstance(request.user, User):
        return redirect(f"{reverse('chat:guest')}?{urlencode({'next': request.get_full_path()})}")
    return _report(request, Reportable(found, request.user.pk))


@door(Feature.SERVICE)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def closed_report(request: HttpRequest, room_id: UUID) -> HttpResponse:
    """Show a closed talk read-only to its parties, so that they can report, whatever the gate says.

    To everybody else the talk does not exist.
    """
    if not isinstance(request.user, User):
        return redirect_to_login(request.get_full_path())
    try:
        access = reportable(room_id, request.user.pk)
    except Refused:
        raise Http404 from None
    if access.room.is_open:
        raise Http404
    return _report(request, access)


def _report(request: HttpRequest, access: Reportable) -> HttpResponse:
    asked = request.POST if request.method == "POST" else request.GET
    named = asked.getlist("seq")[: 2 * REPORTED_MESSAGES]
    seqs = [int(value) for value in named if re.fullmatch(r"[0-9]{1,15}", value)]
    fault, wait = "", 0.0
    if request.method == "POST":
        wait = limited("report", request.user.pk) or limited("report_address", network(request.META["REMOTE_ADDR"]))
        if wait:
            fault = _("You have reported a lot just now. Please wait a moment.")
        else:
            try:
                file_report(
                    person=Person.of(request.user, page_language()),  # type: ignore[arg-type]
                    room=access.room.key,
                    seqs=seqs,
                    reason=request.POST.get("reason", ""),
                    note=request.POST.get("note", "").replace("\r\n", "\n"),
                )
            except Refused as refused:
                if refused.code is Code.MISSING:
                    raise Http404 from None
                fault = refused.reason
            else:
                messages.success(request, _("Thank you. Your report has been handed over."))
                return redirect("chat:reports")
    page = _form(request, access, seqs, fault)
    if fault and not wait:
        page.status_code = 400
    return ask_to_wait(page, wait)


def _form(request: HttpRequest, access: Reportable, seqs: Sequence[int], fault: str) -> HttpResponse:
    before = request.GET.get("at", "")
    at = int(before) if re.fullmatch(r"[0-9]{1,15}", before) else seqs[0] if seqs else None
    try:
        chosen = choose(access, seqs)
        others = [each for each in around(access, at) if each.seq not in {one.seq for one in chosen}]
    except vault.Unsealable:
        chosen, others = [], []
        fault = fault or _("This message cannot be shown: its stored text was changed, or its key is missing.")
    shown = {each.seq for each in [*chosen, *others]}
    return render_page(
        request,
        "chat/safety/report.html",
        room=rooms.describe(access.room),
        is_over=access.until is not None,
        chosen=chosen,
        others=others,
        first=min(shown, default=1),
        last=max(shown, default=0),
        shown=shown,
        more_before=bool(shown) and min(shown) > 1,
        more_after=bool(shown) and max(shown) < access.room.head,
        reasons=SHOWN,
        note=request.POST.get("note", "")[:NOTE_CHARS],
        note_chars=NOTE_CHARS,
        most=REPORTED_MESSAGES,
        fault=fault,
        me_pk=access.person_pk,
    )
