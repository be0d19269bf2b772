"""The calendar of duties: gathers what is due and done, and marks duties as done. Each mark is one ledger entry."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from compliance import gate
from compliance.duties.desk import list_work
from compliance.duties.occurrences import assess_outage
from compliance.law import ITEM, Cause, Status, Text, duties
from compliance.law.duties import Done, Duty, EndFact, Kind, LapseFact, OutageFact, Retention, SignatureEnd
from compliance.law.powers import Power
from compliance.models import Authorisation, DutyMark, GateState, Happening, LedgerEntry, Outage, Signature
from compliance.records import Event, ledger, transparency

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


PURGE_GRACE: Final = timedelta(days=2)
"""How long the daily purge may be missing before the operator is warned: the next run makes up for a failed one."""


def list_duties(snapshot: gate.Snapshot, now: datetime, powers: Collection[Power] = ()) -> tuple[Duty, ...]:
    """Return all duties, due and done, by deadline in Japan's calendar.

    Args:
        snapshot: of the gate, now.
        now: with a time zone.
        powers: of whoever reads them; without the power over it, work at the desk is left out.
    """
    today = timezone.localdate(now)
    owed = duties.duties_of(gather_facts(snapshot, now), today)
    if not powers:
        return owed
    work = (each.duty for each in list_work(today) if not each.powers.isdisjoint(powers))
    return tuple(sorted((*owed, *work), key=lambda duty: (duty.due, duty.id)))


def gather_facts(snapshot: gate.Snapshot, now: datetime) -> duties.Circumstances:
    """Return the facts that decide which duties there are. Arguments as for `list_duties`."""
    period = Authorisation.objects.order_by("-opened_at", "-pk").first()
    status, filed_on = snapshot.standing.status, snapshot.standing.filed_on
    if status is Status.none and period is not None:
        # Unsetting the variable ends no duty: the duties of what was filed stay until the closing is notified.
        standing = period.snapshot["standing"]
        status = Status(standing["status"])
        filed_on = date.fromisoformat(standing["date"]) if standing["date"] else None
    return duties.Circumstances(
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
    finding = assess_outage(row, now)
    return OutageFact(row.pk, timezone.localdate(row.started_at), finding.report, settled=finding.settled)


def _end() -> EndFact | None:
    state = GateState.objects.filter(id=1, ends_on__isnull=False).first()
    if state is None or state.end_announced_at is None or state.ends_on is None:
        return None
    notice = state.end_notice
    announced = timezone.localdate(state.end_announced_at)
    return EndFact(announced, state.ends_on, whole=notice["whole"], million=notice["million"])


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
    last = transparency.last_purge()
    return Retention(timezone.localdate(last) if last else None)


def purge_owed_since(now: datetime) -> datetime | None:
    """Return since when the purge job is missing, if that is longer than `PURGE_GRACE`; else None.

    If it never ran, it is missing since the first ledger entry.
    """
    since = transparency.last_purge() or LedgerEntry.objects.order_by("seq").values_list("at", flat=True).first()
    return since if since and now - since > PURGE_GRACE else None


def mark_done(*, duty: Duty, on: date, note: str, actor: AbstractBaseUser) -> None:
    """Mark a duty as done.

    Args:
        duty: from `list_duties`.
        on: the day on which it was done.
        note: what proves it.
        actor: the staff account that marks it.

    Raises:
        ValidationError: the record itself shows whether it is done, or the day is in the future.
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
        ledger.append(Event.DUTY_DONE, actor=actor, payload=payload)


def reopen(*, duty_id: str, actor: AbstractBaseUser) -> None:
    """Remove the mark that a duty was done. Does nothing if it is not marked."""
    with transaction.atomic():
        deleted, _rows = DutyMark.objects.filter(duty=duty_id).delete()
        if deleted:
            ledger.append(Event.DUTY_REOPENED, actor=actor, payload={"duty": duty_id})
