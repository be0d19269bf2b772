"""Appends messages over a PostgreSQL connection that the event loop speaks itself: database work without a thread.

Every message waits for this one statement. Going to a thread and back, and Django's way to the driver, cost more than
all else in a commit; libpq is made for being waited for on a loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

from chat import log
from chat.offload import offload

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    from compliance.gate import Pledge

PLANNED = 6  # calls after which PostgreSQL keeps a plan for good
_POST = log.POST.format(*(f"${number}" for number in range(1, 7))).encode()


class Appender:
    """One connection, one statement at a time. It connects with the first, and anew after any failure."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection: psycopg.Connection[Any] | None = None
        self._pool: Any = None
        self._socket = -1
        self._writing = False
        self._answer: asyncio.Future[PGresult] | None = None
        self._result: PGresult | None = None

    async def prepare(self) -> None:
        """Connect, and have the function planned, before anybody waits for it. Other databases have none.

        Raises:
            psycopg.Error: the database is away.
        """
        for _ in range(PLANNED if log.can_post() else 0):
            await self.post([], timezone.now(), None)

    async def post(self, rows: Sequence[log.Row], at: datetime, pledge: Pledge | None) -> dict[UUID, int] | None:
        """Append messages by `log.POST`; for its arguments see `log.arguments`.

        Returns:
            the new heads; None if it stored nothing.

        Raises:
            psycopg.Error: the database is away, or says no; whether it stored anything is not known.
        """
        values = log.arguments(rows, at, pledge)
        rooms = {str(room): room for room in {row.room for row in rows}}
        try:
            if self._connection is None:
                await self._connect()
            result = await self._ask([None if value is None else value.encode() for value in values])
        except BaseException:
            self.close()
            raise
        heads = {}
        for row in range(result.ntuples):
            room, head = result.get_value(row, 0), result.get_value(row, 1)
            assert room is not None
            assert head is not None
            heads[rooms[room.decode()]] = int(head)
        return heads or None

    def close(self) -> None:
        """Let go of the connection, whatever is under way on it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._writing = False
        _return(connection, self._pool)

    async def _connect(self) -> None:
        opening = self._loop.create_task(offload("ja", _open))
        try:
            connection, self._pool = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_not_needed)
            raise
        pg = connection.pgconn
        pg.nonblocking = 1
        self._connection, self._socket = connection, pg.socket
        self._answer = self._result = None
        self._loop.add_reader(self._socket, self._read)

    async def _ask(self, values: list[bytes | None]) -> PGresult:
        assert self._connection is not None
        self._answer = self._loop.create_future()
        self._connection.pgconn.send_query_params(_POST, values)
        self._write()
        return await self._answer

    def _write(self) -> None:
        assert self._connection is not None
        try:
            left = self._connection.pgconn.flush()
        except psycopg.Error as error:
            self._end(error)
            return
        if left and not self._writing:
            self._loop.add_writer(self._socket, self._write)
        elif self._writing and not left:
            self._loop.remove_writer(self._socket)
        self._writing = bool(left)

    def _read(self) -> None:
        assert self._connection is not None
        pg = self._connection.pgconn
        try:
            pg.consume_input()
            while not pg.is_busy():
                result = pg.get_result()
                if result is None:
                    break
                self._result = result
            else:
                return
        except psycopg.Error as error:
            self._end(error)
            return
        result, self._result = self._result, None
        if result is None or self._answer is None or self._answer.done():
            return
        if result.status == ExecStatus.TUPLES_OK:
            self._answer.set_result(result)
        else:
            self._answer.set_exception(error_from_result(result))

    def _end(self, error: psycopg.Error) -> None:
        """Whoever waits hears of it; where nobody does, the next one finds no connection and makes one."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self.close()


def _return(connection: psycopg.Connection[Any], pool: Any) -> None:
    connection.close()
    if pool is not None:
        pool.putconn(connection)  # which makes room for another


def _not_needed(opening: asyncio.Task[tuple[psycopg.Connection[Any], Any]]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        _return(*opening.result())


def _open() -> tuple[psycopg.Connection[Any], Any]:
    """Connect as Django does, in a thread that may wait; return the connection, and the pool that it is from."""
    made = connections.create_connection(DEFAULT_DB_ALIAS)
    made.connect()
    return made.connection, made.pool  # type: ignore[attr-defined]
