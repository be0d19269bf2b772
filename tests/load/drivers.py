"""Two ways for the event loop to call PostgreSQL, in turn, in the same run: python -m tests.load.drivers.

`chat.db`'s own connection (libpq) and `psycopg.AsyncConnection` do what the service does on its loop: the call of
`chat_post`, and the look-up of sessions and accounts, one call after the other, in batches of 1, 16 and 64 rows. Each
size is measured in short blocks that alternate. A block gives the median latency of a call, and the processor time of
this process per call. The table has the median block of each way, and the median ratio of blocks that followed each
other. It takes under a minute.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Protocol

import psycopg
from psycopg.pq.abc import PGresult

from tests.load.start import own_servers

SIZES: Final = (1, 16, 64)
CALLS: Final = {1: 150, 16: 80, 64: 40}
BLOCKS: Final = 21
ROOMS: Final = 8
BODY: Final = "x" * 100
Call = Callable[[], Awaitable[object]]


class Connection(Protocol):
    """What the service calls on its loop."""

    async def execute(self, statement: bytes, values: Sequence[str | None]) -> list[tuple[bytes | None, ...]]:
        """Execute one statement in a transaction of its own, and return its rows as text."""


class AsyncConnection:
    """The same over `psycopg.AsyncConnection`, with the least that its interface allows.

    The cursor takes $1, $2, … as they are, the statement is prepared with the first call, and the rows are taken as
    text, without conversion.
    """

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._parameters = parameters
        self._cursor: psycopg.AsyncRawCursor[Any] | None = None
        self._turn = asyncio.Lock()

    async def execute(self, statement: bytes, values: Sequence[str | None]) -> list[tuple[bytes | None, ...]]:
        """See `Connection`."""
        async with self._turn:
            if self._cursor is None:
                connection = await psycopg.AsyncConnection.connect(**self._parameters, autocommit=True)
                self._cursor = psycopg.AsyncRawCursor(connection)
            await self._cursor.execute(statement, values, prepare=True)
            result: PGresult | None = self._cursor.pgresult
        assert result is not None
        columns = range(result.nfields)
        return [tuple([result.get_value(row, column) for column in columns]) for row in range(result.ntuples)]

    async def close(self) -> None:
        """Let go of the connection."""
        if self._cursor is not None:
            await self._cursor.connection.close()


def main() -> int:
    """Measure, and print the table."""
    with own_servers():
        lines = asyncio.run(_measure())
    print("\n".join(lines))
    return 0


async def _measure() -> list[str]:
    from chat.db import LoopConnection  # noqa: PLC0415 -- the database is chosen by now

    sessions, rows_of = await asyncio.to_thread(_stock)
    own, other = LoopConnection(), AsyncConnection(_parameters())
    lines = [
        "| call | rows | libpq: latency | CPU | AsyncConnection: latency | CPU | ratio: latency | CPU |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in ("chat_post", "sessions"):
        for size in SIZES:
            calls = [
                _post(each, rows_of, size) if name == "chat_post" else _look_up(each, sessions[:size])
                for each in (own, other)
            ]
            lines.append(f"| {name} | {size} | {await _compare(*calls, times=CALLS[size])} |")
            print(lines[-1], file=sys.stderr)
    own.close()
    await other.close()
    return lines


async def _compare(own: Call, other: Call, *, times: int) -> str:
    blocks: dict[Call, list[tuple[float, float]]] = {own: [], other: []}
    for call in (own, other):
        await _block(call, times)  # connects, prepares, plans
    for number in range(BLOCKS):
        for call in (own, other) if number % 2 else (other, own):
            blocks[call].append(await _block(call, times))
    medians = [[statistics.median(column) for column in zip(*blocks[call], strict=True)] for call in (own, other)]
    figures = [f"{value:.0f} µs" for way in medians for value in way]
    ratios = []
    for column in range(2):
        pairs = zip(blocks[own], blocks[other], strict=True)
        ratios.append(f"{statistics.median(theirs[column] / ours[column] for ours, theirs in pairs):.2f} ×")
    return " | ".join([*figures, *ratios])


async def _block(call: Call, times: int) -> tuple[float, float]:
    """Return the median latency and the processor time of a call, in µs."""
    latencies = []
    used = time.process_time()
    for _ in range(times):
        began = time.perf_counter()
        await call()
        latencies.append(time.perf_counter() - began)
    return statistics.median(latencies) * 1e6, (time.process_time() - used) / times * 1e6


def _parameters() -> dict[str, Any]:
    """How Django connects, without what is of its own cursors."""
    from django.db import connection  # noqa: PLC0415

    given = connection.get_connection_params()
    return {key: value for key, value in given.items() if key not in {"cursor_factory", "context", "pool"}}


def _stock() -> tuple[list[str], Callable[[int], Iterable[Any]]]:
    """Store accounts with a session each, and open rooms; return the sessions, and what makes rows for the rooms."""
    from django.conf import settings  # noqa: PLC0415
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: PLC0415
    from django.contrib.auth.hashers import make_password  # noqa: PLC0415
    from django.contrib.sessions.backends.db import SessionStore  # noqa: PLC0415

    from chat.messages import log  # noqa: PLC0415
    from chat.models import Room, User  # noqa: PLC0415

    sessions = []
    password = make_password(None)
    for number in range(max(SIZES)):
        user = User.objects.create(email=f"{number}@example.jp", name=f"member {number}", password=password)
        store = SessionStore()
        store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
        store[HASH_SESSION_KEY] = user.get_session_auth_hash()
        store.create()
        sessions.append(str(store.session_key))
    squares = [Room.objects.create(name="広場", slug=f"square-{number}") for number in range(ROOMS)]

    def rows_of(size: int) -> Iterable[Any]:
        for number in range(size):
            yield log.Row(
                room=squares[number % ROOMS].pk,
                seq=number // ROOMS + 1,
                id=uuid.uuid4(),
                kind="message",
                author=user.pk,
                author_name=user.name,
                client_id=uuid.uuid4(),
                body=BODY,
                feature="room.open",
                head=0,
            )

    return sessions, rows_of


def _post(connection: Connection, rows_of: Callable[[int], Iterable[Any]], size: int) -> Call:
    from django.utils import timezone  # noqa: PLC0415

    from chat.messages import log  # noqa: PLC0415

    statement = log.POST.format(*(f"${number}" for number in range(1, 7))).encode()

    async def call() -> None:
        rows = list(rows_of(size))
        answer = await connection.execute(
            statement, log.arguments({row.room for row in rows}, rows, timezone.now(), None)
        )
        assert len(answer) == min(size, ROOMS)

    return call


def _look_up(connection: Connection, sessions: Sequence[str]) -> Call:
    from chat.people.authenticator import PEOPLE, SESSIONS  # noqa: PLC0415

    asked, accounts = "{" + ",".join(sessions) + "}", "{" + ",".join(map(str, range(1, len(sessions) + 1))) + "}"

    async def call() -> None:
        assert len(await connection.execute(SESSIONS, [asked])) == len(sessions)
        assert len(await connection.execute(PEOPLE, [accounts])) == len(sessions)

    return call


if __name__ == "__main__":
    sys.exit(main())
