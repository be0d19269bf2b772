"""A talk of two ends where one of them is gone, once, and whoever is left waits again where they stood."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from chat import matching, personal_data, rooms
from chat.matching.queue import COME
from chat.matching.talks import BACK, Parting
from chat.models import Pairing, Room, Ticket, User
from chat.people import Person
from chat.realtime import IDLE
from compliance import gate
from compliance.law import Mode, Status
from tests.compliance.cases import standing
from tests.conftest import MakeUser


@pytest.fixture(autouse=True)
def open_gate(operator: User, settings: Settings) -> User:
    """Closed chat is on by the deployer's key alone; returns the operator, who can stop it."""
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    return operator


@pytest.fixture
def pair(make_member: MakeUser) -> tuple[User, User]:
    """Two members."""
    return make_member("い"), make_member("ろ")


def talk(*pair: User) -> UUID:
    """Match two people."""
    for user in pair:
        matching.seek(person=Person.of(user))
    made = matching.pair(pair[0].pk)
    assert made is not None
    return made.room


def pass_time(seconds: timedelta) -> None:
    """Let everybody's moment to be seen come nearer."""
    for ticket in Ticket.objects.filter(due_at__isnull=False):
        assert ticket.due_at is not None
        Ticket.objects.filter(pk=ticket.pk).update(due_at=ticket.due_at - seconds)


def part() -> list[Parting]:
    return matching.part(judges_coming=True, judges_staying=True, looks_at_all=True)


def since(user: User) -> datetime | None:
    """Since when somebody waits."""
    return Ticket.objects.filter(user=user, room__isnull=True).values_list("since", flat=True).first()


def test_who_never_came_ends_the_talk_and_the_other_waits_where_they_stood(pair: tuple[User, User]) -> None:
    came, absent = pair
    matching.seek(person=Person.of(came))
    stood = since(came)
    room = talk(absent, came)
    matching.see({came.pk: {room}})
    assert part() == []
    pass_time(COME)
    assert part() == [Parting(room, {came.pk: "partner_absent", absent.pk: "away"})]
    assert since(came) == stood
    assert not Ticket.objects.filter(user=absent).exists()
    assert Room.objects.get(pk=room).ended_at is not None
    assert Pairing.objects.get().ended_at is not None
    assert part() == []


def test_who_vanished_has_half_a_minute_to_come_back(pair: tuple[User, User]) -> None:
    stays, vanishes = pair
    room = talk(*pair)
    matching.see({user.pk: {room} for user in pair})
    pass_time(BACK - timedelta(seconds=1))
    matching.see({stays.pk: {room}})
    assert part() == []
    pass_time(timedelta(seconds=1))
    assert part() == [Parting(room, {stays.pk: "partner_gone", vanishes.pk: "away"})]
    assert since(stays) is not None


def test_who_is_in_another_room_is_not_in_the_talk(pair: tuple[User, User]) -> None:
    room = talk(*pair)
    matching.see({pair[0].pk: {room}, pair[1].pk: {UUID(int=1)}})
    assert dict(Ticket.objects.values_list("user", "entered_at"))[pair[1].pk] is None


@pytest.mark.parametrize("fate", ["suspended", "erased"])
def test_who_is_suspended_or_erased_ends_the_talk_at_once(pair: tuple[User, User], fate: str) -> None:
    stays, goes = pair
    room = talk(*pair)
    matching.see({user.pk: {room} for user in pair})
    if fate == "erased":
        personal_data.erase([goes])
    else:
        User.objects.filter(pk=goes.pk).update(is_active=False)
    [parting] = matching.part(looks_at_all=True)
    assert (parting.room, parting.reasons[stays.pk]) == (room, "partner_gone")
    assert since(stays) is not None
    assert Room.objects.get(pk=room).ended_at is not None


def test_seeking_does_not_lead_back_to_a_talk_with_somebody_who_is_suspended(pair: tuple[User, User]) -> None:
    stays, goes = pair
    talk(*pair)
    stood = Ticket.objects.get(user=stays).since
    User.objects.filter(pk=goes.pk).update(is_active=False)
    assert matching.seek(person=Person.of(stays)) == (stood, None)
    assert Pairing.objects.get().ended_at is not None


def test_nobody_is_judged_by_a_process_that_may_have_missed_them(pair: tuple[User, User]) -> None:
    room = talk(*pair)
    matching.see({pair[0].pk: {room}})
    pass_time(BACK + COME)
    assert matching.part(looks_at_all=True) == []
    assert matching.part(judges_staying=True)[0].reasons[pair[1].pk] == "partner_gone"


def test_a_talk_that_an_earlier_version_made_is_not_judged(pair: tuple[User, User]) -> None:
    talk(*pair)
    Ticket.objects.update(due_at=None)
    assert part() == []


def test_who_declines_to_come_sends_the_other_back_to_their_place(pair: tuple[User, User]) -> None:
    stays, declines = pair
    room = talk(*pair)
    stood = Ticket.objects.get(user=stays).since
    rooms.leave_room(person=Person.of(declines), room=room, is_here=False)
    assert since(stays) == stood
    assert not Ticket.objects.filter(user=declines).exists()


@pytest.mark.parametrize("is_here", [True, False])
def test_who_leaves_a_talk_that_they_were_in_ends_it_for_good(pair: tuple[User, User], is_here: bool) -> None:  # noqa: FBT001 -- a table
    room = talk(*pair)
    matching.see({user.pk: {room} for user in pair})
    rooms.leave_room(person=Person.of(pair[0]), room=room, is_here=is_here)
    assert not Ticket.objects.exists()


def test_nobody_waits_again_while_nothing_new_may_begin(pair: tuple[User, User], open_gate: User) -> None:
    talk(*pair)
    gate.pull_stop(reason="点検", actor=open_gate)
    pass_time(COME)
    assert len(part()) == 1
    assert not Ticket.objects.exists()
    assert matching.withdraw([user.pk for user in pair]) == []


def test_who_waits_is_taken_out_when_the_gate_shuts(pair: tuple[User, User], open_gate: User) -> None:
    matching.seek(person=Person.of(pair[0]))
    assert matching.withdraw([pair[0].pk]) == []
    gate.pull_stop(reason="点検", actor=open_gate)
    assert matching.withdraw([pair[0].pk]) == [pair[0].pk]


def test_what_somebody_does_is_said_by_the_database(pair: tuple[User, User]) -> None:
    one, other = pair
    pks = [one.pk, other.pk]
    assert matching.activities(pks) == {}
    matching.seek(person=Person.of(one), topic="night")
    waiting = matching.activities(pks)[one.pk].waiting
    assert waiting is not None
    assert (waiting.since, waiting.topic) == (since(one), "night")
    matching.cancel(person=Person.of(one))
    room = talk(*pair)
    matching.see({one.pk: {room}})
    found = matching.activities(pks)
    assert {pk: [(t.room, t.partner.name, t.entered) for t in found[pk].talks] for pk in pks} == {
        one.pk: [(str(room), other.name, True)],
        other.pk: [(str(room), one.name, False)],
    }
    rooms.leave_room(person=Person.of(one), room=room)
    assert matching.activities(pks).get(other.pk, IDLE) == IDLE


@pytest.mark.django_db(transaction=True)
def test_of_many_processes_one_ends_a_talk(make_member: MakeUser) -> None:
    """While some look for who is gone, others see people and let them leave."""
    pairs = [(make_member(), make_member()) for _ in range(4)]
    made = {talk(*pair): pair for pair in pairs}
    kept, *gone = made
    for room, (one, other) in made.items():
        matching.see({one.pk: {room}} | ({other.pk: {room}} if room == kept else {}))
    Ticket.objects.exclude(room=kept).update(due_at=timezone.now() - timedelta(seconds=1))
    together = threading.Barrier(4)
    partings: list[Parting] = []
    failed: list[BaseException] = []

    def look() -> None:
        try:
            together.wait()
            for _ in range(3):
                matching.see({user.pk: {kept} for user in made[kept]})
                partings.extend(part())
        except BaseException as error:  # noqa: BLE001 -- shown below
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    partings += part()  # if each stood in the other's way
    assert failed == []
    assert sorted(parting.room for parting in partings) == sorted(gone)
    assert [pairing.room_id for pairing in Pairing.objects.filter(ended_at__isnull=True)] == [kept]
