"""Ends what a member of staff has: sessions, and on leaving the groups, the calendar's feed and open requests, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from allauth.account.models import EmailAddress
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from compliance.law.powers import Group, Power
from compliance.models import Approval, Feed, Invitation
from compliance.powers import giving, inviting
from compliance.records import Event, approvals, holders, ledger, may, powers

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

_AT_ONCE: Final = 500


def staff(*, suspended: bool = False) -> QuerySet[Any]:
    """Return the accounts that hold any power or enter the administration, by name.

    Args:
        suspended: those that would, and are suspended.
    """
    held = Q(groups__name__in=[group.value for group in Group]) | Q(is_staff=True) | Q(is_superuser=True)
    accounts: QuerySet[Any] = get_user_model()._default_manager.filter(held, is_active=not suspended)  # noqa: SLF001 -- Django's own name
    return accounts.distinct().order_by("pk").prefetch_related("groups")


def end_sessions(account: AbstractBaseUser) -> int:
    """End every session of an account; its open pages follow within seconds. Return how many there were.

    A session names its account only inside what it stores, so all that are live are read.
    """
    key = str(account.pk)
    live = Session.objects.filter(expire_date__gt=timezone.now()).iterator(chunk_size=_AT_ONCE)
    mine = [session.pk for session in live if session.get_decoded().get(SESSION_KEY) == key]
    return Session.objects.filter(pk__in=mine).delete()[0]


def recover(*, account: AbstractBaseUser, reason: str) -> tuple[int, int]:
    """Let a member of staff who lost their device sign in with the password alone, and set up a new one.

    For the machine's shell only: whoever has it owns the service. The ledger says so.

    Args:
        account: of staff.
        reason: why; the record keeps it.

    Returns:
        how many second factors were removed, and how many sessions ended.

    Raises:
        ValidationError: no reason was given, or the account is not staff's.
    """
    if not reason.strip():
        raise ValidationError(_("Say why: the record keeps it."))
    if not (staff() | staff(suspended=True)).filter(pk=account.pk).exists():
        raise ValidationError(_("This account is not one of the staff."))
    with transaction.atomic():
        factors, sessions = giving.drop_factors(account, {}), end_sessions(account)
        payload = {"account": ledger.actor_of(account).ref, "reason": reason.strip(), "sessions": sessions}
        powers.append(Event.STAFF_RECOVERED, payload)
    return factors, sessions


def off_board(*, account: Any, reason: str, actor: AbstractBaseUser) -> None:
    """End everything that an account has as staff, at once. The account itself stays a member's.

    Args:
        account: who leaves.
        reason: why; the record keeps it.
        actor: an operator.

    Raises:
        PermissionDenied: the account `actor` may not do that.
        ValidationError: no reason was given, or nobody would be left who runs the service.
    """
    reason = reason.strip()
    if not may(actor, Power.RUN):
        raise PermissionDenied
    if not reason:
        raise ValidationError(_("Say why: the record keeps it."))
    with transaction.atomic():
        ledger.lock()
        if not holders(Power.RUN).exclude(pk=account.pk).exists():
            raise ValidationError(_("Nobody else could run the service. Give the power to somebody first."))
        ref = ledger.actor_of(account).ref
        with powers.under({"reason": reason}):
            giving.take_all(account)
        if Feed.objects.filter(owner_id=account.pk).delete()[0]:
            ledger.append(Event.FEED_REVOKED, actor=actor, payload={"account": ref, "reason": reason})
        about = Q(requested_by_id=account.pk) | Q(subject=ref)  # what they asked for, and what was asked for them
        for request in Approval.objects.filter(about, done_at=None, withdrawn_at=None):
            approvals.drop(approval=request, actor=actor)
        theirs = [account.email, *EmailAddress.objects.filter(user=account.pk).values_list("email", flat=True)]
        about = Q(approval__requested_by_id=account.pk) | Q(address__in=[each.lower() for each in theirs if each])
        for invitation in Invitation.objects.filter(about, over_at__isnull=True).select_related("approval"):
            if invitation.sent_at:
                inviting.withdraw(invitation=invitation, actor=actor)
            else:
                approvals.drop(approval=invitation.approval, actor=actor)
        end_sessions(account)
