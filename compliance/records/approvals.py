"""Two persons for dangerous acts: one asks, another one answers, then the act is carried out once.

The act itself (`gate.lift_stop`, `holds.lift`, `powers`) spends the approval inside its own transaction, so that
nothing does it without one. Where nobody else could answer, the first person waits 24 hours or names a second person
outside; entries say so. Closing (pulling the stop, withdrawing, taking powers) needs no second person.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from compliance.law.powers import Power
from compliance.models import Actor, Approval
from compliance.records import ledger
from compliance.records.events import Event
from compliance.records.holders import holders, may, powers_of

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

ALONE_AFTER: Final = timedelta(hours=24)
"""How long a sole operator waits before an act without a second person."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may ask for an act (one of these powers is enough), and who may answer."""

    asks: frozenset[Power]
    second: Power


RULES: Final[Mapping[Approval.Kind, Rule]] = {
    Approval.Kind.STOP_LIFT: Rule(frozenset({Power.RUN}), Power.RUN_SECOND),
    Approval.Kind.HOLD_LIFT: Rule(frozenset({Power.CASES, Power.RUN}), Power.RUN_SECOND),
    Approval.Kind.POWER_GIVE: Rule(frozenset({Power.RUN}), Power.RUN_SECOND),
    Approval.Kind.FACTOR_REMOVE: Rule(frozenset({Power.RUN}), Power.RUN_SECOND),
}


def may_ask(user: AbstractBaseUser, kind: Approval.Kind) -> bool:
    """Return whether an account may ask for an act of this kind."""
    return bool(RULES[kind].asks & powers_of(user))


def others(kind: Approval.Kind, actor: AbstractBaseUser, subject: str = "") -> bool:
    """Return whether somebody else could be the second person: not the first, and not the one it is about."""
    about = Actor.objects.filter(ref=subject).values_list("user_id", flat=True)
    return holders(RULES[kind].second).exclude(pk=actor.pk).exclude(pk__in=list(about)).exists()


def request(
    *,
    kind: Approval.Kind,
    reason: str,
    actor: AbstractBaseUser,
    subject: str = "",
    what: Mapping[str, Any] | None = None,
) -> Approval:
    """Ask for a dangerous act.

    Args:
        kind: the act.
        reason: why; the record keeps it.
        actor: the first person.
        subject: the reference of what it is about: the number of a hold, the ledger's reference of an account.
        what: JSON values that say what exactly is to be done; never a name or an address.

    Returns:
        the request; with nobody else to answer it can be carried out 24 hours later.

    Raises:
        PermissionDenied: the account may not ask for this.
        ValidationError: no reason was given, or the same is asked already.
    """
    reason = reason.strip()
    if not may_ask(actor, kind):
        raise PermissionDenied
    if not reason:
        raise ValidationError({"reason": _("Say why: the second person reads it, and the record keeps it.")})
    with transaction.atomic():
        ledger.lock()
        earlier = Approval.objects.filter(kind=kind, subject=subject, done_at=None, withdrawn_at=None)
        if any(each.what == (what or {}) for each in earlier if each.state in _LIVE):
            raise ValidationError(_("This is asked for already. Look at the approvals."))
        alone = None if others(kind, actor, subject) else timezone.now() + ALONE_AFTER
        approval = Approval(
            kind=kind,
            subject=subject,
            what=dict(what or {}),
            reason=reason,
            requested_by_id=actor.pk,
            alone_from=alone,
        )
        payload = _about(approval) | {"reason": reason, "alone_from": ledger.stamp(alone) if alone else None}
        ledger.append(Event.APPROVAL_REQUESTED, actor=actor, payload=payload)
        approval.save(force_insert=True)
    return approval


_LIVE: Final = frozenset({Approval.State.WAITING, Approval.State.RIPE})


def _about(approval: Approval) -> dict[str, Any]:
    """Return what every entry says of an approval; `account` is there where it is about one."""
    about = {"approval": str(approval.pk), "kind": str(approval.kind)}
    match approval.kind:
        case Approval.Kind.HOLD_LIFT:
            about["hold"] = approval.subject
        case Approval.Kind.POWER_GIVE | Approval.Kind.FACTOR_REMOVE if approval.subject:
            about["account"] = approval.subject
    return about


def name_outside(*, approval: Approval, name: str, actor: AbstractBaseUser) -> str:
    """Name a second person without an account, where nobody of the staff can be one.

    Args:
        approval: the request, which waits.
        name: of the person; kept beside the request, never in the ledger.
        actor: the first person.

    Returns:
        the token for the link that the person is sent; an earlier one no longer counts.

    Raises:
        PermissionDenied: another person asked for it.
        ValidationError: somebody of the staff can answer, or it is answered or over already.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        ledger.lock()
        row = _locked(approval.pk)
        if row.requested_by_id != actor.pk:
            raise PermissionDenied
        if row.decided_at or row.state not in _LIVE:
            raise ValidationError(_("This request can no longer be answered."))
        if row.alone_from is None or others(Approval.Kind(row.kind), actor, row.subject):
            raise ValidationError(_("Somebody of the staff can be the second person. Ask them."))
        ledger.append(Event.APPROVAL_REQUESTED, actor=actor, payload=_about(row) | {"second": "outside"})
        row.outside_name, row.outside_digest = name, digest(token)
        row.save(update_fields=("outside_name", "outside_digest"))
    return token


def digest(token: str) -> str:
    """Return what is stored of a link's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def find_outside(token: str) -> Approval | None:
    """Return the request whose second person outside holds this token, while it can be answered."""
    found = Approval.objects.filter(outside_digest=digest(token)).select_related("requested_by").first()
    return found if found and not found.decided_at and found.state in _LIVE else None


def approve(*, approval: Approval, actor: AbstractBaseUser | None, token: str = "") -> None:
    """Say yes as the second person.

    Args:
        approval: the request.
        actor: another member of staff who holds the power; None for the person outside.
        token: of the person outside.

    Raises:
        PermissionDenied: the first person, the one it is about, or somebody without the power or the token.
        ValidationError: it is answered, withdrawn, done or lapsed already.
    """
    _decide(approval, actor, token, approved=True, note="")


def refuse(*, approval: Approval, actor: AbstractBaseUser | None, note: str, token: str = "") -> None:
    """Say no as the second person, with a reason. Arguments and errors as of `approve`."""
    if not note.strip():
        raise ValidationError({"note": _("Say why not: the record keeps it.")})
    _decide(approval, actor, token, approved=False, note=note.strip())


def may_decide(approval: Approval, user: AbstractBaseUser) -> bool:
    """Return whether an account can be the second person of a request."""
    about = Actor.objects.filter(ref=approval.subject, user_id=user.pk).exists()
    kind = Approval.Kind(approval.kind)
    return user.pk != approval.requested_by_id and not about and may(user, RULES[kind].second)


def _decide(approval: Approval, actor: AbstractBaseUser | None, token: str, *, approved: bool, note: str) -> None:
    with transaction.atomic():
        ledger.lock()
        row = _locked(approval.pk)
        if actor is None:
            if not row.outside_digest or not hmac.compare_digest(row.outside_digest, digest(token)):
                raise PermissionDenied
        elif not may_decide(row, actor):
            raise PermissionDenied
        if row.decided_at or row.state not in _LIVE:
            raise ValidationError(_("This request can no longer be answered."))
        event = Event.APPROVAL_GIVEN if approved else Event.APPROVAL_REFUSED
        payload = _about(row) | ({"reason": note} if note else {}) | ({} if actor else {"second": "outside"})
        ledger.append(event, actor=actor, payload=payload)
        row.decided_by_id, row.decided_at = (actor.pk if actor else None), timezone.now()
        row.approved, row.note = approved, note
        row.save(update_fields=("decided_by", "decided_at", "approved", "note"))


def withdraw(*, approval: Approval, actor: AbstractBaseUser) -> None:
    """Take a request back, as the first person.

    Raises:
        PermissionDenied: another person asked for it.
        ValidationError: it is over already.
    """
    with transaction.atomic():
        ledger.lock()
        row = _locked(approval.pk)
        if row.requested_by_id != actor.pk:
            raise PermissionDenied
        if row.state not in _LIVE:
            raise ValidationError(_("This request is over already."))
        drop(approval=row, actor=actor)


def drop(*, approval: Approval, actor: AbstractBaseUser) -> None:
    """Take back a request of somebody who leaves the staff, where it can still be carried out."""
    row = _locked(approval.pk)
    if row.state in _LIVE:
        ledger.append(Event.APPROVAL_REFUSED, actor=actor, payload=_about(row) | {"withdrawn": True})
        row.withdrawn_at = timezone.now()
        row.save(update_fields=("withdrawn_at",))


def spend(
    *, approval: Approval, kind: Approval.Kind, actor: AbstractBaseUser, subject: str = ""
) -> tuple[Approval, dict[str, Any]]:
    """Use an approval up, inside the transaction of the act that needs it.

    Args:
        approval: the request.
        kind: the act that is carried out.
        actor: who carries it out: the first person, who still holds the power.
        subject: what it is carried out on, where the act is about something.

    Returns:
        the locked row, and what the act's entry says of it.

    Raises:
        PermissionDenied: another act, another subject, another person, or the power is gone.
        ValidationError: nobody said yes, the wait is not over, it was used already, whoever said yes lost the power
            since, or there is a second person now where there was none.
    """
    assert transaction.get_connection().in_atomic_block, "an approval is spent with the act"
    ledger.lock()
    row = _locked(approval.pk)
    if (row.kind, row.subject, row.requested_by_id) != (kind, subject, actor.pk) or not may_ask(actor, kind):
        raise PermissionDenied
    if row.state != Approval.State.RIPE:
        raise ValidationError(_("A second person has not agreed to this."))
    if row.approved and not stands(row):
        raise ValidationError(_("Whoever agreed to this no longer may. Withdraw it and ask again."))
    if not row.approved and others(kind, actor, row.subject):
        raise ValidationError(_("Somebody of the staff can be the second person. Ask them."))
    row.done_at = timezone.now()
    row.save(update_fields=("done_at",))
    return row, {"approval": str(row.pk)} | ({} if row.approved else {"alone": True})


def stands(approval: Approval) -> bool:
    """Return whether those who asked for an act and agreed to it still hold the powers that this took."""
    kind, second = Approval.Kind(approval.kind), approval.decided_by
    return may_ask(approval.requested_by, kind) and (second is None or may(second, RULES[kind].second))


def _locked(pk: UUID) -> Approval:
    return Approval.objects.select_for_update(of=("self",)).get(pk=pk)


def named_before(before: datetime) -> QuerySet[Approval]:
    """Return the requests from before a moment that still name a second person from outside."""
    return Approval.objects.filter(requested_at__lt=before).exclude(outside_name="")


def forget(rows: QuerySet[Approval]) -> int:
    """Take the name of a second person from outside out of requests; return how many. What was asked stays."""
    chosen = list(rows.values_list("pk", flat=True))
    return Approval.objects.filter(pk__in=chosen).update(outside_name="")
