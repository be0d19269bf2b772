"""The log's table can be split by room: the same constraints, statements and answers, each on one partition."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, connection, transaction

from chat import personal_data, retention, rooms
from chat.messages import NewEvent
from chat.messages import queries as history
from chat.models import Message, Room, User
from chat.people import Person
from chat.protocol import Refused
from chat.realtime import Committed
from compliance.law import Feature
from tests.kit.store import store
from tests.load.plans import explained, ran

pytestmark = [pytest.mark.load, pytest.mark.postgres, pytest.mark.django_db]

COUNT = 8
# What LIKE takes over are columns, checks, indexes and unique keys; PostgreSQL refuses those without the room in them.
SPLIT = f"""
CREATE TABLE log (LIKE chat_message INCLUDING ALL) PARTITION BY HASH (room_id);
ALTER TABLE log ADD FOREIGN KEY (room_id) REFERENCES chat_room DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (author_id) REFERENCES chat_user DEFERRABLE INITIALLY DEFERRED;
DO $$ BEGIN FOR n IN 0..{COUNT - 1} LOOP
    EXECUTE format('CREATE TABLE log_%s PARTITION OF log FOR VALUES WITH (MODULUS {COUNT}, REMAINDER %s)', n, n);
END LOOP; END $$;
INSERT INTO log SELECT * FROM chat_message;
DROP TABLE chat_message;
ALTER TABLE log RENAME TO chat_message;
"""  # noqa: S608 -- of constants


@pytest.fixture
def person(db: None) -> Person:
    """A member."""
    return Person.of(User.objects.create(email="member@example.jp", name="member", password=make_password(None)))


@pytest.fixture
def squares(person: Person) -> list[Room]:
    """Open rooms with words from before the table was split, and some from after."""
    made = [rooms.create_open_room(actor=None, name="広場", slug=f"square-{number}") for number in range(2 * COUNT)]
    for room in made:
        say(room, person)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(SPLIT)
    store([entry for room in made for entry in entries(room, person, 3)])
    return made


def entries(room: Room, person: Person, count: int) -> list[NewEvent]:
    """So many messages to a room."""
    feature = Feature.ROOM_OPEN.value
    return [
        NewEvent(room.pk, person, Message.Kind.MESSAGE, "words", uuid.uuid4(), feature=feature) for _ in range(count)
    ]


def say(room: Room, person: Person) -> Committed:
    """Write one message."""
    [stored] = store(entries(room, person, 1)).outcomes
    assert isinstance(stored, Committed)
    return stored


def partitions(act: Callable[[], object]) -> set[str]:
    """The partitions that an act looks into or writes to; it is undone."""
    with transaction.atomic():
        with explained() as plans:
            act()
        transaction.set_rollback(True)
    names = {node.get("Relation Name", "") for plan in plans for node in plan.nodes() if ran(node)}
    return {name for name in names if name.startswith("log_")}


def test_the_log_is_split_and_whole(squares: list[Room]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT tableoid) FROM chat_message")
        assert cursor.fetchone()[0] > COUNT / 2
    for room in squares:
        room.refresh_from_db()
        assert [item.seq for item in history.latest(room.key, None).items] == [1, 2, 3, 4]
        assert room.head == 4


def test_what_is_read_and_written_of_a_room_is_in_one_partition(squares: list[Room], person: Person) -> None:
    room = squares[0]
    for act in (
        lambda: history.latest(room.key, None),
        lambda: history.before(room.key, None, 3),
        lambda: history.after(room.key, None, 1),
        lambda: store(entries(room, person, 5)),
        lambda: store([NewEvent(room.pk, person, Message.Kind.EDIT, "others", uuid.uuid4(), target=1)]),
        lambda: store([NewEvent(room.pk, person, Message.Kind.DELETE, "", uuid.uuid4(), target=2)]),
    ):
        assert len(partitions(act)) == 1


def test_what_holds_of_the_log_holds_of_its_parts(squares: list[Room], person: Person) -> None:
    room = squares[0]
    [entry] = entries(room, person, 1)
    first, again = (store([entry]).outcomes[0] for _ in range(2))
    assert isinstance(first, Committed)
    assert isinstance(again, Committed)
    assert (again.seq, again.item) == (first.seq, None)
    [refused] = store([NewEvent(room.pk, person, Message.Kind.EDIT, "x", uuid.uuid4(), target=99)]).outcomes
    assert isinstance(refused, Refused)
    for fields in (
        {"seq": 1},
        {"seq": 99, "client_id": entry.client_id},
        {"seq": 99, "kind": "edit"},
        {"seq": 99, "room_id": uuid.uuid4()},
        {"seq": 99, "author_id": 2**40},
    ):
        said = {"room_id": room.pk, "author_id": person.pk, "author_name": "member", "body": "words"} | fields
        with pytest.raises(IntegrityError):
            write(Message(**said))


@transaction.atomic
def write(message: Message) -> None:
    """Write a row behind the service's back."""
    message.save(force_insert=True)
    connection.check_constraints()


def test_rooms_and_people_can_go(squares: list[Room], person: Person) -> None:
    assert retention.delete(Room, Room.objects.filter(pk=squares[0].pk)) == 1
    personal_data.erase([User.objects.get(pk=person.pk)])
    connection.check_constraints()
    assert not Message.objects.filter(room_id=squares[0].pk).exists()
    assert set(Message.objects.values_list("author_id", flat=True)) == {None}
