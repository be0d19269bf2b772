"""The one service that makes closed rooms, lets people leave them, and ends them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from chat import matching, rooms
from chat.models import Pairing, Participant, Room, User
from chat.people import Person
from chat.protocol import Code, Refused
from chat.rooms import closed
from compliance import gate
from compliance.law import Feature, Mode, Status
from tests.compliance.cases import standing
from tests.conftest import MakeUser

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def members(operator: User, settings: Settings, make_member: MakeUser) -> list[User]:
    """Some people with verified addresses, while closed chat is on by the deployer's key alone."""
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    return [make_member() for _ in range(5)]


def invited(*people: User) -> Room:
    """A closed room that nothing was paired for."""
    with gate.transaction(Feature.INVITE_ONLY) as authorisation:
        room = rooms.create_closed_room(
            feature=Feature.INVITE_ONLY,
            people=[user.pk for user in people],
            traits=rooms.LOCKED,
            authorisation=authorisation,
        )
    return Room.objects.get(pk=room)


def test_a_room_has_the_feature_the_traits_the_period_and_the_people_that_were_asked_for(members: list[User]) -> None:
    a, b, c, *_ = members
    room = invited(c, a, b)
    assert (room.kind, room.feature, room.traits) == ("closed", "room.invite_only", rooms.LOCKED)
    assert room.authorisation_id is not None
    assert [user.pk for user in rooms.readers(room)] == [c.pk, a.pk, b.pk]


def test_one_statement_stores_many_rooms(
    members: list[User], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    groups = [[one.pk, members[0].pk] for one in members[1:]]
    statements = 1 if connection.vendor == "postgresql" else 2
    with gate.transaction(Feature.INVITE_ONLY) as authorisation, django_assert_num_queries(statements):
        made = rooms.create_closed_rooms(
            feature=Feature.INVITE_ONLY, groups=groups, traits=rooms.LOCKED, authorisation=authorisation
        )
    inside = {room: set(Participant.objects.filter(room=room).values_list("user_id", flat=True)) for room in made}
    assert inside == {room: set(group) for room, group in zip(made, groups, strict=True)}


def test_no_rooms_cost_nothing(members: list[User], django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        made = rooms.create_closed_rooms(
            feature=Feature.INVITE_ONLY, groups=[], traits=rooms.LOCKED, authorisation=None
        )
    assert made == []


def test_open_traits_make_no_closed_room(members: list[User]) -> None:
    with pytest.raises(ValueError, match="closed room"):
        rooms.create_closed_room(
            feature=Feature.INVITE_ONLY, people=[members[0].pk], traits=rooms.OPEN_TO_ALL, authorisation=1
        )


def test_without_a_period_the_database_refuses_the_room(members: list[User]) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        rooms.create_closed_room(
            feature=Feature.INVITE_ONLY, people=[members[0].pk], traits=rooms.LOCKED, authorisation=None
        )


def test_from_an_invited_room_one_person_goes_and_the_others_stay(members: list[User]) -> None:
    a, b, c, *_ = members
    room = invited(a, b, c)
    left = rooms.leave_room(person=Person.of(b), room=room.pk)
    assert (left.room, list(left.people)) == (room.pk, [b.pk])
    room.refresh_from_db()
    assert room.ended_at is None
    assert [user.pk for user in rooms.readers(room)] == [a.pk, c.pk]
    with pytest.raises(Refused) as refused:
        rooms.leave_room(person=Person.of(b), room=room.pk)
    assert refused.value.code is Code.MISSING


def test_a_paired_room_ends_with_the_first_who_leaves(members: list[User]) -> None:
    a, b, *_ = members
    for user in (a, b):
        matching.seek(person=Person.of(user))
    made = matching.pair(a.pk)
    assert made is not None
    left = rooms.leave_room(person=Person.of(b), room=made.room)
    assert sorted(left.people) == sorted([a.pk, b.pk])
    assert Room.objects.get(pk=made.room).ended_at is not None
    assert Pairing.objects.get(room=made.room).ended_at is not None  # they can be matched with others again


def test_whoever_ends_a_room_capabilities_close_their_records_of_it(
    members: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[UUID] = []

    def note(found: Collection[UUID], at: datetime, declined_by: int | None) -> None:
        assert transaction.get_connection().in_atomic_block
        ended.extend(found)

    monkeypatch.setattr(closed, "_on_end", [note])
    one, two = invited(*members[:2]), invited(*members[2:])
    with transaction.atomic():
        rooms.end_rooms([one.pk, two.pk])
    assert ended == [one.pk, two.pk]
    assert not Participant.objects.filter(left_at__isnull=True).exists()
