"""Where the calendar and the planned end leave the admin: the operator's feed, and the notice that users read."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from compliance import diary, gate, ics, law
from compliance.duties import Duty
from compliance.law import Feature

_REMIND_DAYS: Final = 7


@gate.door(Feature.SERVICE)
@require_safe
@never_cache
def planned_end(request: HttpRequest) -> HttpResponse:
    """Show the seven items of an announced end (REG 22-2-11(2)), or that none is planned."""
    return render(request, "compliance/closing.html")


@gate.door(Feature.OPERATOR)
@require_safe
@never_cache
def calendar_feed(request: HttpRequest, key: str) -> HttpResponse:
    """Give the duties as iCalendar to whoever holds an operator's secret address. Says nothing of what happened."""
    feed = diary.feed(key)
    owner = feed.owner if feed else None
    if feed is None or owner is None or not (owner.is_active and owner.is_staff) or not _sees(owner):
        raise Http404
    now = timezone.now()
    today = timezone.localdate(now)
    page = request.build_absolute_uri(reverse("admin:compliance_calendar_changelist"))
    days = [
        _as_day(duty, today, feed.language, page, request.get_host()) for duty in diary.calendar(gate.current(), now)
    ]
    name = "Todoke 運営者の予定表" if feed.language == "ja" else "Todoke: the operator's duties"
    response = HttpResponse(ics.render(name, days, now), content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'inline; filename="todoke.ics"'
    response["X-Robots-Tag"] = "noindex"
    return response


def _sees(owner: Any) -> bool:
    return any(owner.has_perm(f"compliance.{name}") for name in ("view_calendar", "keep_calendar"))


def _as_day(duty: Duty, today: date, language: str, page: str, host: str) -> ics.Day:
    state = duty.state(today)
    lines = [
        law.say(duty.what, language),
        law.cite_all(duty.articles, language),
        *([law.say(duty.form, language)] if duty.form else []),
        law.say(duty.term, language),
        law.say(law.NOT_ADVICE, language),
    ]
    return ics.Day(
        uid=f"{duty.id}@{host}",
        on=duty.due,
        summary=f"[{law.say(state, language)}] {law.say(duty.title, language)}",
        description="\n".join(lines),
        url=f"{page}#{duty.id}",
        category="届出・報告" if language == "ja" else "Filing and reports",
        remind_days=None if duty.done else _REMIND_DAYS,
    )
