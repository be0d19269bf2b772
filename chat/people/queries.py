"""Reads people: whether an account has an address, and whether the address is verified."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db.models import Q

from chat.models import User
from chat.people.person import Person
from chat.text.addresses import fold


def has_account(email: str) -> bool:
    """Return whether an address belongs to an account, confirmed or not, as its own or as a further one."""
    email = fold(email)
    return User.objects.filter(email=email).exists() or EmailAddress.objects.filter(email=email).exists()


def has_verified_address(person_pk: int) -> bool:
    """Return whether somebody has shown that their e-mail address is theirs, as closed chat asks."""
    return User.objects.filter(pk=person_pk, is_guest=False, is_active=True, emailaddress__verified=True).exists()


def people_now(pks: Iterable[int]) -> dict[int, Person]:
    """Return who these people are now, by primary key. Whose account is gone or suspended is left out."""
    fields = ("public_id", "name", "is_guest", "is_staff", "is_superuser")
    return {user.pk: Person.of(user) for user in User.objects.filter(pk__in=list(pks), is_active=True).only(*fields)}


def name_of_person(public_id: UUID) -> str | None:
    """Return the name of the account or the guest of this public id; None where there is none."""
    return User.objects.filter(public_id=public_id, erased_at=None).values_list("name", flat=True).first()


def find_person(named: str) -> User | None:
    """Return the account of an e-mail address or a public id, or None."""
    try:
        lookup = Q(public_id=UUID(named))
    except ValueError:
        email = fold(named)
        lookup = Q(email=email) | Q(emailaddress__email=email, emailaddress__verified=True)
    return User.objects.filter(lookup, erased_at=None).distinct().first()
