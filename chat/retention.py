"""Erases what the retention table no longer allows to keep: one job for each row of it that the job serves.

The periods stand in `compliance.retention`, which the public page shows; here stands only which rows they are about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from allauth.account.models import EmailConfirmation
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from chat.models import LoginEnd, Message, Participant, Room, Ticket, User
from compliance import holds, ledger
from compliance.holds import Live
from compliance.models import Instance
from compliance.retention import TABLE, Eraser, Kept, version

BATCH: Final = 500
"""Rows erased in one transaction: locks stay short while people talk."""

Rows: TypeAlias = "QuerySet[Any, Any]"


@dataclass(frozen=True, slots=True)
class Job:
    """How one row of the table is erased: what is due before a moment, and what is done to it."""

    due: Callable[[datetime, Live], Rows]
    erase: Callable[[Rows], int]


@dataclass(frozen=True, slots=True)
class Report:
    """What a run erased (or would erase), by row of the table; whether a hold on everything stopped it."""

    counts: Mapping[str, int] = field(default_factory=dict)
    stopped: bool = False


# What is due ----------------------------------------------------------------------------------------------------------


def _guests(before: datetime, held: Live) -> Rows:
    # A value, not a condition: for one that something exists, the planner would read every message there is.
    wrote = Subquery(Message.objects.filter(author=OuterRef("pk"), at__gte=before).values("seq")[:1])
    guests = User.objects.filter(is_guest=True, date_joined__lt=before).exclude(public_id__in=held.people)
    return guests.filter(Q(last_login__isnull=True) | Q(last_login__lt=before)).alias(wrote=wrote).filter(wrote=None)


def _sign_ins(before: datetime, held: Live) -> Rows:
    return User.objects.filter(is_guest=False, last_login__lt=before).exclude(public_id__in=held.people)


def _second_factors(before: datetime, held: Live) -> Rows:
    used: Rows = Authenticator.objects.filter(last_used_at__lt=before)
    return used.exclude(user__public_id__in=held.people)


def _ended_rooms(before: datetime, held: Live) -> Rows:
    """Closed rooms that ended, or that everybody has left, before a moment."""
    inside = Participant.objects.filter(room=OuterRef("pk"), left_at__isnull=True)
    closed = Room.objects.filter(kind=Room.Kind.CLOSED).annotate(
        over_at=Coalesce("ended_at", Max("participants__left_at"), "created_at")
    )
    over = closed.filter(Q(ended_at__isnull=False) | ~Exists(inside), over_at__lt=before)
    theirs = Participant.objects.filter(room=OuterRef("pk"), user__public_id__in=held.people)
    return over.exclude(pk__in=held.rooms).filter(~Exists(theirs))


def _closed_words(before: datetime, held: Live) -> Rows:
    written = Q(body__isnull=False) | Q(sealed__isnull=False)
    return _ended_rooms(before, held).filter(Exists(Message.objects.filter(written, room=OuterRef("pk"))))


def _tickets(before: datetime, held: Live) -> Rows:
    over = Q(room__isnull=True) | Q(room__ended_at__isnull=False)
    return Ticket.objects.filter(over, heartbeat_at__lt=before).exclude(user__public_id__in=held.people)


# How it is erased -----------------------------------------------------------------------------------------------------


def _delete(model: Any, rows: Rows) -> int:
    chosen = list(rows.values_list("pk", flat=True))
    model.objects.filter(pk__in=chosen).delete()  # with what hangs on each, but only the rows themselves are counted
    return len(chosen)


def _forget(column: str, model: Any, rows: Rows) -> int:
    updated: int = model.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).update(**{column: None})
    return updated


def _silence(rows: Rows) -> int:
    """Take the words out of rooms and leave who wrote when."""
    rooms = list(rows.values_list("pk", flat=True))
    Message.objects.filter(room__in=rooms).update(body=None, sealed=None)
    return len(rooms)


def _older(model: Any, column: str) -> Callable[[datetime, Live], Rows]:
    def due(before: datetime, held: Live) -> Rows:
        rows: Rows = model.objects.filter(**{f"{column}__lt": before})
        return rows

    return due


JOBS: Final[Mapping[str, tuple[Job, ...]]] = MappingProxyType(
    {
        "guests": (Job(_guests, partial(_delete, User)),),
        "sign_ins": (
            Job(_sign_ins, partial(_forget, "last_login", User)),
            Job(_second_factors, partial(_forget, "last_used_at", Authenticator)),
        ),
        "sessions": (
            Job(_older(Session, "expire_date"), partial(_delete, Session)),
            Job(_older(LoginEnd, "at"), partial(_delete, LoginEnd)),
        ),
        "codes": (Job(_older(EmailConfirmation, "created"), partial(_delete, EmailConfirmation)),),
        "closed_words": (Job(_closed_words, _silence),),
        "closed_history": (Job(_ended_rooms, partial(_delete, Room)),),
        "tickets": (Job(_tickets, partial(_delete, Ticket)),),
        "instances": (Job(_older(Instance, "seen_at"), partial(_delete, Instance)),),
        "admin_log": (Job(_older(LogEntry, "action_time"), partial(_delete, LogEntry)),),
    }
)
"""The jobs by the table's key; tests hold the keys against the rows that the table says a job erases."""


# The run --------------------------------------------------------------------------------------------------------------


def purge(*, dry_run: bool = False, now: datetime | None = None) -> Report:
    """Erase whatever is past its period, in small transactions, and put the counts into the ledger.

    Args:
        dry_run: count only; nothing is erased and nothing recorded.
        now: the moment from which periods are counted back; default: now.

    Returns:
        rows by key of the table. A legal hold on everything stops the run; others leave out what they name.
    """
    now = now or timezone.now()
    if holds.live().everything:
        report = Report(stopped=True)
    else:
        rows = [kept for kept in TABLE if kept.by is Eraser.JOB]
        report = Report(
            {kept.key: sum(_run(job, kept, now, dry_run=dry_run) for job in JOBS[kept.key]) for kept in rows}
        )
    if not dry_run:
        payload = {"counts": dict(report.counts), "stopped": report.stopped, "table": version()}
        ledger.append("retention.purged", actor=None, payload=payload)
    return report


def _run(job: Job, kept: Kept, now: datetime, *, dry_run: bool) -> int:
    assert kept.days is not None
    before = now - timedelta(days=kept.days)
    if dry_run:
        return job.due(before, holds.live()).count()
    done = 0
    while True:
        with transaction.atomic():
            # Asked again for each batch: a hold that is placed meanwhile counts from then on.
            held = holds.live()
            count = 0 if held.everything else job.erase(job.due(before, held)[:BATCH])
        if not count:
            return done
        done += count
