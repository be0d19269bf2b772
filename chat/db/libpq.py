"""A PostgreSQL connection that the event loop drives itself, without a thread: for what every message waits for.

A change of threads, and Django's path to the driver, cost more than the statements themselves. libpq has a non-blocking
interface, made for event loops. `psycopg.AsyncConnection` uses it as well; decision 40 has the comparison, and
`python -m tests.load.drivers` measures it.
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

from chat.db.executor import run_in_executor

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

ANSWER_SECONDS = 4.0  # for one statement, connecting included; the database's own limits end what waits for a lock


def is_postgresql() -> bool:
    """Return whether the database is PostgreSQL. Safe on the event loop."""
    # `django.db.connection` would create a connection for each task.
    engine: str = connections.settings[DEFAULT_DB_ALIAS]["ENGINE"]
    return engine == "django.db.backends.postgresql"


class LoopConnection:
    """One connection that executes one statement at a time; concurrent callers wait for their turn.

    It connects with the first statement, and again after any failure. It belongs to the loop that created it.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection: psycopg.Connection[Any] | None = None
        self._pool: Any = None
        self._socket = -1
        self._writing = False
        self._pending: asyncio.Future[PGresult] | None = None
        self._result: PGresult | None = None
        self._lock = asyncio.Lock()
        self._prepares = True
        self._prepared: dict[bytes, bytes] = {}  # names by statement

    async def execute(self, statement: bytes, values: Sequence[str | None]) -> list[tuple[bytes | None, ...]]:
        """Execute one statement in a transaction of its own.

        Args:
            statement: SQL with $1, $2, … for the values.
            values: as text.

        Returns:
            the rows, as text.

        Raises:
            psycopg.Error: the database is away, silent, or refuses. Whether it stored anything is not known.
            UnicodeEncodeError: a value has a lone surrogate.
        """
        sent = [_encoded(value) for value in values]
        async with self._lock:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    if self._connection is None:
                        await self._connect()
                    result = await self._execute(statement, sent)
            except TimeoutError:
                self.close()
                raise psycopg.OperationalError("the database does not answer") from None
            except BaseException:
                self.close()
                raise
        columns = range(result.nfields)
        return [tuple([result.get_value(row, column) for column in columns]) for row in range(result.ntuples)]

    def close(self) -> None:
        """Close the connection, also in the middle of a statement."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._writing = False
        self._prepared.clear()
        _give_back(connection, self._pool)

    async def _connect(self) -> None:
        opening = self._loop.create_task(run_in_executor("ja", _open))
        try:
            connection, self._pool = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_discard)
            raise
        pg = connection.pgconn
        pg.nonblocking = 1
        self._connection, self._socket = connection, pg.socket
        self._pending = self._result = None
        self._loop.add_reader(self._socket, self._read)

    async def _execute(self, statement: bytes, values: list[bytes | None]) -> PGresult:
        """Execute a prepared statement: parsing and planning it each time would cost as much as its execution."""
        assert self._connection is not None
        pg = self._connection.pgconn
        if self._prepares:
            name = self._prepared.get(statement)
            if name is None:
                name = uuid.uuid4().hex.encode()
                await self._result_of(pg.send_prepare, name, statement)
                self._prepared[statement] = name
            try:
                return await self._result_of(pg.send_query_prepared, name, values)
            except InvalidSqlStatementName:
                # A pooler connects to another server than the one that prepared it. Nothing was executed.
                self._prepares = False
        return await self._result_of(pg.send_query_params, statement, values)

    async def _result_of(self, send: Callable[..., None], *arguments: object) -> PGresult:
        self._pending = self._loop.create_future()
        send(*arguments)
        self._write()
        return await self._pending

    def _write(self) -> None:
        assert self._connection is not None
        try:
            left = self._connection.pgconn.flush()
        except psycopg.Error as error:
            self._fail(error)
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
            self._fail(error)
            return
        result, self._result = self._result, None
        if result is None or self._pending is None or self._pending.done():
            return
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            self._pending.set_result(result)
        else:
            self._pending.set_exception(error_from_result(result))

    def _fail(self, error: psycopg.Error) -> None:
        """Fail the statement under way, if there is one. The next statement connects again."""
        if self._pending is not None and not self._pending.done():
            self._pending.set_exception(error)
        self.close()


def _encoded(value: str | None) -> bytes | None:
    if value is None:
        return None
    if "\0" in value:  # libpq would cut the value off there
        raise psycopg.DataError("a text with NUL")
    return value.encode()


def _give_back(connection: psycopg.Connection[Any], pool: Any) -> None:
    connection.close()
    if pool is not None:
        pool.putconn(connection)  # it makes room for another one


def _discard(opening: asyncio.Task[tuple[psycopg.Connection[Any], Any]]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        _give_back(*opening.result())


def _open() -> tuple[psycopg.Connection[Any], Any]:
    """Connect as Django does, on a thread that may block; return the connection, and the pool that it comes from."""
    django = connections.create_connection(DEFAULT_DB_ALIAS)
    django.connect()
    return django.connection, django.pool  # type: ignore[attr-defined]
