"""What legal holds keep of people who are erased: copied apart and sealed, until the hold ends.

A hold keeps what its ground names. A freeze request keeps who wrote where and when; an order and a case keep the words,
too. Nothing here tells anybody that there is a hold: the person is erased as everybody is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from chat.models import HeldCopy, HeldWord, User
from chat.personal_data.registry import Leaving, Word, keeping
from compliance import vault
from compliance.models import Hold

_ACCOUNT = ("name", "email", "is_guest", "date_joined", "last_login")


def keep(leaving: Leaving) -> None:
    """Copy what live holds keep of people who are about to be erased.

    Raises:
        Unsealable: there is a hold and no key is configured. Then nobody is erased.
    """
    holds = list(_live())
    if not holds:
        return
    vault.current_prefix()  # whoever could leave while another one could not would show whom a hold names
    for person in leaving.accounts:
        rooms = keeping().rooms_of(person.pk)
        for hold in holds:
            held = _held_rooms(hold, person, rooms)
            if held is not None:
                _keep(hold, person, held)


def _live() -> QuerySet[Hold]:
    today = timezone.localdate()
    return Hold.objects.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=today), lifted_at__isnull=True)


def _held_rooms(hold: Hold, person: User, rooms: Any) -> Collection[UUID] | None:
    """Return in which rooms a hold keeps what somebody did; None where it does not concern them."""
    if hold.scope == Hold.Scope.EVERYTHING or hold.subject == person.public_id:
        return list(rooms)
    if hold.scope == Hold.Scope.ROOM:
        return [room for room in rooms if room == hold.subject] or None
    # Whom the hold names talked with this person: with whom, is part of that history.
    return [room for room, others in rooms.items() if hold.subject in others] or None


def _keep(hold: Hold, person: User, rooms: Collection[UUID]) -> None:
    has_words = hold.ground != Hold.Ground.FREEZE
    written = list(keeping().events_of(person.pk, rooms))
    facts = {
        "account": {name: _plain(getattr(person, name)) for name in _ACCOUNT},
        "rooms": [{name: _plain(value) for name, value in row.items()} for row in keeping().times_of(person.pk, rooms)],
        "events": [[str(word.room), word.seq, word.kind, word.at] for word in written],
    }
    sealed = vault.seal(_place(person.public_id, hold.pk), json.dumps(facts, ensure_ascii=False))
    copy = HeldCopy.objects.create(hold=hold, person=person.public_id, facts=sealed)
    if has_words:
        HeldWord.objects.bulk_create(_words(copy, person.pk, written), batch_size=500)


def _words(copy: HeldCopy, author: int, written: Iterable[Word]) -> Iterable[HeldWord]:
    for word in written:
        if word.sealed is None and word.body is None:
            continue
        place = vault.Place(word.room, word.seq, author, word.kind, word.target)
        yield HeldWord(
            copy=copy,
            room=word.room,
            seq=word.seq,
            author=author,
            kind=word.kind,
            target=word.target,
            sealed=word.sealed if word.sealed is not None else vault.seal(place, word.body or ""),
        )


def _place(person: UUID, hold: int) -> vault.Place:
    return vault.Place(person, hold, None, "held")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value


def copies_due(before: datetime) -> QuerySet[HeldCopy]:
    """Return the copies whose hold ended before a moment."""
    over = Q(hold__lifted_at__lt=before) | Q(hold__ends_on__lt=timezone.localdate(before) - timedelta(days=1))
    return HeldCopy.objects.filter(over)


def reseal_copies(*, limit: int) -> int:
    """Seal up to `limit` copies and words of them with the newest key that an older one sealed; return how many."""
    newest = {"gte": vault.current_prefix(), "lt": vault.current_prefix() + b"\xff" * 64}
    with transaction.atomic():
        done = 0
        old = HeldCopy.objects.exclude(**{f"facts__{how}": value for how, value in newest.items()})
        for copy in old[:limit]:
            facts = vault.reseal(_place(copy.person, copy.hold_id), bytes(copy.facts))
            done += HeldCopy.objects.filter(pk=copy.pk).update(facts=facts)
        words = HeldWord.objects.exclude(**{f"sealed__{how}": value for how, value in newest.items()})
        for word in words[:limit]:
            place = vault.Place(word.room, word.seq, word.author, word.kind, word.target)
            done += HeldWord.objects.filter(pk=word.pk).update(sealed=vault.reseal(place, bytes(word.sealed)))
    return done
