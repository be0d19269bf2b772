"""Keeps what happened and what was done about it: incidents, changes, outages, duties. Each write is a ledger entry."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from compliance import duties, gate, ledger, outages
from compliance.checklist import ITEM
from compliance.duties import Done, Duty, EndFact, Kind, LapseFact, OutageFact, Retention, SignatureEnd
from compliance.law import Text
from compliance.models import (
    Authorisation,
    DutyMark,
    Feed,
    GateState,
    Happening,
    Instance,
    LedgerEntry,
    Outage,
    Signature,
)
from compliance.policy import Cause
from compliance.standing import Status

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

SILENCE: Final = timedelta(seconds=60)
"""After how long without a word from any server process the service is taken to be down."""
PURGE_GRACE: Final = timedelta(days=2)
"""How long the daily purge may stay away before anybody is bothered: one run that failed is made good by the next."""
_PURGED: Final = "retention.purged"


# The calendar ---------------------------------------------------------------------------------------------------------


def calendar(snapshot: gate.Snapshot, now: datetime) -> tuple[Duty, ...]:
    """Return all that is owed and done, by deadline in Japan's calendar."""
    return duties.duties(facts(snapshot, now), timezone.localdate(now))


def facts(snapshot: gate.Snapshot, now: datetime) -> duties.Facts:
    """Gather what decides which duties there are."""
    period = Authorisation.objects.order_by("-opened_at").first()
    status, filed_on = snapshot.standing.status, snapshot.standing.filed_on
    if status is Status.none and period is not None:
        # What was filed does not end with the variable: the duties stay until the closing is notified.
        standing = period.snapshot["standing"]
        status = Status(standing["status"])
        filed_on = date.fromisoformat(standing["date"]) if standing["date"] else None
    return duties.Facts(
        status=status,
        filed_on=filed_on,
        happenings=tuple(
            duties.Happening(row.pk, Kind(row.kind), row.on, attack=row.attack)
            for row in Happening.objects.filter(void_because="")
        ),
        outages=tuple(_outage_fact(row, now) for row in Outage.objects.filter(void_because="")),
        end=_end(),
        lapse=_lapse(snapshot, period),
        signatures=tuple(_endings()),
        retention=_retention(),
        done={
            mark.duty: Done(mark.done_on, mark.note, str(mark.done_by))
            for mark in DutyMark.objects.select_related("done_by")
        },
    )


def _outage_fact(row: Outage, now: datetime) -> OutageFact:
    finding = assess(row, now)
    return OutageFact(row.pk, timezone.localdate(row.started_at), finding.report, settled=finding.settled)


def _end() -> EndFact | None:
    state = GateState.objects.filter(id=1, ends_on__isnull=False).first()
    if state is None or state.end_announced_at is None or state.ends_on is None:
        return None
    notice = state.end_notice
    told = timezone.localdate(state.end_announced_at)
    return EndFact(told, state.ends_on, whole=notice["whole"], million=notice["million"])


def _lapse(snapshot: gate.Snapshot, period: Authorisation | None) -> LapseFact | None:
    if period is None or period.closed_at is None or snapshot.closed_chat().allowed:
        return None
    causes = {reason["cause"] for reason in period.closed_because or ()}
    if Cause.ended in causes or snapshot.end_recorded:
        return None
    return LapseFact(period.pk, timezone.localdate(period.closed_at), stopped=Cause.emergency_stop in causes)


def _endings() -> list[SignatureEnd]:
    live = Signature.objects.filter(withdrawn_at__isnull=True, expires_at__isnull=False)
    return [
        SignatureEnd(row.item_id, Text(item.ja, item.en), item.articles, timezone.localdate(row.expires_at))
        for row in live
        if row.expires_at and (item := ITEM.get(row.item_id))
    ]


def _retention() -> Retention:
    last = last_purge()
    return Retention(timezone.localdate(last) if last else None)


def last_purge() -> datetime | None:
    """Return when the purge job last ran, stopped by a legal hold or not; None if it never did."""
    return LedgerEntry.objects.filter(event=_PURGED).order_by("-seq").values_list("at", flat=True).first()


def purge_owed_since(now: datetime) -> datetime | None:
    """Return since when the purge job has been missed, once that is longer than `PURGE_GRACE`; else None.

    Where it never ran, that is since the record began.
    """
    since = last_purge() or LedgerEntry.objects.order_by("seq").values_list("at", flat=True).first()
    return since if since and now - since > PURGE_GRACE else None


def mark_done(*, duty: Duty, on: date, note: str, actor: AbstractBaseUser) -> None:
    """Say that a duty was done on a day.

    Raises:
        ValidationError: the record itself shows whether it is done, or the day has not come.
    """
    if not duty.markable:
        raise ValidationError({"__all__": _("Whether this is done shows from the record itself.")})
    if on > timezone.localdate():
        raise ValidationError({"done_on": _("This day is in the future. Enter the day on which it was done.")})
    with transaction.atomic():
        DutyMark.objects.update_or_create(
            duty=duty.id,
            defaults={"done_on": on, "note": note, "done_by_id": actor.pk, "done_at": timezone.now()},
        )
        payload = {"duty": duty.id, "on": on.isoformat(), "due": duty.due.isoformat(), "note": note}
        ledger.append("duty.done", actor=actor, payload=payload)


def reopen(*, duty_id: str, actor: AbstractBaseUser) -> None:
    """Take back that a duty was done; nothing happens if it was not marked."""
    with transaction.atomic():
        deleted, _rows = DutyMark.objects.filter(duty=duty_id).delete()
        if deleted:
            ledger.append("duty.reopened", actor=actor, payload={"duty": duty_id})


# Incidents and changes ------------------------------------------------------------------------------------------------


def record(*, kind: Kind, on: date, summary: str, attack: bool, actor: AbstractBaseUser) -> Happening:
    """Record a leak (its day: when it was learned of) or a change (when it takes effect); its clocks start.

    Raises:
        ValidationError: no word on what happened, or a leak on a day that has not come.
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
        event = "incident.recorded" if kind.is_incident else "change.recorded"
        ledger.append(event, actor=actor, payload=payload | {"summary": summary})
    return happening


def strike(row: Happening | Outage, *, reason: str, actor: AbstractBaseUser) -> None:
    """Strike out a record made by mistake: it stays, and starts no clock.

    Raises:
        ValidationError: no reason was given.
    """
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": _("Say why it is struck out: the record keeps it.")})
    with transaction.atomic():
        row.void_because = reason
        row.save()
        what = "outage" if isinstance(row, Outage) else "happening"
        ledger.append("record.struck", actor=actor, payload={"what": what, "id": row.pk, "reason": reason})


# Outages --------------------------------------------------------------------------------------------------------------


def assess(row: Outage, now: datetime) -> outages.Finding:
    """Say which report an outage calls for, by what is on record now."""
    return outages.assess(
        outages.Facts(
            lasted=max((row.ended_at or now) - row.started_at, timedelta()),
            over=row.ended_at is not None,
            users=row.users,
            failed=outages.Failed(row.where) if row.where else None,
            service=outages.Service(row.service) if row.service else None,
            add_on=row.add_on,
        )
    )


def keep(row: Outage, *, actor: AbstractBaseUser | None) -> Outage:
    """Store an outage, new or corrected; the ledger keeps each version.

    Raises:
        ValidationError: it ends before it begins, or begins in the future.
    """
    if row.started_at > timezone.now():
        raise ValidationError({"started_at": _("This time is in the future.")})
    if row.ended_at is not None and row.ended_at <= row.started_at:
        raise ValidationError({"ended_at": _("An outage ends after it begins.")})
    with transaction.atomic():
        event = "outage.corrected" if row.pk else "outage.recorded"
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
        "report": assess(row, timezone.now()).report.value,
    }


def observe(now: datetime, *, healthy: bool | None = None) -> Outage | None:
    """Take in what health data say: begin an outage when the service is down, end it when it is back.

    Args:
        now: when it was looked at.
        healthy: what a monitor says; None asks the heartbeats of the server processes.

    Returns:
        the outage that began or ended with this look, or None where nothing changed or nothing is known.
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
        return keep(running, actor=None)
    if healthy or running is not None:
        return None
    began = newest.seen_at if newest and newest.seen_at <= now - SILENCE else now
    snapshot = gate.current()
    paid = snapshot.checklist.facts.paid if snapshot.checklist else None
    service = {True: outages.Service.PAID.value, False: outages.Service.FREE.value, None: ""}[paid]
    return keep(Outage(started_at=began, noticed_by=Outage.NoticedBy.HEALTH, service=service), actor=None)


# The feed -------------------------------------------------------------------------------------------------------------


def make_feed(*, owner: AbstractBaseUser, language: str) -> str:
    """Give somebody an address of the feed; an earlier one stops working.

    Returns:
        its secret, which is shown once and kept nowhere.
    """
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        Feed.objects.filter(owner_id=owner.pk).delete()
        Feed.objects.create(owner_id=owner.pk, token_hash=_hash(secret), language=language)
        ledger.append("feed.made", actor=owner, payload={})
    return secret


def revoke_feed(*, owner: AbstractBaseUser) -> bool:
    """Make somebody's address of the feed stop working; say whether there was one."""
    with transaction.atomic():
        deleted, _rows = Feed.objects.filter(owner_id=owner.pk).delete()
        if deleted:
            ledger.append("feed.revoked", actor=owner, payload={})
    return bool(deleted)


def feed(secret: str) -> Feed | None:
    """Return the feed that a secret opens. The hash is looked up, so its time tells nothing about the secret."""
    return Feed.objects.select_related("owner").filter(token_hash=_hash(secret)).first()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
