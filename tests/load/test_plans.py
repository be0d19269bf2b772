"""Every statement that people wait for finds its rows by an index, and asks for no more pages as the service grows."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from chat import matching, messages, people, retention, rooms
from chat.messages import NewEvent
from chat.messages import queries as history
from chat.models import Message, Room, Ticket, User
from chat.people import Login, Person, authenticator
from chat.realtime import Committed
from chat.retention.run import BATCH
from chat.rooms import KnownRoom
from compliance import gate
from compliance.law import Feature
from compliance.records import holds
from tests.kit.store import store
from tests.load import grown
from tests.load.grown import FIRST, SPEAKER, SQUARE
from tests.load.plans import Plan, explained

pytestmark = [pytest.mark.load, pytest.mark.postgres, pytest.mark.django_db]

SMALL: Final = 1_000  # people; ten times as many messages. In a smaller one a table is a page, and read at once
PAIR: Final = Feature.MATCH_PAIR.value
#: Tables whose size the number of people and messages does not change.
STANDING: Final = frozenset(
    f"compliance_{name}" for name in ("authorisation", "gatestate", "instance", "ledgerhead", "signature")
)
# Counts of the last minutes, and the groups of staff, do not grow with people. The ledger has a few entries here.
EMPTY: Final = frozenset({"chat_counter", "chat_user_groups", "compliance_ledgerentry"})


@pytest.fixture(
    scope="module", params=[10_000, pytest.param(100_000, marks=pytest.mark.long)], ids=["100k", "1M"]
)  # messages
def size(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Any]:
    """The service at that size; what the three acts cost when it was small."""
    keys, settings.STANDING = settings.STANDING, settings.STANDING
    with django_db_blocker.unblock():
        try:
            grown.open_up()
            grown.grow(0, SMALL)
            small = {name: buffers(act) for name, act in grown.ACTS.items()}
            grown.grow(SMALL, request.param)
            yield small
        finally:
            settings.STANDING = keys
            call_command("flush", interactive=False, verbosity=0)


def buffers(act: Callable[[], object]) -> int:
    """How many pages an act asks for; it is undone."""
    return sum(plan.buffers for plan in plans_of(act))


def plans_of(act: Callable[[], object]) -> list[Plan]:
    """The plans of an act, which is undone."""
    with transaction.atomic():
        with explained() as plans:
            act()
        transaction.set_rollback(True)
    assert plans
    return plans


UNDONE: Final = 20
"""Versions of a row that earlier acts left when they were undone: how many depends on the order of the tests."""
PAGE_ROWS: Final = 20 * history.PAGE
"""What the newest page may look at: its rows, and the index entries of messages that were undone."""


def check(act: Callable[[], object], most: int) -> None:
    """Hold each statement of an act to what it may look at.

    Args:
        act: is undone.
        most: rows that any step may look at, besides those of `UNDONE`.
    """
    for plan in plans_of(act):
        assert plan.scanned() <= STANDING | EMPTY, plan
        assert plan.rows <= most + UNDONE, plan


# --- who and where ----------------------------------------------------------------------------------------------


@pytest.fixture
def square(size: Any, db: None) -> uuid.UUID:
    """The room that everybody is in."""
    return grown.square()


@pytest.fixture
def talk(size: Any, db: None) -> tuple[uuid.UUID, Person]:
    """A closed talk, with some words in it, and one of the two."""
    made = grown.match()
    person = made.people[0]
    for _ in range(3):
        grown.post(made.room, PAIR, person)
    return made.room, person


@pytest.fixture
def visitor(size: Any, db: None) -> Client:
    """A member's browser."""
    client = Client()
    client.force_login(User.objects.get(pk=SPEAKER.person.pk))
    return client


def entries(room: uuid.UUID, person: Person, kind: Message.Kind, **what: Any) -> list[NewEvent]:
    """One entry as a page makes it, that takes the long way."""
    return [NewEvent(room, person, kind, client_id=uuid.uuid4(), **what)]


# --- what people wait for ------------------------------------------------------------------------------------------


def test_coming_into_a_room(size: Any, square: uuid.UUID, talk: tuple[uuid.UUID, Person]) -> None:
    room, person = talk
    check(grown.join, PAGE_ROWS)
    check(lambda: rooms.readable_room(str(room), person.pk), 10)
    check(lambda: history.latest(str(room), person.pk), 10)
    check(lambda: rooms.readership_of(room), 10)
    check(lambda: rooms.closed_rooms_of(person.pk), 10)
    check(lambda: rooms.readers(Room(pk=room)), 10)


def test_reading_back_and_on(size: Any, square: uuid.UUID) -> None:
    room = rooms.room_by_id(square)
    assert room is not None
    for seq in (100, room.head // 2, room.head - 10):
        check(partial(history.before, SQUARE, None, seq, 200), 400)
        check(partial(history.after, SQUARE, None, seq, 200), 400)
        check(partial(history.log_after, square, seq, 200), 400)


def test_a_page(size: Any, visitor: Client) -> None:
    check(lambda: visitor.get("/"), 200)  # the lobby: a hundred rooms
    check(lambda: visitor.get(f"/rooms/{SQUARE}/"), PAGE_ROWS)
    check(lambda: visitor.get("/match/"), 10)


def test_signing_in(size: Any, db: None) -> None:
    person = User.objects.get(pk=SPEAKER.person.pk)
    person.set_password("correct horse battery")
    person.save()
    told = {"login": person.email, "password": "correct horse battery"}
    check(lambda: Client().post("/accounts/login/", told), 10)
    check(lambda: Client().post("/guest/", {"nickname": "旅人"}), 10)


@pytest.mark.parametrize("count", [1, 5, 50, 250])
def test_saying_something(size: Any, square: uuid.UUID, count: int) -> None:
    check(lambda: grown.post(square, times=count), 2 * count)


@pytest.mark.parametrize("count", [5, 50, 250])
def test_many_who_say_something_in_rooms_of_their_own(size: Any, db: None, count: int) -> None:
    keys = list(Room.objects.filter(kind="open").values_list("id", flat=True)[:count])
    batch = [
        NewEvent(key, SPEAKER.person, Message.Kind.MESSAGE, "x", uuid.uuid4(), feature=Feature.ROOM_OPEN)
        for key in keys
    ]
    check(lambda: store(batch), 3 * len(keys))


def test_saying_something_in_a_closed_talk(size: Any, talk: tuple[uuid.UUID, Person]) -> None:
    check(lambda: grown.post(talk[0], PAIR, talk[1]), 8)  # the room has a version for each word said here
    check(lambda: messages.mark_seen(person=talk[1], room=talk[0], seq=2), 4)


def test_the_long_way_into_the_log(size: Any, square: uuid.UUID, talk: tuple[uuid.UUID, Person]) -> None:
    for room, person in ((square, SPEAKER.person), talk):
        said = entries(room, person, Message.Kind.MESSAGE, body="first")
        [stored] = store(said).outcomes
        assert isinstance(stored, Committed)
        check(partial(store, said), 4)  # again
        for kind in (Message.Kind.EDIT, Message.Kind.DELETE):
            changed = entries(room, person, kind, body="second", target=stored.seq)
            check(partial(store, changed), 4)


def test_seeking_and_being_matched(size: Any, db: None) -> None:
    check(grown.match, 100)
    made = grown.match()
    person = made.people[0]
    check(lambda: matching.match_in(made.room), 4)
    check(lambda: matching.activities([person.pk for person in made.people]), 12)
    check(lambda: rooms.leave_room(person=person, room=made.room), 8)
    check(lambda: matching.cancel(person=person), 4)


def test_matching_those_who_were_missed(size: Any, db: None) -> None:
    check(matching.sweep, 1100)
    waiting = list(Ticket.objects.filter(room=None).values_list("user_id", flat=True)[:200])
    check(lambda: matching.beat(waiting), 1000)
    check(lambda: matching.part(judges_coming=True, judges_staying=True), 4)


def test_what_every_process_asks_again_and_again(size: Any, db: None) -> None:
    store = SessionStore()
    person = User.objects.get(pk=SPEAKER.person.pk)
    store.update(
        {
            SESSION_KEY: str(person.pk),
            BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
            HASH_SESSION_KEY: person.get_session_auth_hash(),
        }
    )
    store.create()
    check(lambda: people.authenticate(store.session_key, "ja"), 4)
    asked = (
        (authenticator.SESSIONS, store.session_key),
        (authenticator.PEOPLE, person.pk),
        (rooms.ACCESS, grown.square()),
    )
    for statement, key in asked:
        with connection.cursor() as cursor:
            sql = statement.decode().replace("$1", "%s")
            check(partial(cursor.execute, sql, [f"{{{key}}}"]), 4)
    known_logins = {Login(f"{number:032x}", FIRST + number, "") for number in range(1, 501)}
    check(lambda: people.revoked_logins(known_logins), 500)
    known = [KnownRoom(room, 0, "room.open", 0) for room in Room.objects.values_list("id", flat=True)[:500]]
    check(lambda: rooms.changed_rooms(known), 500)
    check(lambda: gate.heartbeat(uuid.uuid4()), 40)


def test_opening_and_locking_a_room(size: Any, db: None) -> None:
    person = User.objects.get(pk=SPEAKER.person.pk)
    check(lambda: rooms.create_open_room(actor=person, name="room"), 10)
    made = rooms.create_open_room(actor=person, name="room")
    grown.post(made.pk)
    check(lambda: rooms.lock_room(actor=person, room=made), 40)


@pytest.mark.parametrize("key", ["guests", "sessions", "closed_words", "closed_history", "tickets"])
@pytest.mark.parametrize("days", [-1, 800], ids=["nothing due", "all due"])
def test_a_nightly_batch_reads_no_log_from_end_to_end(size: Any, db: None, key: str, days: int) -> None:
    before = timezone.now() + timedelta(days=days)
    for job in retention.JOBS[key]:
        due = job.due(before, holds.Live())[:BATCH]
        for plan in plans_of(partial(job.erase, due)):
            assert not plan.scanned() & {"chat_message", "chat_participant", "chat_pairing"}, plan


# --- the indexes themselves ----------------------------------------------------------------------------------------


def indexes() -> list[tuple[str, str, tuple[int, ...], str, str, bool]]:
    """Each index of the chat's tables: table, name, columns, operator classes, condition, whether it is unique."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, i.indexrelid::regclass::text, i.indkey::text, i.indclass::text,"
            " coalesce(pg_get_expr(i.indpred, i.indrelid), ''), i.indisunique"
            " FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relname LIKE 'chat\\_%'"
        )
        return [
            (table, name, tuple(map(int, columns.split())), classes, condition, unique)
            for table, name, columns, classes, condition, unique in cursor.fetchall()
        ]


def test_what_refers_to_a_row_is_found_by_an_index(db: None) -> None:
    leading = {(table, columns[0]) for table, _name, columns, _classes, condition, _u in indexes() if not condition}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, k.conname, k.conkey[1] FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
            " WHERE k.contype = 'f' AND c.relname LIKE 'chat\\_%'"
        )
        keys = cursor.fetchall()
    assert len(keys) > 10
    assert [name for table, name, column in keys if (table, column) not in leading] == []


def test_no_index_says_what_another_says_too(db: None) -> None:
    found = [index for index in indexes() if not index[0].startswith("chat_user_")]  # those are Django's own
    double = [
        f"{one[1]} is in {other[1]}"
        for one in found
        for other in found
        if one is not other
        and one[0] == other[0]
        and not one[5]
        and other[2][: len(one[2])] == one[2]
        and other[3].startswith(one[3])
        and one[4] == other[4]
    ]
    assert double == []


# --- growth --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", grown.ACTS)
def test_an_act_asks_for_no_more_pages_in_a_large_service(size: dict[str, int], db: None, act: str) -> None:
    assert buffers(grown.ACTS[act]) <= 1.5 * size[act]
