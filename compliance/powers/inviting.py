"""Invitations of staff by mail: asked for by one person, agreed by another, accepted once within seven days."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from allauth.account.models import EmailAddress
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from compliance.language import current_language
from compliance.law.powers import Group, Power
from compliance.models import Approval, Invitation
from compliance.powers import giving
from compliance.records import Event, approvals, ledger, may, powers

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def ask_to_invite(*, address: str, group: Group, reason: str, actor: AbstractBaseUser) -> Invitation:
    """Ask a second person to agree that somebody is invited into a group; see `approvals.request`.

    Args:
        address: where the link goes; only an account that confirmed it can accept. It is kept until the invitation is
            over, and never in the ledger.
        group: which one.
        reason: why; the record keeps it.
        actor: an operator.

    Raises:
        PermissionDenied: the account `actor` may not give powers.
        ValidationError: no reason was given, or this is asked for already.
    """
    key = uuid4()
    what = {**giving.Grant(groups=[group]).as_json(), "invitation": str(key)}
    with transaction.atomic():
        kind = Approval.Kind.POWER_GIVE
        approval = approvals.request(kind=kind, what=what, reason=reason, actor=actor)
        return Invitation.objects.create(
            id=key, approval=approval, address=address.lower(), language=current_language()
        )


def invitation_of(approval: Approval) -> Invitation | None:
    """Return the invitation that an approval is about, if it is about one."""
    return Invitation.objects.filter(approval=approval).first()


def send(*, approval: Approval, actor: AbstractBaseUser) -> tuple[Invitation, str]:
    """Make the link of an invitation that a second person agreed to.

    Returns:
        the invitation, and the token for its link; only its hash is stored.

    Raises:
        PermissionDenied: the approval is for another person.
        ValidationError: nobody agreed.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        _row, agreed = approvals.spend(approval=approval, kind=Approval.Kind.POWER_GIVE, actor=actor)
        invitation = Invitation.objects.select_for_update().get(approval=approval)
        ledger.append(Event.INVITATION_SENT, actor=actor, payload={"invitation": str(invitation.pk), **agreed})
        invitation.digest, invitation.sent_at = approvals.digest(token), timezone.now()
        invitation.save(update_fields=("digest", "sent_at"))
    return invitation, token


def find(token: str) -> Invitation | None:
    """Return the invitation of a link while it counts."""
    rows = Invitation.objects.filter(digest=approvals.digest(token)).select_related("approval")
    found = rows.first()
    return found if found and found.open else None


def accept(*, token: str, account: Any) -> None:
    """Join the group that an invitation is for. The caller has seen the account's second factor.

    Raises:
        PermissionDenied: the account has not confirmed the address that was invited.
        ValidationError: the link no longer counts.
    """
    with transaction.atomic():
        ledger.lock()
        found = find(token)
        if found is None or not approvals.stands(found.approval):
            raise ValidationError(_("This invitation is over."))
        owns = EmailAddress.objects.filter(user_id=account.pk, email__iexact=found.address, verified=True)
        if not owns.exists():
            raise PermissionDenied
        about = {"invitation": str(found.pk), "approval": str(found.approval_id)}
        ref = ledger.actor_of(account).ref
        ledger.append(Event.INVITATION_ACCEPTED, actor=account, payload={"account": ref, **about})
        with powers.under(about):
            giving.apply(account, giving.Grant.of(found.approval.what))
        _close(found)


def withdraw(*, invitation: Invitation, actor: AbstractBaseUser) -> None:
    """Take an invitation back; its link no longer counts.

    Raises:
        PermissionDenied: the account is no operator.
        ValidationError: it is over already.
    """
    if not may(actor, Power.RUN):
        raise PermissionDenied
    with transaction.atomic():
        row = Invitation.objects.select_for_update().get(pk=invitation.pk)
        if row.over_at or not row.sent_at:
            raise ValidationError(_("This invitation is over."))
        ledger.append(Event.INVITATION_WITHDRAWN, actor=actor, payload={"invitation": str(row.pk)})
        _close(row)


def _close(invitation: Invitation) -> None:
    invitation.address, invitation.digest, invitation.over_at = "", "", timezone.now()
    invitation.save(update_fields=("address", "digest", "over_at"))


def old_invitations(before: datetime) -> QuerySet[Invitation]:
    """Return the invitations that were asked for before a moment, and are not closed."""
    return Invitation.objects.filter(over_at__isnull=True, approval__requested_at__lt=before)


def forget_invitations(rows: QuerySet[Invitation]) -> int:
    """Close invitations and erase their addresses; return how many."""
    chosen = list(rows.values_list("pk", flat=True))
    return Invitation.objects.filter(pk__in=chosen).update(address="", digest="", over_at=timezone.now())
