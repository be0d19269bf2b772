"""Finds, without waiting, what somebody else has locked of the rows that a batch needs: rooms, authors, messages.

A lock lasts for milliseconds where another process writes, too, and those are waited for (`STORING`). One that lasts
longer belongs to somebody at work by hand, or to a long transaction: then the room waits alone.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import Model, Q

from chat.messages.events import NewEvent
from chat.models import Message, Room, User
from compliance.database import Waits, bounded, is_blocked

logger = structlog.get_logger("todoke.messages")

REMEMBERED_SECONDS: Final = 5.0
"""So long what was found locked is looked at before it is waited for."""
LOOKING: Final = Waits(lock=0.1, statement=3.0)
"""Rows that are locked are skipped. This is for a lock on their whole table, which cannot be skipped."""

Key = UUID | int  # a room or an author
Run = Callable[[Callable[[Sequence[NewEvent]], set[Key]], Sequence[NewEvent]], Awaitable[set[Key]]]


class Blocked:
    """What one process found locked lately."""

    def __init__(self) -> None:
        self._until: dict[Key, float] = {}

    def concerns(self, events: Iterable[NewEvent]) -> bool:
        """Return whether something of these events was found locked lately."""
        if not self._until:
            return False
        now = time.monotonic()
        self._until = {key: until for key, until in self._until.items() if until > now}
        return any(event.room in self._until or event.person.pk in self._until for event in events)

    async def find(self, events: Sequence[NewEvent], run: Run) -> list[bool]:
        """Return for each event whether somebody else has locked its room, its author or its target now."""
        found = await run(locked, events)
        now = time.monotonic()
        if fresh := found - self._until.keys():
            logger.warning("messages.blocked", rooms=sum(isinstance(key, UUID) for key in found), rows=len(fresh))
        for key in {key for event in events for key in (event.room, event.person.pk)}:
            self._until.pop(key, None)
        self._until.update(dict.fromkeys(found, now + REMEMBERED_SECONDS))
        return [event.room in found or event.person.pk in found for event in events]


def locked(events: Sequence[NewEvent]) -> set[Key]:
    """Return the rooms and the authors of which somebody else has locked a row that these events need.

    All of them where a whole table is locked. SQLite locks all or nothing, so nothing is found there.
    """
    if connection.vendor != "postgresql":
        return set()
    rooms = {event.room for event in events}
    authors = {event.person.pk for event in events}
    targets = {(event.room, event.target) for event in events if event.target is not None}
    try:
        return _locked(rooms, authors, targets)
    except DatabaseError as error:
        if not is_blocked(error):
            raise
        return {*rooms, *authors}


def _locked(rooms: set[UUID], authors: set[int], targets: set[tuple[UUID, int]]) -> set[Key]:
    with bounded(LOOKING), transaction.atomic():
        found = _missing(Room, rooms, "FOR NO KEY UPDATE") | _missing(User, authors, "FOR KEY SHARE")
        if targets:
            match = Q(pk__in=[])
            for room, seq in targets:
                match |= Q(room_id=room) & (Q(seq=seq) | Q(target=seq))
            rows = Message.objects.filter(match)
            free = rows.select_for_update(skip_locked=True, no_key=True)
            held = set(rows.values_list("room_id", "seq")) - set(free.values_list("room_id", "seq"))
            found |= {room for room, _seq in held}
    return found


def _missing(model: type[Model], keys: set[Any], lock: str) -> set[Key]:
    """Return those of the rows that exist and cannot be locked in this way now."""
    table = model._meta.db_table  # noqa: SLF001 -- Django's name
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table} WHERE id = ANY(%s)", [list(keys)])  # noqa: S608 -- no value
        there = {key for (key,) in cursor.fetchall()}
        cursor.execute(f"SELECT id FROM {table} WHERE id = ANY(%s) {lock} SKIP LOCKED", [list(keys)])  # noqa: S608
        return there - {key for (key,) in cursor.fetchall()}
