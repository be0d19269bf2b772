"""Who holds a power: membership of the four groups, as the table of the law has it. A superuser counts as operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth import models as auth
from django.db.models import Q, QuerySet

from compliance.law.powers import GROUPS, Group, Power

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser


def groups_of(user: AbstractBaseUser | AnonymousUser) -> frozenset[Group]:
    """Return the groups in which an account acts; none if it is suspended or nobody is signed in.

    Args:
        user: of a request, or any account. One query, and none for a superuser.
    """
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    if getattr(user, "is_superuser", False):
        return frozenset({Group.OPERATOR})
    found: Any = getattr(user, "groups").filter(name__in=list(Group))  # noqa: B009 -- the abstract account has none
    return frozenset(Group(name) for name in found.values_list("name", flat=True))


def powers_of(user: AbstractBaseUser | AnonymousUser) -> frozenset[Power]:
    """Return every power that an account holds now."""
    return frozenset(power for group in groups_of(user) for power in GROUPS[group])


def may(user: AbstractBaseUser | AnonymousUser, power: Power) -> bool:
    """Return whether an account holds a power now; a suspended one holds none."""
    return power in powers_of(user)


def would_hold(user: Any) -> bool:
    """Return whether an account would hold a power, or enter the administration, if it were not suspended.

    Letting it back in gives all of that back: so two persons do it.
    """
    return bool(user.is_staff or user.is_superuser or user.groups.exists() or user.user_permissions.exists())


def holders(power: Power) -> QuerySet[Any]:
    """Return the accounts that hold a power now, each once."""
    names = [group.value for group in Group if power in GROUPS[group]]
    held = Q(groups__name__in=names)
    if power in GROUPS[Group.OPERATOR]:
        held |= Q(is_superuser=True)
    accounts: QuerySet[Any] = get_user_model()._default_manager.filter(held, is_active=True)  # noqa: SLF001 -- Django's own name
    return accounts.distinct()


def make_groups(**_kwargs: Any) -> None:
    """Create the groups that are missing. Runs after every migration, so that no database is without them."""
    for group in Group:
        auth.Group.objects.get_or_create(name=group.value)
