"""The event loop's own connection: rows as text, one statement at a time, and a fresh start after each failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from chat.db import LoopConnection, shutdown_executor

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest_asyncio.fixture
async def database(transactional_db: None) -> AsyncIterator[LoopConnection]:
    """A connection of this loop, closed at the end."""
    made = LoopConnection()
    yield made
    made.close()
    await asyncio.to_thread(shutdown_executor)


async def test_rows_come_as_text_with_nulls(database: LoopConnection) -> None:
    rows = await database.execute(b"SELECT n, NULL, $1::text FROM generate_series(1, 2) n", ["部屋"])
    assert rows == [(b"1", None, "部屋".encode()), (b"2", None, "部屋".encode())]
    assert await database.execute(b"SELECT 1 WHERE $1::text IS NOT NULL", [None]) == []


async def test_concurrent_callers_each_get_their_own_rows(database: LoopConnection) -> None:
    answers = await asyncio.gather(*(database.execute(b"SELECT $1::int", [str(number)]) for number in range(50)))
    assert answers == [[(str(number).encode(),)] for number in range(50)]


async def test_refused_statement_fails_alone_and_the_next_one_connects_again(database: LoopConnection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        await database.execute(b"SELECT 1 / $1::int", ["0"])
    assert database._connection is None
    assert await database.execute(b"SELECT 1 / $1::int", ["1"]) == [(b"1",)]


async def test_answer_larger_than_one_read_arrives_whole(database: LoopConnection) -> None:
    ((text,),) = await database.execute(b"SELECT repeat('x', $1::int)", ["3000000"])
    assert text == b"x" * 3_000_000


async def test_cancelled_caller_leaves_no_row_to_the_next(database: LoopConnection) -> None:
    await database.execute(b"SELECT 0", [])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(database.execute(b"SELECT 1 FROM pg_sleep(30)", []), 0.05)
    assert await database.execute(b"SELECT 2", []) == [(b"2",)]
