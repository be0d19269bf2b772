"""The log of incidents, changes and outages. Each write is one ledger entry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from compliance import gate
from compliance.law import outages
from compliance.law.duties import Kind
from compliance.models import Happening, Instance, Outage
from compliance.records import Event, ledger

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


SILENCE: Final = timedelta(seconds=60)
"""The service counts as down after this time without a heartbeat of any server process."""


def record_happening(*, kind: Kind, on: date, summary: str, attack: bool, actor: AbstractBaseUser) -> Happening:
    """Record an incident or a change; its deadlines start.

    Args:
        kind: of incident or change.
        on: for an incident the day on which the operator learned of it; for a change the day from which it holds.
        summary: what happened, in a line or two, without the words of any message.
        attack: somebody with a wrongful purpose may be behind it; counts for leaks of personal data only.
        actor: the staff account that records it.

    Raises:
        ValidationError: the summary is empty, or an incident lies in the future.
    """
    summary = summary.strip()
    if not summary:
        raise ValidationError({"summary": _("Say in a line what happened. Never a message's words.")})
    if kind.is_incident and on > timezone.localdate():
        raise ValidationError({"on": _("This day is in the future. Enter the day on which you learned of it.")})
    with transaction.atomic():
        happening = Happening.objects.create(
            kind=kind.value,
            on=on,
            attack=attack and kind is Kind.DATA_LEAK,
            summary=summary,
            recorded_by_id=actor.pk,
        )
        payload = {"id": happening.pk, "kind": kind.value, "on": on.isoformat(), "attack": happening.attack}
        event = Event.INCIDENT_RECORDED if kind.is_incident else Event.CHANGE_RECORDED
        ledger.append(event, actor=actor, payload=payload | {"summary": summary})
    return happening


def strike_out(row: Happening | Outage, *, reason: str, actor: AbstractBaseUser) -> None:
    """Strike out a record made by mistake. It stays visible and starts no deadline.

    Raises:
        ValidationError: the reason is empty.
    """
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": _("Say why it is struck out: the record keeps it.")})
    with transaction.atomic():
        row.void_because = reason
        row.save()
        what = "outage" if isinstance(row, Outage) else "happening"
        ledger.append(Event.RECORD_STRUCK, actor=actor, payload={"what": what, "id": row.pk, "reason": reason})


def assess_outage(row: Outage, now: datetime) -> outages.Finding:
    """Return the report that an outage calls for, by what is on record."""
    return outages.assess(
        outages.Impact(
            lasted=max((row.ended_at or now) - row.started_at, timedelta()),
            over=row.ended_at is not None,
            users=row.users,
            failed=outages.Failed(row.where) if row.where else None,
            service=outages.Service(row.service) if row.service else None,
            add_on=row.add_on,
        )
    )


def save_outage(row: Outage, *, actor: AbstractBaseUser | None) -> Outage:
    """Store an outage, new or corrected. The ledger keeps each version.

    Args:
        row: the outage.
        actor: the staff account that records it; None for the monitor.

    Raises:
        ValidationError: it ends before it begins, or begins in the future.
    """
    if row.started_at > timezone.now():
        raise ValidationError({"started_at": _("This time is in the future.")})
    if row.ended_at is not None and row.ended_at <= row.started_at:
        raise ValidationError({"ended_at": _("An outage ends after it begins.")})
    with transaction.atomic():
        event = Event.OUTAGE_CORRECTED if row.pk else Event.OUTAGE_RECORDED
        if not row.pk and actor is not None:
            row.recorded_by_id = actor.pk
        row.save()
        ledger.append(event, actor=actor, payload=_version(row))
    return row


def _version(row: Outage) -> Mapping[str, Any]:
    return {
        "id": row.pk,
        "started": row.started_at.isoformat(),
        "ended": row.ended_at.isoformat() if row.ended_at else None,
        "users": row.users,
        "where": row.where,
        "service": row.service,
        "add_on": row.add_on,
        "cause": row.cause,
        "noticed_by": row.noticed_by,
        "report": assess_outage(row, timezone.now()).report.value,
    }


def observe_health(now: datetime, *, healthy: bool | None = None) -> Outage | None:
    """Begin an outage when the service is down; end it when the service is back.

    Args:
        now: the time of the observation.
        healthy: the result of a monitor; None reads the heartbeats of the server processes.

    Returns:
        the outage that began or ended now, or None if nothing changed or nothing is known.
    """
    newest = Instance.objects.order_by("-seen_at").first()
    if healthy is None:
        if newest is None:
            return None
        healthy = newest.seen_at > now - SILENCE
    running = Outage.objects.filter(ended_at__isnull=True, noticed_by=Outage.NoticedBy.HEALTH, void_because="").first()
    if healthy and running is not None:
        back = max(newest.started_at, running.started_at) if newest else now
        running.ended_at = back if running.started_at < back <= now else now
        return save_outage(running, actor=None)
    if healthy or running is not None:
        return None
    began = newest.seen_at if newest and newest.seen_at <= now - SILENCE else now
    return save_outage(_noticed(began), actor=None)


def _noticed(began: datetime) -> Outage:
    """Return an outage that health data show, with the service as the checklist says it."""
    snapshot = gate.current()
    paid = snapshot.checklist.facts.paid if snapshot.checklist else None
    service = {True: outages.Service.PAID.value, False: outages.Service.FREE.value, None: ""}[paid]
    return Outage(started_at=began, noticed_by=Outage.NoticedBy.HEALTH, service=service)


def notice_silence(now: datetime, answered_at: datetime) -> Outage | None:
    """Record an outage of the database that is over: a process calls it when the database answers again.

    While the database is away nothing can be recorded, and a moment later the heartbeats are fresh again. So the first
    process that comes back records the gap. Two sources say when it began: the newest heartbeat of any process, and
    this process's own memory. The later one counts: an outage is the time in which neither saw the database.

    Args:
        now: the time at which the database answers again.
        answered_at: when it last answered this process.

    Returns:
        the outage, recorded or ended now; None if the silence was shorter than `SILENCE`, or another process saw none.
    """
    newest = Instance.objects.order_by("-seen_at").values_list("seen_at", flat=True).first()
    began = max(newest, answered_at) if newest is not None else answered_at
    if began > now - SILENCE:
        return None
    with transaction.atomic():
        ledger.lock()  # of several processes that come back together, one records it
        health = Outage.objects.filter(noticed_by=Outage.NoticedBy.HEALTH, void_because="")
        if health.filter(ended_at__gt=began).exists():
            return None
        row = health.filter(ended_at__isnull=True).first() or _noticed(began)
        row.ended_at = now
        return save_outage(row, actor=None)
