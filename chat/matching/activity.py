"""Reads what people are doing: who waits, and who is in which talk. Every process and every page asks here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import UNSET

from chat.db import BatchedLookup, run_in_executor
from chat.matching.queue import matches_in
from chat.models import Ticket
from chat.protocol import Author
from chat.protocol.replies import Talk, Waiting
from chat.realtime import IDLE, Activity, Person


class Doing(NamedTuple):
    """What somebody does, as far as it takes to see that it changed: they wait since then, or are in a room."""

    since: datetime
    room: UUID | None

    def is_told_by(self, told: Activity) -> bool:
        """Return whether somebody who was told this knows it."""
        if self.room is None:
            return told.waiting is not None and told.waiting.since == self.since and not told.talks
        return told.waiting is None and [talk.room for talk in told.talks] == [str(self.room)]


def doings(pks: Collection[int]) -> dict[int, Doing]:
    """Return what these people do; whoever does nothing is left out."""
    found = Ticket.objects.filter(user__in=list(pks)).values_list("user_id", "since", "room_id")
    return {pk: Doing(since, room) for pk, since, room in found}


def activities(pks: Collection[int]) -> dict[int, Activity]:
    """Return the same in full, as the wire says it."""
    found = list(Ticket.objects.filter(user__in=list(pks)))
    met = matches_in([ticket.room_id for ticket in found if ticket.room_id is not None])
    result = {}
    for ticket in found:
        if ticket.room_id is None:
            waiting = Waiting(ticket.since, ticket.topic or UNSET, ticket.language or UNSET)
            result[ticket.user_id] = Activity(waiting, ())
        elif (match := met.get(ticket.room_id)) is not None:
            partner = match.partner_of(ticket.user_id)
            talk = Talk(str(match.room), Author(partner.id, partner.name), ticket.entered_at is not None)
            result[ticket.user_id] = Activity(None, (talk,))
    return result


class Activities:
    """Answers for those who connect at the same time with one query."""

    def __init__(self) -> None:
        self._lookup = BatchedLookup(_found)

    async def of(self, person: Person | None) -> Activity:
        """Return what somebody does, at a moment after this was called. Guests and strangers do nothing.

        Raises:
            django.db.Error: the database is away.
        """
        if person is None or person.guest:
            return IDLE
        return await self._lookup.get(person.pk) or IDLE


async def _found(pks: Collection[int]) -> Mapping[int, Activity]:
    return await run_in_executor("ja", activities, pks)
