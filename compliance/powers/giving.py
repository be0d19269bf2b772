"""Gives powers and removes second factors, each as a second person agreed; takes powers at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.contrib.auth import models as auth
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance.law.powers import Group
from compliance.models import Actor, Approval
from compliance.records import Event, approvals, ledger, powers

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

_CHANGED: Final = gettext_lazy("Something has changed since this was asked for. Withdraw it and ask again.")
IN_ADMINISTRATION = frozenset({Group.OPERATOR, Group.MODERATOR, Group.COMPLIANCE})
"""Groups whose members are staff for everybody to see. An auditor only looks, and appears as a plain member."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Powers that are to be given to an account, beyond those that it has."""

    groups: Sequence[str] = ()
    staff: bool = False
    superuser: bool = False
    permissions: Sequence[str] = ()
    """As `app_label.codename`."""
    active: bool = False
    """Whether a suspended account is let back in, with the powers named here and no others."""

    def __bool__(self) -> bool:
        return bool(self.groups or self.staff or self.superuser or self.permissions or self.active)

    def as_json(self) -> dict[str, Any]:
        """Return the grant as an approval keeps it."""
        return {
            "groups": sorted(self.groups),
            "staff": self.staff,
            "superuser": self.superuser,
            "permissions": sorted(self.permissions),
            **({"active": True} if self.active else {}),
        }

    @classmethod
    def of(cls, what: Mapping[str, Any]) -> Grant:
        """Return the grant that an approval keeps."""
        return cls(
            what["groups"], what["staff"], what["superuser"], what["permissions"], active=what.get("active", False)
        )


def ask_to_give(*, account: AbstractBaseUser, grant: Grant, reason: str, actor: AbstractBaseUser) -> Approval:
    """Ask a second person to agree that an account is given powers; see `approvals.request`.

    Raises:
        PermissionDenied: the account `actor` may not give powers.
        ValidationError: there is nothing to give, no reason, or this is asked for already.
    """
    if not grant:
        raise ValidationError(_("This account has these powers already."))
    subject = ledger.actor_of(account).ref
    return approvals.request(
        kind=Approval.Kind.POWER_GIVE, subject=subject, what=grant.as_json(), reason=reason, actor=actor
    )


def ask_to_reinstate(*, account: Any, reason: str, actor: AbstractBaseUser) -> Approval:
    """Ask a second person to agree that a suspended member of staff comes back; see `approvals.request`.

    It gives back every power that the account holds, so it takes what giving them takes.

    Raises:
        PermissionDenied: the account `actor` may not give powers.
        ValidationError: the account is not suspended, no reason was given, or this is asked for already.
    """
    if account.is_active:
        raise ValidationError(_("This account is not suspended."))
    return ask_to_give(account=account, grant=replace(_held(account), active=True), reason=reason, actor=actor)


def _held(account: Any) -> Grant:
    """Return what an account holds, or would hold if it were not suspended."""
    return Grant(
        groups=[group.name for group in account.groups.all()],
        staff=account.is_staff,
        superuser=account.is_superuser,
        permissions=[
            f"{each.content_type.app_label}.{each.codename}"
            for each in account.user_permissions.select_related("content_type")
        ],
    )


def give(*, approval: Approval, actor: AbstractBaseUser) -> AbstractBaseUser:
    """Give an account the powers that a second person agreed to.

    Returns:
        the account.

    Raises:
        PermissionDenied: the approval is not for this, or for another person.
        ValidationError: nobody agreed, or the account is suspended, gone, or not as it was when this was asked for.
    """
    with transaction.atomic():
        kind = Approval.Kind.POWER_GIVE
        row, agreed = approvals.spend(approval=approval, kind=kind, subject=approval.subject, actor=actor)
        if not row.subject:
            raise PermissionDenied  # agreed for an invitation, which `inviting` sends
        account, grant = _account(row.subject), Grant.of(row.what)
        if grant.active and (account.is_active or _held(account).as_json() != replace(grant, active=False).as_json()):
            raise ValidationError(_CHANGED)
        if not (account.is_active or grant.active):
            raise ValidationError(_("This account is suspended. First ask that it is let back in."))
        with powers.under(agreed):
            apply(account, grant)
    return account  # type: ignore[no-any-return]


def apply(account: Any, grant: Grant) -> None:
    """Give an account powers, inside the transaction that spent an approval; the ledger notes each by signal."""
    if grant.active:
        account.is_active = True
        account.save(update_fields=("is_active",))
    named = auth.Group.objects.filter(name__in=grant.groups)
    if grant.staff or grant.superuser or IN_ADMINISTRATION & set(grant.groups):
        account.is_staff = True
        account.is_superuser = account.is_superuser or grant.superuser
        account.save(update_fields=("is_staff", "is_superuser"))
    account.groups.add(*named)
    account.user_permissions.add(*_permissions(grant.permissions))


def _permissions(names: Sequence[str]) -> list[auth.Permission]:
    return [
        auth.Permission.objects.get(content_type__app_label=app, codename=codename)
        for app, _dot, codename in (name.partition(".") for name in names)
    ]


def _account(ref: str) -> Any:
    named = Actor.objects.filter(ref=ref).values("user")
    accounts = get_user_model()._default_manager.select_for_update()  # noqa: SLF001 -- Django's own name
    account = accounts.filter(pk__in=named).first()
    if account is None:
        raise ValidationError(_("This account is gone. Withdraw the request."))
    return account


def take_all(account: Any) -> None:
    """Take every power from an account at once; the ledger notes each by signal. Nobody needs to agree to that."""
    with transaction.atomic():
        account.groups.clear()
        account.user_permissions.clear()
        account.is_staff = account.is_superuser = False
        account.save(update_fields=("is_staff", "is_superuser"))


def ask_to_remove_factors(*, account: AbstractBaseUser, reason: str, actor: AbstractBaseUser) -> Approval:
    """Ask a second person to agree that another's second factors are removed; see `approvals.request`.

    Raises:
        PermissionDenied: the account `actor` may not do that.
        ValidationError: it has none, no reason was given, or this is asked for already.
    """
    factors = _factors(account)
    if not factors:
        raise ValidationError(_("This account has no second factor."))
    subject = ledger.actor_of(account).ref
    kind, what = Approval.Kind.FACTOR_REMOVE, {"factors": factors}
    return approvals.request(kind=kind, subject=subject, what=what, reason=reason, actor=actor)


def _factors(account: AbstractBaseUser) -> list[int]:
    return list(Authenticator.objects.filter(user_id=account.pk).order_by("pk").values_list("pk", flat=True))


def remove_factors(*, approval: Approval, actor: AbstractBaseUser) -> AbstractBaseUser:
    """Remove the second factors of an account as a second person agreed.

    Returns:
        the account, which signs in with its password alone and sets up a new one.

    Raises:
        PermissionDenied: the approval is not for this, or for another person.
        ValidationError: nobody agreed, or the account has other factors than when this was asked for.
    """
    with transaction.atomic():
        kind = Approval.Kind.FACTOR_REMOVE
        row, agreed = approvals.spend(approval=approval, kind=kind, subject=approval.subject, actor=actor)
        account: AbstractBaseUser = _account(row.subject)
        if row.what.get("factors", _factors(account)) != _factors(account):
            raise ValidationError(_CHANGED)
        drop_factors(account, agreed)
    return account


def drop_factors(account: AbstractBaseUser, agreed: Mapping[str, Any]) -> int:
    """Remove every second factor of an account, with an entry; return how many there were."""
    rows = Authenticator.objects.filter(user_id=account.pk)
    types = sorted(rows.values_list("type", flat=True))
    with transaction.atomic(), powers.under(agreed):
        powers.record(account.pk)
        watched = powers.watches_factors(account)
        gone: int = rows.delete()[0]
        if gone and not watched:  # only the factors of staff are noted by signal
            powers.append(Event.FACTOR_REMOVED, {"account": ledger.actor_of(account).ref, "factors": types})
    return gone
