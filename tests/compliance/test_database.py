"""The database as the service meets it: limits of every session, its condition, and errors in one sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import DatabaseError, InternalError, OperationalError, ProgrammingError, connection, transaction

from chat.db import LoopConnection
from compliance import database
from compliance.database.health import encoding_fault
from compliance.database.waits import PAGE
from tests import embedded
from tests.chaos.held import holding
from tests.test_every_command import ends

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_sessions() -> Iterator[None]:
    """Keeps what a test sets in a session from the next test."""
    yield
    if connection.vendor == "postgresql":
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]


def shown(name: str) -> str:
    """A setting of the session."""
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return str(cursor.fetchone()[0])


@pytest.mark.postgres
@pytest.mark.parametrize("in_transaction", [False, True])
def test_every_session_and_every_transaction_has_the_limits_of_its_work(*, in_transaction: bool) -> None:
    for waits in (PAGE, database.JOB, database.STORING, database.COMMAND, PAGE):
        with database.bounded(waits):
            if in_transaction:
                with transaction.atomic():
                    found = shown("lock_timeout"), shown("statement_timeout")
            else:
                found = shown("lock_timeout"), shown("statement_timeout")
        expected = tuple(
            "0" if not seconds else f"{seconds:.0f}s" if seconds >= 1 else f"{seconds * 1000:.0f}ms"
            for seconds in waits
        )
        assert found == expected
    assert shown("transaction_isolation") == "read committed"


@pytest.mark.postgres
def test_a_pooler_that_hands_out_another_session_takes_no_limit_away() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0; SET statement_timeout = 0")
    with database.bounded(database.JOB), transaction.atomic():
        assert (shown("lock_timeout"), shown("statement_timeout")) == ("500ms", "4s")


@pytest.mark.postgres
def test_a_transaction_is_read_committed_whatever_the_database_says_by_default() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_isolation = 'serializable'")
    with transaction.atomic():
        assert shown("transaction_isolation") == "read committed"
    fault = database.examine()
    assert fault is not None
    assert fault.code == "isolation"


@pytest.mark.postgres
def test_a_server_that_says_nothing_counts_as_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        monkeypatch.setattr("compliance.database.waits._GRACE", -3.5)  # sooner than the server would end it
        with pytest.raises(OperationalError, match="does not answer"):
            cursor.execute("SELECT pg_sleep(3)")


@pytest.mark.postgres
def test_a_sound_database_has_no_fault_and_a_read_only_one_says_so() -> None:
    assert database.examine() is None
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    fault = database.examine()
    assert fault is not None
    assert fault.code == "read_only"


@pytest.mark.postgres
def test_a_disk_without_room_is_full() -> None:
    with connection.cursor() as cursor:  # the server's own limit on temporary files stands for the end of the disk
        cursor.execute("SET temp_file_limit = '100kB'")
        with pytest.raises(OperationalError) as failed:
            cursor.execute(
                "SET work_mem = '64kB'; SELECT repeat('x', 900) FROM generate_series(1, 900) n ORDER BY n % 7"
            )
    assert database.sqlstate(failed.value) == "53400"


def test_a_file_without_room_or_without_the_right_to_write_says_so() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's limits")
    assert database.examine() is None
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        (pages,) = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        fault = database.examine()
        cursor.execute("PRAGMA max_page_count = 1073741823")
    assert fault is not None
    assert fault.code == "full"


@pytest.mark.parametrize(("server", "client"), [("SQL_ASCII", "UTF8"), ("LATIN1", "UTF8"), ("UTF8", "EUC_JP")])
def test_another_encoding_is_a_fault_that_names_it(server: str, client: str) -> None:
    assert encoding_fault("UTF8", "UTF8") is None
    fault = encoding_fault(server, client)
    assert fault is not None
    wrong = client if server == "UTF8" else server
    assert wrong in fault.text.ja
    assert wrong in fault.text.en


def test_missing_tables_and_locks_are_told_apart_from_faults_of_the_code() -> None:
    with pytest.raises(DatabaseError) as missing, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM nowhere")
    told = database.explain(missing.value)
    assert told is not None
    assert "make migrate" in told.en
    assert database.explain(ProgrammingError("a fault of the code")) is None
    assert database.explain(OperationalError("connection refused")) == database.explain(OperationalError())


@pytest.mark.postgres
def test_a_lock_that_somebody_else_holds_ends_in_a_sentence() -> None:
    with (
        holding("LOCK TABLE chat_room IN ACCESS EXCLUSIVE MODE"),
        database.bounded(database.Waits(lock=0.05, statement=1)),
        pytest.raises(OperationalError) as blocked,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT 1 FROM chat_room")
    assert database.is_blocked(blocked.value)
    assert not database.is_rejected(blocked.value)


@pytest.mark.postgres
def test_a_write_into_a_read_only_database_is_told_apart() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        with pytest.raises(InternalError) as refused:
            cursor.execute("UPDATE chat_room SET head = head")
    told = database.explain(refused.value)
    assert told is not None
    assert "read-only" in told.en


@contextmanager
def named(name: str, *statements: str) -> Iterator[str]:
    """The URL of a database of this name, made by these statements and dropped afterwards."""
    assert embedded.run.postgres is not None
    with psycopg.connect(embedded.run.postgres.get_uri(), autocommit=True) as owner:
        for statement in statements:
            owner.execute(statement)
        try:
            yield embedded.run.postgres.get_uri(name)
        finally:
            owner.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("encoding", ["SQL_ASCII", pytest.param("LATIN1", marks=pytest.mark.long)])
def test_nothing_is_migrated_into_a_database_of_another_encoding(encoding: str) -> None:
    if embedded.run.postgres is None:
        pytest.skip("makes a database on a server that here is not of this run")
    made = f"CREATE DATABASE foreign_text ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
    with named("foreign_text", made) as url:
        for _command, code, told in ends((("migrate",), ("check", "--database", "default")), DATABASE_URL=url):
            assert code == 1
            assert encoding in told
            assert "createdb -E UTF8" in told
            assert "Traceback" not in told


@pytest.mark.postgres
@pytest.mark.parametrize("level", ["serializable", "repeatable read"])
def test_an_isolation_level_that_an_operator_set_for_the_database_moves_none_of_ours(level: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        (name,) = cursor.fetchone()
        cursor.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'")
    try:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        assert shown("default_transaction_isolation") == "read committed"
        with transaction.atomic():
            assert shown("transaction_isolation") == "read committed"
        assert database.examine() is None

        async def ask() -> None:
            asking = LoopConnection()
            found = await asking.execute(b"SELECT current_setting('transaction_isolation')", [])
            assert found == [(b"read committed",)]
            asking.close()

        asyncio.run(ask())
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} RESET default_transaction_isolation")
