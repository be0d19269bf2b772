"""The desk's part of reports: the queue, and one report with exactly the words that were handed over.

Nothing here says who talks with whom before a report is opened, and then no more than its party handed over: the queue
has no names and no times of a talk, and reports are put together by whom they are about, never by a closed room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from chat import rooms
from chat.messages import NewEvent, store_slowly
from chat.models import Message, Reason, Report, ReportedMessage, Sanction, User
from chat.people import Person
from chat.protocol import Code, Refused
from chat.safety.reports import NOTE_CHARS, URGENT, answer, note_of, open_report
from chat.safety.sanctions import act, acts_on
from chat.web.pages import page_language
from compliance import vault
from compliance.law.powers import Power
from compliance.powers import desk_page, may, register_desk_page

WEEK: Final = timedelta(days=7)
"""For how long the key "mute" mutes. Another time is chosen on the person's card."""
SHOWN: Final = 100
_MANY: Final = 3  # answers without ground, from which on the desk is told of them


def queue(actor: AbstractBaseUser, *, answered: bool = False) -> QuerySet[Report]:
    """Return reports as the desk works through them: the most urgent first, then the oldest; answered ones by answer.

    Args:
        actor: who looks. Reports that they filed, or that are about them, are for somebody else.
        answered: those that have an answer rather than those that wait.
    """
    whens = [When(reason=reason, then=Value(place)) for place, reason in enumerate(URGENT)]
    urgency = Case(*whens, default=Value(len(URGENT)), output_field=IntegerField())
    found = Report.objects.filter(answered_at__isnull=not answered).exclude(_concerns(actor))
    order = ("-answered_at",) if answered else ("urgency", "filed_at")
    return found.annotate(urgency=urgency, count=Count("messages__seq", distinct=True)).order_by(*order)


def _concerns(actor: AbstractBaseUser) -> Q:
    about = ReportedMessage.objects.filter(author_id=actor.pk).values("report")
    return Q(reporter_id=actor.pk) | Q(pk__in=about)


def _waiting(actor: AbstractBaseUser) -> int:
    return queue(actor).count()


register_desk_page(
    "chat:desk_reports",
    gettext_lazy("Reports"),
    Power.REPORTS_READ,
    10,
    about=gettext_lazy("What people have handed over: the most urgent first."),
    waiting=_waiting,
)


@dataclass(frozen=True, slots=True)
class Known:
    """What the desk knows of a person whose words were handed over.

    Attributes:
        user: the account.
        reports: how many other reports are about them.
        acts: what was done about them earlier, newest first.
    """

    user: User
    reports: int
    acts: Sequence[Sanction]


@desk_page(Power.REPORTS_READ)
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """Show the queue. It names nobody: whose words they are is seen where a report is opened, which is an entry."""
    answered = request.GET.get("state") == "answered"
    found = list(queue(request.user, answered=answered)[:SHOWN])  # type: ignore[arg-type]
    names = {room.pk: room for room in map(rooms.room_by_id, {each.room for each in found if not each.closed}) if room}
    rows = [{"report": each, "room": names.get(each.room), "urgent": each.reason in URGENT} for each in found]
    context = {"rows": rows, "answered": answered, "is_cut": len(rows) == SHOWN, "most": SHOWN}
    return render(request, "chat/safety/desk_reports.html", context)


@desk_page(Power.REPORTS_READ)
@require_http_methods(["GET", "POST"])
def report(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """Open a report: each look is an entry in the ledger. Moderators answer it."""
    found = Report.objects.filter(pk=report_id).select_related("reporter", "answered_by").first()
    if found is None:
        raise Http404
    actor: User = request.user  # type: ignore[assignment]
    if Report.objects.filter(_concerns(actor), pk=report_id).exists():
        raise PermissionDenied(_("This report concerns you. Somebody else deals with it."))
    fault = ""
    if request.method == "POST":
        try:
            with transaction.atomic():
                _act(request, found, actor)
                answer(
                    report=report_id,
                    outcome=request.POST.get("outcome", ""),
                    note=request.POST.get("note", "").replace("\r\n", "\n"),
                    actor=actor,
                )
        except Refused as refused:
            fault = refused.reason
        else:
            messages.success(request, _("Answered. The reporter reads it on their page."))
            return redirect("chat:desk_reports")
    page = render(request, "chat/safety/desk_report.html", _facts(found, actor) | {"fault": fault})
    page.status_code = 400 if fault else 200
    return page


def _act(request: HttpRequest, found: Report, actor: User) -> None:
    """Do what was chosen beside the answer: an act on somebody whose words were handed over, or on these words.

    Raises:
        Refused: see `sanctions.act`; `missing` for somebody whose words are not in the report.
    """
    chosen, reason = request.POST.get("act", ""), request.POST.get("reason", "")
    if not chosen:
        return
    if not may(actor, Power.REPORTS_ANSWER):
        raise Refused(Code.FORBIDDEN, _("You may not do this."))
    copies = found.messages.exclude(author=found.reporter_id)
    about = User.objects.filter(pk__in=copies.values("author"))
    author = next((each for each in about if str(each.public_id) == request.POST.get("person")), None)
    if author is None:
        raise Refused(Code.MISSING, _("Choose whom it is about."))
    if chosen == "remove":
        _remove(found, author, actor, reason)
        return
    kind = Sanction.Kind(chosen) if chosen in Sanction.Kind.values else None
    if kind is None:
        raise Refused(Code.PROTOCOL, _("Choose what is done."))
    until = timezone.now() + WEEK if kind == Sanction.Kind.MUTE else None
    origin = request.build_absolute_uri("/").rstrip("/")
    act(kind=kind, user=author, actor=actor, reason=reason, rule=Reason(found.reason), until=until, origin=origin)


def _remove(found: Report, author: User, actor: User, reason: str) -> None:
    """Take the reported words of somebody out of an open room. Who reads it sees it go within a second."""
    if found.closed:
        raise Refused(Code.FORBIDDEN, _("Words of closed talk are not removed by staff."))
    if not reason.strip():
        raise Refused(Code.PROTOCOL, _("Give a reason: the person reads it."))
    person = Person.of(actor, page_language())
    seqs = found.messages.filter(author=author).values_list("seq", flat=True).distinct()
    events = [
        NewEvent(
            found.room, person, Message.Kind.DELETE, target=seq, reason=" ".join(reason.split()), rule=found.reason
        )
        for seq in seqs
    ]
    for outcome in store_slowly(events).outcomes:
        if isinstance(outcome, Refused) and outcome.code is not Code.CONFLICT:  # deleted already is as good
            raise outcome


def _facts(found: Report, actor: User) -> dict[str, Any]:
    try:
        opened = open_report(report=found, actor=actor)
        note = note_of(found)
        unreadable = False
    except vault.Unsealable:
        opened, note, unreadable = [], "", True
    authors = {copy.author.pk: copy.author for copy, _words in opened if copy.author is not None}
    others = {pk: user for pk, user in authors.items() if pk != found.reporter_id}
    following = queue(actor).exclude(pk=found.pk).first()
    room = rooms.room_by_id(found.room) if not found.closed else None
    return {
        "report": found,
        "room": room,
        "copies": opened,
        "note": note,
        "unreadable": unreadable,
        "urgent": found.reason in URGENT,
        "known": _known(others.values(), found),
        "reporter": _reporter(found),
        "similar": _similar(list(others), found, actor),
        "outcomes": Report.Outcome,
        "possible": _acts(found) if may(actor, Power.PEOPLE) else (),
        "may_answer": may(actor, Power.REPORTS_ANSWER) and found.answered_at is None,
        "note_chars": NOTE_CHARS,
        "next": following,
    }


def _acts(found: Report) -> Sequence[tuple[str, str, Any]]:
    """Return the usual acts with their keys; words are removed in open rooms only."""
    acts = [
        ("1", Sanction.Kind.WARN.value, _("Warn")),
        ("2", Sanction.Kind.MUTE.value, _("Mute for a week")),
        ("3", Sanction.Kind.SUSPEND.value, _("Suspend")),
    ]
    return acts if found.closed else [*acts, ("4", "remove", _("Remove the words"))]


def _known(users: Iterable[User], found: Report) -> Sequence[Known]:
    return [
        Known(user, Report.objects.filter(messages__author=user).exclude(pk=found.pk).distinct().count(), acts_on(user))
        for user in users
    ]


def _reporter(found: Report) -> dict[str, Any]:
    """Return what the desk knows of the reporter: how many they filed, and how many of these had no ground."""
    if found.reporter is None:
        return {}
    outcomes = Counter(Report.objects.filter(reporter=found.reporter).values_list("outcome", flat=True))
    groundless = outcomes[Report.Outcome.NO_GROUND]
    return {"user": found.reporter, "filed": sum(outcomes.values()), "groundless": groundless * (groundless >= _MANY)}


def _similar(authors: Sequence[int], found: Report, actor: User) -> Sequence[Report]:
    """Return other reports about the same people, newest first. A closed room never puts reports together."""
    since = timezone.now() - timedelta(days=90)
    about = Report.objects.filter(messages__author__in=authors, filed_at__gt=since).exclude(_concerns(actor))
    return list(about.exclude(pk=found.pk).distinct().order_by("answered_at", "-filed_at")[:10])
