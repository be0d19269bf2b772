"""Erases people: ends what they are doing, takes their name out of what they wrote, and lets the account go."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from django.apps import apps
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import LEFT_NAME, User
from chat.personal_data import held
from chat.personal_data.registry import PARTS, Fate, Leaving, parts
from compliance.records import ledger, powers
from compliance.records.events import Event

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

_REFERENCE: Final = "compliance.Actor.user"  # of those whose row stays: the ledger knows that they may do nothing


class By(StrEnum):
    """Who asked for an erasure."""

    PERSON = "person"
    COMMAND = "command"


class NotErasable(Exception):
    """An account cannot be erased as it is. The text says why, and what comes first."""


def faults(person: User) -> str:
    """Return why an account cannot be erased now, as a sentence; empty if it can.

    Whoever holds powers is off-boarded first: so the ledger has who took them. The last operator stays.
    """
    if person.is_superuser and person.is_active and not _other_operators(person).exists():
        return _("This is the last operator. Name another one first; the service is never without.")
    if person.is_staff or person.is_superuser or person.groups.filter(name__in=ledger.ROLES).exists():
        return _("This account holds powers over the service. They are taken from it first, then it can be erased.")
    return ""


def _other_operators(person: User) -> QuerySet[User]:
    return User.objects.filter(is_superuser=True, is_active=True).exclude(pk=person.pk)


def erase(
    people: Collection[User],
    *,
    words_go: bool = False,
    by: By | None = None,
    actor: AbstractBaseUser | None = None,
    reason: str = "",
) -> int:
    """Erase people, in one transaction: everything about them goes, but what the registry keeps and why.

    Their name goes out of the log, and what a live hold keeps is copied apart and sealed first. Sockets and sessions of
    theirs end; the talk of somebody who is in one ends as if they had vanished.

    Args:
        people: their accounts.
        words_go: whether their words in open rooms are deleted, too. Words of closed talk rest for their period.
        by: who asked; the ledger gets an entry for each. None: nobody, a period ended (guests).
        actor: whom the entries name: the person, a member of staff, or None for the service.
        reason: of staff.

    Returns:
        how many were erased.

    Raises:
        NotErasable: see `faults`.
        Unsealable: a hold keeps something and no key is configured.
    """
    with transaction.atomic():
        chosen = User.objects.filter(pk__in=[person.pk for person in people], erased_at=None)
        if connection.features.has_select_for_no_key_update:  # a lock on the key would hold up what they are posting
            chosen = chosen.select_for_update(no_key=True)
        accounts = list(chosen.order_by("pk"))
        for account in accounts:
            if why := faults(account):
                raise NotErasable(why)
        leaving = Leaving([account.pk for account in accounts], words_go, accounts)
        if by is not None or not all(account.is_guest for account in accounts):
            _end_sessions(leaving)  # those of guests whose period ended are over already
        held.keep(leaving)
        for part in parts():  # from here on rooms are locked: whoever talks there waits
            if part.erase is not None:
                part.erase(leaving)
        if by is not None:
            for account in accounts:
                _record(account, words_go=words_go, by=by, actor=actor, reason=reason)
        _let_go(leaving)
    return len(accounts)


def _record(account: User, *, words_go: bool, by: By, actor: AbstractBaseUser | None, reason: str) -> None:
    payload = {"account": ledger.actor_of(account).ref, "by": by.value, "open_words": "gone" if words_go else "stay"}
    ledger.append(Event.ACCOUNT_ERASED, actor=actor, payload=payload | ({"reason": reason} if reason else {}))


def _end_sessions(leaving: Leaving) -> None:
    """Delete the sessions of people: they can hold an address, such as the one of a sign-in under way."""
    people = {str(pk) for pk in leaving.people}
    gone = [
        session.session_key
        for session in Session.objects.iterator(chunk_size=1000)
        if session.get_decoded().get(SESSION_KEY) in people
    ]
    Session.objects.filter(session_key__in=gone).delete()


def _let_go(leaving: Leaving) -> None:
    """Empty the accounts, and delete the rows of those whom no record has to name."""
    needed = _needed(leaving.people)
    now, nobody = timezone.now(), make_password(None)
    for account in leaving.accounts:
        User.objects.filter(pk=account.pk).update(
            erased_at=now,
            email=None,
            name=LEFT_NAME,
            skeleton="",
            password=nobody,
            public_id=uuid4(),
            last_login=None,
            date_joined=now,
            muted_until=None,
            has_unread_act=False,
            is_active=False,
        )
    goes = [pk for pk in leaving.people if pk not in needed]
    powers.unlink(goes)
    User.objects.filter(pk__in=goes).delete()
    for account in User.objects.filter(pk__in=needed):
        powers.note_emptied(account)
        _clear(account)


def _needed(people: Collection[int]) -> set[int]:
    """Return those whom records name that are kept: of these the row stays, empty."""
    found: set[int] = set()
    for link in PARTS.values():
        if link.fate is Fate.KEPT:
            label, _dot, name = link.column.rpartition(".")
            rows = apps.get_model(label)._default_manager.filter(**{f"{name}__in": people})  # noqa: SLF001 -- Django's own name
            found.update(rows.values_list(name, flat=True))
    return found


def _clear(account: User) -> None:
    """Delete what would have gone with the row."""
    for link in PARTS.values():
        if link.fate is Fate.KEPT or link.column == _REFERENCE:
            continue
        label, _dot, name = link.column.rpartition(".")
        rows = apps.get_model(label)._default_manager.filter(**{name: account.pk})  # noqa: SLF001 -- Django's own name
        if link.fate is Fate.GOES:
            rows.delete()
        else:
            rows.update(**{name: None})
