"""The calendar of duties as an iCalendar feed: its secret address, and the view that answers there."""

from __future__ import annotations

import hashlib
import secrets
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from compliance import gate, law
from compliance.duties import ics
from compliance.duties.calendar import list_duties
from compliance.law import Feature
from compliance.law.duties import Duty
from compliance.models import Feed
from compliance.records import Event, ledger

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

_REMIND_DAYS: Final = 7


def create_feed(*, owner: AbstractBaseUser, language: str) -> str:
    """Create an account's feed. An earlier address stops working.

    Returns:
        the secret of its address. Only its hash is stored.
    """
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        Feed.objects.filter(owner_id=owner.pk).delete()
        Feed.objects.create(owner_id=owner.pk, token_hash=_hash(secret), language=language)
        ledger.append(Event.FEED_MADE, actor=owner, payload={})
    return secret


def revoke_feed(*, owner: AbstractBaseUser) -> bool:
    """Delete an account's feed. Return whether there was one."""
    with transaction.atomic():
        deleted, _rows = Feed.objects.filter(owner_id=owner.pk).delete()
        if deleted:
            ledger.append(Event.FEED_REVOKED, actor=owner, payload={})
    return bool(deleted)


def find_feed(secret: str) -> Feed | None:
    """Return the feed of a secret, or None. It is found by its hash, so the time of the query leaks nothing."""
    return Feed.objects.select_related("owner").filter(token_hash=_hash(secret)).first()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@gate.door(Feature.OPERATOR)
@require_safe
@never_cache
def calendar_feed(request: HttpRequest, key: str) -> HttpResponse:
    """Return the duties as iCalendar to the holder of a secret address. It holds no words of the log."""
    feed = find_feed(key)
    owner = feed.owner if feed else None
    if feed is None or owner is None or not (owner.is_active and owner.is_staff) or not _may_read(owner):
        raise Http404
    now = timezone.now()
    today = timezone.localdate(now)
    page = request.build_absolute_uri(reverse("admin:compliance_calendar_changelist"))
    days = [_as_day(duty, today, feed.language, page, request.get_host()) for duty in list_duties(gate.current(), now)]
    name = "Todoke 運営者の予定表" if feed.language == "ja" else "Todoke: the operator's duties"
    response = HttpResponse(ics.render(name, days, now), content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'inline; filename="todoke.ics"'
    response["X-Robots-Tag"] = "noindex"
    return response


def _may_read(owner: Any) -> bool:
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
