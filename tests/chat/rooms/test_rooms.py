"""Rooms are opened by members, found by their address, and locked for good by whoever opened them."""

from __future__ import annotations

import uuid

import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from chat import people, rooms
from chat.messages import NewEvent
from chat.messages import queries as history
from chat.models import Message, Participant, Room, User
from chat.people import Person
from chat.protocol import Refused
from compliance.gate import FeatureClosed
from compliance.law import Feature, Mode, Standing, Status
from tests.compliance.cases import standing
from tests.conftest import MakeUser, signed_in
from tests.kit.store import store


@pytest.fixture
def open_gate(operator: User, settings: Settings) -> User:
    """Closed chat is on by the deployer's key alone; returns the operator, who can stop it."""
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    return operator


def say(room: Room, person: User, body: str = "やあ") -> int:
    """Post a message; return its seq."""
    [outcome] = store([NewEvent(room.pk, Person.of(person), Message.Kind.MESSAGE, body)]).outcomes
    assert not isinstance(outcome, Refused), outcome.reason
    assert outcome is not None
    return outcome.seq


# Opening --------------------------------------------------------------------------------------------------------------


def test_a_room_is_open_listed_and_at_an_address_made_of_its_name(user: User) -> None:
    room = rooms.create_open_room(actor=user, name="Late Night Talk", description="For those awake")
    assert (room.kind, room.slug, room.key) == ("open", "late-night-talk", "late-night-talk")
    assert (room.made_by, room.created_by, room.authorisation) == ("person", user, None)
    assert list(rooms.open_rooms().rooms) == [room]
    assert Client().get("/rooms/late-night-talk/").status_code == 200


def test_a_name_without_latin_letters_gets_an_address_by_chance(user: User) -> None:
    addresses = {rooms.create_open_room(actor=user, name="雑談").key for _ in range(5)}
    assert len(addresses) == 5
    for address in addresses:
        assert Client().get(f"/rooms/{address}/").status_code == 200


def test_the_same_name_again_gets_an_address_of_its_own(user: User) -> None:
    first, second = (rooms.create_open_room(actor=user, name="Chat") for _ in range(2))
    assert first.key == "chat"
    assert second.key.startswith("chat-")


def test_an_address_that_the_operator_asks_for_is_that_or_none(db: None) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    assert Room.objects.get().made_by == "operator"
    with pytest.raises(IntegrityError):
        rooms.create_open_room(actor=None, name="雑談", slug="chat")


@pytest.mark.parametrize(
    "name", ["new", "New", "0123456789abcdef0123456789abcdef", f"{uuid.UUID(int=2**127)}", "-", "_"]
)
def test_every_room_can_be_reached_at_its_address(name: str, user: User) -> None:
    """Not under a page of ours (`/rooms/new/`), nor under an address that reads as a closed room's id."""
    room = rooms.create_open_room(actor=user, name=name)
    assert rooms.room_by_key(room.key) == room
    answer = signed_in(user).get(f"/rooms/{room.key}/")
    assert answer.status_code == 200
    assert answer.context["room"]["key"] == room.key


@pytest.mark.slow
@given_settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60))
def test_any_name_makes_a_room_that_is_found(name: str, user: User) -> None:
    room = rooms.create_open_room(actor=user, name=name)
    assert rooms.room_by_key(room.key) == room
    assert len(room.key) <= 60


def test_guests_open_no_rooms(db: None) -> None:
    guest = people.enter_as_guest(nickname="旅人")
    with pytest.raises(Refused) as refused:
        rooms.create_open_room(actor=guest, name="x")
    assert refused.value.code == "forbidden"
    assert not Room.objects.exists()


@pytest.mark.parametrize(
    "key",
    [
        "",
        "no-such-room",
        "a\0b",
        "雑談",
        "../admin",
        "%2e%2e",
        "a" * 61,
        str(uuid.UUID(int=2**127)),
        "{" + str(uuid.UUID(int=2**127)) + "}",
    ],
    ids=ascii,
)
def test_what_is_no_address_leads_nowhere(key: str, db: None) -> None:
    assert rooms.room_by_key(key) is None
    with pytest.raises(Refused) as refused:
        rooms.readable_room(key, None)
    assert refused.value.code == "missing"


# Locking --------------------------------------------------------------------------------------------------------------


def test_a_locked_room_keeps_those_who_wrote_and_can_be_written_to(
    open_gate: User, make_member: MakeUser, make_user: MakeUser
) -> None:
    owner, writer, reader = make_member(), make_member(), make_member()
    unconfirmed, guest = make_user(), people.enter_as_guest(nickname="旅人")
    EmailAddress.objects.create(user=unconfirmed, email=unconfirmed.email, verified=False)
    room = rooms.create_open_room(actor=owner, name="Ours")
    for person in (writer, unconfirmed, guest):
        say(room, person)
    locked = rooms.lock_room(actor=owner, room=room)
    assert (locked.kind, locked.slug, locked.feature) == ("closed", None, Feature.INVITE_ONLY)
    assert locked.authorisation is not None
    assert {p.user for p in Participant.objects.filter(room=room)} == {owner, writer}
    assert [rooms.is_participant(locked, p.pk) for p in (owner, writer, reader, unconfirmed, guest)] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert say(locked, writer, "ここだけの話") == 4
    rows = list(Message.objects.filter(room=room).order_by("seq"))
    assert [bool(row.sealed) for row in rows] == [False, False, False, True]
    assert history.latest(locked.key, owner.pk).items[-1].body == "ここだけの話"
    for outsider in (reader, unconfirmed, guest):
        [outcome] = store([NewEvent(room.pk, Person.of(outsider), Message.Kind.MESSAGE, "?")]).outcomes
        assert isinstance(outcome, Refused)
        assert outcome.code == "missing"
        with pytest.raises(Refused):
            rooms.readable_room(str(room.pk), outsider.pk)
    assert Client().get("/rooms/ours/").status_code == 404
    assert list(rooms.open_rooms().rooms) == []


def test_only_who_opened_a_room_locks_it_and_only_once(open_gate: User, make_member: MakeUser) -> None:
    owner, other = make_member(), make_member()
    room = rooms.create_open_room(actor=owner, name="Ours")
    with pytest.raises(Refused) as refused:
        rooms.lock_room(actor=other, room=room)
    assert refused.value.code == "forbidden"
    rooms.lock_room(actor=owner, room=room)
    with pytest.raises(Refused) as refused:
        rooms.lock_room(actor=owner, room=room)
    assert refused.value.code == "conflict"
    assert Participant.objects.filter(room=room).count() == 1


def test_rooms_of_the_operators_set_up_are_locked_by_nobody(open_gate: User) -> None:
    room = rooms.create_open_room(actor=None, name="Welcome")
    with pytest.raises(Refused):
        rooms.lock_room(actor=open_gate, room=room)


def test_without_both_keys_nothing_is_locked(make_member: MakeUser, settings: Settings) -> None:
    settings.STANDING = Standing()
    owner = make_member()
    room = rooms.create_open_room(actor=owner, name="Ours")
    with pytest.raises(FeatureClosed):
        rooms.lock_room(actor=owner, room=room)
    assert Room.objects.get().is_open
    assert not Participant.objects.exists()


def test_a_room_that_ended_is_ended_for_everybody_in_it(open_gate: User, make_member: MakeUser) -> None:
    owner, writer = make_member(), make_member()
    room = rooms.create_open_room(actor=owner, name="Ours")
    say(room, writer)
    locked = rooms.lock_room(actor=owner, room=room)
    rooms.end_room(locked)
    locked.refresh_from_db()
    assert locked.ended_at is not None
    assert not rooms.is_participant(locked, owner.pk)
    assert rooms.closed_rooms_of(owner.pk) == []
    [outcome] = store([NewEvent(room.pk, Person.of(owner), Message.Kind.MESSAGE, "?")]).outcomes
    assert isinstance(outcome, Refused)
