"""Appends messages over a connection of the event loop's own: every message waits for this one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils import timezone

from chat import libpq, log

if TYPE_CHECKING:
    from compliance.gate import Pledge

PLANNED = 6  # calls after which PostgreSQL keeps a plan for good
_POST = log.POST.format(*(f"${number}" for number in range(1, 7))).encode()


class Appender:
    """Appends one batch at a time."""

    def __init__(self) -> None:
        self._database = libpq.LoopConnection()

    async def prepare(self) -> None:
        """Connect, and have the function planned, before anybody waits for it. Other databases have none.

        Raises:
            psycopg.Error: the database is away.
        """
        for _ in range(PLANNED if libpq.is_spoken() else 0):
            await self.post([], timezone.now(), None)

    async def post(self, rows: Sequence[log.Row], at: datetime, pledge: Pledge | None) -> dict[UUID, int] | None:
        """Append messages by `log.POST`; for its arguments see `log.arguments`.

        Returns:
            the new heads; None if it stored nothing.

        Raises:
            psycopg.Error: the database is away, or says no; whether it stored anything is not known.
        """
        rooms = {str(room): room for room in {row.room for row in rows}}
        heads = await self._database.ask(_POST, log.arguments(rooms, rows, at, pledge))
        return {rooms[room.decode()]: int(head) for room, head in heads if room and head} or None

    def close(self) -> None:
        """Let go of the connection, whatever is under way on it."""
        self._database.close()
