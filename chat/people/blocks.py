"""Blocks between people: who sees and meets whom no more. The other side is told nothing, by nobody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from chat import realtime
from chat.db import BatchedLookup, run_in_executor
from chat.models import Block, Preferences, User
from chat.people.person import Person
from chat.protocol import Code, Refused

MOST: Final = 1000
"""So many people can somebody block."""
CHANGES_KEPT: Final = timedelta(seconds=60)
"""How far back `changed_lately` looks: longer than any transaction that blocks somebody takes to commit."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A talk that somebody left by blocking the other one.

    Attributes:
        room: its id.
        people: the primary keys of all who are inside no more.
    """

    room: UUID
    people: Collection[int]


OnBlock = Callable[[Person, int], Iterable[Ended]]
_on_block: Final[list[OnBlock]] = []


def on_block(function: OnBlock) -> OnBlock:
    """Register a function that ends what two people are in together; it returns the talks that it ended.

    It is called with who blocks, and the primary key of the other one, after the block was committed.
    """
    _on_block.append(function)
    return function


def block(*, actor: Person, other: UUID) -> list[Ended]:
    """Keep two people from being brought together, and end the talk that they are in. Blocking again does no harm.

    Args:
        actor: who blocks.
        other: the public id of whom they block.

    Returns:
        the talks that ended by it.

    Raises:
        Refused: `missing` where there is nobody of this id; `conflict` for oneself, and beyond `MOST`.
    """
    found = User.objects.filter(public_id=other).only("pk").first()
    if found is None:
        raise Refused(Code.MISSING, _("This person is no longer here."))
    if found.pk == actor.pk:
        raise Refused(Code.CONFLICT, _("You cannot block yourself."))
    with transaction.atomic():
        _touch(actor.pk)  # whoever blocks twice at the same moment waits here
        mine = Block.objects.filter(blocker=actor.pk)
        if not mine.filter(blocked=found).exists():
            if mine.count() >= MOST:
                reason = _("You have blocked as many people as one can. Unblock somebody first.")
                raise Refused(Code.CONFLICT, reason)
            Block.objects.create(blocker_id=actor.pk, blocked=found)
    return [ended for function in _on_block for ended in function(actor, found.pk)]


def unblock(*, actor: Person, other: UUID) -> None:
    """Take a block back. Where there is none, there is nothing to take back."""
    with transaction.atomic():
        _touch(actor.pk)
        Block.objects.filter(blocker=actor.pk, blocked__public_id=other).delete()


def _touch(person_pk: int) -> None:
    Preferences.objects.update_or_create(user_id=person_pk, defaults={"blocks_at": Now()})


# Reads ---------------------------------------------------------------------------------------------------------------


def blocked_by(person_pks: Collection[int]) -> dict[int, list[str]]:
    """Return whom these people have blocked: public ids, by the blocker's primary key, in the order of blocking."""
    rows = Block.objects.filter(blocker__in=list(person_pks)).order_by("at", "pk")
    found: dict[int, list[str]] = {}
    for blocker, public_id in rows.values_list("blocker", "blocked__public_id"):
        found.setdefault(blocker, []).append(str(public_id))
    return found


def changed_lately(person_pks: Collection[int]) -> dict[int, datetime]:
    """Return which of these people blocked or unblocked somebody within the last `CHANGES_KEPT`, and when."""
    lately = Preferences.objects.filter(blocks_at__gt=Now() - CHANGES_KEPT)  # few, of however many are here
    return {pk: at for pk, at in lately.values_list("user", "blocks_at") if at is not None and pk in person_pks}


class BlockLists:
    """Answers for those who connect at the same time with one query."""

    def __init__(self) -> None:
        self._lookup = BatchedLookup(_found)

    async def of(self, person: realtime.Person | None) -> list[str]:
        """Return whom somebody has blocked, by public id, at a moment after this was called.

        Raises:
            django.db.Error: the database is away.
        """
        return [] if person is None else await self._lookup.get(person.pk) or []


async def _found(pks: Collection[int]) -> Mapping[int, list[str]]:
    return await run_in_executor("ja", blocked_by, pks)
