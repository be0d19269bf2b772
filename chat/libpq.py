"""A PostgreSQL connection that the event loop speaks itself: database work without a thread.

Going to a thread and back, and Django's way to the driver, cost more than the statements that everybody waits for;
libpq is made for being waited for on a loop.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ExecStatus

from chat.offload import offload

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult


def is_spoken() -> bool:
    """Return whether the database is a PostgreSQL."""
    # Asked on the event loop, too, where looking at `connection` makes a new one for each task.
    engine: str = connections.settings[DEFAULT_DB_ALIAS]["ENGINE"]
    return engine == "django.db.backends.postgresql"


class LoopConnection:
    """One connection, one statement at a time. It connects with the first, and anew after any failure."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection: psycopg.Connection[Any] | None = None
        self._pool: Any = None
        self._socket = -1
        self._writing = False
        self._answer: asyncio.Future[PGresult] | None = None
        self._result: PGresult | None = None
        self._prepares = True
        self._prepared: dict[bytes, bytes] = {}  # names by statement

    @property
    def server_process(self) -> int | None:
        """The process at the other end, None while there is no connection as far as it is known."""
        return self._connection.info.backend_pid if self._connection is not None else None

    async def ask(self, statement: bytes, values: Sequence[str | None]) -> list[tuple[bytes | None, ...]]:
        """Have one statement executed, in a transaction of its own. The caller waits for one before it asks another.

        Args:
            statement: SQL with $1, $2, … for the values.
            values: as text.

        Returns:
            the rows, as text.

        Raises:
            psycopg.Error: the database is away, or says no; whether anything was stored is not known.
        """
        try:
            if self._connection is None:
                await self._connect()
            result = await self._execute(statement, [None if value is None else value.encode() for value in values])
        except BaseException:
            self.close()
            raise
        columns = range(result.nfields)
        return [tuple([result.get_value(row, column) for column in columns]) for row in range(result.ntuples)]

    def close(self) -> None:
        """Let go of the connection, whatever is under way on it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._writing = False
        self._prepared.clear()
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

    async def _execute(self, statement: bytes, values: list[bytes | None]) -> PGresult:
        """Have a statement executed that is parsed and planned once, which else costs as much as executing it."""
        assert self._connection is not None
        pg = self._connection.pgconn
        if self._prepares:
            name = self._prepared.get(statement)
            if name is None:
                name = uuid.uuid4().hex.encode()
                await self._answer_to(pg.send_prepare, name, statement)
                self._prepared[statement] = name
            try:
                return await self._answer_to(pg.send_query_prepared, name, values)
            except InvalidSqlStatementName:
                # A pooler leads to another server than the one that prepared it. Nothing was executed.
                self._prepares = False
        return await self._answer_to(pg.send_query_params, statement, values)

    async def _answer_to(self, send: Callable[..., None], *what: object) -> PGresult:
        self._answer = self._loop.create_future()
        send(*what)
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
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
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
