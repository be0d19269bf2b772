"""The staff log: the ledger's entries by person and by act, with the person's name from `Actor`.

It shows acts of staff only. What a member did (a report, for example) is not staff's to look through.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance.adminkit import DayField, NumberField
from compliance.language import current_language
from compliance.law.powers import Power
from compliance.models import Actor, LedgerEntry
from compliance.powers.desk import desk_page
from compliance.records import may, replay

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

PAGE: Final = 50
"""Entries on a page of the log."""
_NOT_STAFF: Final = ("member", "service")


class LogForm(forms.Form):
    """Whose acts, which act, from which day to which."""

    who = forms.ChoiceField(required=False, label=gettext_lazy("Person"))
    event = forms.ChoiceField(required=False, label=gettext_lazy("What was done"))
    start = DayField(required=False, label=gettext_lazy("First day"))
    end = DayField(required=False, label=gettext_lazy("Last day"))
    before = NumberField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, entries: QuerySet[LedgerEntry], own: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if own:
            del self.fields["who"]
        else:
            self._choices("who", sorted(_people(entries), key=lambda choice: choice[1]))
        events = entries.order_by("event").values_list("event", flat=True).distinct()
        language = current_language()
        self._choices("event", [(event, replay.words(replay.EVENTS, event, language)) for event in events])

    def _choices(self, name: str, found: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("all")), *found]

    def clean(self) -> None:
        """Refuse a period that ends before it begins."""
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if start and end and end < start:
            raise ValidationError({"end": _("The last day lies before the first.")})


def _people(entries: QuerySet[LedgerEntry]) -> list[tuple[str, str]]:
    acting = Actor.objects.filter(pk__in=entries.order_by().values("actor").distinct()).select_related("user")
    return [(actor.ref, f"{actor.name} ({actor.ref})") for actor in acting]


def visible(user: AbstractBaseUser) -> QuerySet[LedgerEntry]:
    """Return the entries of the staff log that an account may see: all, or only its own acts.

    Args:
        user: signed in; the result is empty without the power.
    """
    acts = LedgerEntry.objects.exclude(role__in=_NOT_STAFF).filter(actor__isnull=False)
    if may(user, Power.RECORD):
        return acts
    return acts.filter(actor__user_id=user.pk) if may(user, Power.RECORD_OWN) else acts.none()


def search(entries: QuerySet[LedgerEntry], given: dict[str, Any]) -> QuerySet[LedgerEntry]:
    """Narrow entries down to what was asked for, newest first.

    Args:
        entries: as `visible` returns them.
        given: cleaned data of `LogForm`. A person's reference finds what they did, and what was done to their account.
    """
    if ref := given.get("who"):
        entries = entries.filter(Q(actor_id=ref) | Q(payload__account=ref))
    if event := given.get("event"):
        entries = entries.filter(event=event)
    if start := given.get("start"):
        entries = entries.filter(at__gte=_midnight(start))
    if end := given.get("end"):
        entries = entries.filter(at__lt=_midnight(end + timedelta(days=1)))
    if before := given.get("before"):
        entries = entries.filter(seq__lt=before)
    return entries.order_by("-seq").select_related("actor__user")


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def as_row(entry: LedgerEntry, names: dict[str, str]) -> dict[str, Any]:
    """Return an entry as the log shows it: who, in which role, what, when, on whom, and the rest on one line."""
    language = current_language()
    assert entry.actor is not None
    on = entry.payload.get("account")
    rest = {key: value for key, value in entry.payload.items() if key not in {"account", "door"}}
    return {
        "seq": entry.seq,
        "at": entry.at,
        "who": entry.actor.name,
        "ref": entry.actor_id,
        "role": replay.words(replay.ROLES, entry.role, language),
        "what": replay.words(replay.EVENTS, entry.event, language),
        "on": names.get(on, on) if on and on != entry.actor_id else None,
        "summary": replay.summary(rest, language),
    }


@desk_page(Power.RECORD, Power.RECORD_OWN)
def staff_log(request: HttpRequest) -> HttpResponse:
    """Show who of the staff did what and when. A moderator sees their own acts only."""
    user = request.user
    assert user.is_authenticated
    own, entries = not may(user, Power.RECORD), visible(user)
    form = LogForm(request.GET or None, entries=entries, own=own)
    asked = bool(request.GET) and form.is_valid()
    given = form.cleaned_data if asked else {}
    found = list(search(entries, given)[: PAGE + 1]) if asked or not request.GET else []
    refs = {entry.payload["account"] for entry in found if isinstance(entry.payload.get("account"), str)}
    people = Actor.objects.filter(pk__in=refs).select_related("user")
    names = {actor.ref: actor.name for actor in people}
    older = request.GET.copy()
    older["before"] = str(found[PAGE - 1].seq) if len(found) > PAGE else ""
    context = {
        "form": form,
        "rows": [as_row(entry, names) for entry in found[:PAGE]],
        "own": own,
        "older": older.urlencode() if len(found) > PAGE else "",
    }
    return render(request, "desk/log.html", context)
