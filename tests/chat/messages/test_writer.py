"""The loop's own connection to the log: what it appends stands there, and if it ends, the next message has another."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction
from django.utils import timezone

from chat import rooms
from chat.db import shutdown_executor
from chat.messages import LogWriter, log
from chat.messages.log import Row
from chat.models import Message, Room, User

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def room(transactional_db: None) -> Room:
    """An open room."""
    return rooms.create_open_room(actor=None, name="雑談", slug="chat")


@pytest.fixture
def writer(transactional_db: None) -> User:
    """Somebody who writes."""
    return User.objects.create(name="書き手", is_guest=True)


@pytest_asyncio.fixture
async def log_writer(room: Room, writer: User) -> AsyncIterator[LogWriter]:
    """A writer, let go of at the end."""
    made = LogWriter()
    yield made
    made.close()
    await asyncio.to_thread(shutdown_executor)


@pytest.fixture
def say(log_writer: LogWriter, room: Room, writer: User) -> Callable[..., Any]:
    """Appends messages to the room; returns its new head."""

    async def append(*bodies: str, kind: str = "message") -> int:
        rows = [
            Row(
                room.pk,
                seq,
                uuid.uuid4(),
                kind,
                writer.pk,
                writer.name,
                uuid.uuid4(),
                body=body,
                author_role="guest",
                feature="room.open",
            )
            for seq, body in enumerate(bodies, 1)
        ]
        answer = await log_writer.post(rows, timezone.now(), None)
        assert answer is not None
        assert answer.stored
        assert set(answer.heads) == {room.pk}
        return answer.heads[room.pk]

    return append


@sync_to_async(thread_sensitive=False)
def bodies() -> list[str]:
    """What the log has, in order."""
    try:
        return [str(body) for body in Message.objects.order_by("seq").values_list("body", flat=True)]
    finally:
        connections.close_all()


async def server_process(log_writer: LogWriter) -> int:
    """The process at the other end of its connection."""
    ((process,),) = await log_writer._database.execute(b"SELECT pg_backend_pid()", [])
    assert process is not None
    return int(process)


@sync_to_async(thread_sensitive=False)
def end(process: int) -> bool:
    """Ends a connection to the database, as a restart does; returns whether there was one."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [process])
            return bool(cursor.fetchone()[0])
    finally:
        connections.close_all()


@sync_to_async(thread_sensitive=False)
def body(seq: int) -> str | None:
    """One body of the log."""
    try:
        return Message.objects.get(seq=seq).body
    finally:
        connections.close_all()


async def test_what_is_appended_stands_in_the_log(say: Callable[..., Any]) -> None:
    assert await say("やあ", 'どうも\n"と\\') == 2
    assert await say("また") == 3
    assert await bodies() == ["やあ", 'どうも\n"と\\', "また"]


async def test_more_than_the_kernel_takes_at_once_is_written_by_and_by(say: Callable[..., Any]) -> None:
    assert await say(*("🐢" * 2000 for _ in range(500))) == 500
    assert await say("また") == 501


async def test_what_asks_for_care_stores_nothing(log_writer: LogWriter, room: Room, writer: User) -> None:
    row = Row(room.pk, 1, uuid.uuid4(), "message", writer.pk, "", uuid.uuid4(), "x", feature="room.match_pair")
    assert await log_writer.post([row], timezone.now(), None) is None
    assert await bodies() == []


async def test_a_connection_that_ended_meanwhile_is_made_anew(log_writer: LogWriter, say: Callable[..., Any]) -> None:
    await log_writer.prepare()
    assert await end(await server_process(log_writer))
    for _ in range(1000):
        if log_writer._database._connection is None:  # noticed by itself, before anybody waits for it
            break
        await asyncio.sleep(0.01)
    assert log_writer._database._connection is None
    assert await say("やあ") == 1


async def test_a_connection_that_ends_under_way_fails_its_batch_and_no_other(
    log_writer: LogWriter, room: Room, say: Callable[..., Any]
) -> None:
    await log_writer.prepare()
    process = await server_process(log_writer)
    locked, release = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold() -> None:
        try:
            with transaction.atomic():
                log.lock([room.pk])
                loop.call_soon_threadsafe(locked.set)
                asyncio.run_coroutine_threadsafe(release.wait(), loop).result(20)
        finally:
            connections.close_all()

    holding = asyncio.create_task(asyncio.to_thread(hold))
    await locked.wait()
    waiting = asyncio.create_task(say("消える"))
    await asyncio.sleep(0)
    assert await end(process)
    with pytest.raises(psycopg.OperationalError):
        await waiting
    release.set()
    await holding
    assert await say("残る") == 1
    assert await bodies() == ["残る"]


async def test_whoever_gives_up_waiting_leaves_no_answer_to_the_next(
    log_writer: LogWriter, room: Room, say: Callable[..., Any]
) -> None:
    for number in range(40):  # more often than the pool has connections, and at every moment of connecting and asking
        giving_up = asyncio.create_task(say(f"{number}"))
        await asyncio.sleep(number / 4000)
        if giving_up.done():
            continue
        giving_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await giving_up
    assert await body(await say("最後")) == "最後"


async def test_a_pooler_that_forgets_what_was_prepared_costs_no_message(
    log_writer: LogWriter, say: Callable[..., Any]
) -> None:
    assert await say("やあ") == 1
    for _ in range(2):
        await log_writer._database.execute(b"DEALLOCATE ALL", [])
        assert await say("どうも", "また") > 1
    assert await bodies() == ["やあ", *(["どうも", "また"] * 2)]


async def test_what_the_database_refuses_is_said_and_stays_alone(say: Callable[..., Any]) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        await say("誰？", kind="edit")
    assert await say("やあ") == 1
