"""The short way into the log: one round trip where nothing speaks against a batch, and else nothing is stored by it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace as replaced
from datetime import timedelta

import pytest
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from msgspec.structs import replace
from pytest_django.fixtures import Settings

from chat import matching, messages, rooms
from chat.messages import NewEvent
from chat.messages import queries as history
from chat.models import Message, Participant, Room, User
from chat.people import Person
from chat.realtime import Committed
from compliance import gate
from compliance.gate import snapshot, state
from compliance.law import Feature, Mode, Status
from compliance.models import Instance
from tests.compliance.cases import standing
from tests.conftest import MakeUser
from tests.kit.store import store

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

SAY = Message.Kind.MESSAGE
OPEN, PAIR = Feature.ROOM_OPEN.value, Feature.MATCH_PAIR.value


@pytest.fixture
def room(db: None) -> Room:
    """An open room with one message in it."""
    made = rooms.create_open_room(actor=None, name="雑談", slug="chat")
    store([NewEvent(made.pk, Person.of(User.objects.create_user("first@example.jp")), SAY, "1")])
    return made


@pytest.fixture
def talk(operator: User, make_member: MakeUser, settings: Settings) -> tuple[Room, Person, Person]:
    """A closed talk and the two in it, under a gate that this process has just looked at."""
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    pair = [Person.of(make_member(name)) for name in ("あ", "い")]
    for person in pair:
        matching.seek(person=person)
    match = matching.pair(pair[1].pk)
    assert match is not None
    gate.reconcile()
    return Room.objects.get(pk=match.room), pair[0], pair[1]


def statements(entries: list[NewEvent]) -> tuple[int, messages.BatchResult]:
    """How many round trips a batch took, and what came of it."""
    with CaptureQueriesContext(connection) as trips:
        result = store(entries)
    return len(trips), result


def test_a_batch_of_open_and_closed_rooms_is_one_round_trip(
    room: Room, talk: tuple[Room, Person, Person], user: User
) -> None:
    closed, a, b = talk
    me = Person.of(user)
    batch = [
        NewEvent(room.pk, me, SAY, "やあ", uuid.uuid4(), feature=OPEN),
        NewEvent(closed.pk, a, SAY, "ひみつ", uuid.uuid4(), feature=PAIR),
        NewEvent(room.pk, a, SAY, 'どうも\n"と\\', uuid.uuid4(), reply_to=1, feature=OPEN),
        NewEvent(closed.pk, b, SAY, "うん", feature=PAIR),
    ]
    trips, result = statements(batch)
    assert trips == 1
    assert [outcome.seq for outcome in result.outcomes if isinstance(outcome, Committed)] == [2, 1, 3, 2]
    assert result.heads == {room.pk: 3, closed.pk: 2}
    assert dict(Room.objects.values_list("id", "head")) == result.heads
    for place, after in ((room, 1), (closed, 0)):
        assert history.log_after(place.pk, after, 9).items == result.items[place.pk]
    assert not Message.objects.filter(room=closed, body__isnull=False).exists()
    assert Room.objects.get(pk=room.pk).last_at > room.last_at


Spoil = Callable[[NewEvent, Room], NewEvent | list[NewEvent]]
CLIENT = uuid.uuid4()
AGAINST: dict[str, tuple[Spoil, list[object]]] = {
    "no such room": (lambda entry, _room: replace(entry, room=uuid.uuid4()), ["missing"]),
    "another feature by now": (lambda entry, _room: replace(entry, feature=PAIR), [2]),
    "an answer to nothing": (lambda entry, _room: replace(entry, reply_to=2), ["missing"]),
    "an answer to zero": (lambda entry, _room: replace(entry, reply_to=0), ["missing"]),
    "a client id twice": (lambda entry, _room: [entry, entry], [2, 2]),
    "an ended room": (
        lambda entry, room: [entry][: Room.objects.filter(pk=room.pk).update(ended_at=timezone.now())],
        ["conflict"],
    ),
    "a stored client id": (lambda entry, _room: [entry][: len(store([entry]).outcomes)], [2]),
    "an edit": (lambda entry, _room: replace(entry, kind=Message.Kind.EDIT, target=1), ["forbidden"]),
}


@pytest.mark.parametrize(("spoil", "told"), AGAINST.values(), ids=AGAINST)
def test_what_something_speaks_against_is_decided_by_the_long_way(
    spoil: Spoil, told: list[object], room: Room, user: User
) -> None:
    spoiled = spoil(NewEvent(room.pk, Person.of(user), SAY, "x", CLIENT, feature=OPEN), room)
    batch = spoiled if isinstance(spoiled, list) else [spoiled]
    trips, result = statements(batch)
    assert trips > 1
    assert [
        outcome.seq if isinstance(outcome, Committed) else outcome and outcome.code.value for outcome in result.outcomes
    ] == told
    rows = list(Message.objects.filter(room=room).order_by("seq").values_list("seq", flat=True))
    assert rows == list(range(1, len(rows) + 1))
    assert Room.objects.get(pk=room.pk).head == len(rows)


def test_one_that_is_refused_does_not_take_the_others_with_it(room: Room, user: User) -> None:
    me = Person.of(user)
    batch = [NewEvent(room.pk, me, SAY, f"{n}", feature=OPEN, reply_to=99 if n == 1 else None) for n in range(3)]
    stored, refused, again = store(batch).outcomes
    assert isinstance(stored, Committed)
    assert isinstance(again, Committed)
    assert not isinstance(refused, Committed)
    assert (stored.seq, again.seq) == (2, 3)


def test_who_is_not_inside_writes_nothing(talk: tuple[Room, Person, Person], user: User) -> None:
    closed, a, b = talk
    Participant.objects.filter(room=closed, user_id=b.pk).update(left_at=timezone.now())
    for outsider in (Person.of(user), b):
        _trips, result = statements([NewEvent(closed.pk, outsider, SAY, "x", feature=PAIR)])
        [refused] = result.outcomes
        assert not isinstance(refused, Committed)
        assert refused
        assert refused.code == "missing"
    trips, _result = statements([NewEvent(closed.pk, a, SAY, "x", feature=PAIR)])
    assert trips == 1


def test_a_gate_that_moved_since_it_was_looked_at_is_asked_anew(
    talk: tuple[Room, Person, Person], operator: User
) -> None:
    closed, a, _b = talk
    entry = NewEvent(closed.pk, a, SAY, "x", feature=PAIR)
    remembered = snapshot._cached
    gate.pull_stop(reason="点検", actor=operator)
    snapshot._cached = remembered  # as in a process that has not looked since
    assert gate.optimistic([Feature.MATCH_PAIR]) is not None
    [refused] = store([entry]).outcomes
    assert not isinstance(refused, Committed)
    assert refused
    assert refused.code == "gate"
    assert not Message.objects.filter(room=closed).exists()


def test_the_function_holds_the_lock_that_whoever_moves_the_gate_takes(db: None) -> None:
    other = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT compliance_gate_unmoved(gen_random_uuid(), now(), '')")
            assert cursor.fetchall() == [(False,)]
            cursor.execute(
                "SELECT mode, classid::bigint << 32 | objid::bigint FROM pg_locks"
                " WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted"
            )
            assert cursor.fetchall() == [("ShareLock", state.GATE_LOCK)]
            cursor.execute("ROLLBACK")
    finally:
        other.close()


def test_another_environment_among_the_processes_keeps_everything_out(talk: tuple[Room, Person, Person]) -> None:
    closed, a, _b = talk
    Instance.objects.create(id=uuid.uuid4(), fingerprint="another", seen_at=timezone.now() - timedelta(seconds=14))
    [refused] = store([NewEvent(closed.pk, a, SAY, "x", feature=PAIR)]).outcomes
    assert not isinstance(refused, Committed)
    assert refused
    assert refused.code == "gate"


def test_no_pledge_without_a_look_an_authorisation_or_keys(
    talk: tuple[Room, Person, Person], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gate.optimistic([Feature.MATCH_PAIR]) is not None
    remembered = snapshot._cached
    assert remembered is not None
    monkeypatch.setattr("compliance.gate.snapshot._cached", replaced(remembered, authorisation=None))
    assert gate.optimistic([Feature.MATCH_PAIR]) is None
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)
    assert gate.optimistic([Feature.MATCH_PAIR]) is None
    monkeypatch.setattr("compliance.gate.snapshot._cached", remembered)
    settings.CLOSED_CHAT_KEYS = []
    assert gate.optimistic([Feature.MATCH_PAIR]) is None
