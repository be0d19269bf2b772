"""Bounds every wait for PostgreSQL: for somebody else's lock, for a statement, and for any answer at all.

The limits are set twice. A session has them for what is executed outside of transactions. Each transaction sets them
again as it begins, in the same round trip: a pooler in transaction mode may hand it a session that never heard of them.
What a server that hangs cannot end, the client ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import generators
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus


class Waits(NamedTuple):
    """How long a statement may wait, in seconds; 0 is without end.

    Attributes:
        lock: for a row, a table or an advisory lock that somebody else holds (SQLSTATE 55P03 afterwards).
        statement: for its result (57014).
    """

    lock: float
    statement: float


PAGE: Final = Waits(lock=1.0, statement=4.0)
"""Of pages, and of whatever says nothing else."""
JOB: Final = Waits(lock=0.5, statement=4.0)
"""Of the work that sockets and periodic jobs wait for."""
STORING: Final = Waits(lock=0.3, statement=3.0)
"""Of the lane on which all posts wait. `chat_post` has the same limit by itself."""
COMMAND: Final = Waits(lock=10.0, statement=0)
"""Of commands that work through whole tables: ledger, purge, reseal."""

_GRACE: Final = 1.0  # after the statement's time a server that lives has answered
_waits: ContextVar[Waits] = ContextVar("waits", default=PAGE)


@contextmanager
def bounded(waits: Waits) -> Iterator[None]:
    """Have what is executed inside, on this thread, wait so long and no longer."""
    token = _waits.set(waits)
    try:
        yield
    finally:
        _waits.reset(token)


def settings_of(waits: Waits, scope: str = "") -> str:
    """Return the statements that set these limits.

    Args:
        waits: the limits.
        scope: `LOCAL` for the running transaction; empty for the session.
    """
    return (
        f"SET {scope} lock_timeout = {round(waits.lock * 1000)};"
        f" SET {scope} statement_timeout = {round(waits.statement * 1000)}"
    )


class BoundedConnection(psycopg.Connection[Any]):
    """A connection on which nothing waits without end, and whose transactions are READ COMMITTED."""

    _session_waits: Waits | None = None

    @classmethod
    def connect(cls, conninfo: str = "", **kwargs: Any) -> BoundedConnection:
        """Connect, and set the session's limits and isolation level."""
        connection: BoundedConnection = super().connect(conninfo, **kwargs)
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        try:
            connection.execute("SET default_transaction_isolation = 'read committed'")
        except BaseException:
            connection.close()
            raise
        return connection

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer (see psycopg); a server that gives none in time counts as gone."""
        statement = _waits.get().statement
        if timeout is None and statement:
            timeout = statement + _GRACE
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 -- what `wait` raises; there is no other name
            self.close()
            raise psycopg.OperationalError("the database does not answer") from None

    def _start_query(self) -> Any:
        # psycopg begins a transaction by one statement. Two more go along here, in the same round trip.
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            return
        waits = _waits.get()
        if not self._autocommit:
            yield from self._send(self._get_tx_start_command().decode() + "; " + settings_of(waits, "LOCAL"))
        elif waits != self._session_waits:
            yield from self._send(settings_of(waits))
            self._session_waits = waits

    def _send(self, statements: str) -> Any:
        self.pgconn.send_query(statements.encode())
        for result in (yield from generators.execute(self.pgconn)):
            if result.status != ExecStatus.COMMAND_OK:
                raise error_from_result(result)


def wait_from_now(waits: Waits) -> None:
    """Have what this thread executes from now on wait so long: for what begins and ends by signals."""
    _waits.set(waits)
