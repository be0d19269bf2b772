"""Writes to the log from the event loop: over a connection of its own, or on a thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from django.utils import timezone

from chat.db import LoopConnection, is_postgresql, run_in_executor
from chat.messages import log
from compliance.gate import OptimisticToken

PLANNED = 6  # calls after which PostgreSQL keeps a plan for good
P = TypeVar("P")
T = TypeVar("T")
_POST = log.POST.format(*(f"${number}" for number in range(1, 7))).encode()


class LogWriter:
    """Writes one batch at a time."""

    def __init__(self) -> None:
        self._database = LoopConnection()

    async def prepare(self) -> None:
        """Connect, and have the function planned, before a message waits for it. Other databases have none.

        Raises:
            psycopg.Error: the database is away.
        """
        for _ in range(PLANNED if is_postgresql() else 0):
            await self.post([], timezone.now(), None)

    async def post(self, rows: Sequence[log.Row], at: datetime, token: OptimisticToken | None) -> log.Answer | None:
        """Append messages by `log.POST`; for its arguments see `log.arguments`.

        Returns:
            its answer; None if a precondition fails: then nothing is stored, and the slow path decides.

        Raises:
            psycopg.Error: the database is away, or refuses; whether it stored anything is not known.
        """
        rooms = {str(room): room for room in {row.room for row in rows}}
        rows_back = await self._database.execute(_POST, log.arguments(rooms, rows, at, token))
        return log.answer(
            [
                (rooms[room.decode()], int(head), int(revision), stored == b"t")
                for room, head, revision, stored in rows_back
                if room and head and revision
            ]
        )

    def run(self, job: Callable[[P], T], argument: P, /) -> Awaitable[T]:
        """Run a job that blocks on the database, on one of its threads."""
        return run_in_executor("ja", job, argument)

    def close(self) -> None:
        """Let go of the connection, whatever is under way on it."""
        self._database.close()
