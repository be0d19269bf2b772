"""Two waiting people come together once, the oldest first, whatever happens at the same moment."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import combinations
from random import Random
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from chat import matching, people, rooms
from chat.matching import Match, queue
from chat.matching.pairs import Seeker, pair_up
from chat.matching.queue import KEPT, PRESENT, SAME_PAIR_AGAIN
from chat.models import Block, Pairing, Participant, Room, Ticket, User
from chat.people import Person
from chat.protocol import Refused
from chat.rooms import closed
from compliance import gate
from compliance.law import Feature, Mode, Status
from compliance.models import GateState
from tests.compliance.cases import standing
from tests.conftest import MakeUser

Row = tuple[list[Seeker], set[tuple[int, int]]]  # and who of them must not meet
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def open_gate(operator: User, settings: Settings) -> User:
    """Closed chat is on by the deployer's key alone; returns the operator, who can stop it."""
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    return operator


@pytest.fixture
def crowd(make_member: MakeUser) -> list[User]:
    """Five members."""
    return [make_member(name) for name in "あいうえお"]


def seek(user: User, topic: str = "", language: str = "") -> None:
    """Wait; nobody is matched by that alone."""
    _since, match = matching.seek(person=Person.of(user), topic=topic, language=language)
    assert match is None


def still() -> time_machine.travel:
    """Stop the clock at this moment; it goes on when shifted."""
    return time_machine.travel(timezone.now(), tick=False)


def names(match: Match | None) -> set[str]:
    return {person.name for person in match.people} if match else set()


def waiting() -> set[int]:
    return set(Ticket.objects.filter(room__isnull=True).values_list("user_id", flat=True))


def hold_together() -> None:
    """What is true whatever has happened so far."""
    live = list(Pairing.objects.filter(ended_at__isnull=True).select_related("room"))
    talking = Counter(pk for pairing in live for pk in (pairing.lower_id, pairing.higher_id))
    assert max(talking.values(), default=0) <= 1, "somebody is in two live talks"
    assert waiting() & set(talking) == set(), "somebody waits and talks"
    for pairing in Pairing.objects.select_related("room"):
        room = pairing.room
        assert (room.kind, room.feature) == ("closed", Feature.MATCH_PAIR)
        assert room.authorisation_id is not None
        assert pairing.lower_id < pairing.higher_id
        inside = set(Participant.objects.filter(room=room).values_list("user_id", flat=True))
        assert inside == {pairing.lower_id, pairing.higher_id}
        assert (room.ended_at is None) == (pairing.ended_at is None)
        left = Participant.objects.filter(room=room, left_at__isnull=False).count()
        assert left == (0 if pairing.ended_at is None else 2)
    assert Room.objects.filter(kind="closed").count() == Pairing.objects.count()
    blocked = set(Block.objects.values_list("blocker", "blocked"))
    met: dict[tuple[int, int], datetime] = {}
    for pairing in Pairing.objects.order_by("made_at"):
        pair = (pairing.lower_id, pairing.higher_id)
        assert pair not in blocked
        assert pair[::-1] not in blocked
        assert pairing.made_at - met.get(pair, LONG_AGO) >= SAME_PAIR_AGAIN
        met[pair] = pairing.made_at


# Who meets whom -------------------------------------------------------------------------------------------------------


def test_two_who_wait_are_brought_into_a_room_of_their_own(crowd: list[User]) -> None:
    a, b, *_ = crowd
    seek(a)
    assert matching.pair(a.pk) is None
    seek(b)
    match = matching.pair(b.pk)
    assert match is not None
    assert names(match) == {a.name, b.name}
    assert match.partner_of(a.pk).name == b.name
    assert match.partner_of(b.pk).name == a.name
    room = Room.objects.get(pk=match.room)
    assert room.authorisation == GateState.objects.get().authorisation
    assert [reader.pk for reader in rooms.readers(room)] == [a.pk, b.pk]
    assert waiting() == set()
    assert matching.pair(a.pk) is None
    hold_together()


def test_nobody_meets_themselves(crowd: list[User]) -> None:
    seek(crowd[0])
    seek(crowd[0])
    assert matching.pair(crowd[0].pk) is None
    assert matching.sweep() == []
    assert Ticket.objects.count() == 1


def test_who_waits_longest_is_met_first(crowd: list[User]) -> None:
    with still() as clock:
        for user in (crowd[2], crowd[0], crowd[3]):
            seek(user)
            clock.shift(timedelta(seconds=1))
        seek(crowd[1])
        assert names(matching.pair(crowd[1].pk)) == {crowd[1].name, crowd[2].name}
        [match] = matching.sweep()
        assert names(match) == {crowd[0].name, crowd[3].name}


def test_a_sweep_matches_the_oldest_first_and_leaves_one_over(crowd: list[User]) -> None:
    with still() as clock:
        for user in crowd:
            seek(user)
            clock.shift(timedelta(milliseconds=100))
        assert [names(match) for match in matching.sweep()] == [
            {crowd[0].name, crowd[1].name},
            {crowd[2].name, crowd[3].name},
        ]
    assert waiting() == {crowd[4].pk}
    hold_together()


def test_seeking_again_keeps_ones_place_and_another_wish_goes_to_the_end(crowd: list[User]) -> None:
    a = Person.of(crowd[0])
    with still() as clock:
        first, _ = matching.seek(person=a)
        clock.shift(timedelta(seconds=5))
        assert matching.seek(person=a)[0] == first
        clock.shift(timedelta(seconds=5))
        assert matching.seek(person=a, topic="night")[0] == first + timedelta(seconds=10)


@pytest.mark.parametrize(
    ("mine", "theirs", "meet"),
    [
        (("", ""), ("", ""), True),
        (("night", ""), ("night", ""), True),
        (("night", ""), ("", ""), True),
        (("", ""), ("night", ""), True),
        (("night", ""), ("work", ""), False),
        (("", "ja"), ("", "ja"), True),
        (("", "ja"), ("", ""), True),
        (("", "ja"), ("", "en"), False),
        (("night", "ja"), ("night", "en"), False),
        (("night", "ja"), ("", ""), True),
    ],
)
def test_wishes_meet_their_like_and_those_without_a_wish(
    mine: tuple[str, str],
    theirs: tuple[str, str],
    meet: bool,  # noqa: FBT001 -- a table
    crowd: list[User],
) -> None:
    a, b, *_ = crowd
    seek(a, *mine)
    seek(b, *theirs)
    assert (matching.pair(a.pk) is not None) is meet


@pytest.mark.parametrize("blocker", [0, 1])
def test_those_who_blocked_each_other_never_meet(blocker: int, crowd: list[User]) -> None:
    a, b, c, *_ = crowd
    people.block(actor=Person.of((a, b)[blocker]), other=(b, a)[blocker].public_id)
    seek(a)
    seek(b)
    assert matching.pair(a.pk) is matching.pair(b.pk) is None
    seek(c)
    assert names(matching.pair(b.pk)) == {b.name, c.name}


def test_the_same_two_do_not_meet_again_within_the_hour(crowd: list[User]) -> None:
    a, b, *_ = crowd
    with still() as clock:
        seek(a)
        seek(b)
        match = matching.pair(a.pk)
        assert match is not None
        rooms.leave_room(person=Person.of(b), room=match.room)
        clock.shift(SAME_PAIR_AGAIN - timedelta(seconds=1))
        seek(a)
        seek(b)
        assert matching.sweep() == []
        clock.shift(timedelta(seconds=1))
        assert names(matching.pair(b.pk)) == {a.name, b.name}
    hold_together()


def test_who_is_connected_nowhere_is_passed_over_and_keeps_their_place_for_a_while(crowd: list[User]) -> None:
    a, b, c, *_ = crowd
    with still() as clock:
        seek(a)
        first = timezone.now()
        clock.shift(PRESENT)
        seek(b)
        assert matching.waiting() == 1
        assert matching.pair(b.pk) is None
        assert matching.sweep() == []
        clock.shift(KEPT - PRESENT)
        assert matching.expire() == []
        matching.beat([a.pk, b.pk])
        assert matching.seek(person=Person.of(a))[0] == first
        clock.shift(KEPT)
        matching.beat([b.pk])
        clock.shift(timedelta(seconds=1))
        assert matching.expire() == [a.pk]
        seek(c)
        assert names(matching.pair(c.pk)) == {b.name, c.name}
        since, _ = matching.seek(person=Person.of(a))
        assert since == timezone.now()


def test_who_drops_at_one_process_is_passed_over_until_another_one_has_them(crowd: list[User]) -> None:
    a, b, *_ = crowd
    seek(a)
    seek(b)
    matching.miss(a.pk)
    assert matching.pair(b.pk) is None
    matching.beat([a.pk])
    assert names(matching.pair(b.pk)) == {a.name, b.name}


def test_who_was_suspended_is_met_by_nobody(crowd: list[User]) -> None:
    a, b, *_ = crowd
    seek(a)
    seek(b)
    User.objects.filter(pk=a.pk).update(is_active=False)
    assert matching.pair(b.pk) is None
    assert matching.sweep() == []
    assert matching.expire() == [a.pk]
    assert waiting() == {b.pk}


# Many at once ---------------------------------------------------------------------------------------------------------


def plain_pairs(row: Sequence[Seeker], excluded: Container[tuple[int, int]]) -> list[tuple[int, int]]:
    """Who meets whom, as one would say it: each in turn takes the first behind them who fits and is still to be had."""

    def fits(one: Seeker, other: Seeker) -> bool:
        return (
            (not one[1] or other[1] in (one[1], ""))
            and (not one[2] or other[2] in (one[2], ""))
            and (one[0], other[0]) not in excluded
        )

    pairs: list[tuple[int, int]] = []
    left = list(row)
    while left:
        own = left.pop(0)
        other = next((other for other in left if fits(own, other)), None)
        if other is not None:
            left.remove(other)
            pairs.append((own[0], other[0]))
    return pairs


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """People in a row with their wishes, and who of them must not meet."""
    topics, languages = st.sampled_from(("", "night", "work", "sea")), st.sampled_from(("", "ja", "en"))
    pks = draw(st.lists(st.integers(1, 99), unique=True, max_size=24))
    row = [(pk, draw(topics), draw(languages)) for pk in pks]
    pairs = draw(st.sets(st.sampled_from(list(combinations(pks, 2))))) if len(pks) > 1 else set()
    return row, pairs | {(other, one) for one, other in pairs}


@given(rows())
def test_many_at_once_meet_as_if_each_had_looked_through_the_row(given_row: Row) -> None:
    assert pair_up(*given_row) == plain_pairs(*given_row)


class Counted(str):
    """A topic that counts how often one is compared."""

    __slots__ = ()
    times: ClassVar[int] = 0

    def __eq__(self, other: object) -> bool:
        Counted.times += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def compared(find: Callable[..., object], row: Sequence[Seeker]) -> int:
    """How often topics are compared to find who meets whom."""
    Counted.times = 0
    assert find(row, set()) == []
    return Counted.times


def test_nobody_looks_at_all_the_others_where_everybody_wishes_for_something_else() -> None:
    row = [(number, Counted(f"topic {number}"), "") for number in range(500)]
    assert compared(plain_pairs, row) > 500 * 499 / 2
    assert compared(pair_up, row) < 10 * 500


@pytest.mark.postgres
def test_two_statements_store_what_the_models_would(
    crowd: list[User], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Column by column, but for the numbers that the database gives."""
    for user in crowd:
        seek(user, "night", "ja")
    authorisation = GateState.objects.get().authorisation_id
    a, b, c, d, _ = (user.pk for user in crowd)
    talks = [(uuid4(), a, d), (uuid4(), b, c)]
    groups = [(room, pair) for room, *pair in talks]
    like = Room(feature=Feature.MATCH_PAIR.value, authorisation_id=authorisation, **rooms.columns(rooms.PAIRED))
    common = closed._columns_of(like)

    def stored(store_rooms: Callable[..., None], store: Callable[..., dict[int, Person]]) -> list[dict[str, Any]]:
        with transaction.atomic():
            store_rooms(groups, common, timezone.now())
            people = store(talks, timezone.now())
            assert people == {pk: Person.of(User.objects.get(pk=pk)) for pk in (a, b, c, d)}
            tables = [model.objects.order_by("pk").values() for model in (Room, Pairing, Participant, Ticket)]
            found = [dict(row) for table in tables for row in table]
            transaction.set_rollback(True)
        return [
            {name: value for name, value in row.items() if name != "id" or isinstance(value, UUID)} for row in found
        ]

    with still():
        as_models = stored(closed._store_as_models, queue._store_as_models)
        assert len(as_models) == 2 + 2 + 4 + 5
        assert stored(closed._store, queue._store) == as_models
    with django_assert_num_queries(2):
        closed._store(groups, common, timezone.now())
        queue._store(talks, timezone.now())
    hold_together()


def test_one_whom_a_constraint_stops_keeps_nobody_else_waiting(crowd: list[User]) -> None:
    a, b, c, d, e = crowd
    with still() as clock:
        for user in (a, e):
            seek(user)
        assert matching.pair(a.pk) is not None
        for user in (b, c, d):
            seek(user)
            clock.shift(timedelta(seconds=1))
        Ticket.objects.filter(user=a).update(room=None, since=timezone.now())  # they talk, and are in the queue again
        assert [names(match) for match in matching.sweep()] == [{b.name, c.name}]
    assert waiting() == {a.pk, d.pk}


# Coming and going -----------------------------------------------------------------------------------------------------


def test_who_cancels_is_out_of_the_queue(crowd: list[User]) -> None:
    a, b, *_ = crowd
    seek(a)
    assert matching.cancel(person=Person.of(a)) is None
    assert matching.cancel(person=Person.of(a)) is None
    seek(b)
    assert matching.pair(b.pk) is None


def test_who_cancels_after_the_match_hears_of_the_match(crowd: list[User]) -> None:
    a, b, *_ = crowd
    seek(a)
    seek(b)
    made = matching.pair(a.pk)
    assert made is not None
    found = matching.cancel(person=Person.of(a))
    assert found is not None
    assert found.room == made.room
    hold_together()
    assert Pairing.objects.get().ended_at is None


def test_who_seeks_in_a_talk_is_led_back_to_it(crowd: list[User]) -> None:
    a, b, c, *_ = crowd
    seek(a)
    seek(b)
    made = matching.pair(a.pk)
    assert made is not None
    _since, found = matching.seek(person=Person.of(a))
    assert found is not None
    assert found.room == made.room
    seek(c)
    assert matching.pair(c.pk) is None
    hold_together()


def test_leaving_ends_the_talk_for_both_and_frees_them(crowd: list[User]) -> None:
    a, b, c, _, stranger = crowd
    seek(a)
    seek(b)
    match = matching.pair(a.pk)
    assert match is not None
    for room in (match.room, uuid4()):
        with pytest.raises(Refused) as refused:
            rooms.leave_room(person=Person.of(stranger), room=room)
        assert refused.value.code == "missing"
    ended = rooms.leave_room(person=Person.of(a), room=match.room)
    assert set(ended.people) == {a.pk, b.pk}
    assert matching.match_in(match.room) is None
    with pytest.raises(Refused):
        rooms.leave_room(person=Person.of(b), room=match.room)
    seek(b)
    seek(c)
    assert names(matching.pair(b.pk)) == {b.name, c.name}
    hold_together()


def test_leaving_is_possible_though_the_gate_is_shut(crowd: list[User], open_gate: User) -> None:
    a, b, *_ = crowd
    seek(a)
    seek(b)
    match = matching.pair(a.pk)
    assert match is not None
    gate.pull_stop(reason="点検", actor=open_gate)
    rooms.leave_room(person=Person.of(a), room=match.room)
    hold_together()


@pytest.mark.usefixtures("crowd")
def test_matching_takes_an_account_with_a_confirmed_address(make_user: MakeUser) -> None:
    guest, unconfirmed, suspended = people.enter_as_guest(nickname="旅人"), make_user(), make_user(is_active=False)
    codes = []
    for user in (guest, unconfirmed, suspended):
        with pytest.raises(Refused) as refused:
            matching.seek(person=Person.of(user))
        codes.append(refused.value.code.value)
    assert codes == ["auth", "forbidden", "forbidden"]
    assert not Ticket.objects.exists()


# At the same moment ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_seeking_once_more_at_the_moment_of_the_match_does_not_queue_twice(
    crowd: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second window asks while the first one's wish is being granted."""
    a, b, c, *_ = crowd
    seek(a)
    seek(b)
    look = queue._live_pairing

    def grant() -> None:
        matching.pair(b.pk)
        connection.close()

    meanwhile = threading.Thread(target=grant)

    def look_then_lose_the_race(pk: int) -> Pairing | None:
        found = look(pk)
        if meanwhile.ident is None:
            meanwhile.start()
            meanwhile.join(timeout=0.5)  # it may have to wait for us, and then the race is won
        return found

    monkeypatch.setattr(queue, "_live_pairing", look_then_lose_the_race)
    matching.seek(person=Person.of(a))
    meanwhile.join()
    hold_together()
    matching.seek(person=Person.of(c))
    matching.sweep()
    hold_together()


@pytest.mark.django_db(transaction=True)
def test_two_who_see_each_other_at_once_make_one_room(crowd: list[User]) -> None:
    for a, b in combinations(crowd[:4], 2):
        Pairing.objects.all().delete()
        Room.objects.all().delete()
        seek(a)
        seek(b)
        together = threading.Barrier(2)
        found: list[Match | None] = []

        def look(pk: int, together: threading.Barrier = together, found: list[Match | None] = found) -> None:
            together.wait()
            found.append(matching.pair(pk))
            connection.close()

        threads = [threading.Thread(target=look, args=(user.pk,)) for user in (a, b)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found += matching.sweep()  # if each stood in the other's way
        assert len([match for match in found if match]) == 1
        hold_together()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_crowd_in_a_hurry_keeps_together(make_member: MakeUser) -> None:
    """Threads with connections of their own, as processes have, do everything at once to the same few people."""
    users = [make_member() for _ in range(10)]
    people.block(actor=Person.of(users[0]), other=users[1].public_id)
    steps = 45 if connection.vendor == "postgresql" else 12
    failed: list[BaseException] = []

    def hurry(seed: int) -> None:
        random = Random(seed)  # noqa: S311 -- the same hurry in each run
        try:
            for _ in range(steps):
                act(random, random.choice(users))
        except BaseException as error:  # noqa: BLE001 -- shown below
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=hurry, args=(seed,)) for seed in range(5)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        threads[0].join(timeout=0.2)
        lower = Pairing.objects.filter(ended_at__isnull=True).values_list("lower_id", "higher_id")
        talking = Counter(pk for pair in lower for pk in pair)
        assert max(talking.values(), default=0) <= 1
    assert failed == []
    assert Pairing.objects.count() > 3
    hold_together()
    while matching.sweep():
        pass
    hold_together()
    nobody_waits_for_somebody_who_fits()


def act(random: Random, user: User) -> None:
    """Do one of the things that people and processes do."""
    person = Person.of(user)
    match random.choices(("seek", "sweep", "cancel", "leave", "beat"), (8, 3, 1, 4, 1))[0]:
        case "seek":
            topic = random.choice(("", "", "night"))
            if matching.seek(person=person, topic=topic)[1] is None:
                matching.pair(user.pk)
        case "sweep":
            matching.sweep()
        case "cancel":
            matching.cancel(person=person)
        case "leave":
            for room, _others in rooms.closed_rooms_of(user.pk):
                with suppress(Refused):  # the other one was faster
                    rooms.leave_room(person=person, room=room.pk)
        case "beat":
            matching.beat([user.pk])


def nobody_waits_for_somebody_who_fits() -> None:
    now = timezone.now()
    apart = {frozenset(pair) for pair in Block.objects.values_list("blocker", "blocked")}
    recent = Pairing.objects.filter(made_at__gt=now - SAME_PAIR_AGAIN)
    apart |= {frozenset(pair) for pair in recent.values_list("lower", "higher")}
    left = Ticket.objects.filter(room__isnull=True, heartbeat_at__gt=now - PRESENT)
    for one, two in combinations(left, 2):
        fits = one.topic == two.topic or "" in {one.topic, two.topic}
        assert not fits or frozenset((one.user_id, two.user_id)) in apart


def test_the_match_of_a_room_names_both(crowd: list[User]) -> None:
    a, b, *_ = crowd
    seek(a)
    seek(b)
    made = matching.pair(a.pk)
    assert made is not None
    found = matching.match_in(made.room)
    assert found is not None
    assert isinstance(found.room, UUID)
    assert names(found) == names(made)
