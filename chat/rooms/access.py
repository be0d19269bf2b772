"""Looks up who may read rooms now, before anything is given from memory. Batches concurrent lookups into one query."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from chat.db import BatchedLookup, LoopConnection, is_postgresql, run_in_executor
from chat.protocol import Access
from chat.rooms import queries


class Accesses:
    """Asks about one batch of rooms at a time.

    Args:
        database: over which to ask.
    """

    def __init__(self, database: LoopConnection) -> None:
        self._database = database
        self._lookup = BatchedLookup(self._found)

    async def of(self, room: UUID) -> Access | None:
        """Return who may read a room, at a moment after this was called; None if the room is gone.

        Raises:
            psycopg.Error, django.db.Error: the database is away.
        """
        return await self._lookup.get(room)

    async def _found(self, rooms: Collection[UUID]) -> Mapping[UUID, Access]:
        if not is_postgresql():
            return await run_in_executor("ja", queries.accesses, rooms)
        rows = await self._database.execute(queries.ACCESS, ["{" + ",".join(map(str, rooms)) + "}"])
        return {
            UUID(room.decode()): Access(feature.decode(), int(revision))
            for room, feature, revision in rows
            if room and feature and revision
        }
